package record

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"gatebench.dev/engine/client"
	"gatebench.dev/engine/histogram"
)

// Names are bounded: what comes after the first fifty is folded into OtherName. Errors beyond MaxErrors are MoreErrors.
const (
	MaxNames   = 50
	OtherName  = "(other)"
	MoreErrors = "(more)"
)

const nameLength, messageLength = 120, 200

// merge adds up what the shards hold.
type merge struct {
	names   map[string]bool // known so far, of all reports
	wall    int64           // from clock.Now to unix nanoseconds
	rows    map[rowKey]*Row
	errors  map[errorKey]*Failures
	delay   map[int]*histogram.Histogram
	dropped map[int]int64
	entries map[[2]string]*entry
	total   *entry
}

type rowKey struct {
	moment       Moment
	name, method string
	good, stream bool
}

type errorKey struct {
	moment             Moment
	name, method, kind string
	status             int
	message            string
}

// entry is one of Locust's, as long as its times are clock.Now's.
type entry struct {
	Entry
	latency histogram.Histogram
	last    int64
}

func newMerge(names map[string]bool, wall int64) *merge {
	return &merge{
		names: names, wall: wall, rows: make(map[rowKey]*Row), errors: make(map[errorKey]*Failures),
		delay: make(map[int]*histogram.Histogram), dropped: make(map[int]int64), entries: make(map[[2]string]*entry),
		total: newEntry("Aggregated", ""),
	}
}

func newEntry(name, method string) *entry {
	return &entry{Entry: Entry{
		Name: name, Method: method, Buckets: make(map[int64]int64), PerSecond: make(map[int64]int64),
		FailPerSecond: make(map[int64]int64),
	}}
}

func (m *merge) add(s *set) {
	for k, row := range s.rows {
		if row.latency.Count() > 0 {
			m.row(k, row)
		}
	}
	for f, c := range s.failed {
		name := m.name(f.call.Name)
		m.fail(errorKey{f.moment, name, f.call.Method, f.kind.String(), f.status, short(f.message, messageLength)}, c)
	}
	if s.more.number > 0 {
		m.fail(rest, &s.more)
	}
	for phase, count := range s.dropped {
		m.dropped[phase] += count
	}
}

// rest stands for errors that have no row of their own, whatever their phase and name.
var rest = errorKey{name: OtherName, kind: client.Other.String(), message: MoreErrors}

func (m *merge) row(k key, from *row) {
	name, method := m.name(k.call.Name), k.call.Method
	at := rowKey{k.moment, name, method, k.good, k.call.Stream}
	to := m.rows[at]
	if to == nil {
		to = &Row{
			Moment: k.moment, Name: name, Method: method, Good: k.good, Stream: k.call.Stream,
			Latency: new(histogram.Histogram), Tokens: -1,
		}
		m.rows[at] = to
	}
	to.Count += from.latency.Count()
	to.Bytes += from.bytes
	to.Latency.Add(&from.latency)
	to.Service = plus(to.Service, &from.service)
	to.TTFT = plus(to.TTFT, &from.ttft)
	to.Gaps = plus(to.Gaps, &from.gaps)
	if from.counted {
		to.Tokens = max(0, to.Tokens) + from.tokens
	}
	if from.delay.Count() > 0 {
		m.delay[k.moment.Phase] = plus(m.delay[k.moment.Phase], &from.delay)
	}
	entry := m.entries[[2]string{name, method}]
	if entry == nil {
		entry = newEntry(name, method)
		m.entries[[2]string{name, method}] = entry
	}
	entry.add(from, k.good)
	m.total.add(from, k.good)
}

// plus is a sum of histograms; nil is one that there is not.
func plus(sum, part *histogram.Histogram) *histogram.Histogram {
	if part.Count() == 0 {
		return sum
	}
	if sum == nil {
		sum = new(histogram.Histogram)
	}
	sum.Add(part)
	return sum
}

