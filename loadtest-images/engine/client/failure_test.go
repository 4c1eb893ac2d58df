package client

import (
	"net"
	"strings"
	"testing"
	"time"

	"gatebench.dev/engine/payload"
)

func TestFailuresOfOneExchange(t *testing.T) {
	const partial = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
	closing := strings.Replace(streamHead, "\r\n", "\r\nConnection: close\r\n", 1)
	tests := map[string]struct {
		call    *payload.Call
		answer  func(exchange)
		kind    Kind
		message string
		status  int
		bytes   int64
		content bool // the stream had some
	}{
		"closed before an answer":  {get(), func(exchange) {}, Reset, "connection closed by the other side", 0, 0, false},
		"reset before an answer":   {get(), func(e exchange) { e.reset() }, Reset, "connection closed by the other side", 0, 0, false},
		"closed in the headers":    {get(), func(e exchange) { e.say("HTTP/1.1 200 OK\r\nDa") }, Reset, "closed by the other", 0, 0, false},
		"closed in the body":       {get(), func(e exchange) { e.say(partial) }, Reset, "the answer ended early", 200, 4, false},
		"closed in a chunked body": {post(), func(e exchange) { e.say(streamHead + "5\r\nabc") }, Reset, "ended early", 200, 3, false},
		"a cut stream":             {stream(), func(e exchange) { e.say(streamHead + delta("a")) }, StreamCut, "ended early", 200, 47, true},
		"a stream with an error": {stream(), func(e exchange) {
			e.say(closing + delta("a") + chunk("data: {\"error\":{\"message\":\"x\"}}\n\n") + "0\r\n\r\n")
		}, StreamCut, "the stream reports an error", 200, 80, true},
		"no HTTP": {get(), func(e exchange) { e.say("SSH-2.0-OpenSSH_9.6\r\n") }, Other, "not HTTP: there is no status line", 0, 0, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := serve(t, func(e exchange) bool {
				if e.number > 0 {
					e.say(ok)
					return true
				}
				test.answer(e)
				return false
			})
			c := connect(t, Options{Target: p.url()})
			res := do(c, test.call, "{}")
			fails(t, res, test.kind, test.message)
			if res.Status != test.status || res.Bytes != test.bytes || (res.TTFT >= 0) != test.content {
				t.Errorf("status %d, %d bytes, ttft %d", res.Status, res.Bytes, res.TTFT)
			}
			if requests, _ := p.counts(); requests != 1 {
				t.Errorf("the server got %d requests", requests)
			}
			works(t, do(c, get(), "")) // a failure is not for ever
			if _, dials := p.counts(); dials != 2 {
				t.Errorf("%d connections were made", dials)
			}
		})
	}
}

// What came before a reset may be lost with it, so that the server waits until the client has seen it.
func TestAResetInTheMiddle(t *testing.T) {
	for name, call := range map[string]*payload.Call{"body": get(), "stream": stream()} {
		t.Run(name, func(t *testing.T) {
			begun := make(chan struct{})
			p := serve(t, func(e exchange) bool {
				e.say(streamHead + delta("a"))
				<-begun
				e.reset()
				return false
			})
			c := connect(t, Options{Target: p.url()}).(*conn)
			c.link.dialer.dial = watched(c.link.dialer.dial, begun)
			kind := map[bool]Kind{false: Reset, true: StreamCut}[call.Stream]
			fails(t, do(c, call, "{}"), kind, "the answer ended early")
		})
	}
}

func TestNobodyListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	res := do(connect(t, Options{Target: "http://" + listener.Addr().String()}), get(), "")
	if fails(t, res, Refused, "connection refused"); res.Status != 0 || res.Bytes != 0 {
		t.Errorf("%+v", res)
	}
}

func TestANameThatIsNone(t *testing.T) {
	fails(t, do(connect(t, Options{Target: "http://gatebench.invalid"}), get(), ""), DNS, "the name cannot be resolved")
}

func TestTimeouts(t *testing.T) {
	const limit = 60 * time.Millisecond
	for name, test := range map[string]struct {
		say    string
		body   int
		status int
	}{
		"no answer":         {"", 0, 0},
		"half an answer":    {streamHead + delta("a"), 0, 200},
		"nobody reads more": {"", 64 << 20, 0},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			go func() {
				for {
					socket, err := listener.Accept()
					if err != nil {
						return
					}
					defer socket.Close()
					exchange{Conn: socket}.say(test.say)
				}
			}()
			c := connect(t, Options{Target: "http://" + listener.Addr().String(), Timeout: limit})
			res := do(c, stream(), strings.Repeat("x", test.body))
			fails(t, res, Timeout, "no full answer within 0.06 s")
			if res.Status != test.status {
				t.Errorf("status %d", res.Status)
			}
			if took := time.Duration(res.End - res.Sent); took < limit {
				t.Errorf("after %s", took)
			}
		})
	}
}

func TestAbort(t *testing.T) {
	for name, test := range map[string]struct {
		first bool // the connection has been used before
		say   string
	}{
		"before an answer":         {false, ""},
		"before a second answer":   {true, ""},
		"in a stream":              {false, streamHead + delta("a")},
		"in a stream, used before": {true, streamHead + delta("a")},
	} {
		t.Run(name, func(t *testing.T) {
			asked := make(chan struct{}, 1)
			hold := make(chan struct{})
			p := serve(t, func(e exchange) bool {
				if test.first && e.number == 0 {
					e.say(ok)
					return true
				}
				e.say(test.say)
				asked <- struct{}{}
				<-hold
				return false
			})
			defer close(hold)
			c := connect(t, Options{Target: p.url()})
			if test.first {
				works(t, do(c, get(), ""))
			}
			before, _ := p.counts()
			done := make(chan *Result)
			go func() { done <- do(c, stream(), "{}") }()
			<-asked
			c.Abort()
			fails(t, <-done, Timeout, OpenAtEnd)
			fails(t, do(c, get(), ""), Timeout, OpenAtEnd)
			if requests, dials := p.counts(); requests != before+1 || dials != 1 {
				t.Errorf("%d requests over %d connections", requests, dials)
			}
		})
	}
}

func TestAbortInADial(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		d, err := New(Options{Target: "http://gateway", Timeout: patience, HTTP2: http2})
		if err != nil {
			t.Fatal(err)
		}
		dialling := make(chan struct{})
		d.dial = blocked(dialling)
		c := d.Conn()
		done := make(chan *Result)
		go func() { done <- do(c, get(), "") }()
		<-dialling
		c.Abort()
		fails(t, <-done, Timeout, OpenAtEnd)
		c.Close()
	}
}
