//go:build !race

package client

import (
	"bytes"
	"net"
	"strconv"
	"strings"
	"testing"
)

// echo answers every request of one write with the same bytes, and allocates nothing doing so.
func echo(t testing.TB, answer string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			socket, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer socket.Close()
				request, out := make([]byte, 64<<10), []byte(answer)
				got := 0
				for {
					n, err := socket.Read(request[got:])
					if err != nil {
						return
					}
					if got += n; !bytes.HasSuffix(request[:got], []byte("}")) {
						continue
					}
					got = 0
					if _, err := socket.Write(out); err != nil {
						return
					}
				}
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

const chatBody = `{"id":"chatcmpl-1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant",` +
	`"content":"river"}}],"usage":{"prompt_tokens":12,"completion_tokens":5,"total_tokens":17}}`

func steady() map[string]string {
	return map[string]string{
		"answer": "HTTP/1.1 200 OK\r\nServer: some\r\nDate: Tue, 24 Nov 2026 10:00:00 GMT\r\nContent-Type: application/json\r\n" +
			"Content-Length: " + strconv.Itoa(len(chatBody)) + "\r\n\r\n" + chatBody,
		"chunked": streamHead + chunk(`{"usage":{"completion_tokens":5}}`) + "0\r\n\r\n",
		"stream":  streamHead + strings.Repeat(delta("river"), 20) + chunk("data: [DONE]\n\n") + "0\r\n\r\n",
	}
}

func TestAllocatesNothingInTheSteadyState(t *testing.T) {
	for name, answer := range steady() {
		t.Run(name, func(t *testing.T) {
			c := connect(t, Options{Target: echo(t, answer), KernelTime: true})
			call, body, res := post(), []byte(`{"model":"loopback"}`), new(Result)
			call.Stream = name == "stream"
			if name == "answer" {
				call.Check = checked(t, "choices[0].message.content", "river")
			}
			once := func() {
				if c.Do(call, body, res); res.Kind != OK || res.Tokens < 5 {
					t.Errorf("%+v", res)
				}
			}
			for range 20 {
				once()
			}
			if n := testing.AllocsPerRun(500, once); n != 0 {
				t.Errorf("%v allocations a request", n)
			}
		})
	}
}

func BenchmarkExchange(b *testing.B) {
	for name, answer := range steady() {
		b.Run(name, func(b *testing.B) {
			c := connect(b, Options{Target: echo(b, answer)})
			call, body, res := post(), []byte(`{"model":"loopback"}`), new(Result)
			call.Stream = name == "stream"
			b.ReportAllocs()
			for b.Loop() {
				if c.Do(call, body, res); res.Kind != OK {
					b.Fatalf("%+v", res)
				}
			}
		})
	}
}

// What is left of an exchange without the kernel's part.
func BenchmarkParse(b *testing.B) {
	text := []byte(steady()["answer"])
	source := &split{}
	var r reader
	var a answer
	call, res := post(), &Result{Status: 200}
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		source.text = text
		r.reset(source)
		var h head
		if err := r.final(&h); err != nil {
			b.Fatal(err)
		}
		a.begin(call, res)
		if _, err := r.body(&h, "POST", &a); err != nil {
			b.Fatal(err)
		}
		a.judge(call, res)
	}
}
