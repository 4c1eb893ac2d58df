package account

import (
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Schema names the shape of the JSON account.
const Schema = "gatebench.dev/mock-account/v1"

type requestCount struct {
	Path   string `json:"path"`
	Status int    `json:"status"`
	Client string `json:"client"`
	Count  uint64 `json:"count"`
}

type delays struct {
	Count    int64     `json:"count"`
	Intended quantiles `json:"intendedSeconds"`
	Actual   quantiles `json:"actualSeconds"`
	Excess   quantiles `json:"excessSeconds"`
}

// JSON is the account since the start: unix seconds, durations in seconds, null for what is not known.
func (a *Account) JSON(now time.Time) []byte {
	document := struct {
		Schema       string         `json:"schema"`
		Now          float64        `json:"now"`
		StartedAt    float64        `json:"startedAt"`
		Requests     []requestCount `json:"requests"`
		InFlight     int64          `json:"inFlight"`
		Delay        delays         `json:"delay"`
		CPUSeconds   float64        `json:"cpuSeconds"`
		RunQueueWait *float64       `json:"runQueueWaitSeconds"`
		LeakedBytes  int64          `json:"leakedBytes"`
	}{
		Schema: Schema, Now: unix(now), StartedAt: unix(a.started), Requests: []requestCount{},
		InFlight: a.inFlight.Load(), CPUSeconds: cpuTime().Seconds(), LeakedBytes: a.leaked.Load(),
	}
	a.each(func(path string, status int, client string, count uint64) {
		document.Requests = append(document.Requests, requestCount{path, status, client, count})
	})
	if wait, ok := a.threads.wait(); ok {
		seconds := wait.Seconds()
		document.RunQueueWait = &seconds
	}
	a.mutex.Lock()
	document.Delay = delays{
		a.intended.exact.TotalCount(), a.intended.quantiles(), a.actual.quantiles(), a.excess.quantiles(),
	}
	a.mutex.Unlock()
	encoded, err := json.Marshal(document)
	if err != nil {
		panic(err) // it holds numbers and names
	}
	return encoded
}

func unix(t time.Time) float64 { return math.Round(float64(t.UnixMicro())/1e3) / 1e3 }

// Metrics is the account in Prometheus' text format.
func (a *Account) Metrics() []byte {
	var out strings.Builder
	family := func(name, kind, help string) {
		fmt.Fprintf(&out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	}
	family("gatebench_mock_requests_total", "counter", "Answers, by path, status and client.")
	a.each(func(path string, status int, client string, count uint64) {
		fmt.Fprintf(&out, "gatebench_mock_requests_total{path=%q,status=\"%d\",client=%q} %d\n", path, status, client, count)
	})
	family("gatebench_mock_in_flight", "gauge", "Requests that are being answered.")
	fmt.Fprintf(&out, "gatebench_mock_in_flight %d\n", a.inFlight.Load())
	a.mutex.Lock()
	for _, shown := range []struct {
		name, help string
		histogram  *histogram
	}{
		{"gatebench_mock_intended_delay_seconds", "How late answers were meant to be.", a.intended},
		{"gatebench_mock_actual_delay_seconds", "How late answers were.", a.actual},
		{"gatebench_mock_excess_delay_seconds", "By how much answers were later than meant.", a.excess},
	} {
		family(shown.name, "histogram", shown.help)
		shown.histogram.write(&out, shown.name)
	}
	a.mutex.Unlock()
	family("gatebench_mock_cpu_seconds_total", "counter", "CPU time of this process.")
	fmt.Fprintf(&out, "gatebench_mock_cpu_seconds_total %s\n", number(cpuTime().Seconds()))
	if wait, ok := a.threads.wait(); ok {
		family("gatebench_mock_runqueue_wait_seconds_total", "counter", "Time that threads were ready and waited for a CPU.")
		fmt.Fprintf(&out, "gatebench_mock_runqueue_wait_seconds_total %s\n", number(wait.Seconds()))
	}
	family("gatebench_mock_leaked_bytes", "gauge", "Memory that was leaked on purpose.")
	fmt.Fprintf(&out, "gatebench_mock_leaked_bytes %d\n", a.leaked.Load())
	if bytes, ok := residentBytes(); ok {
		family("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.")
		fmt.Fprintf(&out, "process_resident_memory_bytes %d\n", bytes)
	}
	// The names of Prometheus' own client libraries, as a gateway in Go would have them.
	family("go_goroutines", "gauge", "Number of goroutines that currently exist.")
	fmt.Fprintf(&out, "go_goroutines %d\n", runtime.NumGoroutine())
	family("go_threads", "gauge", "Number of OS threads created.")
	created, _ := runtime.ThreadCreateProfile(nil)
	fmt.Fprintf(&out, "go_threads %d\n", created)
	if open, ok := openFiles(); ok {
		family("process_open_fds", "gauge", "Number of open file descriptors.")
		fmt.Fprintf(&out, "process_open_fds %d\n", open)
	}
	family("process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.")
	fmt.Fprintf(&out, "process_start_time_seconds %s\n", number(unix(a.started)))
	return []byte(out.String())
}

func (h *histogram) write(out *strings.Builder, name string) {
	var cumulative uint64
	for i, bound := range h.bounds {
		cumulative += h.buckets[i]
		fmt.Fprintf(out, "%s_bucket{le=%q} %d\n", name, number(bound), cumulative)
	}
	total := h.exact.TotalCount()
	fmt.Fprintf(out, "%s_bucket{le=\"+Inf\"} %d\n%s_sum %s\n%s_count %d\n", name, total, name, number(h.seconds), name, total)
}

func number(value float64) string { return strconv.FormatFloat(value, 'g', -1, 64) }
