// Command server is what the load generators are measured against: it answers at once, or after delays that it records
// itself, or not at all for a while.
//
// A delay is from the moment when the kernel had the request to the moment when the answer is given to it.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"gatebench.dev/mock/pace"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(2)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("server", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:0", "where to serve")
	size := flags.Int("bytes", 256, "of an answer's body")
	constant := flags.Duration("constant", 0, "a delay")
	p50 := flags.Duration("p50", 0, "the median of log-normal delays")
	p99 := flags.Duration("p99", 0, "their 99th percentile")
	stall := flags.Duration("stall", 0, "how long nothing is answered at the end of every period")
	every := flags.Duration("every", 10*time.Second, "that period")
	seed := flags.Uint64("seed", 1, "of the delays")
	record := flags.Bool("record", false, "keep when each request came, and its delay")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("what is %q?", flags.Arg(0))
	case *p50 < 0 || *constant < 0 || *p99 < *p50 || *p50 == 0 && *p99 > 0:
		return fmt.Errorf("--p50 %v --p99 %v --constant %v: delays are above 0, and p50 is not above p99", *p50, *p99, *constant)
	case *stall < 0 || *stall >= *every:
		return fmt.Errorf("--stall %v: it must be shorter than --every %v", *stall, *every)
	case *size < 2:
		return fmt.Errorf("--bytes %d: at least 2", *size)
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	s := &server{body: []byte(`"` + strings.Repeat("x", *size-2) + `"`)}
	if *record {
		s.book = newBook()
		s.clock = pace.New()
		s.delays = newDelays(*constant, *p50, *p99, *seed)
		s.calendar = calendar{Origin: time.Now(), Stall: *stall, Every: *every}
		listener = stamped{listener}
	} else if *constant > 0 || *p50 > 0 || *stall > 0 {
		return fmt.Errorf("delays and stalls need --record")
	}
	return (&fasthttp.Server{Handler: s.handle, Name: "bench", NoDefaultContentType: true}).Serve(listener)
}

// server answers. Without a book it does so at once.
type server struct {
	body     []byte
	book     *book
	clock    *pace.Clock
	delays   *delays
	calendar calendar
}

func (s *server) handle(ctx *fasthttp.RequestCtx) {
	path := ctx.Path()
	if len(path) > 7 && string(path[:7]) == "/bench/" && s.book != nil {
		s.tell(ctx, string(path[7:]))
		return
	}
	if s.book != nil && string(path) != "/health" {
		s.hold(ctx)
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(s.body)
}

// hold waits until the answer is due, and writes both into the book.
func (s *server) hold(ctx *fasthttp.RequestCtx) {
	now := time.Now()
	from := ctx.Conn().(*stampedConn)
	came := now.Add(min(0, time.Duration(from.came-now.UnixNano()))) // with the monotonic clock's reading
	due := s.calendar.after(s.calendar.after(came).Add(s.delays.next()))
	s.clock.Until(due)
	from.answering = func() { s.book.add(came.UnixNano(), int64(time.Since(came))) }
}

// tell answers what is asked about the record.
func (s *server) tell(ctx *fasthttp.RequestCtx, what string) {
	switch what {
	case "reset":
		s.book.reset()
	case "record":
		ctx.SetBody(s.book.bytes())
	case "calendar":
		fmt.Fprintf(ctx, `{"origin":%.9f,"stall":%g,"every":%g}`,
			float64(s.calendar.Origin.UnixNano())/1e9, s.calendar.Stall.Seconds(), s.calendar.Every.Seconds())
	default:
		ctx.Error("reset, record or calendar", fasthttp.StatusNotFound)
	}
}
