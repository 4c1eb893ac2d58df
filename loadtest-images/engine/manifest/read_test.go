package manifest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gatebench.dev/engine/payload"
	"gatebench.dev/engine/plan"
)

// document is a run of these parts of a spec.
func document(workload, load string) string {
	return "apiVersion: gatebench.dev/v1alpha1\nkind: BenchmarkRun\nmetadata: {name: mine, namespace: team}\nspec:\n" +
		"  gateway: {url: 'http://gateway:8080'}\n  workload: {" + workload + "}\n  load: {" + load + "}\n"
}

const (
	requests = "requests: [{name: chat}]"
	stages   = "engine: Go, stages: [{duration: 1m, users: 5}]"
)

func lookup(name string) (string, bool) { return "secret", name == "GATEBENCH_HEADER_1" }

func read(t *testing.T, text string, given Given) *Run {
	t.Helper()
	if given.Lookup == nil {
		given.Lookup = lookup
	}
	out, err := Read([]byte(text), given)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTheDefaultsAreThoseOfTheAPI(t *testing.T) {
	got := read(t, document(requests, stages), Given{})
	want := &plan.Plan{
		Run: "mine", ExpectedWorkers: 1, Target: "http://gateway:8080", Timeout: 60, Drain: 60, WarmUp: 30,
		SpawnRate: 50, ThinkTime: &plan.Range{Min: 0.5, Max: 1}, Engine: "Go", Model: plan.Closed, Seed: 1,
		Stages: []plan.Stage{{Name: "stage-1", Seconds: 60, Users: 5}},
		Requests: []plan.Request{{
			Name: "chat", Weight: 1, API: "OpenAIChat", Model: "loopback", PromptTokens: 100, Status: 200,
			Headers: map[string]string{},
		}},
	}
	if !reflect.DeepEqual(got.Plan, want) {
		t.Errorf("%+v\nwant %+v", got.Plan, want)
	}
	if got.Name != "mine" || got.Namespace != "team" || len(got.Notes) != 0 {
		t.Errorf("%+v", got)
	}
	if _, err := json.Marshal(got.Spec); err != nil || got.Spec["gateway"] == nil {
		t.Error(got.Spec, err)
	}
}

func TestOpenLoad(t *testing.T) {
	load := "engine: Go, model: Open, arrivals: Constant, maxInFlight: 7, seed: 3, warmUp: 0s, stages: [" +
		"{name: up, duration: 90s, rate: 50, ramp: true}, {duration: 1m30s, rate: 50}, {duration: 500ms, rate: 99.5, spike: true}]"
	p := read(t, document(requests, load), Given{URL: "http://other:1/prefix"}).Plan
	want := []plan.Stage{
		{Name: "up", Seconds: 90, Rate: 50, Ramp: true}, {Name: "stage-2", Seconds: 90, Rate: 50},
		{Name: "stage-3", Seconds: 0.5, Rate: 99.5, Spike: true},
	}
	if !reflect.DeepEqual(p.Stages, want) || p.Poisson || p.MaxInFlight != 7 || p.Seed != 3 || p.WarmUp != 0 ||
		p.ThinkTime != nil || p.Target != "http://other:1/prefix" {
		t.Errorf("%+v", p)
	}
	p = read(t, document(requests, "engine: Go, model: Open, stages: [{duration: 1m, rate: 1}]"), Given{}).Plan
	if !p.Poisson || p.MaxInFlight != 1000 {
		t.Errorf("%+v", p)
	}
}

func TestRequests(t *testing.T) {
	workload := `timeout: 2s, http2: true, requests: [
    {name: a, weight: 3, api: HTTP, method: PUT, path: /x, headers: {X-A: '1', x-b: '2'}, body: '{"b": 1}', expect: {status: 201}},
    {name: b, body: 'no {JSON', headersFrom: {X-Key: {secretKeyRef: {name: s, key: k}}, Authorization: {secretKeyRef: {name: s, key: k}, prefix: 'Bearer '}}},
    {name: c, stream: true, promptTokens: 7, model: m, api: AnthropicMessages}]`
	seed := uint64(9)
	p := read(t, document(workload, stages), Given{
		Headers: [][2]string{{"X-B", "3"}, {"authorization", "mine"}}, Seed: &seed,
	}).Plan
	if p.Timeout != 2 || p.Drain != 2 || !p.HTTP2 || p.Seed != 9 {
		t.Errorf("%+v", p)
	}
	a, b, c := p.Requests[0], p.Requests[1], p.Requests[2]
	if a.Weight != 3 || a.Method != "PUT" || string(a.Body) != `{"b": 1}` || a.Status != 201 ||
		!reflect.DeepEqual(a.Headers, map[string]string{"X-A": "1", "X-B": "3", "authorization": "mine"}) {
		t.Errorf("%+v", a)
	}
	// Authorization is the first Secret of the run; the command line gives it.
	if string(b.Body) != `"no {JSON"` ||
		!reflect.DeepEqual(b.HeadersFromEnv, map[string]plan.HeaderSource{"X-Key": {Env: "GATEBENCH_HEADER_1"}}) {
		t.Errorf("%+v", b)
	}
	if !c.Stream || c.PromptTokens != 7 || c.Model != "m" || c.API != "AnthropicMessages" {
		t.Errorf("%+v", c)
	}
}

func TestWhatStandsInTheSameFileIsUsed(t *testing.T) {
	text := "---\n# nothing\n---\nkind: ConfigMap\nmetadata: {name: prompts, labels: {a: b}}\ndata: {p: one}\nbinaryData: {}\n---\n" +
		document(`dataset: {configMap: {name: prompts, key: p}, order: Shuffled}, requests: [{name: a, body: '{{dataset}}{{env X}}'}]`,
			stages+", env: [{name: X, value: y}, {name: Z, valueFrom: {secretKeyRef: {name: s, key: k}}}]")
	got := read(t, text, Given{})
	if d := got.Plan.Dataset; d == nil || string(d.Content) != "one" || !d.Shuffled {
		t.Errorf("%+v", d)
	}
	if !reflect.DeepEqual(got.Env, map[string]string{"X": "y"}) {
		t.Error(got.Env)
	}
	if d := read(t, text, Given{Dataset: "mine.jsonl"}).Plan.Dataset; d.Path != "mine.jsonl" || d.Content != nil {
		t.Errorf("%+v", d)
	}
}

func TestWhatCannotRunAloneSaysWhatToDo(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"scenario":   {document("scenario: gateway-mix", stages), "workload.scenario is run by Locust only: declare its requests as workload.requests"},
		"locustfile": {document("locustfile: {configMap: {name: l}}", stages), "workload.locustfile is run by Locust only: declare its requests as workload.requests"},
		"capacity":   {document(requests, "engine: Go, model: Capacity, capacity: {startRate: 5}"), "load.model Capacity needs a cluster: apply the run there, or try rates one by one with -url and -rps"},
		"secret":     {document("requests: [{name: a, headersFrom: {X: {secretKeyRef: {name: s, key: k}}}}]", stages), "workload.requests[0].headersFrom.X is in a Secret of the cluster: put its value into the environment variable GATEBENCH_HEADER_0, or give the header with -H"},
		"ca":         {document("ca: {configMap: {name: c, key: k}}, "+requests, stages), "workload.ca is in a ConfigMap of the cluster: give its certificates with -ca FILE"},
		"dataset":    {document("dataset: {configMap: {name: c, key: k}}, "+requests, stages), "workload.dataset is in the cluster, and not in this file: give the prompts with -dataset FILE"},
		"volume":     {document("dataset: {persistentVolumeClaim: {name: c, path: k}}, "+requests, stages), "workload.dataset is in the cluster, and not in this file: give the prompts with -dataset FILE"},
		"gateway":    {strings.Replace(document(requests, stages), "url: 'http://gateway:8080'", "image: g, port: 80", 1), "gateway.image runs in a cluster only: start the gateway, and give its address with -url"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read([]byte(test.text), Given{Lookup: lookup})
			if err == nil || err.Error() != test.want {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
}

func TestErrorsNameTheField(t *testing.T) {
	one := func(stage string) string { return document(requests, "engine: Go, stages: ["+stage+"]") }
	open := func(stage string) string { return document(requests, "engine: Go, model: Open, stages: ["+stage+"]") }
	for name, test := range map[string]struct{ text, want string }{
		"no YAML":         {"a: [", "it is no YAML: line 1"},
		"nothing":         {"", "there is no object of kind BenchmarkRun in it"},
		"another kind":    {"kind: ConfigMap", "there is no object of kind BenchmarkRun in it"},
		"two":             {document(requests, stages) + "---\n" + document(requests, stages), "there is more than one BenchmarkRun in it: keep one"},
		"version":         {strings.Replace(document(requests, stages), "v1alpha1", "v2", 1), `apiVersion "gatebench.dev/v2" is not gatebench.dev/v1alpha1`},
		"unknown":         {document("requests: [{name: a, promtTokens: 3}]", stages), "line 6: field promtTokens is not known"},
		"type":            {document("requests: [{name: a, promptTokens: many}]", stages), "line 6: `many` is not of type int"},
		"timeout":         {document("timeout: 30, "+requests, stages), `workload.timeout "30" is not a duration: write it as 500ms, 30s or 1m30s`},
		"no timeout":      {document("timeout: 0s, "+requests, stages), "workload.timeout must be above 0s"},
		"negative":        {document(requests, "warmUp: -3s, "+stages), `load.warmUp "-3s" is not a duration: write it as 500ms, 30s or 1m30s`},
		"microseconds":    {document(requests, "warmUp: 3us, "+stages), `load.warmUp "3us" is not a duration: write it as 500ms, 30s or 1m30s`},
		"no stages":       {document(requests, "engine: Go"), "load.stages needs at least one stage that is neither a ramp nor a spike: only these are measured"},
		"only ramps":      {one("{duration: 1s, users: 3, ramp: true}"), "load.stages needs at least one stage"},
		"no duration":     {one("{users: 3}"), "load.stages[0].duration is missing: write it as 500ms, 30s or 1m30s"},
		"no length":       {one("{users: 3, duration: 0s}"), "load.stages[0].duration must be above 0s"},
		"no users":        {one("{duration: 1s}"), "load.stages[0] needs users, from 1 to 1,000,000, and no rate, with model Closed"},
		"a rate":          {one("{duration: 1s, users: 1, rate: 5}"), "load.stages[0] needs users"},
		"no rate":         {open("{duration: 1s}"), "load.stages[0] needs rate, above 0 and up to 1,000,000, and no users, with model Open"},
		"users":           {open("{duration: 1s, rate: 1, users: 1}"), "load.stages[0] needs rate"},
		"not a number":    {open("{duration: 1s, rate: .nan}"), "spec is none that JSON could hold: json: unsupported value: NaN"},
		"both":            {one("{duration: 1s, users: 1, ramp: true, spike: true}"), "load.stages[0] is a ramp or a spike, not both"},
		"same names":      {one("{duration: 1s, users: 1}, {name: stage-1, duration: 1s, users: 1}"), "load.stages[1].name stage-1 is there already: names of stages must differ"},
		"model":           {document(requests, "model: Half, "+stages), `load.model "Half" is none of Closed, Open, Capacity`},
		"engine":          {document(requests, "engine: k6, stages: []"), `load.engine "k6" is neither Go nor Locust`},
		"arrivals":        {document(requests, "model: Open, arrivals: Even, "+stages), `load.arrivals "Even" is neither Poisson nor Constant`},
		"closed arrivals": {document(requests, "arrivals: Poisson, "+stages), "load.arrivals and load.maxInFlight are for model Open: remove them, or set load.model: Open"},
		"open think time": {document(requests, "model: Open, thinkTime: {min: 0s, max: 0s}, "+stages), "load.thinkTime and load.spawnRate are for model Closed: open load has no users"},
		"none in flight":  {document(requests, "model: Open, maxInFlight: 0, "+stages), "load.maxInFlight must be at least 1"},
		"think time":      {document(requests, "thinkTime: {min: 2s, max: 1s}, "+stages), "load.thinkTime.min must not be above max"},
		"half think time": {document(requests, "thinkTime: {min: 2s}, "+stages), "load.thinkTime.max is missing: write it as 500ms, 30s or 1m30s"},
		"spawn rate":      {document(requests, "spawnRate: 0, "+stages), "load.spawnRate must be above 0"},
		"no requests":     {document("", stages), "workload.requests must have at least one request"},
		"no name":         {document("requests: [{}]", stages), "workload.requests[0].name is missing"},
		"same requests":   {document("requests: [{name: a}, {name: a}]", stages), "workload.requests[1].name a is there already: names of requests must differ"},
		"weight":          {document("requests: [{name: a, weight: 0}]", stages), "workload.requests[0].weight must be from 1 to 10,000"},
		"status":          {document("requests: [{name: a, expect: {status: 20}}]", stages), "workload.requests[0].expect.status must be from 100 to 599"},
		"order":           {document("dataset: {configMap: {name: c, key: k}, order: Up}, "+requests, stages), `workload.dataset.order "Up" is none of [Sequential Shuffled]`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read([]byte(test.text), Given{Lookup: lookup})
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
	if _, err := Read([]byte(document(requests, stages)), Given{Lookup: lookup, Dataset: "x"}); err == nil ||
		err.Error() != "-dataset: the run has no workload.dataset" {
		t.Error(err)
	}
}

func TestWhatIsLeftOutIsSaid(t *testing.T) {
	text := document(requests, "stages: [{duration: 1m, users: 5}]") + "  upstream: {mock: {}}\n  repeats: {count: 5}\n  overhead: {enabled: true}\n  objectives: [{metric: throughput, failBelow: 1}]\n"
	got := read(t, text, Given{}).Notes
	want := []string{
		"load.engine is Locust: the Go engine sends the same requests",
		"gateway and upstream are not started: the load goes to the address that was given",
		"repeats are left out: the load is driven once",
		"overhead is left out: only a fleet measures it",
		"objectives are not judged",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
}

// The examples that declare requests at a number of users or a rate run alone.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../../examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Skip("only in the repository")
	}
	ran := 0
	all := func(string) (string, bool) { return "x", true }
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Read(content, Given{URL: "http://127.0.0.1:1", Lookup: all})
		if err != nil {
			if text := err.Error(); !strings.Contains(text, "Locust only") && !strings.Contains(text, "needs a cluster") &&
				!strings.Contains(text, "no object of kind") && !strings.Contains(text, "more than one") {
				t.Errorf("%s: %s", file, text)
			}
			continue
		}
		if _, err := payload.Build(got.Plan, all); err != nil {
			t.Errorf("%s: %s", file, err)
		}
		ran++
	}
	if ran < 3 {
		t.Errorf("only %d of %d", ran, len(files))
	}
}

func FuzzRead(f *testing.F) {
	f.Add(document(requests, stages))
	f.Add("kind: ConfigMap\n---\n" + document("dataset: {configMap: {name: c, key: k}}, "+requests, "model: Open, stages: [{duration: 1s, rate: 1}]"))
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Read([]byte(text), Given{URL: "http://a", Lookup: lookup})
		if err == nil && (len(got.Plan.Stages) == 0 || len(got.Plan.Requests) == 0 || got.Plan.Timeout <= 0) {
			t.Errorf("%+v", got.Plan)
		}
	})
}
