package client

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gatebench.dev/engine/payload"
)

func TestARequestOnTheWire(t *testing.T) {
	p := serve(t, func(e exchange) bool { e.say(ok); return true })
	host := p.listener.Addr().String()
	c := connect(t, Options{Target: p.url() + "/prefix/"})
	long := strings.Repeat("x", copiedBody+1)
	with := post()
	with.Host = "other.example"
	for n, test := range []struct {
		call       *payload.Call
		body, want string
	}{
		{get(), "", "GET /prefix/v1/models HTTP/1.1\r\nHost: " + host + "\r\nAccept: */*\r\n\r\n"},
		{post(), "{}", "POST /prefix/v1/chat/completions HTTP/1.1\r\nHost: " + host +
			"\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"},
		{with, "", "POST /prefix/v1/chat/completions HTTP/1.1\r\nHost: other.example" +
			"\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n"},
		{post(), long, "POST /prefix/v1/chat/completions HTTP/1.1\r\nHost: " + host +
			fmt.Sprintf("\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(long)) + long},
	} {
		res := do(c, test.call, test.body)
		works(t, res)
		if res.Bytes != 2 || res.TTFT != -1 || res.Tokens != -1 || len(res.Gaps) != 0 {
			t.Errorf("%+v", res)
		}
		if got := p.request(n); got != test.want {
			t.Errorf("%.300q\nwant %.300q", got, test.want)
		}
	}
	if _, dials := p.counts(); dials != 1 {
		t.Errorf("%d connections were made", dials)
	}
}

func TestTargets(t *testing.T) {
	for target, want := range map[string]string{
		"http://gateway":           "gateway:80 gateway ",
		"http://gateway:80/":       "gateway:80 gateway ",
		"http://gateway:8080/a/b/": "gateway:8080 gateway:8080 /a/b",
		"https://gateway:443":      "gateway:443 gateway ",
		"https://gateway:80":       "gateway:80 gateway:80 ",
		"http://[::1]:80":          "[::1]:80 [::1] ",
		"http://[::1]":             "[::1]:80 [::1] ",
	} {
		d, err := New(Options{Target: target, Timeout: 1})
		if err != nil {
			t.Errorf("%s: %v", target, err)
			continue
		}
		if got := d.address + " " + d.host + " " + d.prefix; got != want {
			t.Errorf("%s: %q; want %q", target, got, want)
		}
	}
	for target, want := range map[string]string{
		"gateway:8080": "must begin with", "ftp://gateway": "must begin with", "http://": "no host", "http://a b": "target",
		"http://u:secret@gateway": "only a host", "http://gateway?x=1": "only a host", "": "must begin with",
	} {
		_, err := New(Options{Target: target, Timeout: 1})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v; want %s", target, err, want)
		}
	}
	if _, err := New(Options{Target: "http://gateway"}); err == nil {
		t.Error("a timeout of 0 is taken")
	}
}

func TestAConnectionIsClosedWhereItCannotBeUsedAgain(t *testing.T) {
	for answer, dials := range map[string]int{
		ok: 1,
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}":               3,
		"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}":                                    3,
		"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}":          1,
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}more":                                3,
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}":       1,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n": 1,
	} {
		p := serve(t, func(e exchange) bool { e.say(answer); return true })
		c := connect(t, Options{Target: p.url()})
		for range 3 {
			works(t, do(c, get(), ""))
		}
		if _, got := p.counts(); got != dials {
			t.Errorf("%q: %d connections; want %d", answer, got, dials)
		}
	}
}

func TestAnAnswerThatEndsWithItsConnection(t *testing.T) {
	p := serve(t, func(e exchange) bool { e.say("HTTP/1.1 200 OK\r\n\r\nto the end"); return false })
	c := connect(t, Options{Target: p.url()})
	for range 2 {
		res := do(c, get(), "")
		if works(t, res); res.Bytes != 10 {
			t.Errorf("%d bytes", res.Bytes)
		}
	}
}

func TestStatusesAreJudged(t *testing.T) {
	statuses := []string{"404 Not Found", "302 Found\r\nLocation: /", "200 OK", "999 Odd"}
	p := serve(t, func(e exchange) bool {
		e.say("HTTP/1.1 " + statuses[e.number%len(statuses)] + "\r\nContent-Length: 2\r\n\r\n{}")
		return true
	})
	c := connect(t, Options{Target: p.url()})
	expectsMissing := get()
	expectsMissing.Status = 404
	if res := do(c, expectsMissing, ""); res.Kind != OK || res.Status != 404 {
		t.Errorf("%+v", res)
	}
	res := do(c, stream(), "{}")
	if fails(t, res, HTTP, "status 302"); res.Status != 302 || res.Bytes != 2 || res.TTFT != -1 {
		t.Errorf("%+v", res)
	}
	fails(t, do(c, expectsMissing, ""), HTTP, "status 200")
	fails(t, do(c, get(), ""), HTTP, "status 999")
	if _, dials := p.counts(); dials != 1 {
		t.Errorf("%d connections were made", dials)
	}
}

