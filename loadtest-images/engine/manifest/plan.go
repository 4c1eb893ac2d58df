package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"time"

	"gatebench.dev/engine/plan"
)

// The defaults of the API.
const (
	timeout     = time.Minute
	warmUp      = 30 * time.Second
	spawnRate   = 50
	maxInFlight = 1000
	seed        = 1
)

var think = plan.Range{Min: 0.5, Max: 1}

func (r *reader) plan() (*plan.Plan, error) {
	s := &r.run.Spec
	l, w := &s.Load, &s.Workload
	seconds := new(durations)
	p := &plan.Plan{
		Run: r.out.Name, ExpectedWorkers: 1, Engine: "Go", Model: plan.Model(cmp.Or(l.Model, string(plan.Closed))),
		Target:    cmp.Or(r.given.URL, s.Gateway.URL),
		Timeout:   seconds.of("workload.timeout", w.Timeout, timeout),
		WarmUp:    seconds.of("load.warmUp", l.WarmUp, warmUp),
		SpawnRate: or(l.SpawnRate, spawnRate), Seed: or(r.given.Seed, or(l.Seed, seed)),
		CAFile: r.given.CAFile, HTTP2: w.HTTP2,
	}
	p.Drain = p.Timeout
	if err := r.model(p, seconds); err != nil {
		return nil, err
	}
	if err := r.stages(p, seconds); err != nil {
		return nil, err
	}
	switch {
	case seconds.err != nil:
		return nil, seconds.err
	case p.Timeout <= 0:
		return nil, errors.New("workload.timeout must be above 0s")
	case !(p.SpawnRate > 0) || math.IsInf(p.SpawnRate, 0):
		return nil, errors.New("load.spawnRate must be above 0")
	}
	if err := r.workload(p); err != nil {
		return nil, err
	}
	if p.Target == "" {
		return nil, errors.New("gateway.image runs in a cluster only: start the gateway, and give its address with -url")
	}
	return p, nil
}

func (r *reader) model(p *plan.Plan, seconds *durations) error {
	l := &r.run.Spec.Load
	if l.Engine != "" && l.Engine != "Go" && l.Engine != "Locust" {
		return fmt.Errorf("load.engine %q is neither Go nor Locust", l.Engine)
	}
	switch p.Model {
	case plan.Capacity:
		return errors.New("load.model Capacity needs a cluster: apply the run there, or try rates one by one with -url and -rps")
	case plan.Closed:
		if l.Arrivals != "" || l.MaxInFlight != nil {
			return errors.New("load.arrivals and load.maxInFlight are for model Open: remove them, or set load.model: Open")
		}
		between := think
		if given := l.ThinkTime; given != nil {
			between.Min = seconds.of("load.thinkTime.min", given.Min, -1)
			between.Max = seconds.of("load.thinkTime.max", given.Max, -1)
			if seconds.err == nil && between.Max < between.Min {
				return errors.New("load.thinkTime.min must not be above max")
			}
		}
		p.ThinkTime = &between
		return nil
	case plan.Open:
		if l.ThinkTime != nil || l.SpawnRate != nil {
			return errors.New("load.thinkTime and load.spawnRate are for model Closed: open load has no users")
		}
		if l.Arrivals != "" && l.Arrivals != "Poisson" && l.Arrivals != "Constant" {
			return fmt.Errorf("load.arrivals %q is neither Poisson nor Constant", l.Arrivals)
		}
		p.Poisson = l.Arrivals != "Constant"
		if p.MaxInFlight = or(l.MaxInFlight, maxInFlight); p.MaxInFlight < 1 {
			return errors.New("load.maxInFlight must be at least 1")
		}
		return nil
	}
	return fmt.Errorf("load.model %q is none of Closed, Open, Capacity", p.Model)
}

func (r *reader) stages(p *plan.Plan, seconds *durations) error {
	measured := false
	names := make(map[string]bool)
	for i, given := range r.run.Spec.Load.Stages {
		field := fmt.Sprintf("load.stages[%d]", i)
		one := plan.Stage{
			Name: cmp.Or(given.Name, fmt.Sprintf("stage-%d", i+1)), Ramp: given.Ramp, Spike: given.Spike,
			Seconds: seconds.of(field+".duration", given.Duration, -1), Users: or(given.Users, 0), Rate: or(given.Rate, 0),
		}
		switch {
		case seconds.err != nil:
			return seconds.err
		case one.Seconds <= 0:
			return fmt.Errorf("%s.duration must be above 0s", field)
		case given.Ramp && given.Spike:
			return fmt.Errorf("%s is a ramp or a spike, not both", field)
		case names[one.Name]:
			return fmt.Errorf("%s.name %s is there already: names of stages must differ", field, one.Name)
		case p.Model == plan.Closed && (given.Users == nil || given.Rate != nil || one.Users < 1 || one.Users > 1_000_000):
			return fmt.Errorf("%s needs users, from 1 to 1,000,000, and no rate, with model Closed", field)
		case p.Model == plan.Open && (given.Rate == nil || given.Users != nil || !(one.Rate > 0) || one.Rate > 1_000_000):
			return fmt.Errorf("%s needs rate, above 0 and up to 1,000,000, and no users, with model Open", field)
		}
		names[one.Name] = true
		measured = measured || !given.Ramp && !given.Spike
		p.Stages = append(p.Stages, one)
	}
	if !measured {
		return errors.New("load.stages needs at least one stage that is neither a ramp nor a spike: only these are measured")
	}
	return nil
}

// durations reads durations, and keeps the first error.
type durations struct{ err error }

var written = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`)

// of is a duration in seconds; below 0 as a default: it must be given.
func (d *durations) of(field string, text *string, otherwise time.Duration) float64 {
	if text == nil && otherwise >= 0 {
		return otherwise.Seconds()
	}
	wrong := func(text string) float64 {
		if d.err == nil {
			d.err = fmt.Errorf("%s %s: write it as 500ms, 30s or 1m30s", field, text)
		}
		return 0
	}
	if text == nil {
		return wrong("is missing")
	}
	parsed, err := time.ParseDuration(*text)
	if err != nil || !written.MatchString(*text) {
		return wrong(fmt.Sprintf("%q is not a duration", *text))
	}
	return parsed.Seconds()
}

func or[T any](given *T, otherwise T) T {
	if given == nil {
		return otherwise
	}
	return *given
}

func oneOf(field, value string, words ...string) error {
	if value == "" || slices.Contains(words, value) {
		return nil
	}
	return fmt.Errorf("%s %q is none of %v", field, value, words)
}
