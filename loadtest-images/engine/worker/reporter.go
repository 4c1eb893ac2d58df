package worker

import (
	"context"
	"sync"
	"time"

	"gatebench.dev/engine/locust"
	"gatebench.dev/engine/record"
	"gatebench.dev/engine/usage"
)

const reportEvery = time.Second

// reporter sends what was measured, numbered without gaps.
type reporter struct {
	take    func() record.Report
	usage   func() usage.Usage
	allowed float64 // cores
	mask    mask
	send    func(*locust.Report) error
	log     *logger
	begun   time.Time

	mu       sync.Mutex
	sequence int64
	tick     int64
	before   usage.Usage
	moment   record.Moment
	measured bool    // there was a report before
	cpu      float64 // per cent of what is allowed, in the latest second
}

// loop reports at each full second of this worker's life, however long one takes.
func (r *reporter) loop(ctx context.Context, d *driver) {
	for {
		r.report(d, false)
		select {
		case <-time.After(time.Until(r.next())):
		case <-ctx.Done():
			return
		}
	}
}

// next is when the next report is due. One that is sent before then, out of turn, is of the same second.
func (r *reporter) next() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tick = int64(time.Since(r.begun)/reportEvery) + 1
	return r.begun.Add(time.Duration(r.tick) * reportEvery)
}

// report sends all that was measured since the last one. Whoever needs it to be the last has ended the load before.
func (r *reporter) report(d *driver, final bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	attempt, moment, classes, offer := d.status()
	now, before := r.usage(), r.before
	r.sequence++
	out := &locust.Report{
		Report: r.take(), Moment: moment, Attempt: attempt, Sequence: r.sequence, Final: final,
		Tick:    r.tick,
		Steady:  r.measured && r.moment == moment,
		Allowed: r.allowed, Wall: now.Wall - before.Wall, CPU: now.CPU - before.CPU, GCPause: now.GCPause - before.GCPause,
		OnCPU: difference(now.OnCPU, before.OnCPU), Waited: difference(now.Waited, before.Waited),
		Classes: classes,
	}
	if offer != nil {
		out.InFlight = offer.TakeInFlight()
	}
	for i := range out.Errors {
		out.Errors[i].Message = r.mask.text(out.Errors[i].Message)
	}
	r.before, r.moment, r.measured = now, moment, true
	const shortest = 0.5 // seconds; two reports in quick succession say nothing about a rate
	if out.Wall >= shortest && r.allowed > 0 {
		r.cpu = 100 * out.CPU / (out.Wall * r.allowed)
	}
	if err := r.send(out); err != nil {
		r.log.error("a report could not be sent: %s", err)
	}
}

// load is the latest CPU figure for Locust's page.
func (r *reporter) load() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cpu
}

func difference(now, before *float64) *float64 {
	if now == nil || before == nil {
		return nil
	}
	d := max(0, *now-*before)
	return &d
}
