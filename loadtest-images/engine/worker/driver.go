package worker

import (
	"maps"
	"sync"
	"time"

	"gatebench.dev/engine/clock"
	"gatebench.dev/engine/load"
	"gatebench.dev/engine/locust"
	"gatebench.dev/engine/record"
	"gatebench.dev/engine/schedule"
)

// offer is the load, closed or open. Each kind ignores what is the other's.
type offer interface {
	load.Load
	Users(count int)
	Enter(load.Phase)
}

// master is what is said to the master beyond what its messages are answered with.
type master interface {
	Report(*locust.Report) error
	Spawned(classes map[string]int) error
	Stopped() error
}

// driver does what the master says. Once it has been told to end the load, nothing starts it again.
type driver struct {
	master master
	report func(final bool) // sends what was measured
	store  func(plan string) error
	build  func(worker, workers int) offer
	pulse  func() (cpu float64, memory int64)
	log    *logger
	index  int // by the master's acknowledgement
	count  int // of workers, by the plan

	mu       sync.Mutex
	offer    offer
	state    string
	attempt  *string
	moment   record.Moment
	classes  map[string]int
	ending   bool // no load any more
	finished bool // all is measured, and the last report on its way or there
	ended    sync.WaitGroup
}

// Phase begins a phase, or says that its users are there.
func (d *driver) Phase(p locust.Phase) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ending {
		return
	}
	d.attempt = p.Attempt
	d.moment = record.Moment{Phase: p.Index, Settled: p.Settled}
	if p.Worker != nil && p.Workers != nil {
		d.index, d.count = *p.Worker, *p.Workers
	}
	phase := load.Phase{Moment: d.moment, Start: clock.Now(), Direct: p.Direct, Burst: p.Burst}
	if p.StartsAt != nil {
		phase.Start = clock.FromUnix(*p.StartsAt)
	}
	if p.Rate != nil {
		phase.Rate = schedule.Rate{From: p.Rate.From, To: p.Rate.To, Seconds: p.Rate.Seconds}
	}
	d.offered().Enter(phase)
}

// offered is the load, which is made when it is first needed: by then the master has said how many workers share it.
func (d *driver) offered() offer {
	if d.offer == nil {
		d.offer = d.build(d.index, d.count)
	}
	return d.offer
}

// Spawn changes the number of users.
func (d *driver) Spawn(s locust.Spawn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ending {
		return
	}
	d.offered().Users(s.Users())
	d.classes, d.state = s.Classes, locust.StateRunning
	_ = d.master.Spawned(s.Classes) // a connection that breaks is noticed elsewhere
}

// Drain ends the load: what is in flight may end, and then the last report is sent.
func (d *driver) Drain(m locust.Drain) {
	moment := record.Moment{Phase: m.Phase}
	limit := time.Duration(m.Seconds * float64(time.Second))
	d.end(moment, limit, func() {
		d.mu.Lock()
		d.finished = true // first: the master that has the report may hand out another plan at once
		d.mu.Unlock()
		d.report(true)
		d.mu.Lock()
		d.state = locust.StateReady
		d.mu.Unlock()
		d.log.info("drained")
	})
}

// Stop ends the load at once.
func (d *driver) Stop() {
	d.log.info("the master has said stop")
	d.end(d.now(), 0, func() {
		d.report(false)
		d.mu.Lock()
		d.state = locust.StateStopped
		d.mu.Unlock()
		_ = d.master.Stopped()
	})
}

// Plan takes another plan, unless a load is under way.
func (d *driver) Plan(p locust.Plan) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if (d.offer != nil || d.ending) && !d.finished {
		d.log.error("another plan has come while a load is under way: it is not taken")
		return false
	}
	if err := d.store(p.Text); err != nil {
		d.log.error("another plan cannot be stored: %s", err)
		return false
	}
	d.ending = true
	return true
}

// end stops the load, once, without blocking, and then does what is to be done after it.
func (d *driver) end(moment record.Moment, limit time.Duration, after func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ending {
		return
	}
	d.ending, d.moment = true, moment
	offer := d.offer
	d.ended.Go(func() {
		if offer != nil {
			offer.Drain(moment, limit)
		}
		d.mu.Lock()
		none := maps.Clone(d.classes)
		for class := range none {
			none[class] = 0
		}
		d.classes = none
		d.mu.Unlock()
		after()
	})
}

// leave stops the load at once and sends what was measured, unless that has happened already; it takes two seconds at
// most.
func (d *driver) leave() {
	const limit = 2 * time.Second
	d.end(d.now(), 0, func() { d.report(false) })
	done := make(chan struct{})
	go func() {
		d.ended.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(limit):
	}
}

func (d *driver) now() record.Moment {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.moment
}

// Pulse is what the next heartbeat says.
func (d *driver) Pulse() locust.Pulse {
	cpu, memory := d.pulse()
	d.mu.Lock()
	defer d.mu.Unlock()
	return locust.Pulse{State: d.state, CPU: cpu, Memory: memory}
}

// status is what a report says of the moment; the load is nil before there is one.
func (d *driver) status() (attempt *string, moment record.Moment, classes map[string]int, offer offer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.attempt, d.moment, d.classes, d.offer
}

// loaded is whether there was a load and its end has not been reported yet.
func (d *driver) loaded() (was, over bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.offer != nil, d.finished
}
