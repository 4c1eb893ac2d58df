package load

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatebench.dev/engine/client"
	"gatebench.dev/engine/histogram"
	"gatebench.dev/engine/payload"
	"gatebench.dev/engine/record"
)

var settled = record.Moment{Phase: 1, Settled: true}

func quantile(t *testing.T, h *histogram.Histogram, q float64) float64 {
	t.Helper()
	if h == nil {
		t.Fatal("there is no histogram")
	}
	value, ok := h.Quantile(q)
	if !ok {
		t.Fatal("the histogram is empty")
	}
	return value
}

// A target that stalls for a second: latency counts from when a request was to be sent, so that the stall is seen by all
// whom it would have held up, and not only by the one that was under way.
func TestLatencyCountsFromTheIntendedStart(t *testing.T) {
	target, clock := newTarget(), newFakeClock()
	o := options(t, target)
	o.MaxInFlight = 200
	open := newOpen(o, clock)
	open.Enter(Phase{Moment: settled, Rate: constant(100, 1)})
	clock.advance(1000 * ms)
	for number, e := range target.take(100) {
		intended := number * 10 * ms
		e.answer(intended+2*ms, 1000*ms)
	}
	open.Drain(settled, time.Hour)
	report := o.Recorder.Take()
	expect(t, "requests", counts(report), "1 true true: 100")
	row := report.Rows[0]
	for _, c := range []struct {
		name string
		h    *histogram.Histogram
		q    float64
		want float64
	}{
		{"latency", row.Latency, 0, .010},
		{"latency", row.Latency, .5, .500},
		{"latency", row.Latency, 1, 1},
		{"service", row.Service, 1, .998},
		{"delay", report.Delay[0].Histogram, 0, .002},
		{"delay", report.Delay[0].Histogram, 1, .002},
	} {
		if got := quantile(t, c.h, c.q); math.Abs(got-c.want) > .001*c.want {
			t.Errorf("%s, quantile %g: %g s, want %g", c.name, c.q, got, c.want)
		}
	}
	if peak := open.TakeInFlight(); peak != 100 {
		t.Errorf("%d in flight at most", peak)
	}
}

func TestArrivalsBeyondTheBoundAreDroppedAndCounted(t *testing.T) {
	target, clock := newTarget(), newFakeClock()
	o := options(t, target)
	o.MaxInFlight = 3
	open := newOpen(o, clock)
	open.Enter(Phase{Moment: settled, Rate: constant(100, 10)})
	clock.advance(95 * ms) // 10 arrivals
	first := target.take(3)
	expect(t, "while all are busy", counts(o.Recorder.Take()), "1 dropped: 7")
	if first, again := open.TakeInFlight(), open.TakeInFlight(); first != 3 || again != 3 {
		t.Error("what is in flight still is not counted")
	}
	for _, e := range first {
		e.answer(0, 96*ms)
	}
	for open.flying.now.Load() > 0 || open.free() < 3 { // their goroutines have come back
		runtime.Gosched()
	}
	clock.advance(115 * ms) // two more
	for _, e := range target.take(2) {
		e.answer(0, 116*ms)
	}
	open.Drain(settled, time.Hour)
	expect(t, "afterwards", counts(o.Recorder.Take()), "1 true true: 5")
	if open, dialled := target.connections(); open != 0 || dialled != 3 {
		t.Errorf("%d of %d connections are open", open, dialled)
	}
}

// free is how many runners are idle, when nothing else happens.
func (o *Open) free() int {
	var taken []int
	for {
		number, ok := o.idle.pop()
		if !ok {
			break
		}
		taken = append(taken, number)
	}
	for _, number := range slices.Backward(taken) {
		o.idle.push(number)
	}
	return len(taken)
}

