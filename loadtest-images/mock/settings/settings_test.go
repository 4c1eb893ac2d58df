package settings

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"gatebench.dev/mock/behaviour"
)

func parse(args string, env map[string]string) (*Settings, error) {
	return Parse(strings.Fields(args), func(name string) (string, bool) { v, ok := env[name]; return v, ok }, io.Discard)
}

func TestDefaults(t *testing.T) {
	s, err := parse("", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := behaviour.Behaviour{Latency: behaviour.Latency{Median: 50 * time.Millisecond}, OutputTokens: 128, TokensPerSecond: 100}
	if s.Behaviour != want || s.Listen != ":8080" || !s.Metrics || s.Upstream != "" || s.MaxInFlight != 0 || s.LeakPerMinute != 0 {
		t.Errorf("%+v", s)
	}
}

func TestFlagsAndEnvironment(t *testing.T) {
	env := map[string]string{
		"GATEBENCH_MOCK_LATENCY": "70ms", "GATEBENCH_MOCK_ERROR_RATIO": "5%", "GATEBENCH_MOCK_METRICS": "false",
		"GATEBENCH_MOCK_OUTPUT_TOKENS": "9", "GATEBENCH_UPSTREAM_URL": "http://up:8080",
	}
	s, err := parse("--output-tokens=3 --tokens-per-second 0 --cpu-per-request 5ms --max-in-flight 10 "+
		"--leak-per-minute 10Mi --rate-limit 2.5 --rate-burst 7 --seed 4", env)
	if err != nil {
		t.Fatal(err)
	}
	if s.Behaviour.Latency.Median != 70*time.Millisecond || s.Behaviour.ErrorRatio != 0.05 || s.Metrics ||
		s.Behaviour.OutputTokens != 3 || s.Behaviour.TokensPerSecond != 0 || s.CPUPerRequest != 5*time.Millisecond ||
		s.MaxInFlight != 10 || s.LeakPerMinute != 10<<20 || s.RatePerSecond != 2.5 || s.RateBurst != 7 || s.Seed != 4 {
		t.Errorf("%+v", s)
	}
	if s.Upstream != "" {
		t.Error("the upstream is taken without --forward")
	}
	if s, err = parse("--forward", env); err != nil || s.Upstream != "http://up:8080" {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err = parse("--upstream http://x --metrics", nil); err != nil || s.Upstream != "http://x" || !s.Metrics {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err = parse("--latency-p50 50ms --latency-p99=200ms", nil); err != nil || s.Behaviour.Latency.Sigma == 0 {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err = parse("--rate-limit 2.5", nil); err != nil || s.RateBurst != 3 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestErrorsNameTheFlag(t *testing.T) {
	for args, name := range map[string]string{
		"--latency 5":                         "--latency",
		"--latency=-1s":                       "--latency",
		"--latency-p50 5ms":                   "--latency-p99",
		"--latency-p99 5ms":                   "--latency-p50",
		"--latency-p50 5ms --latency-p99 1ms": "--latency-p99",
		"--latency 1ms --latency-p50 5ms --latency-p99 1ms": "--latency",
		"--output-tokens 0":             "--output-tokens",
		"--tokens-per-second x":         "--tokens-per-second",
		"--error-ratio 2":               "--error-ratio",
		"--cpu-per-request 1":           "--cpu-per-request",
		"--max-in-flight -1":            "--max-in-flight",
		"--leak-per-minute 10Q":         "--leak-per-minute",
		"--leak-per-minute -1Mi":        "--leak-per-minute",
		"--rate-limit -1":               "--rate-limit",
		"--rate-burst 5":                "--rate-limit",
		"--rate-limit 1 --rate-burst 0": "--rate-burst",
		"--metrics=maybe":               "--metrics",
		"--seed x":                      "--seed",
		"--forward":                     "GATEBENCH_UPSTREAM_URL",
		"--forward --upstream http://x": "--forward",
		"--colour red":                  "colour",
		"serve":                         "serve",
	} {
		if _, err := parse(args, nil); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: the error does not name %s: %v", args, name, err)
		}
	}
	if _, err := parse("", map[string]string{"GATEBENCH_MOCK_FORWARD": "perhaps"}); err == nil ||
		!strings.Contains(err.Error(), "GATEBENCH_MOCK_FORWARD") {
		t.Errorf("the error does not name the variable: %v", err)
	}
}

func TestHelp(t *testing.T) {
	var out strings.Builder
	_, err := Parse([]string{"--help"}, func(string) (string, bool) { return "", false }, &out)
	if !errors.Is(err, ErrHelp) || !strings.Contains(out.String(), "-max-in-flight") || !strings.Contains(out.String(), EnvPrefix) {
		t.Errorf("%v: %s", err, out.String())
	}
}

func TestBytes(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "1024": 1024, "10Mi": 10 << 20, "0.5Gi": 1 << 29, "3k": 3000, "2M": 2e6} {
		if got, err := Bytes(text); err != nil || got != want {
			t.Errorf("Bytes(%q) = %d, %v", text, got, err)
		}
	}
}
