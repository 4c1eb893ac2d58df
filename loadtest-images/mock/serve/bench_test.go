package serve

import (
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"gatebench.dev/mock/account"
	"gatebench.dev/mock/behaviour"
	"gatebench.dev/mock/pace"
)

// What an answer costs beside the network.
func BenchmarkChat(b *testing.B) {
	server := &Server{
		Behaviour: behaviour.Behaviour{OutputTokens: 128}, Dice: behaviour.NewDice(0), Clock: pace.New(),
		Account: account.New(time.Now()), Started: time.Now(),
	}
	var ctx fasthttp.RequestCtx
	ctx.Request.Header.SetMethod(fasthttp.MethodPost)
	ctx.Request.SetRequestURI("/v1/chat/completions")
	ctx.Request.Header.Set("Content-Type", "application/json")
	ctx.Request.SetBodyString(chat)
	b.ReportAllocs()
	for b.Loop() {
		ctx.Response.Reset()
		server.Handle(&ctx)
	}
	if ctx.Response.StatusCode() != fasthttp.StatusOK {
		b.Fatal(string(ctx.Response.Body()))
	}
}
