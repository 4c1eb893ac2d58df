package worker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func environment(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := values[name]
		return value, ok
	}
}

func TestSettings(t *testing.T) {
	s, err := fromEnvironment(environment(map[string]string{"GATEBENCH_TOKEN": "t"}))
	want := settings{"/etc/gatebench/plan.json", "t", "", "127.0.0.1:5557", "/dev/termination-log", "/tmp"}
	if err != nil || s != want {
		t.Errorf("%+v, %v", s, err)
	}
	s, err = fromEnvironment(environment(map[string]string{
		"GATEBENCH_TOKEN": "t", "GATEBENCH_MASTER_HOST": "fd00::1", "GATEBENCH_LOCUST_PORT": "1", "GATEBENCH_PLAN": "p",
		"GATEBENCH_TERMINATION_LOG": "l", "TMPDIR": "f", "GATEBENCH_POD_UID": "u",
	}))
	if want := (settings{"p", "t", "u", "[fd00::1]:1", "l", "f"}); err != nil || s != want {
		t.Errorf("%+v, %v", s, err)
	}
	for _, port := range []string{"", "x", "0", "65536", "-1"} {
		if _, err := fromEnvironment(environment(map[string]string{"GATEBENCH_TOKEN": "t", "GATEBENCH_LOCUST_PORT": port})); err == nil ||
			!strings.Contains(err.Error(), "GATEBENCH_LOCUST_PORT") {
			t.Errorf("port %q: %v", port, err)
		}
	}
}

func TestWhatCannotBeUsedIsSaid(t *testing.T) {
	folder := t.TempDir()
	plan, last := filepath.Join(folder, "plan.json"), filepath.Join(folder, "last")
	if err := os.WriteFile(plan, []byte(`{"schema": "something else"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		environment map[string]string
		says        string
	}{
		"no token":       {map[string]string{}, "GATEBENCH_TOKEN"},
		"no plan":        {map[string]string{"GATEBENCH_TOKEN": "t", "GATEBENCH_PLAN": plan + "x"}, "plan.jsonx"},
		"another's plan": {map[string]string{"GATEBENCH_TOKEN": "t", "GATEBENCH_PLAN": plan}, "schema"},
	} {
		c.environment["GATEBENCH_TERMINATION_LOG"] = last
		os.Remove(last)
		var out strings.Builder
		if code := Run(t.Context(), "0", environment(c.environment), &out); code != exitUnusable || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: %d, %s", name, code, out.String())
		}
		word, _ := os.ReadFile(last)
		if c.environment["GATEBENCH_TOKEN"] != "" && !strings.Contains(string(word), c.says) {
			t.Errorf("%s: left %q", name, word)
		}
	}
}

func TestSecretsAreMaskedInTheirDisguises(t *testing.T) {
	m := newMask([]string{"A", "B", "C"}, environment(map[string]string{"A": "se\"cret/x y\n", "B": "ab", "C": "se\"cret/x y and more"}))
	for text, want := range map[string]string{
		`it was se"cret/x y!`:        "it was ****!",
		`it was se\"cret/x y!`:       "it was ****!",
		`it was se%22cret%2Fx+y`:     "it was ****",
		`it was se%22cret%2Fx%20y`:   "it was ****",
		`se"cret/x y and more later`: "**** later",
		"ab is too short":            "ab is too short",
	} {
		if got := m.text(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
