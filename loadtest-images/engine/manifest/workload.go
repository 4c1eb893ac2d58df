package manifest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatebench.dev/engine/plan"
)

func (r *reader) workload(p *plan.Plan) error {
	w := &r.run.Spec.Workload
	switch {
	case w.Scenario != "":
		return errors.New("workload.scenario is run by Locust only: declare its requests as workload.requests")
	case w.Locustfile != nil:
		return errors.New("workload.locustfile is run by Locust only: declare its requests as workload.requests")
	case len(w.Requests) == 0:
		return errors.New("workload.requests must have at least one request")
	case w.CA != nil && p.CAFile == "":
		return errors.New("workload.ca is in a ConfigMap of the cluster: give its certificates with -ca FILE")
	}
	names := make(map[string]bool)
	variable := 0
	for i := range w.Requests {
		field := fmt.Sprintf("workload.requests[%d]", i)
		one, err := r.request(field, &w.Requests[i], &variable)
		if err != nil {
			return err
		}
		if names[one.Name] {
			return fmt.Errorf("%s.name %s is there already: names of requests must differ", field, one.Name)
		}
		names[one.Name] = true
		p.Requests = append(p.Requests, one)
	}
	r.environment()
	return r.dataset(p)
}

func (r *reader) request(field string, given *request, variable *int) (plan.Request, error) {
	out := plan.Request{
		Name: given.Name, Weight: or(given.Weight, 1), API: cmp.Or(given.API, "OpenAIChat"), Method: given.Method,
		Path: given.Path, Model: cmp.Or(given.Model, "loopback"), PromptTokens: or(given.PromptTokens, 100),
		Stream: given.Stream, Headers: make(map[string]string), Status: or(given.Expect.Status, 200),
	}
	switch {
	case out.Name == "":
		return out, fmt.Errorf("%s.name is missing", field)
	case out.Weight < 1 || out.Weight > 10_000:
		return out, fmt.Errorf("%s.weight must be from 1 to 10,000", field)
	case out.Status < 100 || out.Status > 599:
		return out, fmt.Errorf("%s.expect.status must be from 100 to 599", field)
	}
	if given.Body != nil {
		out.Body = bodyOf(*given.Body)
	}
	if given.Check != nil {
		out.Check = &plan.Check{JSONPath: given.Check.JSONPath, Equals: given.Check.Equals}
	}
	maps.Copy(out.Headers, given.Headers)
	if err := r.secrets(field, given, &out, variable); err != nil {
		return out, err
	}
	for _, header := range r.given.Headers {
		for name := range out.Headers {
			if strings.EqualFold(name, header[0]) {
				delete(out.Headers, name)
			}
		}
		out.Headers[header[0]] = header[1]
	}
	return out, nil
}

// secrets has headers come from environment variables, numbered over the run as in a cluster, unless the command line
// gives them.
func (r *reader) secrets(field string, given *request, out *plan.Request, variable *int) error {
	for _, header := range slices.Sorted(maps.Keys(given.HeadersFrom)) {
		name := fmt.Sprintf("GATEBENCH_HEADER_%d", *variable)
		*variable++
		if slices.ContainsFunc(r.given.Headers, func(h [2]string) bool { return strings.EqualFold(h[0], header) }) {
			continue
		}
		if _, found := r.given.Lookup(name); !found {
			return fmt.Errorf("%s.headersFrom.%s is in a Secret of the cluster: put its value into the environment variable "+
				"%s, or give the header with -H", field, header, name)
		}
		if out.HeadersFromEnv == nil {
			out.HeadersFromEnv = make(map[string]plan.HeaderSource)
		}
		out.HeadersFromEnv[header] = plan.HeaderSource{Env: name, Prefix: given.HeadersFrom[header].Prefix}
	}
	return nil
}

// bodyOf is JSON as JSON, so that it is sent as the operator has it sent; other text as it is.
func bodyOf(text string) json.RawMessage {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	quoted, _ := json.Marshal(text) // of a text that cannot fail
	return quoted
}

// environment is the variables that the run sets by value. Others must be in the process' own.
func (r *reader) environment() {
	r.out.Env = make(map[string]string)
	for _, variable := range r.run.Spec.Load.Env {
		if variable.ValueFrom == nil {
			r.out.Env[variable.Name] = or(variable.Value, "")
		}
	}
}

func (r *reader) dataset(p *plan.Plan) error {
	given := r.run.Spec.Workload.Dataset
	if given == nil {
		if r.given.Dataset != "" {
			return errors.New("-dataset: the run has no workload.dataset")
		}
		return nil
	}
	if err := oneOf("workload.dataset.order", given.Order, "Sequential", "Shuffled"); err != nil {
		return err
	}
	p.Dataset = &plan.Dataset{Path: r.given.Dataset, Shuffled: given.Order == "Shuffled"}
	if p.Dataset.Path != "" {
		return nil
	}
	if ref := given.ConfigMap; ref != nil {
		if content, found := r.maps[ref.Name][ref.Key]; found {
			p.Dataset.Path, p.Dataset.Content = ref.Name+"/"+ref.Key, []byte(content)
			return nil
		}
	}
	return errors.New("workload.dataset is in the cluster, and not in this file: give the prompts with -dataset FILE")
}
