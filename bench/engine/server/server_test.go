package main

import (
	"encoding/binary"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"gatebench.dev/mock/pace"
)

func TestStallsAreAtTheEndOfEachPeriod(t *testing.T) {
	c := calendar{Origin: time.Unix(100, 0), Stall: time.Second, Every: 10 * time.Second}
	for at, want := range map[float64]float64{0: 0, 8.99: 8.99, 9: 10, 9.5: 10, 10: 10, 18: 18, 19.999: 20, 20: 20} {
		moment := c.Origin.Add(time.Duration(at * 1e9))
		if got := c.after(moment).Sub(c.Origin).Seconds(); math.Abs(got-want) > 1e-6 {
			t.Errorf("after %g s: %g, not %g", at, got, want)
		}
	}
	if at := time.Unix(109, 5e8); !(calendar{Origin: time.Unix(100, 0), Every: 10 * time.Second}).after(at).Equal(at) {
		t.Error("a server without stalls stalls")
	}
}

func TestDelaysHaveTheirPercentiles(t *testing.T) {
	d := newDelays(0, 20*time.Millisecond, 200*time.Millisecond, 1)
	all := make([]time.Duration, 200_000)
	for i := range all {
		all[i] = d.next()
	}
	slices.Sort(all)
	for q, want := range map[float64]float64{.5: .020, .99: .200} {
		if got := all[int(q*float64(len(all)))].Seconds(); math.Abs(got/want-1) > 0.03 {
			t.Errorf("quantile %g is %g s, not %g s", q, got, want)
		}
	}
	if got := newDelays(time.Second, 0, 0, 1).next(); got != time.Second {
		t.Errorf("a constant delay is %v", got)
	}
}

func TestEveryRequestIsInTheBook(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{
		body: []byte(`"x"`), book: newBook(), clock: pace.New(), delays: newDelays(5*time.Millisecond, 0, 0, 1),
		calendar: calendar{Origin: time.Now(), Every: time.Second},
	}
	serving := &fasthttp.Server{Handler: s.handle}
	go func() { _ = serving.Serve(stamped{plain}) }()
	t.Cleanup(func() { _ = serving.Shutdown() })
	get := func(path string) []byte {
		t.Helper()
		answer, err := http.Get("http://" + plain.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != 200 {
			t.Fatal(answer.Status, err)
		}
		return body
	}
	get("/before")
	get("/bench/reset")
	from := time.Now().UnixNano()
	for range 3 {
		get("/")
	}
	get("/health")
	to := time.Now().UnixNano()
	record := get("/bench/record")
	if len(record) != 3*16 {
		t.Fatalf("%d bytes for three requests", len(record))
	}
	for i := range 3 {
		came, delay := binary.LittleEndian.Uint64(record[16*i:]), binary.LittleEndian.Uint64(record[16*i+8:])
		if int64(came) < from || int64(came+delay) > to || time.Duration(delay) < 5*time.Millisecond {
			t.Errorf("came %d ns after the start of %d ns, delay %d ns", int64(came)-from, to-from, delay)
		}
	}
}