func TestPhasesFollowEachOtherAtTheirTime(t *testing.T) {
	target, clock := newTarget(), newFakeClock()
	o := options(t, target)
	open := newOpen(o, clock)
	warm := record.Moment{Phase: 0}
	open.Enter(Phase{Moment: warm, Rate: constant(100, 0.1)}) // ten arrivals, until 100 ms
	clock.advance(45 * ms)
	open.Enter(Phase{Moment: settled, Rate: constant(200, 0.1), Start: 100 * ms}) // twenty, until 200 ms
	clock.advance(195 * ms)
	open.Enter(Phase{Moment: record.Moment{Phase: 2}, Rate: constant(100, 1), Start: 150 * ms}) // late: from 195 ms
	open.Enter(Phase{Moment: record.Moment{Phase: 2, Settled: true}, Rate: constant(1, 1), Start: 700 * ms})
	clock.advance(226 * ms) // four: 195, 205, 215, 225
	all := target.take(34)
	var at []int64
	for number := range int64(34) {
		if all[number] == nil {
			t.Fatalf("there is no number %d", number)
		}
		all[number].answer(0, 300*ms)
	}
	open.Drain(settled, time.Hour)
	report := o.Recorder.Take()
	expect(t, "requests", counts(report), "0 false true: 10, 1 true true: 20, 2 true true: 4")
	for _, row := range report.Rows {
		first, _ := row.Latency.Max()
		at = append(at, 300-int64(math.Round(first*1e3)))
	}
	if want := []int64{0, 100, 195}; !slices.Equal(at, want) {
		t.Errorf("phases began at %v ms, want %v", at, want)
	}
}

func TestAStartThatIsFarOffIsAtOnce(t *testing.T) {
	for _, start := range []int64{-5000 * ms, 0, 1001 * ms, 90_000 * ms} {
		target, clock := newTarget(), newFakeClock()
		open := newOpen(options(t, target), clock)
		open.Enter(Phase{Moment: settled, Rate: constant(100, 1), Start: start})
		clock.advance(25 * ms)
		for _, e := range target.take(3) {
			e.answer(0, 30*ms)
		}
		open.Drain(settled, time.Hour)
	}
}

func TestNoRateIsNoArrivals(t *testing.T) {
	target, clock := newTarget(), newFakeClock()
	o := options(t, target)
	open := newOpen(o, clock)
	open.Enter(Phase{Moment: settled, Rate: constant(100, 1)})
	clock.advance(5 * ms)
	target.take(1)[0].answer(0, 6*ms)
	open.Enter(Phase{Moment: record.Moment{Phase: 2}}) // ends the arrivals of the one before
	clock.advance(5000 * ms)
	open.Drain(settled, time.Hour)
	expect(t, "requests", counts(o.Recorder.Take()), "1 true true: 1")
}

func TestADrainWaitsAndThenAborts(t *testing.T) {
	target, clock := newTarget(), newFakeClock()
	o := options(t, target)
	open := newOpen(o, clock)
	open.Enter(Phase{Moment: settled, Rate: constant(100, 1)})
	clock.advance(25 * ms)
	under := target.take(3)
	drained := make(chan struct{})
	go func() {
		open.Drain(record.Moment{Phase: 2}, 30*time.Millisecond)
		close(drained)
	}()
	under[1].answer(10*ms, 26*ms) // within the limit
	<-drained
	report := o.Recorder.Take()
	expect(t, "requests", counts(report), "1 true false: 2, 1 true true: 1")
	if e := report.Errors[0]; e.Kind != "timeout" || e.Message != client.OpenAtEnd || e.Count != 2 {
		t.Errorf("%+v", e)
	}
	if open, _ := target.connections(); open != 0 {
		t.Errorf("%d connections are open", open)
	}
	open.Enter(Phase{Moment: record.Moment{Phase: 3}, Rate: constant(100, 1)})
	open.Drain(settled, 0)
	if len(target.requests) > 0 {
		t.Error("a request was sent after the drain")
	}
}

func TestArrivalsThatADrainOvertakesAreDropped(t *testing.T) {
	target, clock := newTarget(), newFakeClock()
	o := options(t, target)
	open := newOpen(o, clock)
	open.Enter(Phase{Moment: settled, Rate: constant(100, 1)})
	clock.advance(5 * ms)
	target.take(1)[0].answer(0, 6*ms)
	clock.jump(45 * ms) // 10, 20, 30 and 40 ms have passed without the dispatcher having run
	open.Drain(settled, time.Hour)
	expect(t, "requests", counts(o.Recorder.Take()), "1 true true: 1, 1 dropped: 4")
}

// picked is what a fleet of so many workers sends, by number: when it was due, and which call.
func picked(t *testing.T, workers int, seed uint64) map[int64]string {
	t.Helper()
	out := make(map[int64]string)
	for worker := range workers {
		target, clock := newTarget(), newFakeClock()
		o := options(t, target)
		o.Calls, o.Poisson, o.Seed = calls(t, 3, 2, 1), true, seed
		o.Worker, o.Workers = worker, workers
		open := newOpen(o, clock)
		for phase := range 2 {
			open.Enter(Phase{Moment: record.Moment{Phase: phase}, Rate: constant(300, 1), Start: int64(phase) * 1000 * ms})
			clock.advance(int64(phase+1) * 1000 * ms)
		}
		sent := int(open.flying.now.Load())
		for number, e := range target.take(sent) {
			if _, twice := out[number]; twice {
				t.Fatalf("two workers send number %d", number)
			}
			out[number] = e.call.Name
			e.answer(0, 3000*ms)
		}
		open.Drain(settled, time.Hour)
	}
	return out
}

