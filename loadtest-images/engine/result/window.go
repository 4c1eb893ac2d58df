package result

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"gatebench.dev/engine/histogram"
	"gatebench.dev/engine/record"
)

// Window is what was measured: the requests of all stages that are no spikes, from when their users were there.
type Window struct {
	Seconds float64
	Dropped int64
	Delay   *histogram.Histogram
	rows    []*record.Row
	errors  []failure
}

// Window is that of the load.
func (l *Load) Window() *Window { return l.over((*Phase).measured) }

// over is the window of some phases, of which those count that were measured.
func (l *Load) over(chosen func(*Phase) bool) *Window {
	w := new(Window)
	ramps := make(map[int]bool) // by the index of each phase of the window: whether it is one
	for i := range l.Phases {
		if p := &l.Phases[i]; chosen(p) && p.seconds() > 0 {
			ramps[p.Index] = p.Kind == Ramp
			w.Seconds += p.seconds()
			w.Dropped += l.sums.dropped[p.Index]
			w.Delay = plus(w.Delay, l.sums.delay[p.Index])
		}
	}
	for _, row := range l.sums.sorted() {
		if ramp, found := ramps[row.Phase]; found && (row.Settled || ramp) {
			w.rows = append(w.rows, row)
		}
	}
	for _, one := range l.Errors {
		if ramp, found := ramps[one.Phase]; found && (one.Settled || ramp) {
			w.errors = append(w.errors, one)
		}
	}
	return w
}

// Of is the part of the window that has one name.
func (w *Window) Of(name string) *Window {
	out := &Window{Seconds: w.Seconds}
	for _, row := range w.rows {
		if row.Name == name {
			out.rows = append(out.rows, row)
		}
	}
	return out
}

// Names are those of its requests, the most frequent first.
func (w *Window) Names() []string {
	counts := make(map[string]int64)
	for _, row := range w.rows {
		counts[row.Name] += row.Count
	}
	names := make([]string, 0, len(counts))
	for name := range counts {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	return names
}

// Counts is how many requests there were, and how many of them failed.
func (w *Window) Counts() (all, failed int64) {
	for _, row := range w.rows {
		all += row.Count
		if !row.Good {
			failed += row.Count
		}
	}
	return all, failed
}

// Failure is requests that failed in the same way.
type Failure struct {
	Kind, Message string
	Count         int64
}

// Failures are those of the window, the most frequent first, whatever their names.
func (w *Window) Failures() []Failure {
	var out []Failure
	for _, one := range w.errors {
		at := slices.IndexFunc(out, func(f Failure) bool { return f.Kind == one.Kind && f.Message == one.Message })
		if at < 0 {
			at, out = len(out), append(out, Failure{one.Kind, one.Message, 0})
		}
		out[at].Count += one.Count
	}
	slices.SortStableFunc(out, func(a, b Failure) int { return cmp.Compare(b.Count, a.Count) })
	return out
}

// Throughput is successes a second; false where nothing was measured.
func (w *Window) Throughput() (float64, bool) {
	all, failed := w.Counts()
	if all == 0 || w.Seconds <= 0 {
		return 0, false
	}
	return float64(all-failed) / w.Seconds, true
}

// Latency is that of successes, of those that do not stream or of the others; nil: there is none.
func (w *Window) Latency(streams bool) *histogram.Histogram {
	return w.sum(streams, func(r *record.Row) *histogram.Histogram { return r.Latency })
}

// TTFT is the time to the first token of successful streams; nil: there is none.
func (w *Window) TTFT() *histogram.Histogram {
	return w.sum(true, func(r *record.Row) *histogram.Histogram { return r.TTFT })
}

// Gaps is the time between the tokens of successful streams; nil: there is none.
func (w *Window) Gaps() *histogram.Histogram {
	return w.sum(true, func(r *record.Row) *histogram.Histogram { return r.Gaps })
}

func (w *Window) sum(streams bool, of func(*record.Row) *histogram.Histogram) *histogram.Histogram {
	var sum *histogram.Histogram
	for _, row := range w.rows {
		if row.Good && row.Stream == streams {
			sum = plus(sum, of(row))
		}
	}
	return sum
}

// Tokens is output tokens a second; false where none were counted.
func (w *Window) Tokens() (float64, bool) {
	var sum int64
	counted := false
	for _, row := range w.rows {
		if row.Good && row.Tokens >= 0 {
			sum += row.Tokens
			counted = true
		}
	}
	if !counted || w.Seconds <= 0 {
		return 0, false
	}
	return float64(sum) / w.Seconds, true
}

// Quantile is a percentile that is shown, and the fewest samples that tell it with 99 % confidence:
// n >= ln(1 - 0.99) / ln(q).
type Quantile struct {
	Name        string
	thousandths int64
	floor       int64
}

// Quantiles are those of every distribution.
var Quantiles = []Quantile{
	{"p50", 500, 7}, {"p90", 900, 44}, {"p95", 950, 90}, {"p99", 990, 459}, {"p99.9", 999, 4603},
}

// Of is the quantile in seconds: the upper end of its bucket, and at most the largest sample; above: it is only known to
// be longer than that.
func (q Quantile) Of(h *histogram.Histogram) (seconds float64, above bool, err error) {
	var count int64
	if h != nil {
		count = h.Count()
	}
	if count < q.floor {
		return 0, false, fmt.Errorf("%s needs %s samples, there are %s", q.Name, grouped(q.floor), grouped(count))
	}
	rank := (count*q.thousandths + 999) / 1000
	if rank > count-h.Clamped() {
		return histogram.Highest / 1e6, true, nil
	}
	var seen int64
	for index, n := range h.Buckets {
		if seen += n; seen >= rank {
			_, highest := histogram.Bounds(index)
			seconds = float64(highest) / 1e6
			break
		}
	}
	longest, _ := h.Max()
	return min(seconds, longest), false, nil
}

// grouped is a number with commas between thousands.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}