func (e *entry) add(from *row, good bool) {
	e.Requests += from.latency.Count()
	e.Bytes += from.bytes
	e.latency.Add(&from.latency)
	e.last = max(e.last, from.last)
	for _, s := range from.seconds {
		e.PerSecond[s.unix] += s.count
		if !good {
			e.FailPerSecond[s.unix] += s.count
		}
	}
	if !good {
		e.Failures += from.latency.Count()
	}
}

func (m *merge) fail(k errorKey, c *count) {
	known := m.errors[k]
	if known == nil {
		if len(m.errors) >= MaxErrors-1 {
			k = rest
			known = m.errors[k]
		}
		if known == nil {
			known = &Failures{
				Moment: k.moment, Name: k.name, Method: k.method, Kind: k.kind, Status: k.status, Message: k.message,
				FirstSeen: math.Inf(1),
			}
			m.errors[k] = known
		}
	}
	known.Count += c.number
	known.FirstSeen = min(known.FirstSeen, float64(c.first))
	known.LastSeen = max(known.LastSeen, float64(c.last))
}

func (m *merge) name(name string) string {
	name = short(name, nameLength)
	if !m.names[name] {
		if len(m.names) >= MaxNames {
			return OtherName
		}
		m.names[name] = true
	}
	return name
}

// short is a text in one line, of so many characters at most.
func short(text string, length int) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > length {
		return string(runes[:length])
	}
	return text
}

func (m *merge) report(since int64) Report {
	var out Report
	for _, row := range m.rows {
		out.Rows = append(out.Rows, *row)
	}
	slices.SortFunc(out.Rows, func(a, b Row) int {
		return cmp.Or(a.Moment.compare(b.Moment), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Method, b.Method),
			falseFirst(a.Good, b.Good), falseFirst(a.Stream, b.Stream))
	})
	for _, failures := range m.errors {
		out.Errors = append(out.Errors, *failures)
	}
	slices.SortFunc(out.Errors, func(a, b Failures) int {
		return cmp.Or(a.Moment.compare(b.Moment), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Method, b.Method),
			cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Status, b.Status), cmp.Compare(a.Message, b.Message))
	})
	for _, phase := range slices.Sorted(maps.Keys(m.delay)) {
		out.Delay = append(out.Delay, PhaseHistogram{phase, m.delay[phase]})
	}
	for _, phase := range slices.Sorted(maps.Keys(m.dropped)) {
		out.Dropped = append(out.Dropped, PhaseCount{phase, m.dropped[phase]})
	}
	for _, entry := range m.entries {
		out.Entries = append(out.Entries, entry.finish(since, m.wall))
	}
	slices.SortFunc(out.Entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Method, b.Method))
	})
	out.Total = m.total.finish(since, m.wall)
	return out
}

func (e *entry) finish(since, wall int64) Entry {
	out := e.Entry
	out.Start = float64(since) / 1e9
	if e.Requests == 0 {
		return out
	}
	out.Last = float64(e.last+wall) / 1e9
	shortest, _ := e.latency.Min()
	longest, _ := e.latency.Max()
	out.TotalMs, out.MinMs, out.MaxMs = e.latency.Seconds()*1e3, shortest*1e3, longest*1e3
	for index, count := range e.latency.Buckets {
		lowest, highest := histogram.Bounds(index)
		out.Buckets[rounded(float64(lowest+highest)/2e3)] += count
	}
	return out
}

// rounded is Locust's bucket of a time in milliseconds.
func rounded(ms float64) int64 {
	step := 1.0
	switch {
	case ms >= 10_000:
		step = 1000
	case ms >= 1000:
		step = 100
	case ms >= 100:
		step = 10
	}
	return int64(math.RoundToEven(ms/step) * step)
}

func (m Moment) compare(other Moment) int {
	return cmp.Or(cmp.Compare(m.Phase, other.Phase), falseFirst(m.Settled, other.Settled))
}

func falseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
