package client

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gatebench.dev/engine/clock"
)

// A connection that the other side has closed meanwhile is not used, and the request is sent once.
func TestAStaleConnectionIsReplaced(t *testing.T) {
	closed := make(chan struct{})
	p := serve(t, func(e exchange) bool {
		e.say(ok)
		if e.number == 0 {
			_ = e.Close()
			close(closed)
		}
		return e.number > 0
	})
	c := connect(t, Options{Target: p.url()}).(*conn)
	works(t, do(c, get(), ""))
	<-closed
	for deadline := time.Now().Add(patience); !c.link.isStale(); {
		if time.Now().After(deadline) {
			t.Fatal("the end of the connection is not seen")
		}
	}
	c.used -= 2 * freshFor
	works(t, do(c, get(), ""))
	if requests, dials := p.counts(); requests != 2 || dials != 2 {
		t.Errorf("%d requests over %d connections", requests, dials)
	}
}

// A deadline that is left from an earlier exchange must not end the present one.
func TestAnEarlierDeadlineEndsNothing(t *testing.T) {
	p := serve(t, func(e exchange) bool { e.say(ok); return true })
	c := connect(t, Options{Target: p.url()}).(*conn)
	works(t, do(c, get(), ""))
	for _, length := range []int{0, copiedBody + 1} {
		if err := c.link.socket.SetDeadline(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		works(t, do(c, post(), strings.Repeat("x", length)))
	}
	if requests, dials := p.counts(); requests != 3 || dials != 1 {
		t.Errorf("%d requests over %d connections", requests, dials)
	}
}

// Nor may one that passes while an answer is waited for; when the present one passes, it counts.
func TestDeadlinesInTheWaitForAnAnswer(t *testing.T) {
	const early, answered = 10 * time.Millisecond, 60 * time.Millisecond
	hold := make(chan struct{})
	defer close(hold)
	p := serve(t, func(e exchange) bool {
		switch e.number {
		case 1:
			time.Sleep(answered)
		case 2:
			<-hold
		}
		e.say(ok)
		return true
	})
	c := connect(t, Options{Target: p.url()}).(*conn)
	works(t, do(c, get(), ""))
	if err := c.link.socket.SetDeadline(time.Now().Add(early)); err != nil {
		t.Fatal(err)
	}
	res := do(c, get(), "")
	if works(t, res); res.End-res.Sent < int64(answered) {
		t.Errorf("answered after %d ns", res.End-res.Sent)
	}
	c.dialer.timeout = early
	if err := c.link.socket.SetDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	fails(t, do(c, get(), ""), Timeout, "no full answer within")
	if requests, dials := p.counts(); requests != 3 || dials != 1 {
		t.Errorf("%d requests over %d connections", requests, dials)
	}
}

// A request goes out whole where the socket takes it in parts only.
func TestASocketThatIsFull(t *testing.T) {
	p := serve(t, func(e exchange) bool { e.say(ok); return true })
	c := connect(t, Options{Target: p.url()}).(*conn)
	works(t, do(c, get(), ""))
	body := strings.Repeat("0123456789", 2<<20)
	request := fmt.Sprintf("POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n", len(body)) + body
	if err := c.link.begin(clock.Now() + int64(patience)); err != nil {
		t.Fatal(err)
	}
	came, err := c.link.ask([]byte(request), c.reader.buffer)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.link.asking) == 0 || came != 0 {
		t.Errorf("the socket took it at once, and %d bytes came", came)
	}
	c.reader.reset(c.link)
	var h head
	if err := c.reader.final(&h); err != nil || h.status != 200 || p.request(1) != request {
		t.Errorf("%v, status %d, %d bytes came", err, h.status, len(p.request(1)))
	}
}

// What came back by the time that a request was written is read with it; an answer that is longer follows.
func TestAnAnswerComesWithTheRequest(t *testing.T) {
	long := strings.Repeat("x", 3*firstBuffer)
	answers := []string{ok, ok, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(long), long), ok}
	p := serve(t, func(e exchange) bool { e.say(answers[e.number]); return true })
	c := connect(t, Options{Target: p.url()}).(*conn)
	for number, answer := range answers {
		res := do(c, get(), "")
		works(t, res)
		if body := answer[strings.Index(answer, "\r\n\r\n")+4:]; res.Bytes != int64(len(body)) {
			t.Errorf("answer %d has %d bytes, not %d", number, res.Bytes, len(body))
		}
		if asked := c.link.came > 0; asked != (number > 0) {
			t.Errorf("answer %d was read with the request: %v", number, asked)
		}
	}
	if requests, dials := p.counts(); requests != len(answers) || dials != 1 {
		t.Errorf("%d requests over %d connections", requests, dials)
	}
}
