// Command mock is an LLM API whose latency is known: what a gateway is benchmarked over, and, forwarding or by itself, a
// gateway to benchmark.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"gatebench.dev/mock/account"
	"gatebench.dev/mock/behaviour"
	"gatebench.dev/mock/gateway"
	"gatebench.dev/mock/pace"
	"gatebench.dev/mock/serve"
	"gatebench.dev/mock/settings"
)

// graceTime is for the answers under way when the process is told to end; a pod has ten seconds.
const graceTime = 8 * time.Second

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	s, err := settings.Parse(args, settings.OSLookup, os.Stdout)
	if errors.Is(err, settings.ErrHelp) {
		return 0
	}
	if err != nil {
		return complain(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	server, err := build(ctx, s)
	if err != nil {
		return complain(err)
	}
	listener, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return complain(fmt.Errorf("--listen %s: %w", s.Listen, err))
	}
	fmt.Fprintln(os.Stderr, "mock: serving on "+listener.Addr().String())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		ending, cancel := context.WithTimeout(context.Background(), graceTime)
		defer cancel()
		if err = server.ShutdownWithContext(ending); errors.Is(err, context.DeadlineExceeded) {
			fmt.Fprintln(os.Stderr, "mock: ended with answers under way")
			err = nil
		}
	}
	if err != nil {
		return complain(err)
	}
	return 0
}

func build(ctx context.Context, s *settings.Settings) (*fasthttp.Server, error) {
	handler := &serve.Server{
		Behaviour: s.Behaviour, Dice: behaviour.NewDice(s.Seed), Clock: pace.New(),
		InFlight: gateway.InFlight{Max: s.MaxInFlight}, CPUPerRequest: s.CPUPerRequest, Started: time.Now(),
	}
	told := func(int64) {}
	if s.Metrics {
		handler.Account = account.New(handler.Started)
		told = handler.Account.Leaked
	}
	if s.RatePerSecond > 0 {
		handler.Rate = gateway.NewRate(s.RatePerSecond, s.RateBurst)
	}
	if s.Upstream != "" {
		upstream, err := gateway.NewUpstream(s.Upstream)
		if err != nil {
			return nil, fmt.Errorf("--upstream: %w", err)
		}
		handler.Upstream = upstream
	}
	go gateway.Leak(ctx, s.LeakPerMinute, told)
	return &fasthttp.Server{
		Handler: handler.Handle, Name: "gatebench-mock", CloseOnShutdown: true, ReadBufferSize: 32 << 10,
		MaxRequestBodySize: 32 << 20, ReadTimeout: 5 * time.Minute, IdleTimeout: 5 * time.Minute,
		NoDefaultContentType: true, DisablePreParseMultipartForm: true, LazyRequestTime: true,
		Concurrency: 1 << 20, Logger: quiet{},
	}, nil
}

// quiet drops fasthttp's lines about connections that clients broke off.
type quiet struct{}

func (quiet) Printf(string, ...any) {}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, "mock: "+err.Error())
	return 2
}
