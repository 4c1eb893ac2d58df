// Command bare is the measure for the mock: a fasthttp server that answers everything with the same bytes, as many as an
// answer of the mock has. Usage: bare ADDRESS BODY
package main

import (
	"fmt"
	"os"

	"github.com/valyala/fasthttp"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: bare ADDRESS BODY")
		os.Exit(2)
	}
	body := []byte(os.Args[2])
	err := fasthttp.ListenAndServe(os.Args[1], func(ctx *fasthttp.RequestCtx) {
		ctx.SetContentType("application/json")
		ctx.SetBody(body)
	})
	fmt.Fprintln(os.Stderr, "bare:", err)
	os.Exit(1)
}
