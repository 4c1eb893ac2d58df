package histogram

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// What the fleet's Python workers compute: counts are only addable where both agree.
func TestIndexAndBoundsAreTheFleets(t *testing.T) {
	for _, c := range []struct {
		value           int64
		index           int
		lowest, highest int64
	}{
		{0, 0, 0, 0},
		{1, 1, 1, 1},
		{999, 999, 999, 999},
		{1000, 1000, 1000, 1000},
		{2047, 2047, 2047, 2047},
		{2048, 2048, 2048, 2049},
		{2049, 2048, 2048, 2049},
		{4095, 3071, 4094, 4095},
		{4096, 3072, 4096, 4099},
		{8191, 4095, 8188, 8191},
		{123456, 8073, 123456, 123519},
		{1000000, 11169, 999936, 1000447},
		{59999999, 17191, 59998208, 60030975},
		{599999999, 20600, 599785472, 600309759},
		{600000000, 20600, 599785472, 600309759},
	} {
		if got := Index(c.value); got != c.index {
			t.Errorf("Index(%d) = %d, want %d", c.value, got, c.index)
		}
		if lowest, highest := Bounds(c.index); lowest != c.lowest || highest != c.highest {
			t.Errorf("Bounds(%d) = %d, %d, want %d, %d", c.index, lowest, highest, c.lowest, c.highest)
		}
	}
}

func TestEveryIndexHasItsOwnValues(t *testing.T) {
	var next int64
	for index := range Index(Highest) + 1 {
		lowest, highest := Bounds(index)
		if lowest != next || Index(lowest) != index || Index(highest) != index {
			t.Fatalf("index %d: %d to %d, after %d", index, lowest, highest, next-1)
		}
		if lowest > 2047 && float64(highest-lowest)/float64(lowest) > 1e-3 {
			t.Fatalf("index %d is wider than three digits: %d to %d", index, lowest, highest)
		}
		next = highest + 1
	}
}

// The same 5,000 durations as in a Python worker's histogram, with what that one says of them.
func TestQuantilesAreTheFleets(t *testing.T) {
	var h Histogram
	x := int64(12345)
	for range 5000 {
		x = (x*1103515245 + 12345) % (1 << 31)
		h.Record(x % 3_000_000_000)
	}
	for _, c := range []struct{ q, want float64 }{
		{0, 0.00034}, {.5, 1.072127}, {.9, 1.936383}, {.95, 2.043903}, {.99, 2.129919}, {.999, 2.146303}, {1, 2.148351},
	} {
		if got, ok := h.Quantile(c.q); !ok || got != c.want {
			t.Errorf("quantile %g: %g, want %g", c.q, got, c.want)
		}
	}
	if math.Abs(h.Seconds()-5390.385721548013) > 1e-6 {
		t.Errorf("sum %g", h.Seconds())
	}
	shortest, _ := h.Min()
	if longest, _ := h.Max(); shortest != 0.000339727 || longest != 2.147465837 {
		t.Errorf("min %g, max %g", shortest, longest)
	}
}

func TestAnEmptyHistogramHasNoFigures(t *testing.T) {
	var h Histogram
	_, quantile := h.Quantile(.5)
	_, shortest := h.Min()
	_, longest := h.Max()
	if quantile || shortest || longest {
		t.Error("it has one")
	}
	if want := []any{int64(0), 0.0, nil, 0.0, int64(0), map[int]int64{}}; !reflect.DeepEqual(h.Wire(), want) {
		t.Errorf("wire %v, want %v", h.Wire(), want)
	}
}

func TestEdges(t *testing.T) {
	var h Histogram
	h.Record(-5)                // a negative duration counts as 0
	h.Record(1499)              // rounds to 1 µs
	h.Record(1500)              // rounds to 2 µs
	h.Record(601_000_000_000)   // above 10 min
	h.Record(600_000_000_000)   // just in
	h.Record(600_000_000_000_0) // far above
	want := []any{
		int64(6), 1e-9 * (1499 + 1500 + 601e9 + 600e9 + 6000e9), 0.0, 6000.0, int64(2),
		map[int]int64{0: 1, 1: 1, 2: 1, Index(Highest): 3},
	}
	if got := h.Wire(); !reflect.DeepEqual(got, want) {
		t.Errorf("wire %v\nwant %v", got, want)
	}
}

func TestResetKeepsNothing(t *testing.T) {
	var h Histogram
	h.Record(5e9)
	h.Record(700e9)
	h.Reset()
	if got, want := h.Wire(), new(Histogram).Wire(); !reflect.DeepEqual(got, want) {
		t.Errorf("wire %v, want %v", got, want)
	}
	h.Record(2000)
	if shortest, _ := h.Min(); shortest != 2e-6 {
		t.Errorf("min %g", shortest)
	}
}

// Merging is exact: eight histograms of parts give, to the bucket, what one gives of all, and what counting gives.
func TestMergedQuantilesAreThoseOfAll(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var parts [8]Histogram
	var whole, merged Histogram
	var values []int64
	for range 40_000 {
		value := int64(math.Exp(random.NormFloat64()*1.5) * 20e6)
		values = append(values, value)
		whole.Record(value)
		parts[random.IntN(len(parts))].Record(value)
	}
	for i := range parts {
		merged.Add(&parts[i])
	}
	merged.Add(new(Histogram)) // nothing added changes nothing
	if !reflect.DeepEqual(merged.Wire(), whole.Wire()) {
		t.Error("the merged histogram is another one")
	}
	slices.Sort(values)
	for _, q := range []float64{0, .25, .5, .75, .9, .95, .99, .999, .9999, 1} {
		rank := max(1, int(math.Ceil(q*float64(len(values)))))
		_, highest := Bounds(Index((values[rank-1] + 500) / 1000))
		if got, _ := merged.Quantile(q); got != float64(highest)/1e6 {
			t.Errorf("quantile %g: %g, want %g", q, got, float64(highest)/1e6)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	var h Histogram
	b.ReportAllocs()
	value := int64(0)
	for b.Loop() {
		value = (value + 7919) & (1<<27 - 1)
		h.Record(value)
	}
}
