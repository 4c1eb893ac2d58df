// Package standalone is the engine without a master and a cluster: it reads what to send, drives the load, and says what
// was measured.
package standalone

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"gatebench.dev/engine/client"
	"gatebench.dev/engine/load"
	"gatebench.dev/engine/plan"
	"gatebench.dev/engine/record"
	"gatebench.dev/engine/result"
	"gatebench.dev/engine/usage"
)

// Exit codes.
const (
	exitOK     = 0
	exitNone   = 1 // nothing was measured, or no request succeeded
	exitFailed = 1 // the result cannot be written
	exitInput  = 3
)

// Run is `engine run`; the exit code of the process. When ctx ends, the load is cut short and what was measured is shown.
func Run(ctx context.Context, version string, args []string, env func(string) (string, bool), out, complaints io.Writer) int {
	s, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err == nil {
		var code int
		if code, err = run(ctx, s, version, env, out, complaints); err == nil {
			return code
		}
	}
	var unwritten *unwritten
	fmt.Fprintf(complaints, "engine: %s\n", err)
	if errors.As(err, &unwritten) {
		return exitFailed
	}
	return exitInput
}

// unwritten is a result that could not be written.
type unwritten struct{ error }

func (e *unwritten) Unwrap() error { return e.error }

func run(ctx context.Context, s *settings, version string, env lookup, out, complaints io.Writer) (int, error) {
	j, err := jobOf(s, env)
	if err != nil {
		return 0, err
	}
	dialer, err := client.New(client.Options{
		Target: j.plan.Target, Timeout: duration(j.plan.Timeout), CAFile: j.plan.CAFile, HTTP2: j.plan.HTTP2,
		KernelTime: j.plan.Pauses(),
	})
	if err != nil {
		return 0, err
	}
	file, err := s.create()
	if err != nil {
		return 0, err
	}
	for _, note := range j.notes {
		fmt.Fprintf(complaints, "note: %s\n", note)
	}
	l := offer(ctx, j, dialer, version, complaints)
	document := result.NewDocument(j.run, environment(version), l, nil)
	if s.out == "-" {
		out, file = complaints, out
	}
	print(out, document)
	if file != nil {
		err = document.Write(s.out, file)
		if closer, ok := file.(io.Closer); ok && s.out != "-" {
			err = errors.Join(err, closer.Close())
		}
		if err != nil {
			return 0, &unwritten{fmt.Errorf("-json %s: %w", s.out, err)}
		}
	}
	if all, failed := l.Window().Counts(); all == failed {
		return exitNone, nil
	}
	return exitOK, nil
}

// create makes the file before the load, so that no measurement is lost to a wrong name; nil: there is none.
func (s *settings) create() (io.Writer, error) {
	if s.out == "" || s.out == "-" {
		return nil, nil
	}
	file, err := os.Create(s.out)
	if err != nil {
		return nil, fmt.Errorf("-json: %w", err)
	}
	return file, nil
}

// offer drives the load and collects what came of it.
func offer(ctx context.Context, j *job, dialer *client.Dialer, version string, complaints io.Writer) *result.Load {
	usage.Spread() // before the recorder, which has a part for each thread
	recorder := record.New()
	observe := newObserver(recorder)
	leader := newLeader(j, load.Options{
		Calls: j.calls, Dial: dialer.Conn, Recorder: recorder, Workers: 1, Think: j.plan.ThinkTime,
		Poisson: j.plan.Poisson, Seed: j.plan.Seed, MaxInFlight: j.plan.MaxInFlight,
	}, observe)
	fmt.Fprintf(complaints, "loading %s for %s\n", j.plan.Target, total(leader.phases, leader.spawnRate).Round(time.Second))
	watching, stop := context.WithCancel(context.Background())
	watched := make(chan struct{})
	go func() {
		observe.loop(watching)
		close(watched)
	}()
	complete := leader.lead(ctx)
	stop()
	<-watched
	observe.boundary(false) // what ended with the drain
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	l := &result.Load{
		Attempt: "1", Engine: "Go", EngineVersion: version, Outcome: result.Finished, Phases: leader.records,
		ExpectedWorkers: 1, Workers: []result.Worker{observe.worker(host)},
	}
	l.StartedAt, l.EndedAt = l.Phases[0].StartedAt, *l.Phases[len(l.Phases)-1].EndedAt
	if !complete {
		l.Outcome, l.Message = result.Stopped, "cut short by a signal"
	}
	if j.plan.Model == plan.Closed {
		l.ThinkTime = &result.Range{}
		if think := j.plan.ThinkTime; think != nil {
			*l.ThinkTime = result.Range(*think)
		}
	}
	l.Fill(observe.sums)
	return l
}

func environment(version string) map[string]any {
	return map[string]any{
		"tool": "engine run", "engineVersion": version, "os": runtime.GOOS, "architecture": runtime.GOARCH,
		"goVersion": runtime.Version(), "cpus": runtime.NumCPU(),
	}
}
