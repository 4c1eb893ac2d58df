package client

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gatebench.dev/engine/payload"
)

// patience is for what must not happen, or must happen some time.
const patience = 20 * time.Second

// peer is a server of the tests: it reads requests and answers each with bytes.
type peer struct {
	listener net.Listener
	mu       sync.Mutex
	requests []string // as they came, with their bodies
	dials    int
}

// exchange is one request at the server's side.
type exchange struct {
	net.Conn
	number int // of the request, over all connections, from 0
}

func (e exchange) say(text string) { _, _ = io.WriteString(e.Conn, text) }

// reset ends the connection with a RST.
func (e exchange) reset() {
	_ = e.Conn.(*net.TCPConn).SetLinger(0)
	_ = e.Conn.Close()
}

// serve answers requests; answer says whether the connection goes on.
func serve(t testing.TB, answer func(exchange) bool) *peer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{listener: listener}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			socket, err := listener.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.dials++
			p.mu.Unlock()
			go p.connection(socket, answer)
		}
	}()
	return p
}

func (p *peer) connection(socket net.Conn, answer func(exchange) bool) {
	defer socket.Close()
	source := bufio.NewReader(socket)
	for {
		request, err := readRequest(source)
		if err != nil {
			return
		}
		p.mu.Lock()
		number := len(p.requests)
		p.requests = append(p.requests, request)
		p.mu.Unlock()
		if !answer(exchange{socket, number}) {
			return
		}
	}
}

func readRequest(source *bufio.Reader) (string, error) {
	var b strings.Builder
	length := 0
	for {
		line, err := source.ReadString('\n')
		if err != nil {
			return "", err
		}
		b.WriteString(line)
		if name, value, found := strings.Cut(line, ":"); found && strings.EqualFold(name, "content-length") {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return "", err
			}
		}
		if line == "\r\n" {
			body := make([]byte, length)
			_, err := io.ReadFull(source, body)
			return b.String() + string(body), err
		}
	}
}

func (p *peer) url() string { return "http://" + p.listener.Addr().String() }

func (p *peer) counts() (requests, dials int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.requests), p.dials
}

func (p *peer) request(n int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests[n]
}

func connect(t testing.TB, o Options) Conn {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = patience
	}
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	c := d.Conn()
	t.Cleanup(c.Close)
	return c
}

func get() *payload.Call {
	return &payload.Call{Name: "get", Method: "GET", Path: "/v1/models", Header: []byte("Accept: */*\r\n"),
		Headers: [][2]string{{"Accept", "*/*"}}, Status: 200}
}

func post() *payload.Call {
	return &payload.Call{Name: "chat", Method: "POST", Path: "/v1/chat/completions",
		Header:  []byte("Content-Type: application/json\r\n"),
		Headers: [][2]string{{"Content-Type", "application/json"}}, Status: 200, CountsTokens: true}
}

func stream() *payload.Call {
	call := post()
	call.Stream = true
	return call
}

func do(c Conn, call *payload.Call, body string) *Result {
	res := &Result{TTFT: 77, Tokens: 77, Gaps: []int64{77}, Kind: Other, Message: "of an earlier one"}
	c.Do(call, []byte(body), res)
	return res
}

// fails asserts a failure, and that its times are those of an exchange.
func fails(t *testing.T, res *Result, kind Kind, message string) {
	t.Helper()
	if res.Kind != kind || !strings.Contains(res.Message, message) || res.Message == "" {
		t.Errorf("%s: %q; want %s: %q", res.Kind, res.Message, kind, message)
	}
	if res.End < res.Sent || res.Sent == 0 {
		t.Errorf("sent %d, ended %d", res.Sent, res.End)
	}
}

func works(t *testing.T, res *Result) {
	t.Helper()
	if res.Kind != OK || res.Message != "" || res.Status != 200 || res.End < res.Sent || res.Sent == 0 {
		t.Fatalf("%+v", res)
	}
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

func chunk(text string) string {
	return strconv.FormatInt(int64(len(text)), 16) + "\r\n" + text + "\r\n"
}

const streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

func delta(word string) string {
	return chunk(`data: {"choices":[{"delta":{"content":"` + word + `"}}]}` + "\n\n")
}

// respond is an answer of an HTTP server of the standard library.
func respond(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(errors.Join(http.ErrAbortHandler, err))
	}
	w.Header().Set("X-Protocol", r.Proto)
	if r.URL.Path == "/v1/missing" {
		w.WriteHeader(http.StatusNotFound)
	}
	_, _ = io.WriteString(w, `{"protocol":"`+r.Proto+`","host":"`+r.Host+`","body":"`+string(body)+
		`","usage":{"completion_tokens":5}}`)
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// watched closes `read` when something has been read.
func watched(dial dialFunc, read chan struct{}) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		socket, err := dial(ctx, network, address)
		return &watchedConn{Conn: socket, read: sync.OnceFunc(func() { close(read) })}, err
	}
}

type watchedConn struct {
	net.Conn
	read func()
}

func (c *watchedConn) Read(into []byte) (int, error) {
	n, err := c.Conn.Read(into)
	if n > 0 {
		c.read()
	}
	return n, err
}

// blocked dials until it is given up.
func blocked(dialling chan struct{}) dialFunc {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		close(dialling)
		<-ctx.Done()
		return nil, ctx.Err()
	}
}
