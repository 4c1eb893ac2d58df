package standalone

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"strings"
	"unicode/utf8"

	"gatebench.dev/engine/load"
	"gatebench.dev/engine/payload"
	"gatebench.dev/engine/plan"
	"gatebench.dev/engine/result"
)

// job is what is to be done.
type job struct {
	run   result.Run
	plan  *plan.Plan
	calls load.Calls
	notes []string // what of the input does not apply here
}

type lookup func(name string) (string, bool)

// jobOf reads what the settings name. Errors name the flag or the field.
func jobOf(s *settings, env lookup) (*job, error) {
	switch {
	case s.file != "":
		return fromRun(s, env)
	case s.targets != "":
		return fromTargets(s)
	}
	return fromURL(s, env)
}

// basic is the plan that flags alone make.
func basic(s *settings) *plan.Plan {
	p := &plan.Plan{
		ExpectedWorkers: 1, Timeout: s.timeout.Seconds(), Drain: s.timeout.Seconds(),
		WarmUp: s.warmUp.Seconds(), SpawnRate: math.Inf(1), CAFile: s.ca, HTTP2: s.http2, Engine: "Go", Model: plan.Closed,
		Seed:   s.seed,
		Stages: []plan.Stage{{Name: "stage-1", Seconds: s.duration.Seconds(), Users: s.users}},
	}
	if s.rate > 0 {
		p.Model, p.Poisson = plan.Open, strings.EqualFold(s.arrivals, "Poisson")
		p.Stages[0].Users, p.Stages[0].Rate = 0, s.rate
		p.MaxInFlight = defaultInFlight
		if s.given["c"] {
			p.MaxInFlight = s.users
		}
	}
	return p
}

// apis is which API's request an address gets that is given without a body.
var apis = map[string]string{
	"/v1/chat/completions": "OpenAIChat", "/v1/responses": "OpenAIResponses", "/v1/messages": "AnthropicMessages",
}

func fromURL(s *settings, env lookup) (*job, error) {
	origin, line, err := split(s.url)
	if err != nil {
		return nil, fmt.Errorf("-url %w", err)
	}
	p := basic(s)
	p.Target = origin
	only, _, _ := strings.Cut(line, "?")
	request := plan.Request{
		Weight: 1, API: "HTTP", Method: s.method, Path: line, Model: s.model,
		PromptTokens: s.promptTokens, Stream: s.stream, Status: s.status, Headers: make(map[string]string),
	}
	if err := s.headers.into(request.Headers); err != nil {
		return nil, err
	}
	if s.given["body"] {
		if request.Body, err = bodyOf(s.body); err != nil {
			return nil, err
		}
	} else if api := apiOf(only); api != "" && (s.method == "" || s.method == "POST") {
		request.API = api
	} else if s.first([]string{"model", "prompt-tokens"}) != "" {
		return nil, errors.New("-model and -prompt-tokens are for addresses that end in /v1/chat/completions, " +
			"/v1/responses or /v1/messages, without -body")
	}
	if p.Dataset = s.prompts(); p.Dataset != nil && request.Body == nil {
		return nil, errors.New("-dataset needs a -body that has {{dataset}}")
	}
	method := s.method
	if method == "" {
		if method = "POST"; request.API == "HTTP" && request.Body == nil {
			method = "GET"
		}
	}
	request.Name = newNames().of(method, line)
	p.Requests = []plan.Request{request}
	calls, err := payload.Build(p, env)
	if err != nil {
		return nil, inFlags(err)
	}
	return &job{run: result.Run{Name: "engine-run", Spec: specOf(p)}, plan: p, calls: calls}, nil
}

func apiOf(line string) string {
	for suffix, api := range apis {
		if strings.HasSuffix(line, suffix) {
			return api
		}
	}
	return ""
}

// inFlags says of which flag an error of the payload is.
func inFlags(err error) error {
	text := err.Error()
	if _, after, found := strings.Cut(text, ": "); found && strings.HasPrefix(text, "request ") {
		text = after
	}
	return errors.New(strings.NewReplacer("workload.dataset", "-dataset", "promptTokens", "-prompt-tokens").Replace(text))
}

func (s *settings) prompts() *plan.Dataset {
	if s.dataset == "" {
		return nil
	}
	return &plan.Dataset{Path: s.dataset}
}

// into puts the headers into a map; one that is given twice has both values, as HTTP lists them.
func (h headers) into(all map[string]string) error {
	names := make(map[string]string)
	for _, header := range h {
		lower := strings.ToLower(header[0])
		name, known := names[lower]
		if !known {
			names[lower], all[header[0]] = header[0], header[1]
			continue
		}
		if lower == "host" || lower == "authorization" || lower == "content-type" {
			return fmt.Errorf("-H %s is given twice", header[0])
		}
		separator := ", "
		if lower == "cookie" {
			separator = "; "
		}
		all[name] += separator + header[1]
	}
	return nil
}

// bodyOf is the text that is sent as it is.
func bodyOf(given string) (json.RawMessage, error) {
	if name, isFile := strings.CutPrefix(given, "@"); isFile {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("-body: %w", err)
		}
		given = string(content)
	}
	if !utf8.ValidString(given) {
		return nil, errors.New("-body is not UTF-8: give it by -targets, which sends bytes as they are")
	}
	return json.Marshal(given)
}

// split is where an address is and what is asked for there.
func split(address string) (origin, line string, err error) {
	u, err := url.Parse(address)
	switch {
	case err != nil: // which the error may quote, with what is secret in it
		return "", "", errors.New("is no address, such as http://127.0.0.1:8080/v1/models")
	case u.Scheme != "http" && u.Scheme != "https":
		return "", "", fmt.Errorf("%s: it must begin with http:// or https://", u.Redacted())
	case u.Host == "" || u.Hostname() == "":
		return "", "", fmt.Errorf("%s: there is no host", u.Redacted())
	case u.User != nil:
		return "", "", fmt.Errorf("%s: give user and password as a header, -H 'Authorization: Basic …'", u.Redacted())
	}
	line = u.EscapedPath()
	if line == "" {
		line = "/"
	}
	if u.RawQuery != "" {
		line += "?" + u.RawQuery
	}
	return u.Scheme + "://" + u.Host, line, nil
}

// specOf is the spec that a run of the same load would have; headers, bodies and queries may be secrets.
func specOf(p *plan.Plan) map[string]any {
	stages := make([]map[string]any, 0, len(p.Stages))
	for _, stage := range p.Stages {
		one := map[string]any{"name": stage.Name, "duration": fmt.Sprintf("%gs", stage.Seconds)}
		if p.Model == plan.Open {
			one["rate"] = stage.Rate
		} else {
			one["users"] = stage.Users
		}
		stages = append(stages, one)
	}
	offered := map[string]any{
		"engine": "Go", "model": string(p.Model), "workers": 1, "warmUp": fmt.Sprintf("%gs", p.WarmUp), "stages": stages,
	}
	if p.Model == plan.Open {
		offered["maxInFlight"], offered["arrivals"] = p.MaxInFlight, "Constant"
		if p.Poisson {
			offered["arrivals"] = "Poisson"
		}
	} else {
		offered["thinkTime"] = map[string]any{"min": "0s", "max": "0s"}
	}
	return map[string]any{"gateway": map[string]any{"url": p.Target}, "load": offered}
}
