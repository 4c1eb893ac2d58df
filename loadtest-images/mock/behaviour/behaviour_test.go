package behaviour

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParsers(t *testing.T) {
	accepted := map[string]func() bool{
		"80ms":   func() bool { v, err := ParseLatency("80ms"); return err == nil && v == 80*time.Millisecond },
		"1.5s":   func() bool { v, err := ParseLatency("1.5s"); return err == nil && v == 1500*time.Millisecond },
		"0s":     func() bool { v, err := ParseLatency("0s"); return err == nil && v == 0 },
		"128":    func() bool { v, err := ParseOutputTokens("128"); return err == nil && v == 128 },
		"0 tps":  func() bool { v, err := ParseTokensPerSecond("0"); return err == nil && v == 0 },
		"0.5tps": func() bool { v, err := ParseTokensPerSecond("0.5"); return err == nil && v == 0.5 },
		"5%":     func() bool { v, err := ParseRatio("5%"); return err == nil && v == 0.05 },
		"1":      func() bool { v, err := ParseRatio("1"); return err == nil && v == 1 },
	}
	for name, check := range accepted {
		if !check() {
			t.Errorf("%s is not taken as it should be", name)
		}
	}
	refused := map[string]error{}
	for _, text := range []string{"", "80", "-1s", "11m", "x"} {
		_, refused["latency "+text] = ParseLatency(text)
	}
	for _, text := range []string{"", "0", "-1", "100001", "1.5"} {
		_, refused["tokens "+text] = ParseOutputTokens(text)
	}
	for _, text := range []string{"", "-1", "NaN", "Inf", "1e9", "0.001"} {
		_, refused["rate "+text] = ParseTokensPerSecond(text)
	}
	for _, text := range []string{"", "-0.1", "1.1", "101%", "NaN", "%"} {
		_, refused["ratio "+text] = ParseRatio(text)
	}
	for what, err := range refused {
		if err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}

func headers(pairs ...string) func(yield func(name, value []byte) bool) {
	return func(yield func(name, value []byte) bool) {
		for i := 0; i < len(pairs); i += 2 {
			if !yield([]byte(pairs[i]), []byte(pairs[i+1])) {
				return
			}
		}
	}
}

func TestOverride(t *testing.T) {
	base := Behaviour{Latency: Latency{Median: time.Second}, OutputTokens: 1, TokensPerSecond: 2, ErrorRatio: 0.5}
	got, err := base.Override(headers("Host", "x", "X-Gatebench-Latency", "80ms", "x-gatebench-output-tokens", " 7 ",
		"X-Gatebench-Tokens-Per-Second", "9", "X-Gatebench-Error-Ratio", "0"))
	if want := (Behaviour{Latency{80 * time.Millisecond, 0}, 7, 9, 0, false}); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if got, err := base.Override(headers("Host", "x", "X-Request-Id", "1")); err != nil || got != base {
		t.Errorf("without our headers: %+v, %v", got, err)
	}
	got, err = base.Override(headers("X-Gatebench-Latency-P50", "10ms", "X-Gatebench-Latency-P99", "100ms"))
	if err != nil || got.Latency.Median != 10*time.Millisecond || math.Abs(got.Latency.Sigma-math.Log(10)/z99) > 1e-12 {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = base.Override(headers("X-Gatebench-Burst", "true", "X-Gatebench-Latency-P50", "10ms",
		"X-Gatebench-Latency-P99", "100ms", "X-Gatebench-Error-Ratio", "1"))
	if want := (Behaviour{OutputTokens: 1, Burst: true}); err != nil || got != want {
		t.Errorf("in a burst: %+v, %v; want %+v", got, err, want)
	}
	if got, err := base.Override(headers("X-Gatebench-Burst", "false")); err != nil || got != base {
		t.Errorf("in none: %+v, %v", got, err)
	}
	for _, pair := range [][]string{
		{"X-Gatebench-Burst", "yes"}, {"X-Gatebench-Latency", "soon"}, {"X-Gatebench-Output-Tokens", "0"}, {"X-Gatebench-Tokens-Per-Second", "-1"},
		{"X-Gatebench-Error-Ratio", "2"}, {"X-Gatebench-Latency-P50", "1s"}, {"X-Gatebench-Latency-P99", "1s"},
		{"X-Gatebench-Colour", "red"},
	} {
		if _, err := base.Override(headers(pair...)); err == nil || !strings.Contains(err.Error(), pair[0]) {
			t.Errorf("%v: the error does not name the header: %v", pair, err)
		}
	}
}

func TestLogNormalHasItsQuantiles(t *testing.T) {
	latency, err := LogNormal(50*time.Millisecond, 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	dice := NewDice(11)
	drawn := make([]time.Duration, 100_000)
	for i := range drawn {
		drawn[i] = dice.Latency(latency)
	}
	slices.Sort(drawn)
	for at, want := range map[float64]time.Duration{0.5: 50 * time.Millisecond, 0.99: 200 * time.Millisecond} {
		if got := drawn[int(at*float64(len(drawn)))]; math.Abs(float64(got)/float64(want)-1) > 0.03 {
			t.Errorf("quantile %v is %s; want %s", at, got, want)
		}
	}
	for _, pair := range [][2]time.Duration{{0, 1}, {2, 1}} {
		if _, err := LogNormal(pair[0], pair[1]); err == nil {
			t.Errorf("LogNormal(%v) is taken", pair)
		}
	}
}

func TestSeedRepeats(t *testing.T) {
	latency := Latency{Median: time.Second, Sigma: 1}
	a, b, unseeded := NewDice(5), NewDice(5), NewDice(0)
	differ := false
	for range 20 {
		first := a.Latency(latency)
		if first != b.Latency(latency) || a.Fails(0.5) != b.Fails(0.5) {
			t.Fatal("the same seed fell differently")
		}
		differ = differ || first != unseeded.Latency(latency)
	}
	if !differ {
		t.Error("without a seed it falls as with one")
	}
	if constant := (Latency{Median: time.Second}); a.Latency(constant) != time.Second {
		t.Error("a constant latency varies")
	}
	if a.Fails(0) || !a.Fails(1) {
		t.Error("ratios 0 and 1 are not never and always")
	}
}
