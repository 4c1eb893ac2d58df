// Package plan reads plan.json, once: all that a worker has to know. Durations are in seconds.
package plan

import "encoding/json"

// Schema is the only one that is read.
const Schema = "gatebench.dev/plan/v1"

// HeaderSource is a header's value that is in an environment variable.
type HeaderSource struct{ Env, Prefix string }

// Check is what an answer must hold: a value at Path, equal to Equals where that is given.
type Check struct {
	JSONPath string
	Equals   *string
}

// Request is one declared request, as it stands in the plan.
type Request struct {
	Name           string
	Weight         int
	API            string // OpenAIChat, OpenAIResponses, AnthropicMessages, HTTP
	Method, Path   string // empty: the API's own
	Model          string
	PromptTokens   int
	Stream         bool
	Headers        map[string]string
	HeadersFromEnv map[string]HeaderSource
	Body           json.RawMessage // nil: the API's own; a JSON string is text to be sent as it is
	Status         int
	Check          *Check
}

// Stage is a segment of the load curve; Ramp: linear from the previous value.
type Stage struct {
	Name        string
	Seconds     float64
	Users       int     // closed load
	Rate        float64 // open load, of the whole fleet
	Ramp, Spike bool
}

// Range is uniform between two bounds.
type Range struct{ Min, Max float64 }

// Dataset is a file of prompts, one a line.
type Dataset struct {
	Path     string
	Shuffled bool
	Content  []byte // instead of what is at Path; nil: that is read
}

// Direct is the leg that goes straight to the upstream, after the load; how long it is, is the master's to say.
type Direct struct {
	Target      string // without a slash at its end
	MaxInFlight int    // of the whole fleet; 0: not given
	Burst       *Burst // after the leg; nil: none
}

// Burst is users without think time straight to the upstream; how many and how long, is the master's to say.
type Burst struct {
	Headers map[string]string // of its requests, beside their own
}

// Pauses says whether a sender waits for anything but answers: for the time of an arrival, or for a user who thinks.
func (p *Plan) Pauses() bool { return p.Model != Closed || p.ThinkTime != nil && p.ThinkTime.Max > 0 }

// Model is how load is offered.
type Model string

// The models.
const (
	Closed   Model = "Closed"
	Open     Model = "Open"
	Capacity Model = "Capacity"
)

// Plan is the whole plan.
type Plan struct {
	UID, Run        string // Run: namespace/name
	ExpectedWorkers int
	Target          string // without a slash at its end
	Timeout         float64
	WarmUp          float64
	SpawnRate       float64
	ThinkTime       *Range // of closed load; never nil
	Stages          []Stage
	Requests        []Request
	Scenario        string // empty unless the workload is a built-in scenario
	HealthPath      string // of the scenario
	ScenarioModel   string
	Locustfile      string
	Dataset         *Dataset
	CAFile          string
	HTTP2           bool
	MaskedEnv       []string
	Drain           float64
	ResultHold      float64
	Engine          string // Locust or Go
	Model           Model
	Poisson         bool // arrivals
	MaxInFlight     int  // of the whole fleet; 0: not given
	Seed            uint64
	Direct          *Direct // nil: none
}
