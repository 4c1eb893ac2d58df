// Package histogram counts durations in HDR buckets: microseconds, 1 µs to 10 min, three significant digits.
//
// The index of a bucket is HdrHistogram's own (2,048 sub-buckets), and the same as the fleet's other workers use, so
// that adding counts merges without loss.
package histogram

import "math/bits"

// Highest is the longest duration that has a bucket of its own, in microseconds.
const Highest = 600_000_000

const (
	half = 1024 // half the sub-buckets that three digits need
	mask = 2*half - 1
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

const pages = 21 // Index(Highest)>>10 + 1

// Histogram is not safe for concurrent use. The zero value is empty.
type Histogram struct {
	pages    [pages]*[half]uint32
	count    int64
	sum      int64 // nanoseconds
	min, max int64 // nanoseconds
	clamped  int64
}
