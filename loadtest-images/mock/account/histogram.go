package account

import (
	"sort"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Upper bounds of the buckets for Prometheus, in seconds.
var (
	delayBounds  = []float64{.0005, .001, .0025, .005, .01, .02, .03, .04, .05, .0505, .051, .055, .06, .08, .1, .15, .2, .3, .5, 1, 2.5, 5, 10, 30, 60}
	excessBounds = []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1}
)

// Durations are recorded in microseconds, from one to ten minutes; what is longer counts as ten minutes.
const highest = int64(10 * time.Minute / time.Microsecond)

type histogram struct {
	exact   *hdrhistogram.Histogram
	bounds  []float64
	buckets []uint64 // not cumulative; the last is above all bounds
	seconds float64
	longest time.Duration
}

func newHistogram(bounds []float64) *histogram {
	return &histogram{exact: hdrhistogram.New(1, highest, 3), bounds: bounds, buckets: make([]uint64, len(bounds)+1)}
}

func (h *histogram) record(d time.Duration) {
	// Half a microsecond up: rounded, not cut.
	micros := min(int64((d+time.Microsecond/2)/time.Microsecond), highest)
	if err := h.exact.RecordValue(micros); err != nil {
		panic(err) // it is within the bounds
	}
	h.buckets[sort.SearchFloat64s(h.bounds, d.Seconds())]++
	h.seconds += d.Seconds()
	h.longest = max(h.longest, d)
}

// quantiles are nil where nothing was recorded.
type quantiles struct {
	Mean *float64 `json:"mean"`
	P50  *float64 `json:"p50"`
	P90  *float64 `json:"p90"`
	P99  *float64 `json:"p99"`
	Max  *float64 `json:"max"`
}

func (h *histogram) quantiles() quantiles {
	count := h.exact.TotalCount()
	if count == 0 {
		return quantiles{}
	}
	at := func(percent float64) *float64 {
		// The histogram answers with the upper end of a slot, which may be above all that it holds.
		seconds := min(float64(h.exact.ValueAtQuantile(percent))/1e6, h.longest.Seconds())
		return &seconds
	}
	mean, greatest := h.seconds/float64(count), h.longest.Seconds()
	return quantiles{Mean: &mean, P50: at(50), P90: at(90), P99: at(99), Max: &greatest}
}
