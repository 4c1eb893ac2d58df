package load

import (
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"gatebench.dev/engine/clock"
	"gatebench.dev/engine/record"
	"gatebench.dev/engine/schedule"
)

// MostInFlight bounds the requests in flight of a worker that was given no bound.
const MostInFlight = 1 << 16

// Open is arrivals that do not wait for answers. One thread waits for the time of each arrival and hands it to whoever
// is idle; each of those owns a connection. Where all that there may be are busy, the arrival is dropped, and counted.
//
// Which request an arrival is depends on the plan's seed and the arrival's number in the fleet alone.
type Open struct {
	options Options
	sleep   waiter
	next    atomic.Pointer[phase] // announced, and not begun
	stop    atomic.Int64          // no arrival after it; 0: none
	stopped chan struct{}
	idle    *idle
	runners []*runner // of the dispatching thread, and when that has ended, of Drain
	working sync.WaitGroup
	flying  gauge

	mu        sync.Mutex
	announced *phase // the latest
	drained   bool
}

// phase is one that was announced.
type phase struct {
	index    int
	settled  atomic.Bool
	start    int64
	rate     schedule.Rate
	sequence *schedule.Sequence // nil: no arrivals
	over     bool               // there are no more arrivals
}

// arrival is a request that is to be sent.
type arrival struct {
	moment   record.Moment
	intended int64
	number   uint64 // in the whole fleet's load, from 0
}

// NewOpen begins without arrivals.
func NewOpen(o Options) *Open { return newOpen(o, new(clock.Sleeper)) }

func newOpen(o Options, sleep waiter) *Open {
	if o.MaxInFlight <= 0 || o.MaxInFlight > MostInFlight {
		o.MaxInFlight = MostInFlight
	}
	out := &Open{options: o, sleep: sleep, stopped: make(chan struct{}), idle: newIdle(o.MaxInFlight)}
	go out.dispatch()
	return out
}

// Enter announces a phase: its arrivals take the place of the present ones at its start. The same phase again changes
// only whether it is settled.
func (o *Open) Enter(p Phase) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.drained {
		return
	}
	if o.announced != nil && o.announced.index == p.Phase {
		o.announced.settled.Store(p.Settled)
		return
	}
	next := &phase{index: p.Phase, start: p.Start, rate: p.Rate}
	next.settled.Store(p.Settled)
	if now := o.sleep.Now(); p.Start < now || p.Start > now+int64(time.Second) {
		next.start = now
	}
	if sequence, err := schedule.New(schedule.Options{
		Rate: p.Rate, Poisson: o.options.Poisson, Seed: o.options.Seed, Phase: p.Phase, Worker: o.options.Worker,
		Workers: o.options.Workers,
	}); err == nil {
		next.sequence = sequence
	}
	o.announced = next
	o.next.Store(next)
	o.sleep.Wake()
}

// TakeInFlight is as Load says.
func (o *Open) TakeInFlight() int { return o.flying.take() }

// Drain is as Load says. An arrival that was due before it, and not sent yet, is dropped and counted.
func (o *Open) Drain(_ record.Moment, limit time.Duration) {
	o.mu.Lock()
	again := o.drained
	o.drained = true
	o.mu.Unlock()
	if again {
		o.working.Wait()
		return
	}
	o.stop.Store(max(1, o.sleep.Now()))
	o.sleep.Wake()
	<-o.stopped
	lanes := make([]*lane, 0, len(o.runners))
	for _, r := range o.runners {
		close(r.arrivals)
		lanes = append(lanes, r.lane)
	}
	finish(&o.working, limit, lanes)
}

// dispatch hands over every arrival at its time.
func (o *Open) dispatch() {
	clock.Precise()
	defer close(o.stopped)
	var (
		current *phase
		base    uint64 // arrivals of the phases before
		due     = never
		number  uint64
	)
	for {
		// In this order: what was due when the stop was said is seen to be due.
		stop := o.stop.Load()
		next, now := o.next.Load(), o.sleep.Now()
		switch {
		case next != nil && next.start <= min(now, due):
			base += current.numbers()
			current = next
			o.next.CompareAndSwap(next, nil)
			due, number = current.advance()
		case stop != 0 && due > stop:
			return
		case now < due:
			if next != nil {
				o.sleep.Until(min(due, next.start))
			} else {
				o.sleep.Until(due)
			}
		default:
			moment := record.Moment{Phase: current.index, Settled: current.settled.Load()}
			if stop != 0 || !o.hand(arrival{moment, due, base + number}) {
				o.options.Recorder.Drop(moment)
			}
			due, number = current.advance()
		}
	}
}

// advance is the time of the phase's next arrival, and its number in it.
func (p *phase) advance() (due int64, number uint64) {
	if p.sequence != nil {
		if at, number, ok := p.sequence.Next(); ok {
			return p.start + at, number
		}
	}
	p.over = true
	return never, 0
}

// numbers is how many numbers the phase has used up, the same on every worker. Of one that was cut short nobody knows
// yet how many arrivals it would have had, so that it leaves out some.
func (p *phase) numbers() uint64 {
	if p == nil || p.sequence == nil {
		return 0
	}
	if p.over {
		return p.sequence.Made()
	}
	expected := p.rate.Arrivals(p.rate.Seconds)
	return uint64(expected + 10*math.Sqrt(expected) + 10)
}

// hand gives an arrival to somebody; false: nobody may take it.
func (o *Open) hand(a arrival) bool {
	if number, ok := o.idle.pop(); ok {
		o.flying.up()
		o.runners[number].arrivals <- a
		return true
	}
	if len(o.runners) >= o.options.MaxInFlight {
		return false
	}
	o.flying.up()
	r := &runner{lane: newLane(&o.options), number: len(o.runners), arrivals: make(chan arrival, 1)}
	o.runners = append(o.runners, r)
	o.working.Go(func() { r.run(o, a) })
	return true
}

// runner makes one request at a time.
type runner struct {
	*lane
	number   int
	arrivals chan arrival
}

// run ends when the channel of arrivals is closed.
func (r *runner) run(o *Open, a arrival) {
	defer r.close()
	for more := true; more; a, more = <-r.arrivals {
		r.source.Seed(o.options.Seed, spread(a.number))
		r.exchange(a.moment, a.number)
		r.sample.Latency = r.result.End - a.intended
		r.sample.Service = r.result.End - r.result.Sent
		r.sample.Delay = max(0, r.result.Sent-a.intended)
		o.options.Recorder.Add(&r.sample)
		o.flying.down()
		o.idle.push(r.number)
	}
}

// spread gives neighbouring numbers seeds that have nothing in common.
func spread(number uint64) uint64 {
	high, low := bits.Mul64(number+1, 0x9e3779b97f4a7c15)
	return high ^ low
}
