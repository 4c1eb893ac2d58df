package standalone

import (
	"context"
	"time"

	"gatebench.dev/engine/clock"
	"gatebench.dev/engine/load"
	"gatebench.dev/engine/plan"
	"gatebench.dev/engine/record"
	"gatebench.dev/engine/result"
)

const (
	announced  = 300 * time.Millisecond // before a phase of arrivals begins
	userStep   = 20 * time.Millisecond
	earlyDrain = 5 * time.Second // for what is in flight when the load is cut short
)

// users is closed load; a *load.Closed is.
type users interface {
	load.Load
	Enter(record.Moment)
	SetUsers(count int)
}

// arrivals is open load; a *load.Open is.
type arrivals interface {
	load.Load
	Enter(load.Phase)
}

// leader drives one load from its first phase to its drain.
type leader struct {
	phases    []phase
	spawnRate float64
	closed    users // or open; the other is nil
	open      arrivals
	observe   *observer

	zero    time.Time
	records []result.Phase
}

// lead returns when the load is over and drained; false: it was cut short by ctx.
func (l *leader) lead(ctx context.Context) bool {
	l.zero = time.Now()
	last := len(l.phases) - 1
	complete := true
	var end time.Time
	if l.closed != nil {
		for i := range l.phases[:last] {
			if complete = l.closedPhase(ctx, &l.phases[i]); !complete {
				break
			}
		}
	} else {
		end, complete = l.openPhases(ctx, l.phases[:last])
	}
	if now := time.Now(); !complete || end.IsZero() || end.After(now) {
		end = now
	}
	l.drain(&l.phases[last], end, complete)
	return complete
}

// closedPhase has a stage's users come, and measures from when they are there.
func (l *leader) closedPhase(ctx context.Context, p *phase) bool {
	moment := record.Moment{Phase: p.index}
	l.closed.Enter(moment)
	began := time.Now()
	l.begin(p, began)
	if p.kind == result.Stage {
		if !l.populate(ctx, p, began, func(n int) bool { return n == p.to }, time.Time{}) {
			return false
		}
		moment.Settled = true
		l.closed.Enter(moment)
		began = time.Now()
		l.full(began)
	}
	end := began.Add(p.length)
	if p.kind == result.Stage {
		return sleep(ctx, end)
	}
	return l.populate(ctx, p, began, func(int) bool { return false }, end)
}

// populate changes the number of users as the phase has it until enough is true, or until a time.
func (l *leader) populate(ctx context.Context, p *phase, began time.Time, enough func(int) bool, until time.Time) bool {
	for {
		now := time.Now()
		count := p.users(now.Sub(began), l.spawnRate)
		if !until.IsZero() && !now.Before(until) {
			return true
		}
		l.closed.SetUsers(count)
		l.observe.users.Store(int64(count))
		if enough(count) {
			return true
		}
		next := now.Add(userStep)
		if !until.IsZero() && until.Before(next) {
			next = until
		}
		if !sleep(ctx, next) {
			return false
		}
	}
}

// openPhases announces each phase a moment before it begins, so that one follows the other without a gap.
// The time is when the last arrival of the last one was due.
func (l *leader) openPhases(ctx context.Context, phases []phase) (time.Time, bool) {
	due := time.Now().Add(announced)
	l.announce(&phases[0], due)
	for i := range phases {
		if !sleep(ctx, due) {
			return due, false
		}
		p := &phases[i]
		l.begin(p, due)
		if p.kind == result.Stage {
			l.full(due)
		}
		due = due.Add(p.length)
		if i+1 < len(phases) {
			if !sleep(ctx, due.Add(-announced)) {
				return due, false
			}
			l.announce(&phases[i+1], due)
		}
	}
	return due, sleep(ctx, due)
}

func (l *leader) announce(p *phase, due time.Time) {
	l.open.Enter(load.Phase{
		Moment: record.Moment{Phase: p.index, Settled: p.kind == result.Stage}, Rate: *p.rate,
		Start: clock.Now() + int64(time.Until(due)),
	})
}

// drain sends nothing new and lets what is in flight end.
func (l *leader) drain(p *phase, at time.Time, complete bool) {
	limit := p.length
	if !complete {
		limit = min(limit, earlyDrain)
	}
	l.begin(p, at)
	var offered load.Load = l.closed
	if l.closed == nil {
		offered = l.open
	}
	offered.Drain(record.Moment{Phase: p.index}, limit)
	l.observe.users.Store(0)
	l.end(time.Now())
}

// begin writes down that a phase has begun, and the one before ended.
func (l *leader) begin(p *phase, at time.Time) {
	l.end(at)
	one := result.Phase{Index: p.index, Name: p.name, Kind: p.kind, StartedAt: l.unix(at), Spike: p.spike}
	switch {
	case p.kind == result.Drain:
	case p.rate != nil:
		one.Rate = &p.rate.To
	default:
		one.Users = &p.to
	}
	l.records = append(l.records, one)
}

// full writes down that the users of a stage are there.
func (l *leader) full(at time.Time) {
	last := &l.records[len(l.records)-1]
	unix := l.unix(at)
	last.FullAt = &unix
	l.observe.boundary(!last.Spike)
}

func (l *leader) end(at time.Time) {
	l.observe.boundary(false)
	if len(l.records) > 0 {
		unix := l.unix(at)
		l.records[len(l.records)-1].EndedAt = &unix
	}
}

// unix is a time by the wall clock as it was at the beginning: a clock that is set must not change lengths.
func (l *leader) unix(at time.Time) float64 {
	return float64(l.zero.UnixMicro())/1e6 + at.Sub(l.zero).Seconds()
}

// sleep is false where ctx ended it.
func sleep(ctx context.Context, until time.Time) bool {
	left := time.Until(until)
	if left <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// newLeader makes the load of a job.
func newLeader(j *job, options load.Options, observe *observer) *leader {
	l := &leader{phases: phasesOf(j.plan), spawnRate: j.plan.SpawnRate, observe: observe}
	if j.plan.Model == plan.Open {
		l.open = load.NewOpen(options)
		observe.load = l.open
	} else {
		l.closed = load.NewClosed(options)
		observe.load = l.closed
	}
	return l
}
