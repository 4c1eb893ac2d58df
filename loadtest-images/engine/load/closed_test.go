package load

import (
	"math"
	"runtime"
	"slices"
	"testing"
	"time"

	"gatebench.dev/engine/client"
	"gatebench.dev/engine/plan"
	"gatebench.dev/engine/record"
)

// thinking waits until so many users think.
func (c *Closed) thinking(users int) {
	for {
		c.alarm.mu.Lock()
		count := len(c.alarm.heap)
		c.alarm.mu.Unlock()
		if count == users {
			return
		}
		runtime.Gosched()
	}
}

func TestUsersComeAndGo(t *testing.T) {
	target := newTarget()
	o := options(t, target)
	closed := newClosed(o, newFakeClock())
	closed.Enter(settled)
	closed.SetUsers(3)
	first := target.take(3)
	closed.SetUsers(1)
	if closed.Users() != 1 || closed.TakeInFlight() != 3 {
		t.Errorf("%d users", closed.Users())
	}
	for _, e := range first { // those that are on their way out finish their requests too
		e.answer(0, 10*ms)
	}
	for _, e := range target.take(1) {
		if len(target.requests) > 0 {
			t.Error("a user that was to end has gone on")
		}
		e.answer(20*ms, 25*ms)
	}
	more := target.take(1)
	closed.SetUsers(2)
	for _, e := range target.take(1) {
		e.answer(0, ms)
	}
	again := target.take(1)
	done := make(chan struct{})
	go func() {
		closed.Drain(record.Moment{Phase: 2}, time.Hour)
		close(done)
	}()
	for closed.Users() > 0 {
		runtime.Gosched()
	}
	for _, exchanges := range []map[int64]*exchange{more, again} {
		for _, e := range exchanges {
			e.answer(30*ms, 31*ms)
		}
	}
	<-done
	report := o.Recorder.Take()
	expect(t, "requests", counts(report), "1 true true: 7")
	if longest, _ := report.Rows[0].Latency.Max(); longest != .01 || report.Rows[0].Service != nil || report.Delay != nil {
		t.Errorf("latency up to %g s, service %v, delay %v", longest, report.Rows[0].Service, report.Delay)
	}
	if open, dialled := target.connections(); open != 0 || dialled != 4 {
		t.Errorf("%d of %d connections are open", open, dialled)
	}
	closed.SetUsers(5)
	if closed.Users() != 0 {
		t.Error("users come after the drain")
	}
}

func TestThinkTimeEndsOnTimeAndItsDelayIsCounted(t *testing.T) {
	target, clock := newTarget(), newFakeClock()
	o := options(t, target)
	o.Think = &plan.Range{Min: .5, Max: .5}
	closed := newClosed(o, clock)
	closed.Enter(settled)
	closed.SetUsers(1)
	target.take(1)[0].answer(0, 10*ms)
	closed.thinking(1)
	clock.advance(510*ms - 1)
	if len(target.requests) > 0 {
		t.Error("the think time is too short")
	}
	clock.advance(510 * ms)
	target.take(1)[1].answer(513*ms, 520*ms)
	closed.thinking(1)
	closed.Drain(settled, time.Hour) // ends a user that thinks at once
	report := o.Recorder.Take()
	expect(t, "requests", counts(report), "1 true true: 2")
	if delay := report.Delay[0].Histogram; delay.Count() != 1 || delay.Seconds() != .003 {
		t.Errorf("%d delays of %g s", delay.Count(), delay.Seconds())
	}
}

func TestUsersWakeInTheOrderOfTheirTimes(t *testing.T) {
	clock := newFakeClock()
	a := newAlarm(clock)
	wakes := make([]chan struct{}, 50)
	for i := range wakes {
		wakes[i] = make(chan struct{}, 1)
		a.at(int64((i*37)%50+1)*ms, wakes[i]) // a permutation
	}
	for now := range int64(51) {
		clock.advance(now * ms)
		for i, wake := range wakes {
			if awake, due := len(wake) == 1, int64((i*37)%50+1) <= now; awake != due {
				t.Fatalf("at %d ms: number %d awake %t, due %t", now, i, awake, due)
			}
		}
	}
	a.close()
}

