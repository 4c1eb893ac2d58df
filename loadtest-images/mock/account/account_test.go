package account

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestPathsAndOther(t *testing.T) {
	if len(Paths) != Other+1 || Paths[Other] != "other" {
		t.Fatalf("%d paths, the last is %q", len(Paths), Paths[len(Paths)-1])
	}
}

func TestEveryRequestIsCountedOnce(t *testing.T) {
	a := New(time.Now())
	var counting sync.WaitGroup
	for range 8 {
		counting.Go(func() {
			for range 1000 {
				a.Request(0, false, 200)
				a.Request(4, true, 200)
				a.Delay(50*time.Millisecond, 51*time.Millisecond)
			}
		})
	}
	counting.Wait()
	a.Request(-1, false, 404)
	a.Request(99, false, 1000)
	metrics := string(a.Metrics())
	for _, line := range []string{
		`gatebench_mock_requests_total{path="/v1/chat/completions",status="200",client="other"} 8000`,
		`gatebench_mock_requests_total{path="/health",status="200",client="kubelet"} 8000`,
		`gatebench_mock_requests_total{path="other",status="404",client="other"} 1`,
		`gatebench_mock_requests_total{path="other",status="0",client="other"} 1`,
		`gatebench_mock_intended_delay_seconds_bucket{le="0.05"} 8000`,
		`gatebench_mock_actual_delay_seconds_bucket{le="0.05"} 0`,
		`gatebench_mock_actual_delay_seconds_bucket{le="+Inf"} 8000`,
		`gatebench_mock_excess_delay_seconds_bucket{le="0.001"} 8000`,
		`gatebench_mock_excess_delay_seconds_count 8000`,
	} {
		if !strings.Contains(metrics, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	if !strings.Contains(metrics, "\ngatebench_mock_cpu_seconds_total ") {
		t.Error("its own CPU time is missing")
	}
}

func TestWhatThisProcessHoldsIsShown(t *testing.T) {
	a := New(time.Now())
	read := func(name string) (value int) {
		t.Helper()
		_, after, found := strings.Cut(string(a.Metrics()), "\n"+name+" ")
		if _, err := fmt.Sscan(after, &value); !found || err != nil {
			t.Fatalf("%s: %t, %v", name, found, err)
		}
		return value
	}
	goroutines, files := read("go_goroutines"), read("process_open_fds")
	if threads := read("go_threads"); goroutines < 1 || files < 3 || threads < 1 {
		t.Errorf("%d goroutines, %d files, %d threads", goroutines, files, threads)
	}
	end := make(chan struct{})
	defer close(end)
	for range 50 {
		go func() { <-end }()
		file, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
	}
	if more := read("go_goroutines") - goroutines; more != 50 {
		t.Errorf("%d goroutines more", more)
	}
	if more := read("process_open_fds") - files; more != 50 {
		t.Errorf("%d files more", more)
	}
}

// Each line is a comment or a sample, and each family is declared once, before its samples.
func TestMetricsAreWellFormed(t *testing.T) {
	a := New(time.Now())
	a.Request(0, false, 200)
	a.Delay(time.Millisecond, 2*time.Millisecond)
	sample := regexp.MustCompile(`^([a-z_]+)(\{[a-zA-Z_]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+$`)
	declared := map[string]bool{}
	for line := range strings.Lines(string(a.Metrics())) {
		line = strings.TrimSuffix(line, "\n")
		if name, found := strings.CutPrefix(line, "# TYPE "); found {
			name, _, _ = strings.Cut(name, " ")
			if declared[name] {
				t.Errorf("%s is declared twice", name)
			}
			declared[name] = true
			continue
		}
		if strings.HasPrefix(line, "# HELP ") {
			continue
		}
		match := sample.FindStringSubmatch(line)
		if match == nil {
			t.Errorf("no sample: %q", line)
			continue
		}
		family := match[1]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			family = strings.TrimSuffix(family, suffix)
		}
		if !declared[family] {
			t.Errorf("%s is not declared", family)
		}
	}
}

func TestJSONHasPercentilesOrNull(t *testing.T) {
	a := New(time.Now())
	var empty struct {
		Requests []any
		Delay    struct {
			Count           int
			ExcessSeconds   struct{ P99 *float64 }
			IntendedSeconds struct{ P50, Max *float64 }
		}
	}
	if err := json.Unmarshal(a.JSON(time.Now()), &empty); err != nil || empty.Requests == nil || empty.Delay.ExcessSeconds.P99 != nil {
		t.Errorf("%v: %s", err, a.JSON(time.Now()))
	}
	for i := range 1000 {
		a.Delay(50*time.Millisecond, 50*time.Millisecond+time.Duration(i)*time.Microsecond)
	}
	full := empty
	if err := json.Unmarshal(a.JSON(time.Now()), &full); err != nil {
		t.Fatal(err)
	}
	if full.Delay.Count != 1000 || *full.Delay.IntendedSeconds.P50 != 0.05 || *full.Delay.IntendedSeconds.Max != 0.05 {
		t.Errorf("%s", a.JSON(time.Now()))
	}
	if p99 := *full.Delay.ExcessSeconds.P99; p99 < 0.000985 || p99 > 0.000995 {
		t.Errorf("excess p99 is %v", p99)
	}
}

func TestLongDelaysAreKeptInBounds(t *testing.T) {
	a := New(time.Now())
	a.Delay(time.Hour, 2*time.Hour)
	a.Delay(time.Second, time.Millisecond) // never below 0
	if !strings.Contains(string(a.Metrics()), "gatebench_mock_excess_delay_seconds_count 2\n") {
		t.Error("a delay is lost")
	}
}

func TestRunQueueWaitNeverFalls(t *testing.T) {
	root := t.TempDir()
	write := func(thread int, wait uint64) {
		folder := filepath.Join(root, fmt.Sprint(thread))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "schedstat"), fmt.Appendf(nil, "9 %d 1\n", wait), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	threads := threads{root: root}
	expect := func(want time.Duration) {
		t.Helper()
		if got, ok := threads.wait(); !ok || got != want {
			t.Errorf("%d, %v; want %d", got, ok, want)
		}
	}
	write(1, 10)
	write(2, 5)
	expect(15)
	if err := os.RemoveAll(filepath.Join(root, "2")); err != nil {
		t.Fatal(err)
	}
	write(1, 11)
	expect(16)
	write(2, 1) // another thread of that number
	expect(17)
	threads.root = filepath.Join(root, "nowhere")
	if _, ok := threads.wait(); ok {
		t.Error("it knows what it cannot read")
	}
}
