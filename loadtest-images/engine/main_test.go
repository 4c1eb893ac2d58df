package main

import (
	"strings"
	"testing"
)

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		out  string
		bad  string
	}{
		{nil, misused, "", "usage"},
		{[]string{"version"}, 0, version, ""},
		{[]string{"run"}, 3, "", "-url, -f or -targets"},
		{[]string{"run", "-h"}, 0, "usage", ""},
		{[]string{"--help"}, 0, "usage", ""},
		{[]string{"nothing"}, misused, "", "usage"},
		{[]string{"worker", "--token", "x"}, misused, "", "usage"},
	} {
		var out, bad strings.Builder
		code := run(t.Context(), c.args, &out, &bad)
		if code != c.code || !strings.Contains(out.String(), c.out) || !strings.Contains(bad.String(), c.bad) {
			t.Errorf("%q: %d, %q, %q", c.args, code, out.String(), bad.String())
		}
		if (c.out == "") != (out.Len() == 0) || (c.bad == "") != (bad.Len() == 0) {
			t.Errorf("%q: %q, %q", c.args, out.String(), bad.String())
		}
	}
}
