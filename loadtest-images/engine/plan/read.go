package plan

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
)

// ownThink is the think time where the plan has none: the Python fleet's.
var ownThink = Range{Min: 0.5, Max: 1}

// Read reads the plan from a file.
func Read(path string) (*Plan, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p, err := Parse(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// Parse reads a plan. Errors name the field. Fields that are not known are left alone, as they are by the Python fleet.
func Parse(content []byte) (*Plan, error) {
	var d document
	if err := json.Unmarshal(content, &d); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) && wrong.Field != "" {
			return nil, fmt.Errorf("field %s cannot be a %s", wrong.Field, wrong.Value)
		}
		return nil, err
	}
	if d.Schema != Schema {
		return nil, fmt.Errorf("schema %q is not %q", d.Schema, Schema)
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	p := d.plan()
	var err error
	if p.Stages, err = stages(d.Stages, p.Model); err != nil {
		return nil, err
	}
	if len(p.Stages) == 0 && p.Model != Capacity {
		return nil, errors.New("stages: at least one is needed")
	}
	if err := d.Workload.fill(p); err != nil {
		return nil, err
	}
	return p, nil
}

func (d *document) check() error {
	switch {
	case d.Run == nil, d.Run.UID == nil, d.Run.Namespace == nil, d.Run.Name == nil:
		return errors.New("field run needs namespace, name and uid")
	case d.ExpectedWorkers == nil || *d.ExpectedWorkers < 1:
		return errors.New("expectedWorkers must be at least 1")
	case d.Target == nil:
		return missing("target")
	case d.Workload == nil:
		return missing("workload")
	case d.TimeoutSeconds == nil || !positive(*d.TimeoutSeconds):
		return errors.New("timeoutSeconds must be above 0")
	case d.Direct != nil && (d.Direct.Target == nil || *d.Direct.Target == ""):
		return missing("direct.target")
	case d.Direct != nil && d.Direct.MaxInFlight < 0:
		return fmt.Errorf("direct.maxInFlight %d is below 0", d.Direct.MaxInFlight)
	case d.MaxInFlight < 0:
		return fmt.Errorf("maxInFlight %d is below 0", d.MaxInFlight)
	}
	if think := d.ThinkTimeSeconds; think != nil {
		if think.Min == nil || think.Max == nil || *think.Min < 0 || *think.Max < *think.Min {
			return errors.New("thinkTimeSeconds needs min and max, of which min is not the greater one")
		}
	}
	return errors.Join(
		oneOf("engine", d.Engine, "", "Locust", "Go"),
		oneOf("model", d.Model, "", string(Closed), string(Open), string(Capacity)),
		oneOf("arrivals", d.Arrivals, "", constant, poisson),
	)
}

const constant, poisson = "Constant", "Poisson"

func (d *document) plan() *Plan {
	p := &Plan{
		UID: *d.Run.UID, Run: *d.Run.Namespace + "/" + *d.Run.Name,
		ExpectedWorkers: *d.ExpectedWorkers,
		Target:          strings.TrimRight(*d.Target, "/"),
		Timeout:         *d.TimeoutSeconds,
		WarmUp:          d.WarmUpSeconds,
		SpawnRate:       cmp.Or(d.SpawnRatePerSecond, 50),
		CAFile:          d.CAFile,
		HTTP2:           d.HTTP2,
		MaskedEnv:       d.MaskedEnv,
		Drain:           or(d.DrainSeconds, *d.TimeoutSeconds),
		ResultHold:      or(d.ResultHoldSeconds, 3600),
		Engine:          cmp.Or(d.Engine, "Locust"),
		Model:           Model(cmp.Or(d.Model, string(Closed))),
		MaxInFlight:     d.MaxInFlight,
		Seed:            or(d.Seed, 1),
	}
	if d.Direct != nil {
		p.Direct = &Direct{Target: strings.TrimRight(*d.Direct.Target, "/"), MaxInFlight: d.Direct.MaxInFlight}
		if d.Direct.Burst != nil {
			p.Direct.Burst = &Burst{Headers: d.Direct.Burst.Headers}
		}
	}
	think := ownThink
	if given := d.ThinkTimeSeconds; given != nil {
		think = Range{Min: *given.Min, Max: *given.Max}
	}
	p.ThinkTime = &think
	p.Poisson = d.Arrivals == poisson || d.Arrivals == "" && p.Model == Capacity
	return p
}

func stages(given []stage, model Model) ([]Stage, error) {
	var out []Stage
	for i, s := range given {
		field := fmt.Sprintf("stages[%d].", i)
		switch {
		case s.Name == nil:
			return nil, missing(field + "name")
		case s.DurationSeconds == nil || !positive(*s.DurationSeconds):
			return nil, fmt.Errorf("%sdurationSeconds must be above 0", field)
		case model == Closed && (s.Users == nil || *s.Users < 0):
			return nil, fmt.Errorf("%susers must be given, and not below 0", field)
		case model == Open && (s.Rate == nil || !positive(*s.Rate) && *s.Rate != 0):
			return nil, fmt.Errorf("%srate must be given, and not below 0", field)
		}
		out = append(out, Stage{
			Name: *s.Name, Seconds: *s.DurationSeconds, Users: or(s.Users, 0), Rate: or(s.Rate, 0), Ramp: s.Ramp,
			Spike: s.Spike,
		})
	}
	return out, nil
}

func (w *workload) fill(p *Plan) error {
	switch {
	case len(w.Requests) > 0:
		for i := range w.Requests {
			r, err := w.Requests[i].parse()
			if err != nil {
				return fmt.Errorf("workload.requests[%d].%w", i, err)
			}
			p.Requests = append(p.Requests, r)
		}
	case w.Scenario != "":
		p.Scenario = w.Scenario
		p.HealthPath = cmp.Or(w.HealthPath, "/health")
		p.ScenarioModel = cmp.Or(w.Model, "loopback")
	case w.Locustfile != "":
		p.Locustfile = w.Locustfile
	default:
		return errors.New("workload needs requests, scenario or locustfile")
	}
	if w.Dataset == nil {
		return nil
	}
	if w.Dataset.Path == nil || *w.Dataset.Path == "" {
		return missing("workload.dataset.path")
	}
	p.Dataset = &Dataset{Path: *w.Dataset.Path, Shuffled: w.Dataset.Order == "Shuffled"}
	return oneOf("workload.dataset.order", w.Dataset.Order, "", "Sequential", "Shuffled")
}

func (r *request) parse() (Request, error) {
	if r.Name == nil {
		return Request{}, missing("name")
	}
	out := Request{
		Name: *r.Name, Weight: or(r.Weight, 1), API: cmp.Or(r.API, "OpenAIChat"), Method: r.Method, Path: r.Path,
		Model: cmp.Or(r.Model, "loopback"), PromptTokens: or(r.PromptTokens, 100), Stream: r.Stream, Headers: r.Headers,
		Body: r.Body, Status: or(r.Expect.Status, 200),
	}
	if bytes.Equal(r.Body, []byte("null")) {
		out.Body = nil
	}
	for header, from := range r.HeadersFromEnv {
		if from.Env == "" {
			return Request{}, missing("headersFromEnv." + header + ".env")
		}
		if out.HeadersFromEnv == nil {
			out.HeadersFromEnv = make(map[string]HeaderSource)
		}
		out.HeadersFromEnv[header] = HeaderSource(from)
	}
	if r.Check != nil {
		if r.Check.JSONPath == nil {
			return Request{}, missing("check.jsonPath")
		}
		out.Check = &Check{JSONPath: *r.Check.JSONPath, Equals: r.Check.Equals}
	}
	return out, nil
}

func positive(value float64) bool { return value > 0 && !math.IsInf(value, 0) }

func missing(field string) error { return fmt.Errorf("%s is missing", field) }

func or[T any](given *T, otherwise T) T {
	if given == nil {
		return otherwise
	}
	return *given
}

// oneOf is an error unless the value is one of the words; an empty word stands for a field that is not given.
func oneOf(field, value string, words ...string) error {
	if slices.Contains(words, value) {
		return nil
	}
	return fmt.Errorf("%s %q is none of %s", field, value, strings.Join(words[1:], ", "))
}
