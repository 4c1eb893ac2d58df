package payload

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatebench.dev/engine/plan"
)

func environment(name string) (string, bool) {
	value, found := map[string]string{"NAME": "a \"b\"\n", "EMPTY": "", "GATEBENCH_TOKEN": "t"}[name]
	return value, found
}

func withBody(body any) *plan.Plan {
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return &plan.Plan{Requests: []plan.Request{{Name: "one", Weight: 1, API: "OpenAIChat", Body: raw, Status: 200}}}
}

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "prompts.jsonl")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPlacesAreFilled(t *testing.T) {
	type object = map[string]any
	tests := []struct {
		body any
		want string
	}{
		{object{"m": "{{prompt 4}}."}, `{"m":"the city has a."}`},
		{object{"m": `<{{choice "x\"y"}}> {{ sequence }}`}, `{"m":"<x\"y> 7"}`},
		{object{"m": `{{choice "}}\\"}}é`}, `{"m":"}}\\é"}`},
		{object{"{{env NAME}}": object{"b": "{{env EMPTY}}"}}, `{"a \"b\"\n":{"b":""}}`},
		{`{"n": {{sequence}}, "m": "{{env NAME}}"}`, `{"n": 7, "m": "a \"b\"\n"}`},
		{`plain "text" {{choice "x"}} }} {`, `plain "text" x }} {`},
		{object{"m": "{ {x} }}"}, `{"m":"{ {x} }}"}`},
		{object{"m": "{{sequence}}{{sequence}}"}, `{"m":"77"}`},
	}
	for _, test := range tests {
		set, err := Build(withBody(test.body), environment)
		if err != nil {
			t.Errorf("%v: %v", test.body, err)
			continue
		}
		r := rand.New(rand.NewPCG(1, 1))
		for range 2 { // the first must leave the template as it was
			if got := string(set.Calls()[0].Render([]byte("before"), r, 7)); strings.TrimPrefix(got, "before") != test.want {
				t.Errorf("%v: %s; want %s", test.body, got, test.want)
			}
		}
	}
}

func TestChoicesAreAllChosen(t *testing.T) {
	set, err := Build(withBody(map[string]string{"m": `{{choice "a" "b" "c"}}`}), environment)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	r := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		seen[string(set.Calls()[0].Render(nil, r, 0))] = true
	}
	if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, []string{`{"m":"a"}`, `{"m":"b"}`, `{"m":"c"}`}) {
		t.Errorf("%q", got)
	}
}

func TestPlacesThatAreNoneAreNamed(t *testing.T) {
	for body, want := range map[string]string{
		`{{}}`:                    "needs prompt, choice, sequence, dataset or env",
		`{{ "prompt" }}`:          "needs prompt, choice, sequence, dataset or env",
		`{{user}}`:                "{{user}}: there is only",
		`{{prompt}}`:              "{{prompt}} is written {{prompt N}}",
		`{{prompt 1 2}}`:          "{{prompt}} is written {{prompt N}}",
		`{{prompt "5"}}`:          "{{prompt}} is written {{prompt N}}",
		`{{prompt 0}}`:            "{{prompt 0}}: the number must be from 1 to 200000",
		`{{prompt x}}`:            "{{prompt x}}: the number must be",
		`{{choice}}`:              "{{choice}} is written",
		`{{choice a}}`:            "{{choice}}: a must be in quotes",
		`{{choice "a}}`:           "a quote is not closed",
		`{{choice "\n"}}`:         `only \" and \\ are known`,
		`{{sequence 1}}`:          "{{sequence}} is written {{sequence}}",
		`{{sequence`:              "}} is missing: {{sequence",
		`{{sequence }`:            "a single }",
		`{{dataset}}`:             "{{dataset}}: workload.dataset is not set",
		`{{dataset 1}}`:           "{{dataset}} is written {{dataset}}",
		`{{env}}`:                 "{{env}} is written {{env NAME}}",
		`{{env MISSING}}`:         "environment variable MISSING is not set",
		`{{env GATEBENCH_TOKEN}}`: "variables of the fleet itself",
	} {
		for kind, given := range map[string]any{"text": body, "JSON": []string{body}} {
			_, err := Build(withBody(given), environment)
			if err == nil || !strings.HasPrefix(err.Error(), "request one: body: ") || !strings.Contains(err.Error(), want) {
				t.Errorf("%s in %s: %v; want %s", body, kind, err, want)
			}
		}
	}
}

