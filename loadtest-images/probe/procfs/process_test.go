package procfs

import (
	"slices"
	"testing"
)

const statTail = " S 7 100 100 0 -1 4194560 1 2 3 4 11 22 33 44 20 0 1 0 5000 1 2 3"

func TestParseStat(t *testing.T) {
	want := Stat{Parent: 7, Own: 33, Children: 77, Start: 5000}
	for _, name := range []string{"(sh)", "(tmux: server)", "(a) b (c)", "())", "(1 2 3) R 9 9 9)"} {
		if got, ok := ParseStat("42 " + name + statTail + "\n"); !ok || got != want {
			t.Errorf("with name %s: %+v, %v; want %+v", name, got, ok, want)
		}
	}
	for _, content := range []string{"", "42", "42 (sh)", "42 (sh) S 1 2", "42 )sh(" + statTail, "42 (sh) S x" + statTail[4:]} {
		if got, ok := ParseStat(content); ok {
			t.Errorf("ParseStat(%q) = %+v; want a refusal", content, got)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add("42 (sh)" + statTail)
	f.Add("42 (a) b (c)" + statTail)
	f.Fuzz(func(t *testing.T, content string) {
		if stat, ok := ParseStat(content); ok && stat.Parent < 0 {
			t.Errorf("ParseStat(%q) = %+v", content, stat)
		}
	})
}

func TestParseStatus(t *testing.T) {
	status, ok := ParseStatus("Name:\tpython: x\nVmHWM:\t    300 kB\nVmRSS:\t    200 kB\nVmSwap:\t      4 kB\nThreads:\t7\nCpus_allowed:\t2\nCpus_allowed_list:\t1,3\n")
	want := Status{Resident: 200 << 10, Peak: 300 << 10, Swap: 4 << 10, Threads: 7, CPUs: []int{1, 3}}
	if !ok || status.Resident != want.Resident || status.Peak != want.Peak || status.Swap != want.Swap ||
		status.Threads != 7 || !slices.Equal(status.CPUs, want.CPUs) {
		t.Errorf("ParseStatus = %+v, %v; want %+v", status, ok, want)
	}
	if zombie, ok := ParseStatus("Name:\tx\nState:\tZ (zombie)\nCpus_allowed_list:\t0\n"); !ok || zombie.Resident != 0 {
		t.Errorf("a zombie: %+v, %v", zombie, ok)
	}
	if _, ok := ParseStatus("Name:\tx\n"); ok {
		t.Error("without CPUs it is no status")
	}
}

func TestParseSchedstat(t *testing.T) {
	if wait, ok := ParseSchedstat("123 456 7\n"); !ok || wait != 456 {
		t.Errorf("wait = %d, %v", wait, ok)
	}
	for _, content := range []string{"", "1 2", "1 x 3", "1 -2 3"} {
		if _, ok := ParseSchedstat(content); ok {
			t.Errorf("ParseSchedstat(%q) is taken", content)
		}
	}
}

func TestParseCPUTimes(t *testing.T) {
	content := "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 1 2 3 4 5 6 7 8 9 0\ncpu12 10 20 30 40 50 60 70 80 0 0\ncpu13 1 2 x 4 5 6 7 8 9 0\nintr 5 5\ncpu99 1 1 1 1 1 1 1 1 1 1\n"
	want := []CPUTime{{CPU: 0, Busy: 6, IRQ: 13, Steal: 8}, {CPU: 12, Busy: 60, IRQ: 130, Steal: 80}}
	if got := ParseCPUTimes(content, nil); !slices.Equal(got, want) {
		t.Errorf("ParseCPUTimes = %+v; want %+v", got, want)
	}
	for _, broken := range []string{"", "cpu", "cpu\n", "cpu0\n", "cpu0 1 2 3 4 5 6 7 8 9", "cpux 1 2 3 4 5 6 7 8\n"} {
		if got := ParseCPUTimes(broken, nil); len(got) != 0 {
			t.Errorf("ParseCPUTimes(%q) = %+v; want none", broken, got)
		}
	}
}
