package client

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatebench.dev/engine/payload"
)

// secure is an HTTPS server; its certificate is in the file of the options.
func secure(t *testing.T, handler http.HandlerFunc, http2 bool) (*httptest.Server, Options, *atomic.Int64) {
	t.Helper()
	dials := new(atomic.Int64)
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = http2
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			dials.Add(1)
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	path := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(path, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return server, Options{Target: server.URL, CAFile: path, Timeout: patience}, dials
}

func TestSecureConnections(t *testing.T) {
	for _, test := range []struct {
		name          string
		server, asked bool // HTTP/2
		protocol      string
		dials         int64
	}{
		{"HTTP/1.1", false, false, "HTTP/1.1", 1},
		{"HTTP/1.1 where the server could do more", true, false, "HTTP/1.1", 1},
		{"HTTP/2", true, true, "HTTP/2.0", 1},
		{"HTTP/1.1 where the server has no HTTP/2", false, true, "HTTP/1.1", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, options, dials := secure(t, respond, test.server)
			options.HTTP2 = test.asked
			c := connect(t, options)
			for range 3 {
				call := post()
				res := do(c, call, "hello")
				if works(t, res); res.Tokens != 5 {
					t.Errorf("%+v", res)
				}
				protocol := test.protocol
				if call.Check = checked(t, "protocol", protocol); do(c, call, "").Kind != OK {
					t.Errorf("it is not %s", protocol)
				}
				if call.Check = checked(t, "host", strings.TrimPrefix(server.URL, "https://")); do(c, call, "").Kind != OK {
					t.Error("the host is another")
				}
				if call.Check = checked(t, "body", "hello"); do(c, call, "hello").Kind != OK {
					t.Error("the body is another")
				}
				other := post()
				other.Host, other.Check = "other.example", checked(t, "host", "other.example")
				if res := do(c, other, ""); res.Kind != OK {
					t.Errorf("%+v", res)
				}
				missing := get()
				missing.Path = "/v1/missing"
				fails(t, do(c, missing, ""), HTTP, "status 404")
			}
			if got := dials.Load(); got != test.dials {
				t.Errorf("%d connections were made; want %d", got, test.dials)
			}
		})
	}
}

func checked(t *testing.T, path, value string) *payload.JSONCheck {
	t.Helper()
	check, err := payload.NewCheck(path, &value)
	if err != nil {
		t.Fatal(err)
	}
	return check
}

func TestHTTP2WithoutTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(respond))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	defer server.Close()
	c := connect(t, Options{Target: server.URL, HTTP2: true})
	call := post()
	call.Check = checked(t, "protocol", "HTTP/2.0")
	for range 2 {
		works(t, do(c, call, "{}"))
	}
}

func TestAnAuthorityThatIsNotKnown(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		_, options, _ := secure(t, respond, http2)
		options.CAFile, options.HTTP2 = "", http2
		res := do(connect(t, options), get(), "")
		if fails(t, res, TLS, "certificate signed by unknown authority"); res.Status != 0 {
			t.Errorf("%+v", res)
		}
	}
}

func TestAServerWithoutTLS(t *testing.T) {
	p := serve(t, func(e exchange) bool { e.say(ok); return true })
	for _, http2 := range []bool{false, true} {
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
				exchange{Conn: socket}.say("HTTP/1.1 400 Bad Request\r\n\r\n")
				defer socket.Close()
			}
		}()
		target := "https://" + listener.Addr().String()
		fails(t, do(connect(t, Options{Target: target, HTTP2: http2}), get(), ""), TLS, "first record does not look like a TLS")
		fails(t, do(connect(t, Options{Target: "https://" + p.listener.Addr().String(), Timeout: 50 * time.Millisecond,
			HTTP2: http2}), get(), ""), Timeout, "no full answer within 0.05 s")
	}
}

func TestFilesOfAuthoritiesThatCannotBeUsed(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{empty: "has no certificate", "/nonexistent": "caFile: open /nonexistent"} {
		_, err := New(Options{Target: "https://gateway", CAFile: path, Timeout: 1})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
}

// streaming sends two contents and then ends in a given way.
func streaming(end func(http.ResponseWriter)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for range 2 {
			_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(5 * time.Millisecond)
		}
		end(w)
	}
}

func TestStreamsOverSecureConnections(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		_, options, _ := secure(t, streaming(func(w http.ResponseWriter) { _, _ = io.WriteString(w, "data: [DONE]\n\n") }), http2)
		options.HTTP2 = http2
		res := do(connect(t, options), stream(), "{}")
		if works(t, res); res.Tokens != 2 || len(res.Gaps) != 1 || res.TTFT < 0 || res.Gaps[0] < int64(time.Millisecond) {
			t.Errorf("%+v", res)
		}

		_, options, _ = secure(t, streaming(func(http.ResponseWriter) { panic(http.ErrAbortHandler) }), http2)
		options.HTTP2 = http2
		res = do(connect(t, options), stream(), "{}")
		if fails(t, res, StreamCut, "the answer ended early"); res.Status != 200 || res.TTFT < 0 || len(res.Gaps) != 1 {
			t.Errorf("%+v", res)
		}
	}
}

// held is a server that begins its answers and does not end them; asked is told of each request.
func held(t *testing.T) (options Options, asked chan struct{}) {
	t.Helper()
	hold, asked := make(chan struct{}), make(chan struct{}, 3)
	_, options, _ = secure(t, func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).Flush()
		asked <- struct{}{}
		<-hold
	}, true)
	t.Cleanup(func() { close(hold) }) // before the server is closed, which waits for the answers
	options.HTTP2 = true
	return options, asked
}

func TestTimeoutOverHTTP2(t *testing.T) {
	options, _ := held(t)
	options.Timeout = 50 * time.Millisecond // the handshake may take all of it
	res := do(connect(t, options), get(), "")
	if fails(t, res, Timeout, "no full answer within 0.05 s"); res.End-res.Sent < int64(options.Timeout) {
		t.Errorf("%+v", res)
	}
}

func TestAbortOverHTTP2(t *testing.T) {
	options, asked := held(t)
	options.Timeout = patience
	c := connect(t, options)
	done := make(chan *Result)
	go func() { done <- do(c, get(), "") }()
	<-asked
	c.Abort()
	fails(t, <-done, Timeout, OpenAtEnd)
}

// A deadline that passed while a secure connection was idle must not spoil it.
func TestASecureConnectionOutlivesADeadline(t *testing.T) {
	_, options, dials := secure(t, respond, false)
	c := connect(t, options).(*conn)
	works(t, do(c, get(), ""))
	if err := c.link.socket.(*tls.Conn).SetDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	works(t, do(c, get(), ""))
	if dials.Load() != 1 {
		t.Errorf("%d connections were made", dials.Load())
	}
}

func TestAStaleSecureConnectionIsReplaced(t *testing.T) {
	server, options, dials := secure(t, respond, false)
	c := connect(t, options).(*conn)
	works(t, do(c, get(), ""))
	c.used -= 2 * freshFor
	works(t, do(c, get(), "")) // tickets that have come since are no reason
	if dials.Load() != 1 {
		t.Errorf("%d connections were made", dials.Load())
	}
	server.CloseClientConnections()
	for deadline := time.Now().Add(patience); !c.link.isStale(); {
		if time.Now().After(deadline) {
			t.Fatal("the end of the connection is not seen")
		}
	}
	c.used -= 2 * freshFor
	works(t, do(c, get(), ""))
}
