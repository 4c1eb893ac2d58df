package result

import (
	"gatebench.dev/engine/histogram"
	"gatebench.dev/engine/record"
)

// maxPoints bounds a series; past it, the step doubles.
const maxPoints = 3600

var seriesColumns = []string{"at", "users", "requests", "failures", "p50Seconds", "p95Seconds", "p99Seconds"}

// series is the load second by second.
type series struct {
	step int64 // seconds
	rows []point
	open *point // of the second that is not over yet
}

// point is one step. Latencies are those of good answers that do not stream.
type point struct {
	at                 int64
	users              int
	requests, failures int64
	latency            *histogram.Histogram
	quantiles          [3]*float64
}

func (p *point) add(row *record.Row) {
	p.requests += row.Count
	switch {
	case !row.Good:
		p.failures += row.Count
	case !row.Stream:
		p.latency = plus(p.latency, row.Latency)
	}
}

func (s *series) add(next point) {
	if s.open != nil && next.at <= s.open.at {
		s.open.requests += next.requests
		s.open.failures += next.failures
		s.open.users = max(s.open.users, next.users)
		s.open.latency = plus(s.open.latency, next.latency)
		return
	}
	s.close()
	s.open = &next
}

// close writes down the second that is over.
func (s *series) close() {
	if s.open == nil {
		return
	}
	done := *s.open
	s.open = nil
	if done.latency != nil {
		for i, q := range [3]float64{0.5, 0.95, 0.99} {
			if value, ok := done.latency.Quantile(q); ok {
				done.quantiles[i] = &value
			}
		}
		done.latency = nil
	}
	s.append(done)
	if len(s.rows) > maxPoints {
		s.step *= 2
		rows := s.rows
		s.rows = nil
		for _, row := range rows {
			s.append(row)
		}
	}
}

// append adds a point to the step that it lies in: counts add up, percentiles keep the larger.
func (s *series) append(next point) {
	next.at -= next.at % s.step
	if len(s.rows) == 0 || s.rows[len(s.rows)-1].at != next.at {
		s.rows = append(s.rows, next)
		return
	}
	last := &s.rows[len(s.rows)-1]
	last.requests += next.requests
	last.failures += next.failures
	last.users = max(last.users, next.users)
	for i, value := range next.quantiles {
		if last.quantiles[i] == nil || value != nil && *value > *last.quantiles[i] {
			last.quantiles[i] = value
		}
	}
}

// Series is a table over time.
type Series struct {
	StepSeconds int64    `json:"stepSeconds"`
	Columns     []string `json:"columns"`
	Rows        [][]any  `json:"rows"`
}

func (s *series) document() Series {
	s.close()
	out := Series{StepSeconds: s.step, Columns: seriesColumns, Rows: make([][]any, 0, len(s.rows))}
	for _, p := range s.rows {
		row := []any{p.at, p.users, p.requests, p.failures}
		for _, value := range p.quantiles {
			row = append(row, value)
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}
