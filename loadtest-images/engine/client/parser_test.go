package client

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// collected is a sink that keeps everything.
type collected struct{ bytes.Buffer }

func (c *collected) take(part []byte, _ int64) error {
	if len(part) == 0 {
		return errors.New("an empty part")
	}
	_, err := c.Write(part)
	return err
}

func (c *collected) whole(body []byte, at int64) error { return c.take(body, at) }

// split gives a text in pieces of at most the given sizes, in turn.
type split struct {
	text  []byte
	sizes []int
	turn  int
}

func (s *split) Read(into []byte) (int, error) {
	if len(s.text) == 0 {
		return 0, io.EOF
	}
	n := min(len(into), len(s.text))
	if len(s.sizes) > 0 {
		n = min(n, max(1, s.sizes[s.turn%len(s.sizes)]))
		s.turn++
	}
	copy(into, s.text[:n])
	s.text = s.text[n:]
	return n, nil
}

func (s *split) cameAt() int64 { return 0 }

type parsed struct {
	status   int
	body     string
	reusable bool
	rest     string // that was read and not taken
}

// parse is what the client makes of a text.
func parse(text []byte, method string, sizes ...int) (parsed, error) {
	var r reader
	r.reset(&split{text: text, sizes: sizes})
	var h head
	if err := r.final(&h); err != nil {
		return parsed{}, err
	}
	var body collected
	reusable, err := r.body(&h, method, &body)
	rest, _ := io.ReadAll(r.source)
	return parsed{h.status, body.String(), reusable, string(r.buffer[r.from:r.to]) + string(rest)}, err
}

// standard is what net/http makes of it.
func standard(text []byte, method string) (parsed, error) {
	source := bufio.NewReader(bytes.NewReader(text))
	for range maxInterim + 1 {
		response, err := http.ReadResponse(source, &http.Request{Method: method})
		if err != nil {
			return parsed{}, err
		}
		if response.StatusCode < 200 && response.StatusCode != 101 {
			continue
		}
		body, err := io.ReadAll(response.Body)
		rest, _ := io.ReadAll(source)
		return parsed{response.StatusCode, string(body), !response.Close, string(rest)}, err
	}
	return parsed{}, errInterim
}

func oneOf[T any](r *rand.Rand, choices ...T) T { return choices[r.IntN(len(choices))] }

// randomCase is a name as some server may write it.
func randomCase(r *rand.Rand, name string) string {
	return oneOf(r, name, strings.ToLower(name), strings.ToUpper(name))
}

// randomAnswer is a valid one, as text, with what may follow it on a connection that stays open.
func randomAnswer(r *rand.Rand, method string) string {
	var b strings.Builder
	for range oneOf(r, 0, 0, 0, 1, 2) {
		b.WriteString(oneOf(r, "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"))
	}
	status := oneOf(r, 200, 200, 200, 201, 204, 304, 400, 404, 429, 500, 503)
	minor := oneOf(r, 1, 1, 1, 0)
	fmt.Fprintf(&b, "HTTP/1.%d %d%s\r\n", minor, status, oneOf(r, " OK", "", " ", " Some  Reason: x"))
	other := func() {
		for range r.IntN(6) {
			b.WriteString(oneOf(r, "Date: Tue, 24 Nov 2026 10:00:00 GMT", "X-Empty:", "server:x", "X-Connection: close",
				"Content-Type:  text/event-stream ", "Connectiom: close", "X-Fold: a\r\n\tb", "X-Long: "+strings.Repeat("y", r.IntN(9000))))
			b.WriteString("\r\n")
		}
	}
	other()
	if r.IntN(4) == 0 {
		b.WriteString(randomCase(r, "Connection") + ": " + oneOf(r, "close", "Keep-Alive", "keep-alive", "Close", "x, close , y") + "\r\n")
	}
	body := make([]byte, oneOf(r, 0, 1, 17, r.IntN(300), r.IntN(20_000), r.IntN(200_000)))
	for i := range body {
		body[i] = "abc\r\n0: {}\x00"[r.IntN(11)]
	}
	none := method == "HEAD" || status == 204 || status == 304
	after := oneOf(r, "", "", "HTTP/1.1 400 more\r\n\r\n")
	framing := r.IntN(3)
	switch {
	case none && status != 304 && method != "HEAD":
	case framing == 0 && minor == 1:
		b.WriteString(randomCase(r, "Transfer-Encoding") + ": " + oneOf(r, "chunked", " Chunked") + "\r\n")
	case framing < 2 || none:
		for range oneOf(r, 1, 1, 2) {
			fmt.Fprintf(&b, "%s:%s%d%s\r\n", randomCase(r, "Content-Length"), oneOf(r, " ", "", "  "), len(body), oneOf(r, "", " "))
		}
	default:
		framing, after = 3, ""
	}
	other()
	b.WriteString("\r\n")
	switch {
	case none:
	case framing == 0 && minor == 1:
		for rest := body; ; {
			n := min(len(rest), 1+r.IntN(oneOf(r, 5, 500, 70_000)))
			fmt.Fprintf(&b, oneOf(r, "%x", "%X", "0%x", "%x;name=value", "%x;q=\"x\"")+"\r\n", n)
			if n == 0 {
				break
			}
			b.Write(rest[:n])
			b.WriteString("\r\n")
			rest = rest[n:]
		}
		b.WriteString(oneOf(r, "", "", "X-Trailer: a\r\n", "Content-Length: 3\r\nX: y\r\n") + "\r\n")
	default:
		b.Write(body)
	}
	return b.String() + after
}

