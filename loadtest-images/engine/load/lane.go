package load

import (
	"math/rand/v2"
	"sync"
	"time"

	"gatebench.dev/engine/client"
	"gatebench.dev/engine/record"
)

// lane is a connection with all that one request at a time needs, made once.
type lane struct {
	options *Options
	conn    client.Conn
	source  rand.PCG
	random  *rand.Rand
	body    []byte // for bodies that are filled anew for each request
	result  client.Result
	sample  record.Sample

	mu     sync.Mutex
	closed bool
}

func newLane(o *Options) *lane {
	l := &lane{options: o, conn: o.Dial()}
	l.random = rand.New(&l.source)
	l.sample.Result = &l.result
	return l
}

// exchange makes request number n, and leaves what came of it in result and in the sample's call and moment.
func (l *lane) exchange(m record.Moment, n uint64) {
	call := l.options.Calls.Pick(l.random)
	body := call.Render(l.body[:0], l.random, n)
	if !call.IsConstant(body) {
		l.body = body
	}
	l.sample.Call, l.sample.Moment = call, m
	l.conn.Do(call, body, &l.result)
}

// abort ends a request under way.
func (l *lane) abort() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.conn.Abort()
	}
}

func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.conn.Close()
}

// finish waits until all have done, and after `limit` aborts what they do.
func finish(working *sync.WaitGroup, limit time.Duration, lanes []*lane) {
	done := make(chan struct{})
	go func() {
		working.Wait()
		close(done)
	}()
	select {
	case <-done:
		return
	case <-time.After(limit):
	}
	// More than once: a request may have been about to begin.
	const again = 20 * time.Millisecond
	for {
		for _, lane := range lanes {
			lane.abort()
		}
		select {
		case <-done:
			return
		case <-time.After(again):
		}
	}
}
