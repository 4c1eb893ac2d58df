package report

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"gatebench.dev/probe/procfs"
	"gatebench.dev/probe/sampler"
)

const token = "a-token"

type document struct {
	Schema          string
	Now, StartedAt  float64
	IntervalSeconds float64
	Self            struct {
		ContainerID *string
		CpusAllowed string
		Cpus        []int
	}
	Online     []int
	Siblings   map[string][]int
	Containers []struct {
		ID      string
		Changes []struct {
			At       float64
			From, To string
		}
		Columns []string
		Samples [][]float64
	}
	Cpus struct {
		Columns []string
		Samples map[string][][]float64
	}
}

func real(t *testing.T, interval time.Duration) *sampler.Sampler {
	t.Helper()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc")
	}
	return sampler.New(procfs.New("/proc", "/sys"), sampler.NewClock(time.Now()), interval, func(m string) { t.Log(m) })
}

func get(t *testing.T, handler http.Handler, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

func TestTokenIsNeeded(t *testing.T) {
	handler := Handler(real(t, time.Second), token)
	for name, header := range map[string][]string{
		"none": nil, "empty": {"Authorization", ""}, "another": {"Authorization", "Bearer b-token"},
		"no bearer": {"Authorization", token}, "basic": {"Authorization", "Basic " + token},
		"longer": {"Authorization", "Bearer " + token + "x"}, "a part": {"Authorization", "Bearer a-"},
	} {
		if answer := get(t, handler, "/v1/report", header...); answer.Code != http.StatusUnauthorized || strings.Contains(answer.Body.String(), token) {
			t.Errorf("%s: %d %s", name, answer.Code, answer.Body)
		}
	}
	if answer := get(t, handler, "/healthz"); answer.Code != http.StatusOK {
		t.Errorf("health: %d", answer.Code)
	}
}

func TestBadWindows(t *testing.T) {
	handler := Handler(real(t, time.Second), token)
	for _, query := range []string{"from=x", "to=NaN", "from=Inf", "from=2&to=1"} {
		answer := get(t, handler, "/v1/report?"+query, "Authorization", "Bearer "+token)
		var refusal struct{ Error string }
		if err := json.Unmarshal(answer.Body.Bytes(), &refusal); err != nil || answer.Code != http.StatusBadRequest || refusal.Error == "" {
			t.Errorf("%s: %d %s", query, answer.Code, answer.Body)
		}
	}
}

func TestReportIsTheContract(t *testing.T) {
	s := real(t, time.Second)
	s.Sample(time.Now)
	answer := get(t, Handler(s, token), "/v1/report", "Authorization", "Bearer "+token, "Accept-Encoding", "gzip")
	packed, err := gzip.NewReader(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(packed)
	if err != nil {
		t.Fatal(err)
	}
	var report document
	if err := json.Unmarshal(content, &report); err != nil {
		t.Fatalf("%v in %s", err, content)
	}
	if report.Schema != Schema || report.IntervalSeconds != 1 || report.Now < report.StartedAt || len(report.Self.Cpus) == 0 {
		t.Errorf("%s", content)
	}
	if got := strings.Join(report.Cpus.Columns, " "); got != "at busySeconds stealSeconds irqSeconds" {
		t.Errorf("columns of CPUs: %s", got)
	}
	for _, container := range report.Containers {
		if strings.Join(container.Columns, " ") != "at cpuSeconds waitSeconds rssBytes peakBytes swapBytes threads" {
			t.Errorf("columns of containers: %v", container.Columns)
		}
	}
}

// Sampling and reading at once: for the race detector, and each report must be whole.
func TestReportsWhileSampling(t *testing.T) {
	s := real(t, 10*time.Millisecond)
	ctx, stop := context.WithCancel(context.Background())
	var sampling sync.WaitGroup
	sampling.Go(func() { s.Run(ctx) })
	handler := Handler(s, token)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 25 {
				answer := get(t, handler, "/v1/report?from=0", "Authorization", "Bearer "+token)
				if !json.Valid(answer.Body.Bytes()) {
					t.Errorf("not JSON: %s", answer.Body)
				}
			}
		})
	}
	readers.Wait()
	stop()
	sampling.Wait()
}

func TestLongReportsArePutTogether(t *testing.T) {
	var out strings.Builder
	j := &jsonWriter{w: &out}
	rows := make([][]float64, 5000)
	for i := range rows {
		rows[i] = []float64{float64(i), 0.5}
	}
	j.open('{')
	j.key("a").rows(rows, []int{0, 2})
	j.key("b").rows(nil, nil)
	j.close('}')
	j.flush()
	var back struct{ A, B [][]float64 }
	if err := json.Unmarshal([]byte(out.String()), &back); err != nil || len(back.A) != 5000 || back.A[4999][0] != 4999 {
		t.Errorf("%v, %d rows", err, len(back.A))
	}
}