func TestReadsAnswersAsNetHTTPDoes(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 3))
		method := oneOf(r, "GET", "POST", "POST", "HEAD")
		text := randomAnswer(r, method)
		want, err := standard([]byte(text), method)
		if err != nil {
			t.Fatalf("seed %d is not a valid answer: %v\n%.300q", seed, err, text)
		}
		var sizes []int
		for range r.IntN(5) {
			sizes = append(sizes, 1+r.IntN(oneOf(r, 3, 40, 3000, 100_000)))
		}
		got, err := parse([]byte(text), method, sizes...)
		if err != nil {
			t.Fatalf("seed %d: %v\n%.300q", seed, err, text)
		}
		if got.reusable != want.reusable {
			seen["careful"]++
			if got.reusable {
				t.Fatalf("seed %d: it would be used again\n%.300q", seed, text)
			}
		}
		want.reusable = got.reusable
		if got != want {
			t.Fatalf("seed %d (%s, pieces %v): status %d, %d bytes, rest %d; want %d, %d, %d\n%.300q", seed, method, sizes,
				got.status, len(got.body), len(got.rest), want.status, len(want.body), len(want.rest), text)
		}
		seen[fmt.Sprint("reusable ", got.reusable)]++
		seen[fmt.Sprint("rest ", got.rest != "")]++
		seen[fmt.Sprint("large ", len(got.body) > lastBuffer)]++
	}
	for what, count := range map[string]int{"reusable true": 100, "reusable false": 100, "rest true": 100, "large true": 50} {
		if seen[what] < count {
			t.Errorf("only %d answers with %s", seen[what], what)
		}
	}
	t.Log(seen)
}

