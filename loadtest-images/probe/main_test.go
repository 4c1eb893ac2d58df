package main

import "testing"

func TestRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		args  []string
		token string
		want  int
	}{
		"no token":       {nil, "", 2},
		"an empty token": {nil, " \n", 2},
		"unknown flag":   {[]string{"--nope"}, "t", 2},
		"a word":         {[]string{"start"}, "t", 2},
		"too often":      {[]string{"--interval=1ms"}, "t", 2},
		"no address":     {[]string{"--listen=nowhere:x"}, "t", 2},
		"help":           {[]string{"--help"}, "t", 0},
	} {
		if got := run(test.args, test.token); got != test.want {
			t.Errorf("%s: exit code %d; want %d", name, got, test.want)
		}
	}
}
