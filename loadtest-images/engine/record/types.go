// Package record collects what was measured and gives it once a second, by (phase, settled, name, method, outcome).
package record

import (
	"gatebench.dev/engine/client"
	"gatebench.dev/engine/histogram"
	"gatebench.dev/engine/payload"
)

// Moment is when something was started: its phase, and whether the load of that phase was all there.
type Moment struct {
	Phase   int
	Settled bool
}

// Sample is one request. Nanoseconds; Service and Delay are -1 where there is none.
type Sample struct {
	Call    *payload.Call
	Moment  Moment
	Latency int64 // open load: from the intended start; closed load: from the send
	Service int64 // open load: from the send
	Delay   int64 // from the intended start, or the end of a think time, to the send
	Result  *client.Result
}

// Row is the sums of one key. Histograms are nil where nothing was recorded.
type Row struct {
	Moment
	Name, Method string
	Good, Stream bool
	Count, Bytes int64
	Latency      *histogram.Histogram
	TTFT         *histogram.Histogram
	Gaps         *histogram.Histogram
	Service      *histogram.Histogram
	Tokens       int64 // -1: unknown
}

// Failures counts requests that failed in the same way.
type Failures struct {
	Moment
	Name, Method        string
	Kind                string
	Status              int // 0: none
	Message             string
	Count               int64
	FirstSeen, LastSeen float64 // unix seconds
}

// Entry is what Locust's own statistics hold of a name and method since the last report.
type Entry struct {
	Name, Method             string
	Requests, Failures       int64
	Bytes                    int64
	TotalMs, MinMs, MaxMs    float64         // Requests is above 0
	Buckets                  map[int64]int64 // counts by rounded milliseconds, as Locust rounds
	PerSecond, FailPerSecond map[int64]int64 // counts by the unix second in which they ended
	Start, Last              float64         // unix seconds: the last report, the last request
}

// PhaseHistogram is a phase's.
type PhaseHistogram struct {
	Phase     int
	Histogram *histogram.Histogram
}

// PhaseCount is a phase's.
type PhaseCount struct {
	Phase int
	Count int64
}

// Report is what was measured since the last one, in a stable order.
type Report struct {
	Rows    []Row
	Errors  []Failures
	Delay   []PhaseHistogram
	Dropped []PhaseCount
	Entries []Entry
	Total   Entry // of all; its name is "Aggregated"
}
