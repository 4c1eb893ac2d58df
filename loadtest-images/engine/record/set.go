package record

import (
	"sync"

	"gatebench.dev/engine/client"
	"gatebench.dev/engine/histogram"
	"gatebench.dev/engine/payload"
)

// MaxErrors bounds the rows of Report.Errors; the last one counts what has no row of its own.
const MaxErrors = 100

// shard is a part of a recorder.
type shard struct {
	mu            sync.Mutex
	active, spare *set
	_             [64]byte // no two on one cache line
}

// set is what one shard holds of one report.
type set struct {
	rows    map[key]*row
	failed  map[failure]*count
	more    count // failures beyond MaxErrors
	dropped map[int]int64

	last    key // most requests are like the one before
	lastRow *row
}

type key struct {
	call   *payload.Call
	moment Moment
	good   bool
}

type failure struct {
	call    *payload.Call
	moment  Moment
	kind    client.Kind
	status  int
	message string
}

// count is a number, and the unix seconds of its first and its last one.
type count struct{ number, first, last int64 }

func (c *count) add(second int64) {
	if c.number == 0 || second < c.first {
		c.first = second
	}
	c.last = max(c.last, second)
	c.number++
}

// row is the sums of one key. An empty histogram is one that there is not.
type row struct {
	bytes, tokens int64
	counted       bool // tokens are known of some
	latency       histogram.Histogram
	service       histogram.Histogram
	delay         histogram.Histogram
	ttft          histogram.Histogram
	gaps          histogram.Histogram
	seconds       []second
	last          int64 // End of the last one
}

// second is how many ended in a unix second.
type second struct{ unix, count int64 }

func newSet() *set {
	return &set{rows: make(map[key]*row), failed: make(map[failure]*count), dropped: make(map[int]int64)}
}

func (s *set) add(sample *Sample, unix int64) {
	result := sample.Result
	k := key{sample.Call, sample.Moment, result.Kind == client.OK}
	row := s.lastRow
	if row == nil || s.last != k {
		row = s.row(k)
	}
	row.add(sample, unix)
	if !k.good {
		s.fail(failure{sample.Call, sample.Moment, result.Kind, result.Status, result.Message}, unix)
	}
}

func (s *set) row(k key) *row {
	found := s.rows[k]
	if found == nil {
		found = new(row)
		s.rows[k] = found
	}
	s.last, s.lastRow = k, found
	return found
}

func (s *set) fail(f failure, unix int64) {
	known := s.failed[f]
	if known == nil {
		if len(s.failed) >= MaxErrors {
			s.more.add(unix)
			return
		}
		known = new(count)
		s.failed[f] = known
	}
	known.add(unix)
}

func (r *row) add(sample *Sample, unix int64) {
	result := sample.Result
	r.bytes += result.Bytes
	r.latency.Record(sample.Latency)
	if sample.Service >= 0 {
		r.service.Record(sample.Service)
	}
	if sample.Delay >= 0 {
		r.delay.Record(sample.Delay)
	}
	if result.TTFT >= 0 {
		r.ttft.Record(result.TTFT)
	}
	for _, gap := range result.Gaps {
		r.gaps.Record(gap)
	}
	if result.Tokens >= 0 {
		r.tokens += result.Tokens
		r.counted = true
	}
	r.last = max(r.last, result.End)
	for i := len(r.seconds) - 1; i >= 0; i-- {
		if r.seconds[i].unix == unix {
			r.seconds[i].count++
			return
		}
	}
	r.seconds = append(r.seconds, second{unix, 1})
}

// reset empties the set. Rows that were of use are kept, since the next report is likely to need them again.
func (s *set) reset() {
	for k, row := range s.rows {
		if row.latency.Count() == 0 {
			delete(s.rows, k)
			continue
		}
		row.reset()
	}
	clear(s.failed)
	clear(s.dropped)
	s.more, s.lastRow = count{}, nil
}

func (r *row) reset() {
	for _, h := range []*histogram.Histogram{&r.latency, &r.service, &r.delay, &r.ttft, &r.gaps} {
		h.Reset()
	}
	r.bytes, r.tokens, r.counted, r.last = 0, 0, false, 0
	r.seconds = r.seconds[:0]
}
