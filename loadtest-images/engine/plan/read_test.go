package plan

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const least = `{
	"schema": "gatebench.dev/plan/v1",
	"run": {"namespace": "bench", "name": "nightly", "uid": "u-1"},
	"expectedWorkers": 2,
	"target": "http://gateway:4000/",
	"timeoutSeconds": 30,
	"stages": [{"name": "stage-1", "durationSeconds": 60, "users": 100}],
	"workload": {"requests": [{"name": "chat"}]}
}`

const full = `{
	"schema": "gatebench.dev/plan/v1",
	"run": {"namespace": "bench", "name": "nightly", "uid": "u-1"},
	"engine": "Go", "model": "Open", "arrivals": "Poisson", "maxInFlight": 300, "seed": 18446744073709551615,
	"expectedWorkers": 4,
	"target": "https://gateway:4000/base",
	"timeoutSeconds": 2.5, "warmUpSeconds": 10, "spawnRatePerSecond": 20, "drainSeconds": 0, "resultHoldSeconds": 60,
	"thinkTimeSeconds": {"min": 0, "max": 0},
	"maskedEnv": ["GATEBENCH_TOKEN"],
	"caFile": "/etc/gatebench/ca/ca.crt", "http2": true,
	"capacity": null, "somethingNew": [1],
	"direct": {"target": "http://upstream:8080/", "durationSeconds": 20, "settleSeconds": 3, "maxInFlight": 40,
		"burst": {"users": 64, "durationSeconds": 5, "settleSeconds": 1, "headers": {"X-Gatebench-Burst": "true"}}},
	"stages": [
		{"name": "up", "durationSeconds": 60, "rate": 500.5, "ramp": true},
		{"name": "spike", "durationSeconds": 5, "rate": 0, "spike": true}
	],
	"workload": {
		"requests": [
			{"name": "chat", "weight": 10, "api": "HTTP", "method": "PUT", "path": "/x", "model": "m", "promptTokens": 7,
			 "stream": true, "headers": {"X-A": "b"}, "headersFromEnv": {"Authorization": {"env": "T", "prefix": "Bearer "}},
			 "body": {"a": [1, 2.50]}, "expect": {"status": 201}, "check": {"jsonPath": "$.a", "equals": "b"}},
			{"name": "text", "body": "some text", "check": {"jsonPath": "$.c", "equals": null}},
			{"name": "none", "method": null, "path": null, "body": null, "check": null}
		],
		"dataset": {"path": "/etc/gatebench/dataset/prompts.jsonl", "order": "Shuffled"}
	}
}`

