package standalone

import (
	"math"
	"time"

	"gatebench.dev/engine/plan"
	"gatebench.dev/engine/result"
	"gatebench.dev/engine/schedule"
)

// phase is a segment of the load before it is driven: users that go from one number to another, or a rate that does.
type phase struct {
	index    int
	name     string
	kind     string
	length   time.Duration
	from, to int // users
	rate     *schedule.Rate
	spike    bool
}

// phasesOf is warm-up, stages and drain, as the fleet's master drives them.
func phasesOf(p *plan.Plan) []phase {
	var out []phase
	add := func(one phase) {
		one.index = len(out)
		out = append(out, one)
	}
	open := p.Model == plan.Open
	users, rate := 0, 0.0
	if p.WarmUp > 0 {
		// Before a ramp there is one user, or one arrival a second.
		first := p.Stages[0]
		users, rate = first.Users, first.Rate
		if first.Ramp {
			users, rate = 1, math.Min(1, first.Rate)
		}
		add(phase{
			name: "warm-up", kind: result.WarmUp, length: duration(p.WarmUp), to: users, rate: course(open, rate, rate, p.WarmUp),
		})
	}
	for _, stage := range p.Stages {
		kind, from := result.Stage, stage.Rate
		if stage.Ramp {
			kind, from = result.Ramp, rate
		}
		add(phase{
			name: stage.Name, kind: kind, length: duration(stage.Seconds), from: users, to: stage.Users,
			rate: course(open, from, stage.Rate, stage.Seconds), spike: stage.Spike,
		})
		users, rate = stage.Users, stage.Rate
	}
	add(phase{name: "drain", kind: result.Drain, length: duration(p.Drain), from: users})
	return out
}

func course(open bool, from, to, seconds float64) *schedule.Rate {
	if !open {
		return nil
	}
	return &schedule.Rate{From: from, To: to, Seconds: seconds}
}

func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// users is how many there are to be so long after a phase has begun.
func (p *phase) users(elapsed time.Duration, spawnRate float64) int {
	if p.kind == result.Ramp {
		share := min(1, elapsed.Seconds()/p.length.Seconds())
		return p.from + int(math.Round(float64(p.to-p.from)*share))
	}
	change := p.to - p.from
	most := spawnRate * elapsed.Seconds()
	if math.IsInf(spawnRate, 1) || float64(max(change, -change)) <= most {
		return p.to
	}
	if change < 0 {
		most = -most
	}
	return p.from + int(most)
}

// total is how long all phases but the drain take.
func total(phases []phase, spawnRate float64) time.Duration {
	var sum time.Duration
	for _, p := range phases {
		if p.kind == result.Drain {
			continue
		}
		sum += p.length
		if p.kind == result.Stage && p.rate == nil {
			sum += duration(float64(max(p.to-p.from, p.from-p.to)) / spawnRate)
		}
	}
	return sum
}
