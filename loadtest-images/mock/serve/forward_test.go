package serve

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"gatebench.dev/mock/account"
	"gatebench.dev/mock/gateway"
)

func forwarding(t *testing.T, url string) (string, *account.Account) {
	t.Helper()
	upstream, err := gateway.NewUpstream(url)
	if err != nil {
		t.Fatal(err)
	}
	counted := account.New(time.Now())
	return start(t, &Server{Upstream: upstream, Account: counted, InFlight: gateway.InFlight{Max: 1}}), counted
}

func TestForwardedAnswersAreTheUpstreams(t *testing.T) {
	behind := account.New(time.Now())
	url, counted := forwarding(t, start(t, &Server{Account: behind}))
	for range 3 { // over kept connections, and with a bound of one in flight
		if got := send(t, "POST", url+"/v1/chat/completions?x=1", chat); got.status != 200 || !strings.Contains(got.body, "chat.completion") {
			t.Errorf("%+v", got)
		}
		got := send(t, "POST", url+"/v1/chat/completions", streaming(), "X-Gatebench-Output-Tokens", "500", "X-Gatebench-Tokens-Per-Second", "0")
		if data := eventsOf(t, got.body); len(data) != 503 || !strings.HasPrefix(got.header.Get("Content-Type"), "text/event-stream") {
			t.Errorf("%d events, %v", len(data), got.header)
		}
	}
	if got := send(t, "POST", url+"/v1/chat/completions", "{"); got.status != 400 {
		t.Errorf("%+v", got)
	}
	if got := send(t, "GET", url+"/v1/models", ""); got.status != 200 || !strings.Contains(got.body, "loopback") {
		t.Errorf("%+v", got)
	}
	if got := send(t, "GET", url+"/v1/unknown", ""); got.status != 404 {
		t.Errorf("%+v", got)
	}
	const line = `{path="/v1/chat/completions",status="200",client="other"} 6`
	if !strings.Contains(string(counted.Metrics()), line) || !strings.Contains(string(behind.Metrics()), line) {
		t.Error("gateway and upstream count differently")
	}
	if !strings.Contains(string(counted.Metrics()), "gatebench_mock_in_flight 0\n") {
		t.Error("somebody is still in flight")
	}
}

// The first event must arrive while the upstream still holds back the second.
func TestStreamsPassThroughAsTheyCome(t *testing.T) {
	more := make(chan struct{})
	upstream := raw(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n")
		<-more
		_, _ = io.WriteString(conn, "9\r\ndata: 2\n\n\r\n0\r\n\r\n")
	})
	url, _ := forwarding(t, upstream)
	response, err := http.Post(url+"/v1/chat/completions", "application/json", strings.NewReader(chat))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	reader := bufio.NewReader(response.Body)
	if line, err := reader.ReadString('\n'); err != nil || line != "data: 1\n" {
		t.Fatalf("%q, %v", line, err)
	}
	close(more)
	if rest, err := io.ReadAll(reader); err != nil || !strings.Contains(string(rest), "data: 2") {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestABrokenStreamDoesNotEndAsIfWhole(t *testing.T) {
	upstream := raw(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n")
	})
	url, counted := forwarding(t, upstream)
	response, err := http.Post(url+"/v1/chat/completions", "application/json", strings.NewReader(chat))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if content, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("%q ended without an error", content)
	}
	for !strings.Contains(string(counted.Metrics()), "gatebench_mock_in_flight 0\n") {
		time.Sleep(time.Millisecond)
	}
}

func TestUpstreamThatIsGone(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	url, _ := forwarding(t, "http://"+address)
	for range 2 {
		if got := send(t, "POST", url+"/v1/messages", "{}"); got.status != 502 || !strings.Contains(got.body, `"type":"api_error"`) {
			t.Errorf("%+v", got)
		}
	}
}

// raw answers each connection's first request by hand, and closes it.
func raw(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if request, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = io.Copy(io.Discard, request.Body)
					answer(conn)
				}
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}
