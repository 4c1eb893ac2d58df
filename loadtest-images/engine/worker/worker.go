package worker

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"gatebench.dev/engine/locust"
	"gatebench.dev/engine/plan"
	"gatebench.dev/engine/record"
	"gatebench.dev/engine/usage"
	"gatebench.dev/engine/zmtp"
)

// Run is a worker from its start to its end; the exit code of the process. ctx ends when the process is told to end.
// Requests may still be under way when it returns: the process must end then.
func Run(ctx context.Context, version string, lookup func(string) (string, bool), out io.Writer) int {
	log := &logger{out: out, mask: newMask([]string{"GATEBENCH_TOKEN"}, lookup)}
	s, err := fromEnvironment(lookup)
	if err != nil {
		log.error("%s", err)
		return exitUnusable
	}
	code, word := run(ctx, s, version, lookup, log)
	if code != exitOK {
		log.error("%s", word)
		s.leaveWord(log.mask.text(word))
	} else {
		log.info("%s", word)
	}
	return code
}

// run gives the exit code and why.
func run(ctx context.Context, s settings, version string, lookup func(string) (string, bool), log *logger) (int, string) {
	p, err := plan.Read(s.plan)
	if err != nil {
		return exitUnusable, "the plan cannot be used: " + err.Error()
	}
	log.mask = newMask(append(p.MaskedEnv, "GATEBENCH_TOKEN"), lookup)
	log.info("gatebench worker of %s, engine %s", p.Run, version)
	usage.Spread() // before the recorder, which has a part for each thread
	recorder := record.New()
	build, err := offers(p, recorder, lookup)
	if err != nil {
		return exitUnusable, "the plan cannot be used: " + err.Error()
	}
	host, err := os.Hostname()
	if err != nil {
		return exitFailed, "this machine has no name: " + err.Error()
	}
	session, err := locust.Join(ctx, locust.Options{
		Dial: func(ctx context.Context, identity string) (locust.Socket, error) {
			return zmtp.Dial(ctx, s.master, identity)
		},
		Host: host, Pod: s.pod, UID: p.UID, Token: s.token, Version: version, Log: log.info,
	})
	if errors.Is(err, locust.ErrNotTaken) {
		return exitNotJoined, "at " + s.master + ": " + err.Error()
	}
	if err != nil {
		return exitEarly, "told to end before a master was there"
	}
	defer session.Close()
	log.info("joined as %s", session.Node())
	next := successor{s.folder}
	d, r := newDriver(p, session, recorder, build, log)
	d.store = next.store
	return serve(ctx, session, d, r, next.begin)
}

func newDriver(
	p *plan.Plan, session *locust.Session, recorder *record.Recorder, build func(worker, workers int) offer,
	log *logger,
) (*driver, *reporter) {
	meter := usage.NewMeter()
	r := &reporter{
		take: recorder.Take, usage: meter.Read, before: meter.Read(), allowed: usage.AllowedCores(), mask: log.mask,
		send: session.Report, log: log, begun: time.Now(),
	}
	d := &driver{
		master: session, build: build, log: log, state: locust.StateReady, index: session.Index(), count: p.ExpectedWorkers,
		pulse: func() (float64, int64) { return r.load(), memory() },
	}
	d.report = func(final bool) { r.report(d, final) }
	return d, r
}

// serve follows the master to the end, or to another plan, with which `begin` begins in the place of this process.
func serve(ctx context.Context, session *locust.Session, d *driver, r *reporter, begin func() error) (int, string) {
	reporting, stop := context.WithCancel(context.Background())
	defer stop()
	go r.loop(reporting, d)
	err := session.Run(ctx, d)
	if err == nil {
		d.leave()
		return exitOK, "the master has said quit"
	}
	if errors.Is(err, locust.ErrHandedOver) {
		d.log.info("begins again: %s", err)
		return exitFailed, "cannot begin again: " + begin().Error()
	}
	was, over := d.loaded()
	var lost *locust.Lost
	if !errors.As(err, &lost) {
		d.leave()
		session.Leave()
		return exitEarly, "told to end by somebody else than the master"
	}
	switch {
	case over:
		return exitOK, lost.Why + ", after the end of the load"
	case was:
		// Returning is what stops it: the process ends, and with it every connection.
		return exitLost, lost.Why + ": the load was stopped"
	}
	return exitLost, lost.Why + ": no load had begun"
}

// memory is what this process holds; 0: unknown.
func memory() int64 {
	bytes, _ := usage.Resident()
	return bytes
}
