package standalone

import (
	"errors"
	"flag"
	"io"
	"strings"
	"testing"
	"time"
)

const someURL = "-url=http://127.0.0.1:1/v1/models"

func TestTheDefaults(t *testing.T) {
	s, err := parse([]string{someURL}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if s.users != 100 || s.rate != 0 || s.duration != 30*time.Second || s.warmUp != 0 || s.timeout != time.Minute ||
		s.seed != 1 || s.status != 200 {
		t.Errorf("%+v", s)
	}
}

func TestDurationsAreSecondsOrHaveAUnit(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30": 30 * time.Second, "0.5": 500 * time.Millisecond, "30s": 30 * time.Second, "1m": time.Minute,
		"1m30s": 90 * time.Second, "250ms": 250 * time.Millisecond, "0": 0, "604800": 7 * 24 * time.Hour,
	} {
		var d seconds
		if err := d.Set(text); err != nil || time.Duration(d) != want {
			t.Errorf("%s: %s, %v", text, time.Duration(d), err)
		}
	}
	for _, text := range []string{"", "x", "-1", "-1s", "NaN", "Inf", "1e300", "604801", "1 m"} {
		if err := new(seconds).Set(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestHeaders(t *testing.T) {
	var h headers
	for _, text := range []string{"A: b: c", "x-y:z", "A:2", "Cookie: a=1", "cookie: b=2", "Empty:"} {
		if err := h.Set(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	all := make(map[string]string)
	if err := h.into(all); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"A": "b: c, 2", "x-y": "z", "Cookie": "a=1; b=2", "Empty": ""}
	for name, value := range want {
		if all[name] != value {
			t.Errorf("%s: %q, want %q", name, all[name], value)
		}
	}
	for _, text := range []string{"", "no colon", ": value", "  :v"} {
		if err := new(headers).Set(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	if err := (headers{{"Host", "a"}, {"host", "b"}}).into(all); err == nil || err.Error() != "-H host is given twice" {
		t.Error(err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	for arguments, want := range map[string]string{
		"":                             "-url, -f or -targets must say what to load",
		"http://127.0.0.1":             `"http://127.0.0.1" is no flag: an address is given as -url http://127.0.0.1`,
		"-f a -targets b":              "-f and -targets both say what to send: give one of them",
		"-targets b -url c":            "-targets has addresses of its own: leave out -url",
		"-targets b -body c":           "-body does not go with -targets: the targets say it",
		"-f a -rps 5":                  "-rps does not go with -f: the run says it; change the file, or leave out -f",
		"-url c -c 0":                  "-c 0: it must be from 1 to 1,000,000",
		"-url c -rps -1":               "-rps -1: it must be from 0 to 1,000,000",
		"-url c -rps NaN":              "-rps NaN: it must be from 0 to 1,000,000",
		"-url c -duration 0":           "-duration 0s: it must be above 0",
		"-url c -timeout 0":            "-timeout 0s: it must be above 0",
		"-url c -status 99":            "-status 99: it must be from 100 to 599",
		"-url c -arrivals Poisson":     "-arrivals goes with -rps: users that wait for answers do not arrive",
		"-url c -rps 1 -arrivals even": `-arrivals "even" is neither Poisson nor Constant`,
		"-url c -duration soon":        `invalid value "soon" for flag -duration: it must be seconds, or as 30s, 1m`,
		"-url c -users 3":              "flag provided but not defined: -users",
	} {
		_, err := parse(strings.Fields(arguments), io.Discard)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", arguments, err, want)
		}
	}
}

func TestHelpNamesEveryFlag(t *testing.T) {
	var out strings.Builder
	if _, err := parse([]string{"-h"}, &out); !errors.Is(err, flag.ErrHelp) {
		t.Error(err)
	}
	all := flag.NewFlagSet("", flag.ContinueOnError)
	new(settings).define(all)
	all.VisitAll(func(f *flag.Flag) {
		if !strings.Contains(out.String(), "\n  -"+f.Name+" ") {
			t.Errorf("-%s is not described", f.Name)
		}
	})
}
