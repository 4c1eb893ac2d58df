package standalone

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatebench.dev/engine/payload"
	"gatebench.dev/engine/plan"
)

func unset(string) (string, bool) { return "", false }

func jobFor(t *testing.T, arguments ...string) (*job, error) {
	t.Helper()
	s, err := parse(arguments, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return jobOf(s, unset)
}

func called(t *testing.T, arguments ...string) (*job, *payload.Call) {
	t.Helper()
	j, err := jobFor(t, arguments...)
	if err != nil {
		t.Fatal(err)
	}
	return j, j.calls.Pick(rand.New(rand.NewPCG(1, 1)))
}

func TestAnAddressOfAnAPIGetsItsRequest(t *testing.T) {
	j, call := called(t, "-url", "http://h:8/p/v1/messages", "-model", "m", "-prompt-tokens", "3", "-stream")
	if j.plan.Target != "http://h:8" || call.Path != "/p/v1/messages" || call.Method != "POST" || !call.Stream ||
		call.Name != "post-p-v1-messages" {
		t.Errorf("%+v %+v", j.plan, call)
	}
	body := string(call.Render(nil, nil, 0))
	if !strings.Contains(body, `"model":"m"`) || !strings.Contains(body, `"the city has"`) {
		t.Error(body)
	}
}

func TestOtherAddresses(t *testing.T) {
	_, call := called(t, "-url", "https://h")
	if call.Path != "/" || call.Method != "GET" || call.Name != "get" || len(call.Render(nil, nil, 0)) != 0 {
		t.Errorf("%+v", call)
	}
	_, call = called(t, "-url", "http://h/v1/responses?a=b%20c", "-body", `{"n": "{{sequence}}"}`, "-H", "X-A: 1", "-status", "201")
	if call.Path != "/v1/responses?a=b%20c" || call.Method != "POST" || call.Status != 201 ||
		string(call.Render(nil, nil, 7)) != `{"n": "7"}` || !bytes.Contains(call.Header, []byte("X-A: 1\r\n")) {
		t.Errorf("%+v", call)
	}
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, []byte("text\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, call = called(t, "-url", "http://h/x", "-body", "@"+file, "-method", "PUT")
	if call.Method != "PUT" || string(call.Render(nil, nil, 0)) != "text\n" {
		t.Errorf("%+v", call)
	}
}

func TestUsersOrArrivals(t *testing.T) {
	j, _ := called(t, "-url", "http://h/x", "-c", "7", "-duration", "5")
	if p := j.plan; p.Model != plan.Closed || p.Stages[0].Users != 7 || p.Stages[0].Seconds != 5 || p.ThinkTime != nil {
		t.Errorf("%+v", p)
	}
	j, _ = called(t, "-url", "http://h/x", "-rps", "50")
	if p := j.plan; p.Model != plan.Open || p.Stages[0].Rate != 50 || !p.Poisson || p.MaxInFlight != 1000 {
		t.Errorf("%+v", p)
	}
	j, _ = called(t, "-url", "http://h/x", "-rps", "50", "-c", "9", "-arrivals", "constant", "-seed", "4")
	if p := j.plan; p.Poisson || p.MaxInFlight != 9 || p.Seed != 4 {
		t.Errorf("%+v", p)
	}
}

func TestErrorsAreAboutFlags(t *testing.T) {
	for arguments, want := range map[string]string{
		"-url ftp://h/x":                              "-url ftp://h/x: it must begin with http:// or https://",
		"-url http://":                                "-url http:: there is no host",
		"-url http://u:p@h/":                          "-url http://u:xxxxx@h/: give user and password as a header, -H 'Authorization: Basic …'",
		"-url http://h/%zz?key=secret":                "-url is no address, such as http://127.0.0.1:8080/v1/models",
		"-url http://h/x -model m":                    "-model and -prompt-tokens are for addresses that end in /v1/chat/completions, /v1/responses or /v1/messages, without -body",
		"-url http://h/x -body {{what}}":              "body: {{what}}: there is only prompt, choice, sequence, dataset and env",
		"-url http://h/x -body {{dataset}}":           "body: {{dataset}}: -dataset is not set",
		"-url http://h/x -dataset none":               "-dataset needs a -body that has {{dataset}}",
		"-url http://h/x -body @none":                 "-body: open none: no such file or directory",
		"-url http://h/x -method G@T":                 `method "G@T" is not one`,
		"-url http://h/v1/responses -prompt-tokens 0": "-prompt-tokens 0 is not from 1 to 200000",
		"-targets none":                               "-targets none: open none: no such file or directory",
		"-f none":                                     "-f: open none: no such file or directory",
	} {
		_, err := jobFor(t, strings.Fields(arguments)...)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", arguments, err, want)
		}
	}
}

func targets(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "targets")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTargetsGoInTurn(t *testing.T) {
	file := targets(t, "GET http://h/a?n=1\nX: own\n\nGET http://h/a?n=2\n\nPOST http://h/a\n@<<E\n{{x}}\xff\nE\n")
	j, err := jobFor(t, "-targets", file, "-H", "x: general", "-H", "Y: 1")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 4 {
		call := j.calls.Pick(nil)
		got = append(got, call.Name+" "+call.Path+" "+string(call.Render(nil, nil, 0)))
	}
	want := []string{
		"get-a /a?n=1 ", "get-a /a?n=2 ", "post-a /a {{x}}\xff\n", "get-a /a?n=1 ",
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%q, want %q", got[i], want[i])
		}
	}
	header := string(j.calls.Pick(nil).Header) + string(j.calls.Pick(nil).Header) + string(j.calls.Pick(nil).Header)
	if strings.Count(header, "general") != 2 || strings.Count(header, "X: own") != 1 || strings.Count(header, "Y: 1") != 3 {
		t.Errorf("%q", header)
	}
}

func TestTargetsAreOfOneServer(t *testing.T) {
	file := targets(t, "GET http://h/a\n\nGET https://h/a\n")
	_, err := jobFor(t, "-targets", file)
	want := "-targets " + file + ", line 3: https://h is another server than http://h: run the engine for each of them"
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestNamesDifferAsMethodsAndPathsDo(t *testing.T) {
	n := newNames()
	for _, test := range [][3]string{
		{"GET", "/a/b", "get-a-b"}, {"GET", "/a-b", "get-a-b-2"}, {"GET", "/a/b?c", "get-a-b"}, {"PUT", "/a/b", "put-a-b"},
		{"GET", "/A_b", "get-a-b-3"}, {"GET", "/" + strings.Repeat("x", 99), "get-" + strings.Repeat("x", 52)},
		{"GET", "/", "get"},
	} {
		if got := n.of(test[0], test[1]); got != test[2] {
			t.Errorf("%v: %s", test, got)
		}
	}
}

func TestTheSpecHoldsNoSecrets(t *testing.T) {
	j, _ := called(t, "-url", "http://h/v1/models?key=hunter2", "-H", "X: hunter2", "-body", "hunter2", "-rps", "3")
	spec, err := json.Marshal(j.run)
	if err != nil || bytes.Contains(spec, []byte("hunter2")) || !bytes.Contains(spec, []byte(`"rate":3`)) {
		t.Errorf("%s %v", spec, err)
	}
}
