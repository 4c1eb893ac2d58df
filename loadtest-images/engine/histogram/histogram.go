// Package histogram counts durations in HDR buckets: microseconds, 1 µs to 10 min, three significant digits.
//
// The index of a bucket is HdrHistogram's own (2,048 sub-buckets), and the same as the fleet's other workers use, so
// that adding counts merges without loss.
package histogram

import (
	"math"
	"math/bits"
)

// Highest is the longest duration that has a bucket of its own, in microseconds.
const Highest = 600_000_000

const (
	half  = 1024 // half the sub-buckets that three digits need
	mask  = 2*half - 1
	pages = 21 // as many as Highest needs
)

// Index is the HDR index of a value in microseconds.
func Index(microseconds int64) int {
	bucket := bits.Len64(uint64(microseconds|mask)) - 11
	return bucket<<10 + int(microseconds>>bucket)
}

// Bounds are the lowest and the highest value, in microseconds, that share an index.
func Bounds(index int) (lowest, highest int64) {
	bucket := max(0, index>>10-1)
	lowest = int64(index-bucket<<10) << bucket
	return lowest, lowest + 1<<bucket - 1
}

// Histogram is not safe for concurrent use. The zero value is empty. Its sum is exact; what is above 10 min is clamped,
// and counted as such. Pages of counts come as values need them: durations mostly lie in a few octaves.
type Histogram struct {
	pages    [pages]*[half]int64
	count    int64
	sum      int64
	min, max int64
	clamped  int64
}

// Record counts one duration in nanoseconds; a negative one counts as 0.
func (h *Histogram) Record(nanoseconds int64) {
	nanoseconds = max(0, nanoseconds)
	microseconds := (nanoseconds + 500) / 1000
	if microseconds > Highest {
		microseconds = Highest
		h.clamped++
	}
	h.add(Index(microseconds), 1)
	if h.count == 0 || nanoseconds < h.min {
		h.min = nanoseconds
	}
	h.max = max(h.max, nanoseconds)
	h.count++
	h.sum += nanoseconds
}

func (h *Histogram) add(index int, count int64) {
	page := h.pages[index>>10]
	if page == nil {
		page = new([half]int64)
		h.pages[index>>10] = page
	}
	page[index&(half-1)] += count
}

// Add adds another histogram to this one.
func (h *Histogram) Add(other *Histogram) {
	if other.count == 0 {
		return
	}
	for index, count := range other.Buckets {
		h.add(index, count)
	}
	if h.count == 0 || other.min < h.min {
		h.min = other.min
	}
	h.max = max(h.max, other.max)
	h.count += other.count
	h.sum += other.sum
	h.clamped += other.clamped
}

// Reset empties the histogram and keeps its memory.
func (h *Histogram) Reset() {
	for _, page := range h.pages {
		if page != nil {
			*page = [half]int64{}
		}
	}
	*h = Histogram{pages: h.pages}
}

// Buckets calls visit with every index that was counted, ascending, until it says no.
func (h *Histogram) Buckets(visit func(index int, count int64) bool) {
	for number, page := range h.pages {
		if page == nil {
			continue
		}
		for offset, count := range page {
			if count != 0 && !visit(number<<10+offset, count) {
				return
			}
		}
	}
}

// Count is how many durations were recorded.
func (h *Histogram) Count() int64 { return h.count }

// Clamped is how many of them were above 10 min.
func (h *Histogram) Clamped() int64 { return h.clamped }

// Seconds is their sum.
func (h *Histogram) Seconds() float64 { return float64(h.sum) / 1e9 }

// Min is the shortest in seconds; false where there is none.
func (h *Histogram) Min() (float64, bool) { return float64(h.min) / 1e9, h.count > 0 }

// Max is the longest in seconds; false where there is none.
func (h *Histogram) Max() (float64, bool) { return float64(h.max) / 1e9, h.count > 0 }

// Quantile is the q-quantile in seconds, the highest value of its bucket; false where nothing was recorded.
func (h *Histogram) Quantile(q float64) (float64, bool) {
	if h.count == 0 {
		return 0, false
	}
	wanted := max(1, int64(math.Ceil(q*float64(h.count)-1e-9)))
	var seen, found int64
	for index, count := range h.Buckets {
		_, found = Bounds(index)
		if seen += count; seen >= wanted {
			break
		}
	}
	return float64(found) / 1e6, true
}

// Wire is what goes to the master: [count, total seconds, shortest or nil, longest, clamped, {index: count}].
func (h *Histogram) Wire() []any {
	counts := make(map[int]int64)
	for index, count := range h.Buckets {
		counts[index] = count
	}
	var shortest any
	if seconds, ok := h.Min(); ok {
		shortest = seconds
	}
	longest, _ := h.Max()
	return []any{h.count, h.Seconds(), shortest, longest, h.clamped, counts}
}
