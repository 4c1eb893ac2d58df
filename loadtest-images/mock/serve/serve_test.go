package serve

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"gatebench.dev/mock/account"
	"gatebench.dev/mock/behaviour"
	"gatebench.dev/mock/gateway"
	"gatebench.dev/mock/pace"
)

const chat = `{"model":"m","messages":[{"role":"user","content":"hello"}]}`

// start serves s, completed by what it lacks, and gives its address.
func start(t *testing.T, s *Server) string {
	t.Helper()
	if s.Behaviour.OutputTokens == 0 {
		s.Behaviour = behaviour.Behaviour{OutputTokens: 3}
	}
	s.Dice, s.Clock, s.Started = behaviour.NewDice(1), pace.New(), time.Now()
	return listen(t, s.Handle)
}

func listen(t *testing.T, handler fasthttp.RequestHandler) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &fasthttp.Server{Handler: handler, NoDefaultContentType: true}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = listener.Close() })
	return "http://" + listener.Addr().String()
}

type answer struct {
	status int
	header http.Header
	body   string
}

func send(t *testing.T, method, url, body string, headers ...string) answer {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(content)}
}

func TestRoutes(t *testing.T) {
	url := start(t, &Server{Account: account.New(time.Now())})
	for _, test := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"POST", "/v1/chat/completions", chat, 200, `"object":"chat.completion"`},
		{"POST", "/v1/messages", `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}]}`, 200, `"type":"message"`},
		{"POST", "/v1/responses", `{"model":"m","input":"x"}`, 200, `"object":"response"`},
		{"GET", "/v1/models", "", 200, `"id":"loopback"`},
		{"GET", "/health", "", 200, "ok"},
		{"GET", "/health/liveliness", "", 200, "ok"},
		{"GET", "/health/readiness", "", 200, "ok"},
		{"GET", "/metrics", "", 200, "gatebench_mock_requests_total"},
		{"GET", "/gatebench/v1/account", "", 200, account.Schema},
		{"GET", "/v1/chat/completions", "", 405, "POST"},
		{"POST", "/v1/models", "", 405, "GET"},
		{"GET", "/nothing", "", 404, "nothing"},
		{"POST", "/v1/chat/completions", "{", 400, "not JSON"},
		{"POST", "/v1/chat/completions", "[]", 400, "object"},
		{"POST", "/v1/chat/completions", `{"messages":[{"role":"user"}]}`, 400, `"param":"model"`},
		{"POST", "/v1/chat/completions", `{"model":"m"}`, 400, `"param":"messages"`},
		{"POST", "/v1/chat/completions", `{"model":"m","messages":[]}`, 400, `"param":"messages"`},
		{"POST", "/v1/chat/completions", `{"model":"m","messages":["x"]}`, 400, "role"},
		{"POST", "/v1/chat/completions", strings.Replace(chat, "{", `{"stream":"yes",`, 1), 400, `"param":"stream"`},
		{"POST", "/v1/chat/completions", strings.Replace(chat, "{", `{"max_tokens":-1,`, 1), 400, `"param":"max_tokens"`},
		{"POST", "/v1/chat/completions", strings.Replace(chat, "{", `{"tools":1,`, 1), 400, `"param":"tools"`},
		{"POST", "/v1/messages", `{"model":"m","messages":[{"role":"user","content":"x"}]}`, 400, `"type":"error"`},
		{"POST", "/v1/responses", `{"model":"m"}`, 400, `"param":"input"`},
		{"POST", "/v1/responses", `{"model":"m","input":[1]}`, 400, `"param":"input"`},
	} {
		got := send(t, test.method, url+test.path, test.body)
		if got.status != test.status || !strings.Contains(got.body, test.says) {
			t.Errorf("%s %s %s: %d %s", test.method, test.path, test.body, got.status, got.body)
		}
	}
}

func TestHeadersSetTheBehaviour(t *testing.T) {
	url := start(t, &Server{}) + "/v1/chat/completions"
	if got := send(t, "POST", url, chat, "X-Gatebench-Output-Tokens", "5"); !strings.Contains(got.body, `"completion_tokens":5`) {
		t.Errorf("%+v", got)
	}
	if got := send(t, "POST", url, chat, "X-Gatebench-Error-Ratio", "1"); got.status != 500 || !strings.Contains(got.body, "server_error") {
		t.Errorf("%+v", got)
	}
	if got := send(t, "POST", url, chat, "X-Gatebench-Latency", "never"); got.status != 400 || !strings.Contains(got.body, "X-Gatebench-Latency") {
		t.Errorf("%+v", got)
	}
}

func TestAnswersComeNotBeforeTheirLatency(t *testing.T) {
	counted := account.New(time.Now())
	url := start(t, &Server{Account: counted})
	before := time.Now()
	send(t, "POST", url+"/v1/chat/completions", chat, "X-Gatebench-Latency", "30ms")
	if elapsed := time.Since(before); elapsed < 30*time.Millisecond {
		t.Errorf("after %s", elapsed)
	}
	var seen struct {
		Delay struct {
			Count         int
			ActualSeconds struct{ P50 float64 }
		}
	}
	if err := json.Unmarshal(counted.JSON(time.Now()), &seen); err != nil || seen.Delay.Count != 1 || seen.Delay.ActualSeconds.P50 < 0.03 {
		t.Errorf("%v: %s", err, counted.JSON(time.Now()))
	}
}

