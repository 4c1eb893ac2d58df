package serve

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"gatebench.dev/mock/behaviour"
	"gatebench.dev/mock/gateway"
	"gatebench.dev/mock/pace"
)

// Whatever the body, the answer is whole and JSON, and nobody stays in flight.
func FuzzBodies(f *testing.F) {
	for _, body := range []string{
		chat, "", "[]", "{", `{"model":1}`, `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":"x"}]}]}`,
		`{"model":"m","input":[{"type":"function_call_output"}],"tools":[{"type":"function","name":"f","parameters":{"type":"object"}}]}`,
		`{"model":"m\u0000é","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"a":{"type":["string"]}}}}}]}`,
		`{"model":"m","max_tokens":5,"messages":[{"role":"u"}],"tools":[{"name":"f","input_schema":{"items":{}}}],"tool_choice":{"type":"tool","name":"g"}}`,
	} {
		f.Add(body)
	}
	server := &Server{
		Behaviour: behaviour.Behaviour{OutputTokens: 3}, Dice: behaviour.NewDice(1), Clock: pace.New(), Started: time.Now(),
		InFlight: gateway.InFlight{Max: 1}, Rate: gateway.NewRate(1e6, 1e6),
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range []string{"/v1/chat/completions", "/v1/messages", "/v1/responses"} {
			var ctx fasthttp.RequestCtx
			ctx.Request.Header.SetMethod(fasthttp.MethodPost)
			ctx.Request.SetRequestURI(path)
			ctx.Request.SetBodyString(body)
			server.Handle(&ctx)
			status := ctx.Response.StatusCode()
			if status != fasthttp.StatusOK && status != fasthttp.StatusBadRequest {
				t.Fatalf("%s %q: %d", path, body, status)
			}
			var answer strings.Builder
			if err := ctx.Response.BodyWriteTo(&answer); err != nil {
				t.Fatal(err)
			}
			if stream := strings.HasPrefix(string(ctx.Response.Header.ContentType()), "text/event-stream"); stream {
				for line := range strings.Lines(answer.String()) {
					data, found := strings.CutPrefix(line, "data: ")
					if found && data != "[DONE]\n" && !json.Valid([]byte(data)) {
						t.Fatalf("%s %q: %s", path, body, data)
					}
				}
			} else if !json.Valid([]byte(answer.String())) {
				t.Fatalf("%s %q: %s", path, body, answer.String())
			}
		}
	})
}