func TestAnswersThatAreNone(t *testing.T) {
	for text, want := range map[string]error{
		"":                    io.EOF,
		"HTTP/1.1 200 OK\r\n": io.EOF,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc":                                         io.EOF,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n":                       io.EOF,
		"\r\nHTTP/1.1 200 OK\r\n\r\n":                                                             errStatusLine,
		"SSH-2.0-OpenSSH_9\r\n":                                                                   errStatusLine,
		"HTTP/2.0 200 OK\r\n\r\n":                                                                 errStatusLine,
		"HTTP/1.x 200 OK\r\n\r\n":                                                                 errStatusLine,
		"HTTP/1.1 2000 OK\r\n\r\n":                                                                errStatusLine,
		"HTTP/1.1 099 OK\r\n\r\n":                                                                 errStatusLine,
		"HTTP/1.1 2x0 OK\r\n\r\n":                                                                 errStatusLine,
		"HTTP/1.1  20 OK\r\n\r\n":                                                                 errStatusLine,
		"HTTP/1.1 200 OK\r\n: x\r\n\r\n":                                                          errHeaderLine,
		"HTTP/1.1 200 OK\r\nno colon\r\n\r\n":                                                     errHeaderLine,
		"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n":                                           errHeaderLine,
		"HTTP/1.1 200 OK\r\n X: y\r\n\r\n":                                                        errHeaderLine,
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 0\r\n\r\n":                                      errFolded,
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n":                                           errLength,
		"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n":                                           errLength,
		"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n":                                              errLength,
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n":                         errLength,
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n":                       errLength,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n":                                      errEncoding,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n":                             errEncoding,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n":                            errChunk,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n":                               errChunk,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n":                             errChunk,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n":               errChunk,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n":                       errChunkEnd,
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", lastBuffer) + "\r\n\r\n":                   errLongLine,
		"HTTP/1.1 200 OK\r\n" + strings.Repeat("X: 456789\r\n", maxHead/11) + "\r\n":              errLongHead,
		strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", maxInterim+1) + "HTTP/1.1 200 OK\r\n\r\n": errInterim,
	} {
		for _, size := range []int{1, 7, 1 << 20} {
			got, err := parse([]byte(text), "GET", size)
			if !errors.Is(err, want) {
				t.Errorf("%.80q in pieces of %d: %v (%d); want %v", text, size, err, got.status, want)
			}
		}
	}
}

func TestABodyWithoutEndIsEnded(t *testing.T) {
	var a answer
	a.bytes = maxBody - 1
	if err := a.take([]byte("x"), 0); err != nil {
		t.Error(err)
	}
	if err := a.take([]byte("x"), 0); !errors.Is(err, errLongBody) {
		t.Errorf("%v", err)
	}
}

// Whatever comes is read without a panic, in bounded memory, the same however it is split; and where net/http takes it
// too, as net/http does.
func FuzzParser(f *testing.F) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 4))
		if text := randomAnswer(r, "GET"); len(text) < 2000 {
			f.Add([]byte(text), uint8(seed), false)
		}
	}
	f.Add([]byte("HTTP/1.1 101 S\r\n\r\nxyz"), uint8(1), false)
	f.Add([]byte("HTTP/1.0 200\nContent-Length: 1\n\nab"), uint8(2), true)
	f.Fuzz(func(t *testing.T, text []byte, size uint8, isHead bool) {
		method := "GET"
		if isHead {
			method = "HEAD"
		}
		whole, err := parse(text, method)
		parts, partsErr := parse(text, method, int(size)+1)
		if whole != parts || fmt.Sprint(err) != fmt.Sprint(partsErr) {
			t.Fatalf("whole %v (%v), in pieces of %d %v (%v)", whole, err, int(size)+1, parts, partsErr)
		}
		want, standardErr := standard(text, method)
		if err != nil || standardErr != nil || want.status == 101 {
			return
		}
		if whole.reusable && !want.reusable {
			t.Errorf("it would be used again")
		}
		want.reusable = whole.reusable
		if whole != want {
			t.Errorf("%+v; want %+v", whole, want)
		}
	})
}

// tokens is how the Python fleet finds them.
var tokens = regexp.MustCompile(`"(?:completion|output)_tokens"[ \t\n\v\f\r]*:[ \t\n\v\f\r]*([0-9]+)`)

func FuzzOutputTokens(f *testing.F) {
	f.Add([]byte(`{"usage":{"completion_tokens":12}}`))
	f.Add([]byte(`"output_tokens" : 7,"completion_tokens":`))
	f.Fuzz(func(t *testing.T, text []byte) {
		want := int64(-1)
		for _, found := range tokens.FindAllSubmatch(text, -1) {
			if len(found[1]) <= 18 {
				var err error
				if want, err = strconv.ParseInt(string(found[1]), 10, 64); err != nil {
					t.Fatal(err)
				}
				break
			}
		}
		if got := outputTokens(text); got != want {
			t.Errorf("%q: %d; want %d", text, got, want)
		}
	})
}
