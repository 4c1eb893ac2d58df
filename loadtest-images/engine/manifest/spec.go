package manifest

// What the engine reads of a BenchmarkRun. Of parts that are not its own only the beginning is known.
type run struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
	Spec       spec     `yaml:"spec"`
	Status     any      `yaml:"status"`
}

type metadata struct {
	Name         string         `yaml:"name"`
	GenerateName string         `yaml:"generateName"`
	Namespace    string         `yaml:"namespace"`
	Others       map[string]any `yaml:",inline"`
}

type spec struct {
	Gateway    gateway        `yaml:"gateway"`
	Workload   workload       `yaml:"workload"`
	Load       offered        `yaml:"load"`
	Objectives []any          `yaml:"objectives"`
	Upstream   any            `yaml:"upstream"`
	Others     map[string]any `yaml:",inline"`
}

type gateway struct {
	URL    string         `yaml:"url"`
	Image  string         `yaml:"image"`
	Others map[string]any `yaml:",inline"`
}

type workload struct {
	Requests   []request `yaml:"requests"`
	Scenario   string    `yaml:"scenario"`
	Locustfile any       `yaml:"locustfile"`
	Model      string    `yaml:"model"`
	Timeout    *string   `yaml:"timeout"`
	Dataset    *dataset  `yaml:"dataset"`
	CA         any       `yaml:"ca"`
	HTTP2      bool      `yaml:"http2"`
}

type request struct {
	Name         string                  `yaml:"name"`
	Weight       *int                    `yaml:"weight"`
	API          string                  `yaml:"api"`
	Method       string                  `yaml:"method"`
	Path         string                  `yaml:"path"`
	Model        string                  `yaml:"model"`
	PromptTokens *int                    `yaml:"promptTokens"`
	Stream       bool                    `yaml:"stream"`
	Headers      map[string]string       `yaml:"headers"`
	HeadersFrom  map[string]headerSource `yaml:"headersFrom"`
	Body         *string                 `yaml:"body"`
	Expect       expectation             `yaml:"expect"`
	Check        *check                  `yaml:"check"`
}

type headerSource struct {
	SecretKeyRef keyRef `yaml:"secretKeyRef"`
	Prefix       string `yaml:"prefix"`
}

type keyRef struct {
	Name string `yaml:"name"`
	Key  string `yaml:"key"`
}

type expectation struct {
	Status *int `yaml:"status"`
}

type check struct {
	JSONPath string  `yaml:"jsonPath"`
	Equals   *string `yaml:"equals"`
}

type dataset struct {
	ConfigMap *keyRef `yaml:"configMap"`
	Volume    any     `yaml:"persistentVolumeClaim"`
	Order     string  `yaml:"order"`
}

type offered struct {
	Engine      string     `yaml:"engine"`
	Model       string     `yaml:"model"`
	SpawnRate   *float64   `yaml:"spawnRate"`
	ThinkTime   *thinkTime `yaml:"thinkTime"`
	Arrivals    string     `yaml:"arrivals"`
	MaxInFlight *int       `yaml:"maxInFlight"`
	Seed        *uint64    `yaml:"seed"`
	WarmUp      *string    `yaml:"warmUp"`
	Stages      []stage    `yaml:"stages"`
	Env         []variable `yaml:"env"`
	EnvFrom     []any      `yaml:"envFrom"`
	Capacity    any        `yaml:"capacity"`
	Workers     *int       `yaml:"workers"`
	Resources   any        `yaml:"workerResources"`
	Image       any        `yaml:"image"`
	Selector    any        `yaml:"nodeSelector"`
	Tolerations any        `yaml:"tolerations"`
	PullSecrets any        `yaml:"imagePullSecrets"`
	Annotations any        `yaml:"annotations"`
}

type thinkTime struct {
	Min *string `yaml:"min"`
	Max *string `yaml:"max"`
}

type stage struct {
	Name     string   `yaml:"name"`
	Duration *string  `yaml:"duration"`
	Users    *int     `yaml:"users"`
	Rate     *float64 `yaml:"rate"`
	Ramp     bool     `yaml:"ramp"`
	Spike    bool     `yaml:"spike"`
}

type variable struct {
	Name      string  `yaml:"name"`
	Value     *string `yaml:"value"`
	ValueFrom any     `yaml:"valueFrom"`
}

// configMap is one that stands in the same file.
type configMap struct {
	Metadata metadata          `yaml:"metadata"`
	Data     map[string]string `yaml:"data"`
}
