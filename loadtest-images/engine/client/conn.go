package client

import (
	"gatebench.dev/engine/clock"
	"gatebench.dev/engine/payload"
)

const (
	// A connection that was used a moment ago is not looked at before it is used again: the other side's end of it
	// would hardly have come yet, and looking costs a system call.
	freshFor = 100_000 // nanoseconds

	// Longer bodies are written by a call of their own: not to hold a copy of each for each connection.
	copiedBody = 16 << 10

	maxInterim = 10
)

// conn is a connection that speaks HTTP/1.1 by itself.
type conn struct {
	dialer *Dialer
	link   *link
	reader reader
	answer answer
	out    []byte

	call    *payload.Call // the last one with a constant body
	request []byte        // its request, which all connections have in common
	used    int64         // when the last exchange ended
}

func newConn(d *Dialer) *conn { return &conn{dialer: d, link: newLink(d)} }

// Do is as Conn says.
func (c *conn) Do(call *payload.Call, body []byte, res *Result) {
	res.begin(clock.Now())
	c.exchange(call, body, res)
}

// exchange makes one that has begun.
func (c *conn) exchange(call *payload.Call, body []byte, res *Result) {
	reusable, err := c.attempt(call, body, res)
	if err != nil {
		res.End = clock.Now()
		c.dialer.failed(err, call, res)
	} else {
		res.End = c.reader.at
		if res.End < res.Sent { // the wall clock, in which the kernel tells it, was set meanwhile
			res.End = clock.Now()
		}
		c.answer.judge(call, res)
	}
	c.used = res.End
	if !reusable || c.reader.from != c.reader.to {
		c.link.close()
	}
}

func (c *conn) attempt(call *payload.Call, body []byte, res *Result) (reusable bool, err error) {
	if c.link.isOpen() && res.Sent-c.used > freshFor && c.link.isStale() {
		c.link.close()
	}
	if err := c.link.begin(res.Sent + int64(c.dialer.timeout)); err != nil {
		return false, err
	}
	asks := c.link.isOpen() // to a new connection an overloaded server may have answered unasked
	if !asks {
		if err := c.link.open(); err != nil {
			return false, err
		}
	}
	c.reader.reset(c.link)
	came, err := c.send(call, body, asks)
	if err != nil {
		return false, err
	}
	c.reader.has(came)
	var h head
	if err := c.reader.final(&h); err != nil {
		return false, err
	}
	res.Status = h.status
	c.answer.begin(call, res)
	reusable, err = c.reader.body(&h, call.Method, &c.answer)
	c.answer.measured(res)
	return reusable && err == nil, err
}

// final reads to the head of the answer itself.
func (r *reader) final(h *head) error {
	for range maxInterim + 1 {
		if err := r.head(h); err != nil {
			return err
		}
		if h.status >= 200 || h.status == 101 {
			return nil
		}
	}
	return errInterim
}

// send writes a request, by one write unless it is long, and gives how much of the answer is in the reader's buffer.
func (c *conn) send(call *payload.Call, body []byte, asks bool) (came int, err error) {
	if len(body) > copiedBody {
		c.out = c.dialer.render(c.out[:0], call, body)
		if err := c.link.write(c.out); err != nil {
			return 0, err
		}
		return 0, c.link.write(body)
	}
	request := c.request
	switch {
	case !call.IsConstant(body):
		c.out = append(c.dialer.render(c.out[:0], call, body), body...)
		request = c.out
	case c.call != call:
		request = c.dialer.constant(call, body)
		c.call, c.request = call, request
	}
	if asks {
		return c.link.ask(request, c.reader.buffer)
	}
	return 0, c.link.write(request)
}

// Abort is as Conn says. The connection is then of no more use.
func (c *conn) Abort() { c.link.abort() }

// Close is as Conn says.
func (c *conn) Close() { c.link.close() }
