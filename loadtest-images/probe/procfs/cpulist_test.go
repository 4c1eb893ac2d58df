package procfs

import (
	"slices"
	"testing"
)

func TestParseCPUList(t *testing.T) {
	tests := map[string][]int{
		"0":           {0},
		" 1\n":        {1},
		"0-3":         {0, 1, 2, 3},
		"8,0-1,10-11": {0, 1, 8, 10, 11},
		"0-2,1-3":     {0, 1, 2, 3},
		"":            {},
		"\n":          {},
	}
	for text, want := range tests {
		if got, ok := ParseCPUList(text); !ok || !slices.Equal(got, want) {
			t.Errorf("ParseCPUList(%q) = %v, %v; want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"a", "-1", "1-", "-", "3-1", "0,,1", "0-99999999", "+1", "1 2", "0x1"} {
		if got, ok := ParseCPUList(text); ok {
			t.Errorf("ParseCPUList(%q) = %v; want a refusal", text, got)
		}
	}
}

func TestFormatCPUList(t *testing.T) {
	tests := map[string][]int{"": {}, "0": {0}, "0-1": {0, 1}, "0-3,5,7-8": {0, 1, 2, 3, 5, 7, 8}}
	for want, cpus := range tests {
		if got := FormatCPUList(cpus); got != want {
			t.Errorf("FormatCPUList(%v) = %q; want %q", cpus, got, want)
		}
	}
}

func FuzzParseCPUList(f *testing.F) {
	for _, text := range []string{"0-3,8", "1", "", "5-5,5", "8191"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cpus, ok := ParseCPUList(text)
		if !ok {
			return
		}
		if !slices.IsSorted(cpus) {
			t.Errorf("ParseCPUList(%q) = %v is not ascending", text, cpus)
		}
		again, ok := ParseCPUList(FormatCPUList(cpus))
		if !ok || !slices.Equal(again, cpus) {
			t.Errorf("%v does not survive being written: %v", cpus, again)
		}
	})
}
