// Command probe runs beside the gateway in its pod. It says which CPUs the gateway's processes may use, what they and
// everybody else used of them, and how much memory they hold: read from /proc, without any privilege.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"gatebench.dev/probe/procfs"
	"gatebench.dev/probe/report"
	"gatebench.dev/probe/sampler"
)

const tokenVariable = "GATEBENCH_TOKEN"

func main() {
	// A twentieth of a CPU: more threads would only wait for each other. Little garbage, and little memory.
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(50)
	os.Exit(run(os.Args[1:], os.Getenv(tokenVariable)))
}

func run(args []string, token string) int {
	flags := flag.NewFlagSet("probe", flag.ContinueOnError)
	listen := flags.String("listen", ":9180", "address to serve on")
	proc := flags.String("proc", "/proc", "where the process file system is")
	sys := flags.String("sys", "/sys", "where the system file system is")
	interval := flags.Duration("interval", time.Second, "time between samples")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	switch {
	case flags.NArg() > 0:
		return complain("%q is no flag; see --help", flags.Arg(0))
	case *interval < 10*time.Millisecond:
		return complain("--interval must be at least 10ms")
	case strings.TrimSpace(token) == "":
		return complain("%s is not set: whoever reads a report must show it; set it from the run's secret", tokenVariable)
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return complain("--listen %s: %v", *listen, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	say := func(message string) { fmt.Fprintln(os.Stderr, "probe: "+message) }
	s := sampler.New(procfs.New(*proc, *sys), sampler.NewClock(time.Now()), *interval, say)
	go s.Run(ctx)
	server := &http.Server{
		Handler:           report.Handler(s, token),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	go func() {
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = server.Shutdown(ending)
	}()
	say("serving on " + listener.Addr().String())
	if err := server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return complain("serving: %v", err)
	}
	return 0
}

func complain(format string, values ...any) int {
	fmt.Fprintf(os.Stderr, "probe: "+format+"\n", values...)
	return 2
}