func TestABurstIsAnsweredAtOnceAndIsNoPartOfTheDelays(t *testing.T) {
	counted := account.New(time.Now())
	url := start(t, &Server{Account: counted, Behaviour: behaviour.Behaviour{
		Latency: behaviour.Latency{Median: time.Hour}, OutputTokens: 3, TokensPerSecond: 0.01, ErrorRatio: 1,
	}})
	for _, body := range []string{chat, streaming()} {
		got := send(t, "POST", url+"/v1/chat/completions", body, "X-Gatebench-Burst", "true", "X-Gatebench-Latency", "1m")
		if got.status != 200 {
			t.Errorf("%+v", got)
		}
	}
	var seen struct {
		Requests []struct{ Status, Count int }
		Delay    struct{ Count int }
	}
	err := json.Unmarshal(counted.JSON(time.Now()), &seen)
	if err != nil || seen.Delay.Count != 0 || len(seen.Requests) != 1 || seen.Requests[0].Count != 2 {
		t.Errorf("%v: %s", err, counted.JSON(time.Now()))
	}
}

// eventsOf reads the data of a stream's events until it ends.
func eventsOf(t *testing.T, body string) []string {
	t.Helper()
	var out []string
	scanner := bufio.NewScanner(strings.NewReader(body))
	for scanner.Scan() {
		if data, found := strings.CutPrefix(scanner.Text(), "data: "); found {
			if data != "[DONE]" && !json.Valid([]byte(data)) {
				t.Errorf("not JSON: %s", data)
			}
			out = append(out, data)
		}
	}
	return out
}

func streaming() string { return strings.Replace(chat, "{", `{"stream":true,`, 1) }

func TestLongStreamsAreWholeHowEverTheyAreCut(t *testing.T) {
	url := start(t, &Server{}) + "/v1/chat/completions"
	for _, rate := range []string{"0", "100000"} {
		got := send(t, "POST", url, streaming(), "X-Gatebench-Output-Tokens", "2000", "X-Gatebench-Tokens-Per-Second", rate)
		data := eventsOf(t, got.body)
		if len(data) != 2003 || data[2002] != "[DONE]" || !strings.HasPrefix(got.header.Get("Content-Type"), "text/event-stream") {
			t.Errorf("at rate %s: %d events, %v", rate, len(data), got.header)
		}
	}
}

func TestStreamsArePaced(t *testing.T) {
	url := start(t, &Server{}) + "/v1/chat/completions"
	before := time.Now()
	send(t, "POST", url, streaming(), "X-Gatebench-Output-Tokens", "11", "X-Gatebench-Tokens-Per-Second", "200")
	if elapsed := time.Since(before); elapsed < 50*time.Millisecond {
		t.Errorf("10 gaps of 5 ms in %s", elapsed)
	}
}

func TestCountsEqualWhatWasSent(t *testing.T) {
	counted := account.New(time.Now())
	url := start(t, &Server{Account: counted})
	var sending sync.WaitGroup
	for range 5 {
		sending.Go(func() {
			for range 20 {
				send(t, "POST", url+"/v1/chat/completions", chat)
				send(t, "POST", url+"/v1/chat/completions", streaming(), "X-Gatebench-Tokens-Per-Second", "0")
				send(t, "GET", url+"/health", "", "User-Agent", "kube-probe/1.34")
			}
		})
	}
	sending.Wait()
	metrics := string(counted.Metrics())
	for _, line := range []string{
		`{path="/v1/chat/completions",status="200",client="other"} 200`, `{path="/health",status="200",client="kubelet"} 100`,
		"gatebench_mock_in_flight 0",
	} {
		if !strings.Contains(metrics, line) {
			t.Errorf("missing %s in %s", line, metrics[:400])
		}
	}
}

func TestMetricsOff(t *testing.T) {
	url := start(t, &Server{})
	for _, path := range []string{"/metrics", "/gatebench/v1/account"} {
		if got := send(t, "GET", url+path, ""); got.status != 404 || !strings.Contains(got.body, "--metrics") {
			t.Errorf("%s: %+v", path, got)
		}
	}
}

func TestTooManyInFlight(t *testing.T) {
	server := &Server{InFlight: gateway.InFlight{Max: 1}}
	url := start(t, server) + "/v1/chat/completions"
	if !server.InFlight.Enter() {
		t.Fatal("it does not begin empty")
	}
	if got := send(t, "POST", url, chat); got.status != 429 || got.header.Get("Retry-After") != "1" {
		t.Errorf("%+v", got)
	}
	server.InFlight.Leave()
	for _, body := range []string{chat, "{", streaming(), chat, streaming(), chat} { // each leaves, however it ends
		if got := send(t, "POST", url, body, "X-Gatebench-Tokens-Per-Second", "0"); got.status == 429 {
			t.Errorf("%s is refused: somebody never left", body)
		}
	}
}

func TestRateLimit(t *testing.T) {
	url := start(t, &Server{Rate: gateway.NewRate(0.001, 1)}) + "/v1/chat/completions"
	statuses := ""
	for _, key := range []string{"a", "a", "b"} {
		statuses += fmt.Sprint(send(t, "POST", url, chat, "Authorization", "Bearer "+key).status, " ")
	}
	got := send(t, "POST", url, strings.Replace(chat, "{", `{"user":"u",`, 1), "Authorization", "Bearer a")
	if statuses != "200 429 200 " || got.status != 200 {
		t.Errorf("%s %+v", statuses, got)
	}
	if got := send(t, "POST", url, chat, "Authorization", "Bearer a"); got.header.Get("Retry-After") == "" {
		t.Errorf("%+v", got)
	}
}
