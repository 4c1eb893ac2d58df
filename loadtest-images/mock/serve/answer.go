package serve

import (
	"errors"
	"time"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fastjson"

	"gatebench.dev/mock/gateway"
	"gatebench.dev/mock/llm"
)

// answer is a request to a language model: admitted, paid for, and then forwarded or answered.
func (s *Server) answer(ctx *fasthttp.RequestCtx, api llm.API) {
	started := time.Now()
	if !only(ctx, fasthttp.MethodPost) {
		return
	}
	if !s.InFlight.Enter() {
		tooMany(ctx, api, "too many requests are in flight", time.Second)
		return
	}
	parser := s.parsers.Get()
	defer s.parsers.Put(parser)
	if s.Rate != nil && !s.withinRate(ctx, api, parser, started) {
		s.InFlight.Leave()
		return
	}
	if s.CPUPerRequest > 0 {
		gateway.Burn(s.CPUPerRequest)
		started = time.Now() // what it costs comes before what it waits
	}
	if s.Upstream != nil {
		s.forward(ctx, api, s.InFlight.Leave)
		return
	}
	if !s.reply(ctx, api, parser, started) {
		s.InFlight.Leave()
	}
}

// withinRate limits by who asks: the credential and the user that the body names. A body that cannot be read names
// none; what is wrong with it is said later.
func (s *Server) withinRate(ctx *fasthttp.RequestCtx, api llm.API, parser *fastjson.Parser, now time.Time) bool {
	credential := ctx.Request.Header.Peek(fasthttp.HeaderAuthorization)
	if len(credential) == 0 {
		credential = ctx.Request.Header.Peek("X-Api-Key")
	}
	user := ""
	if body, err := parser.ParseBytes(ctx.PostBody()); err == nil {
		user = string(body.GetStringBytes("user"))
		if user == "" {
			user = string(body.GetStringBytes("metadata", "user_id"))
		}
	}
	admitted, after := s.Rate.Take(credential, user, now)
	if !admitted {
		tooMany(ctx, api, "the rate limit of this user is reached", after)
	}
	return admitted
}

func (s *Server) forward(ctx *fasthttp.RequestCtx, api llm.API, done func()) {
	err := s.Upstream.Do(ctx, func(streamed bool) {
		done()
		if s.Account != nil && streamed {
			s.Account.Done()
		}
	})
	switch {
	case errors.Is(err, gateway.ErrTooSlow):
		refuse(ctx, api, fasthttp.StatusGatewayTimeout, err.Error(), "")
	case err != nil:
		refuse(ctx, api, fasthttp.StatusBadGateway, err.Error(), "")
	}
}

// reply says whether it left a stream that goes on.
func (s *Server) reply(ctx *fasthttp.RequestCtx, api llm.API, parser *fastjson.Parser, started time.Time) bool {
	how, err := s.Behaviour.Override(ctx.Request.Header.All())
	if err != nil {
		refuse(ctx, api, fasthttp.StatusBadRequest, err.Error(), "")
		return false
	}
	body, err := parser.ParseBytes(ctx.PostBody())
	if err != nil {
		refuse(ctx, api, fasthttp.StatusBadRequest, "the body is not JSON", "")
		return false
	}
	if body.Type() != fastjson.TypeObject {
		refuse(ctx, api, fasthttp.StatusBadRequest, "the body must be a JSON object", "")
		return false
	}
	ask, err := api.Parse(body)
	if err != nil {
		field := ""
		var invalid *llm.Invalid
		if errors.As(err, &invalid) {
			field = invalid.Field
		}
		refuse(ctx, api, fasthttp.StatusBadRequest, err.Error(), field)
		return false
	}
	intended := s.Dice.Latency(how.Latency)
	fails := s.Dice.Fails(how.ErrorRatio)
	s.Clock.Until(started.Add(intended))
	now := time.Now()
	if s.Account != nil && !how.Burst {
		s.Account.Delay(intended, now.Sub(started))
	}
	if fails {
		refuse(ctx, api, fasthttp.StatusInternalServerError, "an error, as the error ratio wants it", "")
		return false
	}
	reply := llm.NewReply(ask, s.serial.Add(1), now.Unix(), how.OutputTokens)
	if !ask.Stream {
		s.whole(ctx, api, reply)
		return false
	}
	s.stream(ctx, api, reply, now, how.TokensPerSecond)
	return true
}

func (s *Server) whole(ctx *fasthttp.RequestCtx, api llm.API, reply *llm.Reply) {
	buffer, _ := s.buffers.Get().(*[]byte)
	if buffer == nil {
		buffer = new([]byte)
	}
	*buffer = api.Answer((*buffer)[:0], reply)
	sendJSON(ctx, *buffer)
	s.buffers.Put(buffer)
}
