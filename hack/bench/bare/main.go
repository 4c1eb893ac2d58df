// Command bare is the yardstick for the mock: fasthttp alone, that answers every request with the bytes of a file.
package main

import (
	"flag"
	"log"
	"os"

	"github.com/valyala/fasthttp"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8081", "address to serve on")
	body := flag.String("body", "", "file with the answer's body")
	flag.Parse()
	answer, err := os.ReadFile(*body)
	if err != nil {
		log.Fatalf("reading the answer: %v", err)
	}
	server := fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
		ctx.SetContentType("application/json")
		ctx.SetBody(answer)
	}}
	log.Fatal(server.ListenAndServe(*listen))
}
