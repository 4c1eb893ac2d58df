package load

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"gatebench.dev/engine/client"
	"gatebench.dev/engine/payload"
	"gatebench.dev/engine/plan"
	"gatebench.dev/engine/record"
	"gatebench.dev/engine/schedule"
)

const ms = int64(1e6)

// fakeClock is a time that the test sets. Who waits for it has waited as soon as the test lets the time come.
type fakeClock struct {
	mu     sync.Mutex
	change *sync.Cond
	now    int64
	limit  int64 // the time that may come
	woken  bool
	parked bool // the thread waits for what may not come yet
}

func newFakeClock() *fakeClock {
	f := &fakeClock{}
	f.change = sync.NewCond(&f.mu)
	return f
}

func (f *fakeClock) Now() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fakeClock) Until(t int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for !f.woken && t > f.now {
		if t <= f.limit {
			f.now = t
			return
		}
		f.now = max(f.now, f.limit)
		f.parked = true
		f.change.Broadcast()
		f.change.Wait()
	}
	f.woken = false
}

func (f *fakeClock) Wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.woken, f.parked = true, false
	f.change.Broadcast()
}

// settle waits until the thread has done all that it has to do by now.
func (f *fakeClock) settle() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for !f.parked {
		f.change.Wait()
	}
}

// advance lets the time come, and waits until all that is due has been done.
func (f *fakeClock) advance(to int64) {
	f.settle()
	f.mu.Lock()
	f.limit, f.parked = to, false
	f.change.Broadcast()
	f.mu.Unlock()
	f.settle()
}

// jump sets the time without anybody having had a chance to do something in between.
func (f *fakeClock) jump(to int64) {
	f.settle()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now, f.limit = to, to
}

// exchange is a request that was sent, and that the test answers.
type exchange struct {
	call   *payload.Call
	number int64 // as its body says
	res    *client.Result
	done   chan struct{}
}

func (e *exchange) answer(sent, end int64) {
	e.res.Sent, e.res.End, e.res.Status = sent, end, 200
	close(e.done)
}

// target is where requests go, in the order in which they come.
type target struct {
	requests chan *exchange
	mu       sync.Mutex
	open     int // connections
	dialled  int
}

func newTarget() *target { return &target{requests: make(chan *exchange, 10_000)} }

type fakeConn struct {
	target  *target
	aborted chan struct{}
	once    sync.Once
}

func (t *target) dial() client.Conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open++
	t.dialled++
	return &fakeConn{target: t, aborted: make(chan struct{})}
}

func (c *fakeConn) Do(call *payload.Call, body []byte, res *client.Result) {
	number, err := strconv.ParseInt(string(body), 10, 64)
	if err != nil {
		panic(err)
	}
	*res = client.Result{TTFT: -1, Tokens: -1, Gaps: res.Gaps[:0]}
	e := &exchange{call: call, number: number, res: res, done: make(chan struct{})}
	c.target.requests <- e
	select {
	case <-e.done:
	case <-c.aborted:
		res.Kind, res.Message = client.Timeout, client.OpenAtEnd
	}
}

func (c *fakeConn) Abort() { c.once.Do(func() { close(c.aborted) }) }

func (c *fakeConn) Close() {
	c.target.mu.Lock()
	defer c.target.mu.Unlock()
	c.target.open--
}

// take waits for so many requests, and gives them by number.
func (t *target) take(count int) map[int64]*exchange {
	out := make(map[int64]*exchange)
	for range count {
		e := <-t.requests
		out[e.number] = e
	}
	return out
}

func (t *target) connections() (open, dialled int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open, t.dialled
}

// calls is a plan's, whose bodies are the numbers of the requests.
func calls(t testing.TB, weights ...int) *payload.Set {
	t.Helper()
	p := &plan.Plan{}
	for i, weight := range weights {
		p.Requests = append(p.Requests, plan.Request{
			Name: fmt.Sprint("call-", i), Weight: weight, API: "HTTP", Method: "POST", Path: "/", Status: 200,
			Body: []byte(`"{{sequence}}"`),
		})
	}
	set, err := payload.Build(p, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func options(t testing.TB, target *target) Options {
	return Options{Calls: calls(t, 1), Dial: target.dial, Recorder: record.New(), Workers: 1, Seed: 1}
}

func constant(rate, seconds float64) schedule.Rate {
	return schedule.Rate{From: rate, To: rate, Seconds: seconds}
}

// counts is a report in a few words: phase, settled, outcome and number of requests, and what was dropped.
func counts(r record.Report) string {
	var out []string
	for _, row := range r.Rows {
		out = append(out, fmt.Sprintf("%d %t %t: %d", row.Phase, row.Settled, row.Good, row.Count))
	}
	for _, d := range r.Dropped {
		out = append(out, fmt.Sprintf("%d dropped: %d", d.Phase, d.Count))
	}
	return strings.Join(out, ", ")
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %s; want %s", what, got, want)
	}
}
