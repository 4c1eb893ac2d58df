package plan

import "encoding/json"

// document is plan.json. What has no default is a pointer, to be missed where it is missing.
type document struct {
	Schema             string    `json:"schema"`
	Run                *identity `json:"run"`
	ExpectedWorkers    *int      `json:"expectedWorkers"`
	Target             *string   `json:"target"`
	TimeoutSeconds     *float64  `json:"timeoutSeconds"`
	WarmUpSeconds      float64   `json:"warmUpSeconds"`
	SpawnRatePerSecond float64   `json:"spawnRatePerSecond"`
	ThinkTimeSeconds   *bounds   `json:"thinkTimeSeconds"`
	Stages             []stage   `json:"stages"`
	Workload           *workload `json:"workload"`
	MaskedEnv          []string  `json:"maskedEnv"`
	DrainSeconds       *float64  `json:"drainSeconds"`
	ResultHoldSeconds  *float64  `json:"resultHoldSeconds"`
	Engine             string    `json:"engine"`
	Model              string    `json:"model"`
	Arrivals           string    `json:"arrivals"`
	MaxInFlight        int       `json:"maxInFlight"`
	Seed               *uint64   `json:"seed"`
	CAFile             string    `json:"caFile"`
	HTTP2              bool      `json:"http2"`
	Direct             *direct   `json:"direct"`
}

type identity struct {
	Namespace *string `json:"namespace"`
	Name      *string `json:"name"`
	UID       *string `json:"uid"`
}

type direct struct {
	Target      *string `json:"target"`
	MaxInFlight int     `json:"maxInFlight"`
	Burst       *burst  `json:"burst"`
}

type burst struct {
	Headers map[string]string `json:"headers"`
}

type bounds struct {
	Min *float64 `json:"min"`
	Max *float64 `json:"max"`
}

type stage struct {
	Name            *string  `json:"name"`
	DurationSeconds *float64 `json:"durationSeconds"`
	Users           *int     `json:"users"`
	Rate            *float64 `json:"rate"`
	Ramp            bool     `json:"ramp"`
	Spike           bool     `json:"spike"`
}

type workload struct {
	Requests   []request `json:"requests"`
	Scenario   string    `json:"scenario"`
	HealthPath string    `json:"healthPath"`
	Model      string    `json:"model"`
	Locustfile string    `json:"locustfile"`
	Dataset    *dataset  `json:"dataset"`
}

type dataset struct {
	Path  *string `json:"path"`
	Order string  `json:"order"`
}

type request struct {
	Name           *string           `json:"name"`
	Weight         *int              `json:"weight"`
	API            string            `json:"api"`
	Method         string            `json:"method"`
	Path           string            `json:"path"`
	Model          string            `json:"model"`
	PromptTokens   *int              `json:"promptTokens"`
	Stream         bool              `json:"stream"`
	Headers        map[string]string `json:"headers"`
	HeadersFromEnv map[string]source `json:"headersFromEnv"`
	Body           json.RawMessage   `json:"body"`
	Expect         expectation       `json:"expect"`
	Check          *check            `json:"check"`
}

type source struct {
	Env    string `json:"env"`
	Prefix string `json:"prefix"`
}

type expectation struct {
	Status *int `json:"status"`
}

type check struct {
	JSONPath *string `json:"jsonPath"`
	Equals   *string `json:"equals"`
}
