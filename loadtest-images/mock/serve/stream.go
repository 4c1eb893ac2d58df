package serve

import (
	"io"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"gatebench.dev/mock/llm"
	"gatebench.dev/mock/pace"
)

// stream leaves a stream of events to the server, which sends each Read at once. Its first token is due now.
func (s *Server) stream(ctx *fasthttp.RequestCtx, api llm.API, reply *llm.Reply, now time.Time, tokensPerSecond float64) {
	ctx.SetContentType("text/event-stream; charset=utf-8")
	ctx.Response.Header.Set("Cache-Control", "no-cache")
	ctx.Response.SetBodyStream(&events{
		api: api, reply: reply, clock: s.Clock, started: now, tokensPerSecond: tokensPerSecond,
		done: func() {
			s.InFlight.Leave()
			if s.Account != nil {
				s.Account.Done()
			}
		},
	}, -1)
}

// events is a stream as a reader: each Read waits until the next token is due. Tokens are due at fixed times from the
// first on, so that a late one does not delay the ones after it; those that are due together are sent together.
type events struct {
	api             llm.API
	reply           *llm.Reply
	clock           *pace.Clock
	started         time.Time
	tokensPerSecond float64

	next    int // the token to come
	ended   bool
	pending []byte
	rest    []byte // of pending, what did not fit
	done    func()
	once    sync.Once
}

func (e *events) due(token int) time.Time {
	if e.tokensPerSecond == 0 {
		return e.started
	}
	return e.started.Add(time.Duration(float64(token) / e.tokensPerSecond * float64(time.Second)))
}

// Read implements io.Reader.
func (e *events) Read(into []byte) (int, error) {
	if len(e.rest) == 0 {
		if e.ended {
			return 0, io.EOF
		}
		e.fill(cap(into))
	}
	n := copy(into, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

func (e *events) fill(enough int) {
	e.pending = e.pending[:0]
	if e.next == 0 {
		e.pending = e.api.Head(e.pending, e.reply)
	}
	e.clock.Until(e.due(e.next))
	for now := time.Now(); e.next < e.reply.Tokens && len(e.pending) < enough && !e.due(e.next).After(now); e.next++ {
		e.pending = e.api.Token(e.pending, e.reply, e.next)
	}
	if e.next >= e.reply.Tokens {
		e.pending = e.api.Tail(e.pending, e.reply)
		e.ended = true
	}
	e.rest = e.pending
}

// Close is called by the server after the last byte, or when the client is gone.
func (e *events) Close() error {
	e.once.Do(e.done)
	return nil
}
