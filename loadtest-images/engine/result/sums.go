// Package result makes the result document of a load that one engine made by itself: the same as the fleet's master and
// the analysis make of a run, and the figures of it that people read.
package result

import (
	"cmp"
	"slices"

	"gatebench.dev/engine/histogram"
	"gatebench.dev/engine/record"
)

// Sums is everything that was measured so far.
type Sums struct {
	rows    map[rowKey]*record.Row
	errors  map[errorKey]int64
	delay   map[int]*histogram.Histogram
	dropped map[int]int64
	series  series
}

type rowKey struct {
	record.Moment
	name, method string
	good, stream bool
}

type errorKey struct {
	record.Moment
	name, kind string
	status     int
	message    string
}

// NewSums has measured nothing.
func NewSums() *Sums {
	return &Sums{
		rows: make(map[rowKey]*record.Row), errors: make(map[errorKey]int64), delay: make(map[int]*histogram.Histogram),
		dropped: make(map[int]int64), series: series{step: 1},
	}
}

// Add adds what was measured in a part of a unix second, and how many users or arrivals there were.
func (s *Sums) Add(report *record.Report, second int64, users int) {
	point := point{at: second, users: users}
	for i := range report.Rows {
		row := &report.Rows[i]
		s.row(row)
		point.add(row)
	}
	for _, failed := range report.Errors {
		k := errorKey{failed.Moment, failed.Name, failed.Kind, failed.Status, failed.Message}
		if s.errors[k] == 0 && len(s.errors) >= record.MaxErrors-1 {
			k = errorKey{name: record.OtherName, kind: "other", message: record.MoreErrors}
		}
		s.errors[k] += failed.Count
	}
	for _, phase := range report.Delay {
		s.delay[phase.Phase] = plus(s.delay[phase.Phase], phase.Histogram)
	}
	for _, phase := range report.Dropped {
		s.dropped[phase.Phase] += phase.Count
	}
	s.series.add(point)
}

func (s *Sums) row(from *record.Row) {
	k := rowKey{from.Moment, from.Name, from.Method, from.Good, from.Stream}
	to := s.rows[k]
	if to == nil {
		to = &record.Row{
			Moment: from.Moment, Name: from.Name, Method: from.Method, Good: from.Good, Stream: from.Stream, Tokens: -1,
		}
		s.rows[k] = to
	}
	to.Count += from.Count
	to.Bytes += from.Bytes
	to.Latency = plus(to.Latency, from.Latency)
	to.Service = plus(to.Service, from.Service)
	to.TTFT = plus(to.TTFT, from.TTFT)
	to.Gaps = plus(to.Gaps, from.Gaps)
	if from.Tokens >= 0 {
		to.Tokens = max(0, to.Tokens) + from.Tokens
	}
}

// plus is a sum of histograms; nil is one that there is not.
func plus(sum, part *histogram.Histogram) *histogram.Histogram {
	if part == nil {
		return sum
	}
	if sum == nil {
		sum = new(histogram.Histogram)
	}
	sum.Add(part)
	return sum
}

// sorted is the rows in a stable order.
func (s *Sums) sorted() []*record.Row {
	out := make([]*record.Row, 0, len(s.rows))
	for _, row := range s.rows {
		out = append(out, row)
	}
	number := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	slices.SortFunc(out, func(a, b *record.Row) int {
		return cmp.Or(cmp.Compare(a.Phase, b.Phase), number(a.Settled)-number(b.Settled), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Method, b.Method), number(a.Good)-number(b.Good), number(a.Stream)-number(b.Stream))
	})
	return out
}