func TestAnswersWithoutABody(t *testing.T) {
	p := serve(t, func(e exchange) bool {
		e.say([]string{"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n",
			"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"}[e.number])
		return true
	})
	c := connect(t, Options{Target: p.url()})
	for _, test := range []struct {
		method string
		status int
	}{{"GET", 204}, {"HEAD", 200}, {"GET", 304}} {
		call := get()
		call.Method, call.Status = test.method, test.status
		if res := do(c, call, ""); res.Kind != OK || res.Bytes != 0 || res.Status != test.status {
			t.Errorf("%s: %+v", test.method, res)
		}
	}
	if _, dials := p.counts(); dials != 1 {
		t.Errorf("%d connections were made", dials)
	}
}

func TestTokensAndChecksOfAnswers(t *testing.T) {
	equal := "hi"
	check, err := payload.NewCheck("text", &equal)
	if err != nil {
		t.Fatal(err)
	}
	filler := strings.Repeat("x", 3*keptTail)
	tests := []struct {
		body   string
		tokens int64
		kind   Kind
		why    string
	}{
		{`{"text":"hi","usage":{"prompt_tokens":1,"completion_tokens": 42}}`, 42, OK, ""},
		{`{"text":"hi","usage":{"output_tokens":7},"output_tokens":8}`, 7, OK, ""},
		{`{"text":"hi"}`, -1, OK, ""},
		{`{"text":"no","output_tokens":8}`, 8, Check, "text is not what it was to be"},
		{`{"output_tokens":8}`, 8, Check, "text is not in the answer"},
		{`text`, -1, Check, payload.NotJSON},
		{`{"f":"` + filler + `","text":"hi","completion_tokens":9}`, 9, Check, payload.TooLongCheck},
		{`{"completion_tokens":9,"f":"` + filler + `"}`, -1, Check, payload.TooLongCheck},
	}
	p := serve(t, func(e exchange) bool {
		body := tests[e.number].body
		e.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
		return true
	})
	c := connect(t, Options{Target: p.url()}).(*conn)
	call := post()
	call.Check = check
	for _, test := range tests {
		res := do(c, call, "{}")
		if res.Kind != test.kind || res.Message != test.why || res.Tokens != test.tokens || res.Bytes != int64(len(test.body)) {
			t.Errorf("%.60s: %+v", test.body, res)
		}
		if cap(c.answer.tail) > 4*keptTail {
			t.Errorf("%d bytes are kept", cap(c.answer.tail))
		}
	}
}

// The times of a stream are those at which its parts came, and not at which they could have been read.
func TestAStreamIsMeasured(t *testing.T) {
	const pause = 30 * time.Millisecond
	p := serve(t, func(e exchange) bool {
		e.say(streamHead + chunk(`data: {"choices":[{"delta":{"role":"assistant","content":""}}]}`+"\n\n"))
		for range 3 {
			time.Sleep(pause)
			e.say(delta("word"))
		}
		e.say(chunk(`data: {"choices":[],"usage":{"completion_tokens":17}}`+"\n\ndata: [DONE]\n\n") + "0\r\n\r\n")
		return true
	})
	c := connect(t, Options{Target: p.url()})
	for range 2 {
		res := do(c, stream(), "{}")
		works(t, res)
		if res.Tokens != 17 || len(res.Gaps) != 2 {
			t.Fatalf("%+v", res)
		}
		for _, time := range append([]int64{res.TTFT}, res.Gaps...) {
			if time < int64(pause)*8/10 {
				t.Errorf("%d ns; want at least %d", time, pause)
			}
		}
		if total := res.TTFT + res.Gaps[0] + res.Gaps[1]; total > res.End-res.Sent {
			t.Errorf("the contents took %d ns of %d", total, res.End-res.Sent)
		}
	}
	if _, dials := p.counts(); dials != 1 {
		t.Errorf("%d connections were made", dials)
	}
}

func TestAnOpenEndedStreamNeedsNoEndMarker(t *testing.T) {
	p := serve(t, func(e exchange) bool { e.say(streamHead + delta("a") + delta("b") + "0\r\n\r\n"); return true })
	c := connect(t, Options{Target: p.url()})
	call := stream()
	fails(t, do(c, call, "{}"), StreamCut, "without its end marker")
	call.OpenEnded = true
	if res := do(c, call, "{}"); res.Kind != OK || res.Tokens != 2 || res.TTFT < 0 {
		t.Errorf("%+v", res)
	}
}
