package load

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"gatebench.dev/engine/client"
	"gatebench.dev/engine/clock"
	"gatebench.dev/engine/payload"
	"gatebench.dev/engine/record"
	"gatebench.dev/engine/schedule"
)

// counted answers at once, so many times; after that requests stay open until they are aborted.
type counted struct {
	instant
	left    *atomic.Int64
	over    chan struct{}
	aborted chan struct{}
}

func (c counted) Do(call *payload.Call, body []byte, res *client.Result) {
	c.instant.Do(call, body, res)
	switch left := c.left.Add(-1); {
	case left == 0:
		close(c.over)
		fallthrough
	case left < 0:
		<-c.aborted
	}
}

func (c counted) Abort() {
	select {
	case c.aborted <- struct{}{}:
	default:
	}
}

// closedRun makes so many requests with eight users.
func closedRun(o Options, requests int64) {
	left, over := new(atomic.Int64), make(chan struct{})
	left.Store(requests)
	o.Dial = func() client.Conn { return counted{instant{clock.Now}, left, over, make(chan struct{})} }
	load := NewClosed(o)
	load.SetUsers(8)
	<-over
	load.Drain(record.Moment{}, 0)
}

// unhurried is a clock that goes on to the next arrival as soon as some runners are idle.
type unhurried struct {
	now  atomic.Int64
	load atomic.Pointer[Open]
	wake chan struct{}
}

func (u *unhurried) Now() int64 { return u.now.Load() }

func (u *unhurried) Until(t int64) {
	if t == never {
		<-u.wake
		return
	}
	for load := u.load.Load(); load.flying.now.Load() > 16; {
		runtime.Gosched()
	}
	u.now.Store(t)
}

func (u *unhurried) Wake() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// openRun makes so many arrivals, with more runners than are needed.
func openRun(o Options, arrivals int) {
	o.Dial = func() client.Conn { return instant{clock.Now} }
	o.MaxInFlight = 64
	time := &unhurried{wake: make(chan struct{}, 1)}
	load := newOpen(o, time)
	time.load.Store(load)
	rate := schedule.Rate{From: 1e6, To: 1e6, Seconds: float64(arrivals) / 1e6}
	load.Enter(Phase{Rate: rate})
	end := int64(float64(arrivals-1)/1e6*1e9) - 1000
	for time.now.Load() < end || load.flying.now.Load() > 0 {
		runtime.Gosched()
	}
	load.Drain(record.Moment{}, 0)
}

// In the steady state a request costs at most two allocations, with the load, the recorder and the payload.
func TestFewAllocations(t *testing.T) {
	const requests = 50_000
	for name, run := range map[string]func(Options){
		"closed": func(o Options) { closedRun(o, requests) },
		"open":   func(o Options) { openRun(o, requests) },
	} {
		o := options(t, nil)
		o.Calls = calls(t, 2, 1)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		run(o)
		runtime.ReadMemStats(&after)
		each := float64(after.Mallocs-before.Mallocs) / requests
		if each > 0.1 { // what was made once, for all of them
			t.Errorf("%s: %.2f allocations a request", name, each)
		}
		// The last arrivals may be overtaken by the drain; users may have begun another request each.
		if made := o.Recorder.Take().Total.Requests; made < requests-8 || made > requests+8 {
			t.Errorf("%s: %d of %d requests", name, made, requests)
		}
	}
}

func BenchmarkClosed(b *testing.B) {
	o := options(b, nil)
	o.Calls = calls(b, 2, 1)
	b.ReportAllocs()
	closedRun(o, int64(b.N))
}

func BenchmarkOpen(b *testing.B) {
	o := options(b, nil)
	o.Calls = calls(b, 2, 1)
	b.ReportAllocs()
	openRun(o, b.N)
}

// BenchmarkDispatch says how late arrivals are sent, by the real clock: on a core of its own.
func BenchmarkDispatch(b *testing.B) {
	const rate = 5000
	o := options(b, nil)
	o.Dial = func() client.Conn { return instant{clock.Now} }
	o.MaxInFlight, o.Poisson = 64, true
	load := NewOpen(o)
	seconds := float64(b.N) / rate
	load.Enter(Phase{Moment: settled, Rate: schedule.Rate{From: rate, To: rate, Seconds: seconds}})
	time.Sleep(time.Duration(seconds*1e9) + 10*time.Millisecond)
	load.Drain(record.Moment{}, time.Second)
	report := o.Recorder.Take()
	if len(report.Delay) == 0 {
		return // the first try is of one arrival, which may be none
	}
	for q, unit := range map[float64]string{.5: "p50-us", .99: "p99-us", .999: "p99.9-us"} {
		value, _ := report.Delay[0].Histogram.Quantile(q)
		b.ReportMetric(value*1e6, unit)
	}
}
