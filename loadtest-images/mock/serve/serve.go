// Package serve is the HTTP side: which path is answered by what, and what is counted.
package serve

import (
	"bytes"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fastjson"

	"gatebench.dev/mock/account"
	"gatebench.dev/mock/anthropic"
	"gatebench.dev/mock/behaviour"
	"gatebench.dev/mock/gateway"
	"gatebench.dev/mock/llm"
	"gatebench.dev/mock/openai"
	"gatebench.dev/mock/pace"
)

// Indexes of account.Paths.
const (
	chatPath = iota
	messagesPath
	responsesPath
	modelsPath
	healthPath
	livelinessPath
	readinessPath
	metricsPath
	accountPath
)

// Server answers every request. What is nil or 0 is off.
type Server struct {
	Behaviour     behaviour.Behaviour
	Dice          *behaviour.Dice
	Clock         *pace.Clock
	Account       *account.Account  // nil: nothing is counted
	Upstream      *gateway.Upstream // nil: it answers by itself
	InFlight      gateway.InFlight
	Rate          *gateway.Rate
	CPUPerRequest time.Duration
	Started       time.Time

	serial  atomic.Uint64
	parsers fastjson.ParserPool
	buffers sync.Pool
}

// Handle is the server's fasthttp.RequestHandler.
func (s *Server) Handle(ctx *fasthttp.RequestCtx) {
	if s.Account == nil {
		s.route(ctx)
		return
	}
	s.Account.Begin()
	path := s.route(ctx)
	s.Account.Request(path, fromKubelet(ctx), ctx.Response.StatusCode())
	if ctx.Response.BodyStream() == nil { // else the end of the stream is the end of the request
		s.Account.Done()
	}
}

// fromKubelet recognises the kubelet's readiness and liveness checks.
func fromKubelet(ctx *fasthttp.RequestCtx) bool {
	return bytes.HasPrefix(ctx.UserAgent(), []byte("kube-probe/"))
}

func (s *Server) route(ctx *fasthttp.RequestCtx) int {
	switch path := ctx.Path(); string(path) {
	case "/v1/chat/completions":
		s.answer(ctx, openai.Chat{})
		return chatPath
	case "/v1/messages":
		s.answer(ctx, anthropic.Messages{})
		return messagesPath
	case "/v1/responses":
		s.answer(ctx, openai.Responses{})
		return responsesPath
	case "/v1/models":
		if s.Upstream != nil {
			s.forward(ctx, openai.Chat{}, func() {})
		} else if only(ctx, fasthttp.MethodGet) {
			sendJSON(ctx, openai.AppendModels(nil, s.Started.Unix()))
		}
		return modelsPath
	case "/health":
		health(ctx)
		return healthPath
	case "/health/liveliness":
		health(ctx)
		return livelinessPath
	case "/health/readiness":
		health(ctx)
		return readinessPath
	case "/metrics":
		s.show(ctx, "text/plain; version=0.0.4; charset=utf-8", func() []byte { return s.Account.Metrics() })
		return metricsPath
	case "/gatebench/v1/account":
		s.show(ctx, "application/json", func() []byte { return s.Account.JSON(time.Now()) })
		return accountPath
	default:
		if s.Upstream != nil && bytes.HasPrefix(path, []byte("/v1/")) {
			s.forward(ctx, openai.Chat{}, func() {})
		} else {
			refuse(ctx, openai.Chat{}, fasthttp.StatusNotFound, "there is nothing at this path", "")
		}
		return account.Other
	}
}

func health(ctx *fasthttp.RequestCtx) {
	if only(ctx, fasthttp.MethodGet, fasthttp.MethodHead) {
		sendJSON(ctx, []byte(`{"status":"ok"}`))
	}
}

func (s *Server) show(ctx *fasthttp.RequestCtx, kind string, content func() []byte) {
	switch {
	case s.Account == nil:
		refuse(ctx, openai.Chat{}, fasthttp.StatusNotFound, "nothing is counted: started with --metrics=false", "")
	case only(ctx, fasthttp.MethodGet):
		ctx.SetContentType(kind)
		ctx.SetBody(content())
	}
}

func only(ctx *fasthttp.RequestCtx, methods ...string) bool {
	for _, method := range methods {
		if string(ctx.Method()) == method {
			return true
		}
	}
	ctx.Response.Header.Set("Allow", methods[0])
	refuse(ctx, openai.Chat{}, fasthttp.StatusMethodNotAllowed, "this path wants "+methods[0], "")
	return false
}

func sendJSON(ctx *fasthttp.RequestCtx, body []byte) {
	ctx.SetContentType("application/json")
	ctx.SetBody(body)
}

func refuse(ctx *fasthttp.RequestCtx, api llm.API, status int, message, field string) {
	ctx.Response.ResetBody()
	ctx.SetStatusCode(status)
	sendJSON(ctx, api.Error(nil, status, message, field))
}

// tooMany answers 429; after is rounded up to whole seconds, as Retry-After has it.
func tooMany(ctx *fasthttp.RequestCtx, api llm.API, message string, after time.Duration) {
	seconds := int((after + time.Second - 1) / time.Second)
	ctx.Response.Header.Set("Retry-After", strconv.Itoa(max(1, seconds)))
	refuse(ctx, api, fasthttp.StatusTooManyRequests, message, "")
}