func TestTheFleetSendsTheSameWhateverItsSize(t *testing.T) {
	one := picked(t, 1, 7)
	for _, workers := range []int{2, 5} {
		if got := picked(t, workers, 7); !equal(got, one) {
			t.Errorf("%d workers send other requests than one", workers)
		}
	}
	if equal(picked(t, 1, 8), one) {
		t.Error("another seed sends the same")
	}
	by := map[string]float64{}
	for _, name := range one {
		by[name]++
	}
	n := float64(len(one)) // about 600
	for i, share := range []float64{3. / 6, 2. / 6, 1. / 6} {
		if off := math.Abs(by[fmt.Sprint("call-", i)]-n*share) / math.Sqrt(n*share*(1-share)); off > 4 {
			t.Errorf("%v of %g requests", by, n)
		}
	}
}

func equal(a, b map[int64]string) bool {
	if len(a) != len(b) {
		return false
	}
	for number, name := range a {
		if b[number] != name {
			return false
		}
	}
	return true
}

// instant is a connection that answers at once.
type instant struct{ now func() int64 }

func (c instant) Do(call *payload.Call, body []byte, res *client.Result) {
	res.Sent = c.now()
	res.End, res.Status, res.Bytes = res.Sent+ms, 200, 100
	res.TTFT, res.Tokens, res.Kind, res.Gaps = -1, -1, client.OK, res.Gaps[:0]
}
func (instant) Abort() {}
func (instant) Close() {}

// By the real clock: all arrivals of a phase are sent, none of them before its time.
func TestRealTime(t *testing.T) {
	o := options(t, nil)
	open := NewOpen(o)
	started := open.sleep.Now()
	early := make(chan string, 1000)
	open.options.Dial = func() client.Conn {
		return checked{instant{open.sleep.Now}, func(number, sent int64) {
			if due := started + number*500_000; sent < due {
				early <- fmt.Sprintf("number %d is %d ns early", number, due-sent)
			}
		}}
	}
	open.Enter(Phase{Moment: settled, Rate: constant(2000, 0.1), Start: started})
	var requests int64
	for requests < 200 {
		requests += o.Recorder.Take().Total.Requests
		runtime.Gosched()
	}
	open.Drain(settled, time.Hour)
	if more := o.Recorder.Take(); counts(more) != "" || requests != 200 {
		t.Errorf("%d requests, and %s", requests, counts(more))
	}
	close(early)
	for text := range early {
		t.Error(text)
	}
}

type checked struct {
	instant
	check func(number, sent int64)
}

func (c checked) Do(call *payload.Call, body []byte, res *client.Result) {
	c.instant.Do(call, body, res)
	var number int64
	if _, err := fmt.Sscan(strings.TrimSpace(string(body)), &number); err != nil {
		panic(err)
	}
	c.check(number, res.Sent)
}

func TestIdleGivesEachNumberToOne(t *testing.T) {
	const limit, workers, rounds = 8, 4, 5000
	stack := newIdle(limit)
	var held [limit]sync.Mutex
	for number := range limit {
		stack.push(number)
	}
	var working sync.WaitGroup
	for range workers {
		working.Go(func() {
			for range rounds {
				number, ok := stack.pop()
				if !ok {
					t.Error("fewer than there are")
					return
				}
				if !held[number].TryLock() {
					t.Error("one number is held by two")
					return
				}
				held[number].Unlock()
				stack.push(number)
			}
		})
	}
	working.Wait()
	seen := map[int]bool{}
	for number, ok := stack.pop(); ok; number, ok = stack.pop() {
		seen[number] = true
	}
	if len(seen) != limit {
		t.Errorf("%d of %d numbers are left", len(seen), limit)
	}
}

func TestTheLastToComeIsTheFirstToGo(t *testing.T) {
	stack := newIdle(3)
	for _, number := range []int{1, 0, 2} {
		stack.push(number)
	}
	for _, want := range []int{2, 0, 1} {
		if got, ok := stack.pop(); !ok || got != want {
			t.Errorf("%d, %t; want %d", got, ok, want)
		}
	}
}
