package worker

import (
	"fmt"
	"sync"
	"time"

	"gatebench.dev/engine/client"
	"gatebench.dev/engine/load"
	"gatebench.dev/engine/payload"
	"gatebench.dev/engine/plan"
	"gatebench.dev/engine/record"
)

// closed is users; they stand for the whole load, and their number is the master's.
type closed struct{ *load.Closed }

func (c closed) Users(count int)    { c.SetUsers(count) }
func (c closed) Enter(p load.Phase) { c.Closed.Enter(p.Moment) }

// open is arrivals. Its users are only what Locust's page shows of the fleet.
type open struct{ *load.Open }

func (open) Users(int) {}

// burst is users that nobody else knows of: the phase has their number.
type burst struct {
	closed
	worker, workers int
}

func (b burst) Enter(p load.Phase) {
	b.closed.Enter(p)
	b.SetUsers(share(*p.Burst, b.worker, b.workers))
}

// legs is the load of the gateway, and those of its upstream, each of which comes when the one before is over.
type legs struct {
	offer
	direct, burst offer
}

func (l legs) Enter(p load.Phase) {
	switch {
	case p.Burst != nil:
		l.burst.Enter(p)
	case p.Direct:
		l.direct.Enter(p)
	default:
		l.offer.Enter(p)
	}
}

func (l legs) TakeInFlight() int {
	return l.offer.TakeInFlight() + l.direct.TakeInFlight() + l.burst.TakeInFlight()
}

// Drain drains all at once: only the last one can have anything under way.
func (l legs) Drain(m record.Moment, limit time.Duration) {
	var straight sync.WaitGroup
	straight.Go(func() { l.direct.Drain(m, limit) })
	straight.Go(func() { l.burst.Drain(m, limit) })
	l.offer.Drain(m, limit)
	straight.Wait()
}

// offers gives what makes the plan's load, once the workers are numbered. Its errors name the field of the plan.
func offers(
	p *plan.Plan, recorder *record.Recorder, lookup func(string) (string, bool),
) (func(worker, workers int) offer, error) {
	calls, err := payload.Build(p, lookup)
	if err != nil {
		return nil, err
	}
	dialer, err := dial(p, p.Target)
	if err != nil {
		return nil, err
	}
	options := load.Options{
		Calls: calls, Dial: dialer.Conn, Recorder: recorder, Think: p.ThinkTime, Poisson: p.Poisson, Seed: p.Seed,
	}
	build, err := gateway(p, options)
	if err != nil || p.Direct == nil {
		return build, err
	}
	if dialer, err = dial(p, p.Direct.Target); err != nil {
		return nil, fmt.Errorf("direct.%w", err)
	}
	options.Dial, options.Poisson = dialer.Conn, p.Poisson || p.Model == plan.Closed // users come at random too
	unthinking := options
	unthinking.Think = nil
	if p.Direct.Burst != nil {
		if unthinking.Calls, err = calls.With(p.Direct.Burst.Headers); err != nil {
			return nil, fmt.Errorf("direct.burst: %w", err)
		}
	}
	return func(worker, workers int) offer {
		o, b := options, unthinking
		o.Worker, o.Workers = worker, workers
		b.Worker, b.Workers = worker, workers
		o.MaxInFlight = share(p.Direct.MaxInFlight, worker, workers)
		return legs{build(worker, workers), open{load.NewOpen(o)}, burst{closed{load.NewClosed(b)}, worker, workers}}
	}, nil
}

func dial(p *plan.Plan, target string) (*client.Dialer, error) {
	return client.New(client.Options{
		Target: target, Timeout: time.Duration(p.Timeout * float64(time.Second)), CAFile: p.CAFile, HTTP2: p.HTTP2,
		KernelTime: p.Pauses(),
	})
}

// gateway gives what makes the load of the gateway.
func gateway(p *plan.Plan, options load.Options) (func(worker, workers int) offer, error) {
	switch p.Model {
	case plan.Closed:
		return func(worker, workers int) offer {
			o := options
			o.Worker, o.Workers = worker, workers
			return closed{load.NewClosed(o)}
		}, nil
	case plan.Open, plan.Capacity:
		return func(worker, workers int) offer {
			o := options
			o.Worker, o.Workers = worker, workers
			o.MaxInFlight = share(p.MaxInFlight, worker, workers)
			return open{load.NewOpen(o)}
		}, nil
	}
	return nil, fmt.Errorf("model %q", p.Model)
}

// share is this worker's part of a number that all share; the first ones have what is left over. 0 stays 0 (no bound),
// and nothing else becomes 0.
func share(whole, worker, workers int) int {
	part := whole / workers
	if worker < whole%workers {
		part++
	}
	if whole > 0 {
		part = max(1, part)
	}
	return part
}