func TestErrorsNameTheRequestAndTheField(t *testing.T) {
	base := plan.Request{Name: "one", Weight: 1, API: "OpenAIChat", PromptTokens: 5, Status: 200}
	for want, change := range map[string]func(*plan.Request){
		`there is no API "Soap"`:                 func(r *plan.Request) { r.API = "Soap" },
		"api HTTP needs a path":                  func(r *plan.Request) { r.API = "HTTP" },
		`path "v1" must begin with /`:            func(r *plan.Request) { r.Path = "v1" },
		`path "/a b" has spaces`:                 func(r *plan.Request) { r.Path = "/a b" },
		`method "A B" is not one`:                func(r *plan.Request) { r.Method = "A B" },
		"promptTokens 0 is not from 1":           func(r *plan.Request) { r.PromptTokens = 0 },
		`header "a b": a name cannot`:            func(r *plan.Request) { r.Headers = map[string]string{"a b": "x"} },
		"header X-A: its value has a line":       func(r *plan.Request) { r.Headers = map[string]string{"X-A": "x\ny"} },
		"header Content-Length: it follows":      func(r *plan.Request) { r.Headers = map[string]string{"Content-Length": "1"} },
		"header X: environment variable MISSING": func(r *plan.Request) { r.HeadersFromEnv = map[string]plan.HeaderSource{"X": {Env: "MISSING"}} },
		"check: an answer that is a stream":      func(r *plan.Request) { r.Stream, r.Check = true, &plan.Check{JSONPath: "a"} },
		`check.jsonPath "a..b": a name is empty`: func(r *plan.Request) { r.Check = &plan.Check{JSONPath: "a..b"} },
		"weight -1 is below 0":                   func(r *plan.Request) { r.Weight = -1 },
	} {
		request := base
		change(&request)
		_, err := Build(&plan.Plan{Requests: []plan.Request{request}}, environment)
		if err == nil || !strings.HasPrefix(err.Error(), "request one: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
	if _, err := Build(&plan.Plan{Scenario: "other"}, environment); err == nil || !strings.Contains(err.Error(), `"other"`) {
		t.Errorf("%v", err)
	}
	if _, err := Build(&plan.Plan{}, environment); err == nil {
		t.Error("a plan without requests is taken")
	}
}

func TestSecretsAreNotInErrors(t *testing.T) {
	request := plan.Request{Name: "one", Weight: 1, API: "OpenAIChat", PromptTokens: 5,
		HeadersFromEnv: map[string]plan.HeaderSource{"Authorization": {Env: "KEY", Prefix: "Bearer "}}}
	_, err := Build(&plan.Plan{Requests: []plan.Request{request}},
		func(string) (string, bool) { return "sk-first\nsk-second", true })
	if err == nil || strings.Contains(err.Error(), "sk-") {
		t.Errorf("%v", err)
	}
}

func TestAHostHeaderReplacesTheTargets(t *testing.T) {
	request := plan.Request{Name: "one", Weight: 1, API: "HTTP", Path: "/", Headers: map[string]string{"host": "other"}}
	set, err := Build(&plan.Plan{Requests: []plan.Request{request}}, environment)
	if err != nil {
		t.Fatal(err)
	}
	if call := set.Calls()[0]; call.Host != "other" || strings.Contains(string(call.Header), "other") {
		t.Errorf("host %q, header %q", call.Host, call.Header)
	}
}

func TestHeadersThatAreAddedAreOfTheNewCallsAlone(t *testing.T) {
	request := plan.Request{Name: "one", Weight: 3, API: "HTTP", Path: "/", Headers: map[string]string{"X-A": "b"}}
	set, err := Build(&plan.Plan{Requests: []plan.Request{request, request}}, environment)
	if err != nil {
		t.Fatal(err)
	}
	before := string(set.Calls()[0].Header)
	for _, value := range []string{"true", "false"} {
		more, err := set.With(map[string]string{"X-Burst": value})
		if err != nil {
			t.Fatal(err)
		}
		for i, call := range more.Calls() {
			if got, want := string(call.Header), before+"X-Burst: "+value+"\r\n"; got != want {
				t.Errorf("%q, want %q", got, want)
			}
			own := set.Calls()[i]
			if string(own.Header) != before || len(call.Headers) != len(own.Headers)+1 || call.Weight != 3 {
				t.Errorf("%+v of %+v", call, own)
			}
		}
	}
	if _, err := set.With(map[string]string{"X": "a\nb"}); err == nil || !strings.Contains(err.Error(), "header X") {
		t.Errorf("%v", err)
	}
}

func datasetPlan(path string, shuffled bool, seed uint64) *plan.Plan {
	p := withBody(map[string]string{"p": "{{dataset}}"})
	p.Dataset, p.Seed = &plan.Dataset{Path: path, Shuffled: shuffled}, seed
	return p
}

func rendered(t *testing.T, p *plan.Plan, count int) []string {
	t.Helper()
	set, err := Build(p, environment)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for n := range count {
		out = append(out, string(set.Calls()[0].Render(nil, nil, uint64(n))))
	}
	return out
}

func TestLinesOfADataset(t *testing.T) {
	path := write(t, "{\"prompt\": \"a \\\"b\\\"\", \"id\": 1}\n\n\"text\"\r\n  plain \\ words  \n{\"other\":1}\n\"not closed\n7")
	want := []string{`{"p":"a \"b\""}`, `{"p":"text"}`, `{"p":"plain \\ words"}`, `{"p":"{\"other\":1}"}`,
		`{"p":"\"not closed"}`, `{"p":"7"}`, `{"p":"a \"b\""}`}
	if got := rendered(t, datasetPlan(path, false, 1), 7); !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

func TestAShuffledDatasetIsTheSameForASeedAndHasEveryLine(t *testing.T) {
	var lines []string
	for i := range 100 {
		lines = append(lines, strings.Repeat("x", i+1))
	}
	path := write(t, strings.Join(lines, "\n"))
	first, again := rendered(t, datasetPlan(path, true, 5), 200), rendered(t, datasetPlan(path, true, 5), 200)
	other, plain := rendered(t, datasetPlan(path, true, 6), 100), rendered(t, datasetPlan(path, false, 5), 100)
	if !slices.Equal(first, again) || !slices.Equal(first[:100], first[100:]) {
		t.Error("the order depends on more than the seed")
	}
	if slices.Equal(first[:100], other) || slices.Equal(first[:100], plain) {
		t.Error("it is not shuffled by the seed")
	}
	if sorted := slices.Sorted(slices.Values(first[:100])); !slices.Equal(sorted, slices.Sorted(slices.Values(plain))) {
		t.Error("lines are lost")
	}
}

func TestDatasetsThatCannotBeUsed(t *testing.T) {
	large := write(t, "")
	if err := os.Truncate(large, maxDataset+1); err != nil {
		t.Fatal(err)
	}
	tests := map[string]*plan.Plan{
		"no such file":              datasetPlan("/nonexistent/prompts", false, 1),
		"has no lines":              datasetPlan(write(t, "\n \n"), false, 1),
		"line 2: prompt is not":     datasetPlan(write(t, "a\n{\"prompt\":[]}\n"), false, 1),
		"line 1: invalid character": datasetPlan(write(t, "{prompt}\n"), false, 1),
		"line 3: it is not UTF-8":   datasetPlan(write(t, "a\n\n\xff\n"), false, 1),
		"larger than 64 MiB":        datasetPlan(large, false, 1),
	}
	unused := withBody("x")
	unused.Dataset = &plan.Dataset{Path: write(t, "a")}
	tests["no body has {{dataset}}"] = unused
	for want, p := range tests {
		if _, err := Build(p, environment); err == nil || !strings.HasPrefix(err.Error(), "workload.dataset: ") ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
}
