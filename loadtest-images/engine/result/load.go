package result

import (
	"cmp"
	"maps"
	"slices"

	"gatebench.dev/engine/histogram"
	"gatebench.dev/engine/record"
)

// Kinds of phases, and outcomes.
const (
	WarmUp, Stage, Ramp, Drain = "WarmUp", "Stage", "Ramp", "Drain"

	Finished, Stopped = "Finished", "Stopped"
)

// Phase is a segment of the load as it was driven. Times are unix seconds; a stage is measured from FullAt to EndedAt.
type Phase struct {
	Index     int      `json:"index"`
	Name      string   `json:"name"`
	Kind      string   `json:"kind"`
	StartedAt float64  `json:"startedAt"`
	FullAt    *float64 `json:"fullAt"`
	EndedAt   *float64 `json:"endedAt"`
	Users     *int     `json:"users"`
	Rate      *float64 `json:"rate"`
	Spike     bool     `json:"spike"`
}

// measured is whether the phase is part of the top-level figures.
func (p *Phase) measured() bool { return p.Kind == Stage && !p.Spike && p.seconds() > 0 }

// seconds is how long it was measured: of a ramp all, of a stage from when its users were there.
func (p *Phase) seconds() float64 {
	start := p.FullAt
	if p.Kind == Ramp {
		start = &p.StartedAt
	}
	if p.Kind != Stage && p.Kind != Ramp || start == nil || p.EndedAt == nil {
		return 0
	}
	return max(0, *p.EndedAt-*start)
}

// Worker is the engine itself, over the measured stages. Ratios are of the CPU that it may use.
type Worker struct {
	ID                string   `json:"id"`
	Host              string   `json:"host"`
	Kind              string   `json:"kind"`
	Lost              bool     `json:"lost"`
	CPURatioMean      *float64 `json:"cpuRatioMean"`
	CPURatioMax       *float64 `json:"cpuRatioMax"`
	RunQueueWaitRatio *float64 `json:"runQueueWaitRatio"`
	GCPauseSeconds    *float64 `json:"gcPauseSeconds"`
	InFlightMax       *int     `json:"inFlightMax"`
	Reports           int      `json:"reports"`
	MissingReports    int      `json:"missingReports"`

	CPUSeconds     *float64 `json:"cpuSeconds"` // user and system
	AllowedCores   float64  `json:"allowedCores"`
	Allocations    *uint64  `json:"allocations"` // objects on the heap
	AllocatedBytes *uint64  `json:"allocatedBytes"`
	WaitedSeconds  *float64 `json:"waitedSeconds"` // that its threads were ready to run and did not
}

// Range is seconds between two bounds.
type Range struct {
	Min float64 `json:"min"`
	Max float64 `json:"max"`
}

// Load is the load document. Its totals are all that there is: there is no second account to check them by.
type Load struct {
	Schema          string     `json:"schema"`
	Attempt         string     `json:"attempt"`
	Engine          string     `json:"engine"`
	EngineVersion   string     `json:"engineVersion"`
	Outcome         string     `json:"outcome"`
	Message         string     `json:"message"`
	StartedAt       float64    `json:"startedAt"`
	EndedAt         float64    `json:"endedAt"`
	Phases          []Phase    `json:"phases"`
	ExpectedWorkers int        `json:"expectedWorkers"`
	Workers         []Worker   `json:"workers"`
	Requests        []requests `json:"requests"`
	Errors          []failure  `json:"errors"`
	DispatchDelay   []delay    `json:"dispatchDelay"`
	Dropped         []dropped  `json:"dropped"`
	Series          Series     `json:"series"`
	ThinkTime       *Range     `json:"thinkTimeSeconds"`

	sums *Sums
	open bool
}

type requests struct {
	Phase        int                 `json:"phase"`
	Settled      bool                `json:"settled"`
	Name         string              `json:"name"`
	Method       string              `json:"method"`
	Outcome      string              `json:"outcome"`
	Stream       bool                `json:"stream"`
	Count        int64               `json:"count"`
	Bytes        int64               `json:"bytes"`
	Latency      *histogram.Document `json:"latency"`
	TTFT         *histogram.Document `json:"ttft"`
	InterToken   *histogram.Document `json:"interToken"`
	ServiceTime  *histogram.Document `json:"serviceTime"`
	OutputTokens *int64              `json:"outputTokens"`
}

type failure struct {
	Phase   int    `json:"phase"`
	Settled bool   `json:"settled"`
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Status  *int   `json:"status"`
	Message string `json:"message"`
	Count   int64  `json:"count"`
}

type delay struct {
	Phase     int                 `json:"phase"`
	Histogram *histogram.Document `json:"histogram"`
}

type dropped struct {
	Phase int   `json:"phase"`
	Count int64 `json:"count"`
}

// Fill puts what was measured into the document, whose phases are complete.
func (l *Load) Fill(s *Sums) {
	l.sums = s
	l.Schema, l.Requests, l.Errors = "gatebench.dev/load/v1", []requests{}, []failure{}
	for _, row := range s.sorted() {
		l.Requests = append(l.Requests, documentOf(row))
	}
	for k, count := range s.errors {
		one := failure{
			Phase: k.Phase, Settled: k.Settled, Name: k.name, Kind: k.kind, Message: k.message, Count: count,
		}
		if k.status != 0 {
			one.Status = &k.status
		}
		l.Errors = append(l.Errors, one)
	}
	slices.SortFunc(l.Errors, func(a, b failure) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Message, b.Message))
	})
	l.DispatchDelay = []delay{}
	for _, phase := range slices.Sorted(maps.Keys(s.delay)) {
		l.DispatchDelay = append(l.DispatchDelay, delay{phase, s.delay[phase].Document()})
	}
	l.Dropped = []dropped{}
	for i := range l.Phases {
		index := l.Phases[i].Index
		_, some := s.dropped[index]
		if l.Phases[i].Rate != nil || some {
			l.open = true
			l.Dropped = append(l.Dropped, dropped{index, s.dropped[index]})
		}
	}
	l.Series = s.series.document()
}

func documentOf(row *record.Row) requests {
	out := requests{
		Phase: row.Phase, Settled: row.Settled, Name: row.Name, Method: row.Method, Outcome: "failure", Stream: row.Stream,
		Count: row.Count, Bytes: row.Bytes, Latency: row.Latency.Document(), TTFT: row.TTFT.Document(),
		InterToken: row.Gaps.Document(), ServiceTime: row.Service.Document(),
	}
	if row.Good {
		out.Outcome = "success"
	}
	if row.Tokens >= 0 {
		out.OutputTokens = &row.Tokens
	}
	return out
}
