package payload

import (
	_ "embed"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"gatebench.dev/engine/plan"
)

//go:embed testdata/golden.json
var golden []byte

type goldenCall struct {
	Name, Method, Path, Body        string
	Headers                         [][2]string
	Status, Weight                  int
	Stream, CountsTokens, OpenEnded bool
}

func TestSendsWhatThePythonFleetSends(t *testing.T) {
	var document struct {
		Environment map[string]string
		Plans       []struct {
			Plan  string
			Calls []goldenCall
		}
	}
	if err := json.Unmarshal(golden, &document); err != nil {
		t.Fatal(err)
	}
	getenv := func(name string) (string, bool) { value, found := document.Environment[name]; return value, found }
	compared := 0
	for _, item := range document.Plans {
		set, err := Build(parsePlan(t, item.Plan), getenv)
		if err != nil {
			t.Fatal(err)
		}
		if len(set.Calls()) != len(item.Calls) {
			t.Fatalf("%d calls; want %d", len(set.Calls()), len(item.Calls))
		}
		for i, want := range item.Calls {
			call := set.Calls()[i]
			got := goldenCall{call.Name, call.Method, call.Path, string(call.Render(nil, nil, 0)), call.Headers,
				call.Status, call.Weight, call.Stream, call.CountsTokens, call.OpenEnded}
			if got.Body != want.Body {
				t.Errorf("%s: body\n%s\nwant\n%s", want.Name, got.Body, want.Body)
			}
			if !slices.Equal(got.Headers, want.Headers) {
				t.Errorf("%s: headers\n%q\nwant\n%q", want.Name, got.Headers, want.Headers)
			}
			block := ""
			for _, header := range want.Headers {
				block += header[0] + ": " + header[1] + "\r\n"
			}
			if string(call.Header) != block {
				t.Errorf("%s: block\n%q\nwant\n%q", want.Name, call.Header, block)
			}
			got.Body, got.Headers, want.Body, want.Headers = "", nil, "", nil
			if gotJSON, wantJSON := asJSON(t, got), asJSON(t, want); gotJSON != wantJSON {
				t.Errorf("%s\nwant %s", gotJSON, wantJSON)
			}
			compared++
		}
	}
	if compared < 100 {
		t.Errorf("only %d calls were compared", compared)
	}
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func parsePlan(t *testing.T, text string) *plan.Plan {
	t.Helper()
	p, err := plan.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNumbersAreWrittenAsPythonDoes(t *testing.T) {
	for text, want := range map[string]string{
		"-0": "0", "1E5": "100000.0", "1e15": "1000000000000000.0", "1e16": "1e+16", "1.50": "1.5", "0.0001": "0.0001",
		"0.00001": "1e-05", "1e999": "Infinity", "-1e999": "-Infinity", "12345678901234567890123": "12345678901234567890123",
		"-0.0": "-0.0", "123456789012345680.0": "1.2345678901234568e+17", "1e-400": "0.0", "1e100": "1e+100",
	} {
		if got := number(text); got != want {
			t.Errorf("%s: %s; want %s", text, got, want)
		}
	}
}

// What is written is JSON with the same meaning, and stays as it is when it is written again.
func FuzzAsPython(f *testing.F) {
	f.Add([]byte(`{"a":[1,2.50,"\u00e9\n\"",{"b":null,"":true}],"c":-1e-7}`))
	f.Add([]byte(`"\ud83d\ude00 \/ {{x}}"`))
	f.Fuzz(func(t *testing.T, document []byte) {
		out, err := asPython(document)
		if err != nil {
			return
		}
		var before, after any
		if json.Unmarshal(document, &before) != nil {
			return // a number out of range
		}
		if err := json.Unmarshal(out, &after); err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		if again, err := asPython(out); err != nil || string(again) != string(out) {
			t.Errorf("%q, then %q (%v)", out, again, err)
		}
		if !reflect.DeepEqual(before, after) {
			t.Errorf("%v became %v", before, after)
		}
	})
}

func TestPickFollowsTheWeights(t *testing.T) {
	set, err := newSet([]*Call{{Name: "a", Weight: 6}, {Name: "none"}, {Name: "b", Weight: 3}, {Name: "c", Weight: 1}})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	counts := map[string]int{}
	const picks = 100_000
	for range picks {
		counts[set.Pick(r).Name]++
	}
	for name, share := range map[string]float64{"a": 0.6, "none": 0, "b": 0.3, "c": 0.1} {
		if got := float64(counts[name]) / picks; got < share-0.01 || got > share+0.01 {
			t.Errorf("%s: %.3f; want %.3f", name, got, share)
		}
	}
}

func TestPickingAndRenderingAllocateNothing(t *testing.T) {
	b := &builder{}
	body, err := b.parse([]byte(`{"prompt":"{{choice \"a\" \"b\"}} {{sequence}}"}`))
	if err != nil {
		t.Fatal(err)
	}
	set, err := newSet([]*Call{{Weight: 1, Body: Template{static: []byte("{}")}}, {Weight: 2, Body: body}})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	buffer := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(200, func() { set.Pick(r).Render(buffer[:0], r, 12345) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
