// Package series keeps samples of one thing over time in bounded memory.
//
// A series that is full is thinned: from then on neighbours share a row, first two, then four, and so on. A shared row
// stands at the time of its newest sample. Cumulative counters keep their newest value, so that a difference over rows
// stays exact; gauges keep their greatest.
package series

import (
	"math"
	"sort"
)

// Limit is the greatest number of rows: an hour and six minutes of one sample a second before the first thinning, and
// a row for 32 s after a day.
const Limit = 4000

// Kind says how rows of a column are merged.
type Kind int

// A Counter only grows; a Gauge goes up and down.
const (
	Counter Kind = iota
	Gauge
)

// Series holds rows of (at, values...). It is not safe for concurrent use.
type Series struct {
	kinds  []Kind
	limit  int
	stride uint64
	slots  []uint64
	at     []float64
	values []float64
}

// New makes an empty series whose columns are merged as given.
func New(kinds ...Kind) *Series { return &Series{kinds: kinds, limit: Limit, stride: 1} }

// Add appends the sample that belongs to the sampler's slot number; slots must not fall. A missed slot leaves no row.
func (s *Series) Add(slot uint64, at float64, values ...float64) {
	if len(values) != len(s.kinds) {
		panic("series: a value for each column")
	}
	if last := len(s.at) - 1; last >= 0 && s.slots[last]/s.stride == slot/s.stride {
		s.merge(last, slot, at, values)
		return
	}
	if len(s.at) == s.limit {
		s.thin()
		s.Add(slot, at, values...)
		return
	}
	s.slots = append(s.slots, slot)
	s.at = append(s.at, at)
	s.values = append(s.values, values...)
}

func (s *Series) merge(row int, slot uint64, at float64, values []float64) {
	s.slots[row], s.at[row] = slot, at
	kept := s.row(row)
	for i, kind := range s.kinds {
		if kind == Counter {
			kept[i] = values[i]
		} else {
			kept[i] = math.Max(kept[i], values[i])
		}
	}
}

// thin merges until rows are free again: where many slots were missed, neighbours may be far apart.
func (s *Series) thin() {
	width := len(s.kinds)
	for len(s.at) == s.limit {
		s.stride *= 2
		rows := s.slots
		kept := 0
		for i := range rows {
			slot, at, values := s.slots[i], s.at[i], s.row(i)
			if kept > 0 && s.slots[kept-1]/s.stride == slot/s.stride {
				s.merge(kept-1, slot, at, values)
				continue
			}
			s.slots[kept], s.at[kept] = slot, at
			copy(s.row(kept), values)
			kept++
		}
		s.slots, s.at, s.values = s.slots[:kept], s.at[:kept], s.values[:kept*width]
	}
}

func (s *Series) row(i int) []float64 {
	width := len(s.kinds)
	return s.values[i*width : (i+1)*width]
}

// Len is the number of rows.
func (s *Series) Len() int { return len(s.at) }

// Window copies the rows with from <= at <= to, and the one just before them, each as at followed by its values.
func (s *Series) Window(from, to float64) [][]float64 {
	first := sort.SearchFloat64s(s.at, from)
	end := sort.Search(len(s.at), func(i int) bool { return s.at[i] > to })
	if first > 0 {
		first--
	}
	if first >= end {
		return nil
	}
	width := len(s.kinds) + 1
	flat := make([]float64, 0, (end-first)*width)
	rows := make([][]float64, 0, end-first)
	for i := first; i < end; i++ {
		start := len(flat)
		flat = append(append(flat, s.at[i]), s.row(i)...)
		rows = append(rows, flat[start:len(flat):len(flat)])
	}
	return rows
}