func TestARequestIsOfTheMomentInWhichItBegan(t *testing.T) {
	target := newTarget()
	o := options(t, target)
	closed := newClosed(o, newFakeClock())
	closed.Enter(record.Moment{Phase: 3})
	closed.SetUsers(1)
	first := target.take(1)[0]
	closed.Enter(record.Moment{Phase: 3, Settled: true})
	first.answer(0, ms)
	second := target.take(1)[1]
	closed.Enter(record.Moment{Phase: 4})
	closed.SetUsers(0)
	second.answer(ms, 2*ms)
	closed.Drain(record.Moment{Phase: 5}, time.Hour)
	expect(t, "requests", counts(o.Recorder.Take()), "3 false true: 1, 3 true true: 1")
}

func TestAClosedDrainAborts(t *testing.T) {
	target := newTarget()
	o := options(t, target)
	closed := newClosed(o, newFakeClock())
	closed.Enter(settled)
	closed.SetUsers(4)
	under := target.take(4)
	closed.SetUsers(2) // also what was on its way out before
	under[0].answer(0, ms)
	closed.Drain(settled, 0)
	report := o.Recorder.Take()
	if report.Total.Requests < 4 || report.Total.Failures != report.Total.Requests-1 {
		t.Errorf("%d of %d failed", report.Total.Failures, report.Total.Requests)
	}
	for _, e := range report.Errors {
		if e.Kind != "timeout" || e.Message != client.OpenAtEnd {
			t.Errorf("%+v", e)
		}
	}
	if open, _ := target.connections(); open != 0 {
		t.Errorf("%d connections are open", open)
	}
}

// story is what the users of a worker ask for, one after another: by user, the calls.
func story(t *testing.T, seed uint64, worker, users int) [][]string {
	t.Helper()
	var out [][]string
	for user := range users {
		target := newTarget()
		o := options(t, target)
		o.Calls, o.Seed, o.Worker, o.Workers = calls(t, 1, 1), seed, worker, 3
		closed := newClosed(o, newFakeClock())
		closed.number = user
		closed.SetUsers(1)
		var names []string
		for n := range int64(20) {
			number := n*3 + int64(worker) // no two workers use the same
			e := target.take(1)[number]
			if e == nil {
				t.Fatalf("request %d of worker %d has another number than %d", n, worker, number)
			}
			names = append(names, e.call.Name)
			e.answer(0, ms)
		}
		closed.Drain(settled, 0)
		out = append(out, names)
	}
	return out
}

func TestWhatAUserDoesDependsOnSeedWorkerAndNumber(t *testing.T) {
	one := story(t, 7, 0, 2)
	if !slices.EqualFunc(one, story(t, 7, 0, 2), slices.Equal) {
		t.Error("the same users do something else")
	}
	for name, other := range map[string][]string{
		"user": one[1], "worker": story(t, 7, 1, 1)[0], "seed": story(t, 8, 0, 1)[0],
	} {
		if slices.Equal(one[0], other) {
			t.Errorf("another %s does the same", name)
		}
	}
}

func TestThinkTimesAreUniform(t *testing.T) {
	o := options(t, newTarget())
	o.Think = &plan.Range{Min: .5, Max: 1.5}
	closed := newClosed(o, newFakeClock())
	u := &user{lane: newLane(&o)}
	const n = 10_000
	var drawn []float64
	for range n {
		pause, thinks := closed.think(u)
		if !thinks {
			t.Fatal("no think time")
		}
		drawn = append(drawn, float64(pause)/1e9-.5)
	}
	slices.Sort(drawn)
	furthest := 0.0
	for i, value := range drawn { // Kolmogorov–Smirnov against the uniform distribution on 0 to 1
		furthest = max(furthest, value-float64(i)/n, float64(i+1)/n-value)
	}
	if drawn[0] < 0 || drawn[n-1] > 1 || furthest > 1.9495/math.Sqrt(n) {
		t.Errorf("from %g to %g, D = %g", drawn[0], drawn[n-1], furthest)
	}
	for _, none := range []*plan.Range{nil, {}} {
		o.Think = none
		if _, thinks := newClosed(o, newFakeClock()).think(u); thinks {
			t.Errorf("%v is a think time", none)
		}
	}
}