func TestDefaults(t *testing.T) {
	got, err := Parse([]byte(least))
	if err != nil {
		t.Fatal(err)
	}
	want := &Plan{
		UID: "u-1", Run: "bench/nightly", ExpectedWorkers: 2, Target: "http://gateway:4000", Timeout: 30, SpawnRate: 50,
		ThinkTime: &Range{0.5, 1}, Stages: []Stage{{Name: "stage-1", Seconds: 60, Users: 100}}, Drain: 30, ResultHold: 3600,
		Requests: []Request{{Name: "chat", Weight: 1, API: "OpenAIChat", Model: "loopback", PromptTokens: 100, Status: 200}},
		Engine:   "Locust", Model: Closed, Seed: 1,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestEveryField(t *testing.T) {
	got, err := Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	equals := "b"
	want := &Plan{
		UID: "u-1", Run: "bench/nightly", ExpectedWorkers: 4, Target: "https://gateway:4000/base", Timeout: 2.5, WarmUp: 10,
		SpawnRate: 20, ThinkTime: &Range{0, 0}, Drain: 0, ResultHold: 60,
		Stages: []Stage{
			{Name: "up", Seconds: 60, Rate: 500.5, Ramp: true}, {Name: "spike", Seconds: 5, Spike: true},
		},
		Requests: []Request{
			{
				Name: "chat", Weight: 10, API: "HTTP", Method: "PUT", Path: "/x", Model: "m", PromptTokens: 7, Stream: true,
				Headers: map[string]string{"X-A": "b"}, HeadersFromEnv: map[string]HeaderSource{"Authorization": {"T", "Bearer "}},
				Body: json.RawMessage(`{"a": [1, 2.50]}`), Status: 201, Check: &Check{"$.a", &equals},
			},
			{
				Name: "text", Weight: 1, API: "OpenAIChat", Model: "loopback", PromptTokens: 100, Status: 200,
				Body: json.RawMessage(`"some text"`), Check: &Check{JSONPath: "$.c"},
			},
			{Name: "none", Weight: 1, API: "OpenAIChat", Model: "loopback", PromptTokens: 100, Status: 200},
		},
		Dataset: &Dataset{Path: "/etc/gatebench/dataset/prompts.jsonl", Shuffled: true},
		CAFile:  "/etc/gatebench/ca/ca.crt", HTTP2: true, MaskedEnv: []string{"GATEBENCH_TOKEN"},
		Engine: "Go", Model: Open, Poisson: true, MaxInFlight: 300, Seed: 1<<64 - 1,
		Direct: &Direct{
			Target: "http://upstream:8080", MaxInFlight: 40, Burst: &Burst{map[string]string{"X-Gatebench-Burst": "true"}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// changed is the least plan with other fields; a nil removes one.
func changed(t *testing.T, fields map[string]any) []byte {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal([]byte(least), &document); err != nil {
		t.Fatal(err)
	}
	maps.Copy(document, fields)
	maps.DeleteFunc(document, func(_ string, value any) bool { return value == nil })
	out, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Only users who do not think wait for nothing but their answers.
func TestWhoPauses(t *testing.T) {
	for _, one := range []struct {
		plan   Plan
		pauses bool
	}{
		{Plan{Model: Closed}, false},
		{Plan{Model: Closed, ThinkTime: &Range{0, 0}}, false},
		{Plan{Model: Closed, ThinkTime: &Range{0, 1}}, true},
		{Plan{Model: Open}, true},
		{Plan{Model: Capacity}, true},
	} {
		if one.plan.Pauses() != one.pauses {
			t.Errorf("%s with think time %v: %v", one.plan.Model, one.plan.ThinkTime, !one.pauses)
		}
	}
}

func TestOtherWorkloads(t *testing.T) {
	got, err := Parse(changed(t, map[string]any{"workload": map[string]any{"scenario": "gateway-mix"}}))
	if err != nil || got.Scenario != "gateway-mix" || got.HealthPath != "/health" || got.ScenarioModel != "loopback" {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = Parse(changed(t, map[string]any{"workload": map[string]any{"locustfile": "/x.py"}}))
	if err != nil || got.Locustfile != "/x.py" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestArrivalsByModel(t *testing.T) {
	rate := []any{map[string]any{"name": "s", "durationSeconds": 1, "rate": 5}}
	for _, c := range []struct {
		model, arrivals any
		stages          any
		want            bool
	}{
		{"Open", nil, rate, false},
		{"Open", "Poisson", rate, true},
		{"Capacity", nil, []any{}, true},
		{"Capacity", "Constant", []any{}, false},
	} {
		got, err := Parse(changed(t, map[string]any{"model": c.model, "arrivals": c.arrivals, "stages": c.stages}))
		if err != nil || got.Poisson != c.want {
			t.Errorf("%v %v: %+v, %v", c.model, c.arrivals, got, err)
		}
	}
}

func TestErrorsNameTheField(t *testing.T) {
	type object = map[string]any
	requests := func(fields object) object { return object{"requests": []any{fields}} }
	stage := func(fields object) []any { return []any{fields} }
	for _, c := range []struct {
		fields object
		want   string
	}{
		{object{"schema": "gatebench.dev/plan/v2"}, "schema"},
		{object{"run": nil}, "run"},
		{object{"run": object{"namespace": "a", "name": "b"}}, "run"},
		{object{"expectedWorkers": nil}, "expectedWorkers"},
		{object{"expectedWorkers": 0}, "expectedWorkers"},
		{object{"expectedWorkers": "two"}, "expectedWorkers"},
		{object{"target": nil}, "target"},
		{object{"timeoutSeconds": nil}, "timeoutSeconds"},
		{object{"timeoutSeconds": 0}, "timeoutSeconds"},
		{object{"maxInFlight": -1}, "maxInFlight"},
		{object{"direct": object{"durationSeconds": 20}}, "direct.target"},
		{object{"direct": object{"target": "http://u", "maxInFlight": -1}}, "direct.maxInFlight"},
		{object{"thinkTimeSeconds": object{"min": 1}}, "thinkTimeSeconds"},
		{object{"thinkTimeSeconds": object{"min": 2, "max": 1}}, "thinkTimeSeconds"},
		{object{"engine": "Rust"}, "engine"},
		{object{"model": "Ajar"}, "model"},
		{object{"arrivals": "Weibull"}, "arrivals"},
		{object{"stages": nil}, "stages"},
		{object{"stages": stage(object{"name": "a", "durationSeconds": 1})}, "stages[0].users"},
		{object{"stages": stage(object{"name": "a", "durationSeconds": 0, "users": 1})}, "stages[0].durationSeconds"},
		{object{"stages": stage(object{"durationSeconds": 1, "users": 1})}, "stages[0].name"},
		{object{"model": "Open", "stages": stage(object{"name": "a", "durationSeconds": 1, "users": 1})}, "stages[0].rate"},
		{object{"model": "Open", "stages": stage(object{"name": "a", "durationSeconds": 1, "rate": -1})}, "stages[0].rate"},
		{object{"workload": nil}, "workload"},
		{object{"workload": object{}}, "workload"},
		{object{"workload": requests(object{"weight": 1})}, "workload.requests[0].name"},
		{object{"workload": requests(object{"name": "a", "check": object{}})}, "workload.requests[0].check.jsonPath"},
		{object{"workload": requests(object{"name": "a", "headersFromEnv": object{"X-A": object{}}})}, "headersFromEnv.X-A.env"},
		{object{"workload": requests(object{"name": "a", "stream": "yes"})}, "workload.requests.stream"},
		{object{"workload": object{"scenario": "x", "dataset": object{}}}, "workload.dataset.path"},
		{object{"workload": object{"scenario": "x", "dataset": object{"path": "a", "order": "Up"}}}, "workload.dataset.order"},
	} {
		if p, err := Parse(changed(t, c.fields)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %+v, %v; want an error about %s", c.fields, p, err, c.want)
		}
	}
}

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan.json")
	if _, err := Read(path); err == nil {
		t.Error("a file that is not there is read")
	}
	if err := os.WriteFile(path, []byte(least[:len(least)-1]), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("half a plan: %v", err)
	}
	if err := os.WriteFile(path, []byte(least), 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := Read(path); err != nil || p.UID != "u-1" {
		t.Errorf("%+v, %v", p, err)
	}
}
