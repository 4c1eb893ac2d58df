package usage

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// write makes the files of a folder, and removes those whose content is empty.
func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(root, name)
		if content == "" {
			if err := os.RemoveAll(filepath.Dir(path)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestQuota(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  float64 // 0: none
	}{
		"none":                 {nil, 0},
		"version 2":            {map[string]string{"cpu.max": "25000 100000\n"}, .25},
		"version 2, unlimited": {map[string]string{"cpu.max": "max 100000\n"}, 0},
		"version 1": {
			map[string]string{"cpu/cpu.cfs_quota_us": "150000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1.5,
		},
		"version 1, long name": {
			map[string]string{"cpu,cpuacct/cpu.cfs_quota_us": "10000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"}, .1,
		},
		"version 1, unlimited": {
			map[string]string{"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 0,
		},
		"half of version 1": {map[string]string{"cpu/cpu.cfs_quota_us": "150000\n"}, 0},
		"nonsense":          {map[string]string{"cpu.max": "1 0\n"}, 0},
	} {
		root := t.TempDir()
		write(t, root, c.files)
		if got, ok := quota(root); got != c.want || ok != (c.want > 0) {
			t.Errorf("%s: %g, %t", name, got, ok)
		}
	}
}

func TestAvailableIsTheLeast(t *testing.T) {
	root := t.TempDir()
	all := available(root)
	if all < 1 || all > float64(runtime.NumCPU()) {
		t.Errorf("%g cores of %d", all, runtime.NumCPU())
	}
	write(t, root, map[string]string{"cpu.max": "10000 100000"})
	if got := available(root); got != .1 {
		t.Errorf("with a quota: %g", got)
	}
	write(t, root, map[string]string{"cpu.max": "100000000 100000"})
	if got := available(root); got != all {
		t.Errorf("with a quota above the cores: %g", got)
	}
}

func TestSpreadUsesOneThreadMore(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	t.Setenv("GOMAXPROCS", "5")
	Spread()
	if got := runtime.GOMAXPROCS(0); got != before {
		t.Errorf("changed to %d although it is set", got)
	}
	t.Setenv("GOMAXPROCS", "")
	Spread()
	if got, want := runtime.GOMAXPROCS(0), int(math.Ceil(available("/sys/fs/cgroup")))+1; got != want {
		t.Errorf("%d, want %d", got, want)
	}
	if got := AllowedCores(); got != available("/sys/fs/cgroup") {
		t.Errorf("%g cores allowed", got)
	}
}

func TestThreadsThatEndAreNotForgotten(t *testing.T) {
	root := t.TempDir()
	m := &Meter{root: root}
	for _, step := range []struct {
		files         map[string]string
		onCPU, waited float64
	}{
		{map[string]string{"1/schedstat": "1000000000 500000000 7\n", "2/schedstat": "2000000000 0 1\n"}, 3, .5},
		{map[string]string{"1/schedstat": "1500000000 500000000 8\n", "2/schedstat": ""}, 3.5, .5},
		{map[string]string{"1/schedstat": "1500000000 600000000 9\n", "3/schedstat": "1000000000 0 1\n"}, 4.5, .6},
		{map[string]string{"3/schedstat": "250000000 100000000 1\n"}, 4.75, .7}, // another thread with that number
	} {
		write(t, root, step.files)
		got := m.Read()
		if got.OnCPU == nil || math.Abs(*got.OnCPU-step.onCPU) > 1e-9 || math.Abs(*got.Waited-step.waited) > 1e-9 {
			t.Errorf("after %v: %v, %v", step.files, *got.OnCPU, *got.Waited)
		}
	}
}

func TestWhatTheKernelDoesNotSayIsNil(t *testing.T) {
	empty, broken := t.TempDir(), t.TempDir()
	write(t, broken, map[string]string{"1/schedstat": "0 0\n"})
	for _, root := range []string{empty, broken, filepath.Join(empty, "none")} {
		if got := (&Meter{root: root}).Read(); got.OnCPU != nil || got.Waited != nil {
			t.Errorf("%s: %v, %v", root, *got.OnCPU, *got.Waited)
		}
	}
}

func TestReadCountsThisProcess(t *testing.T) {
	m := NewMeter()
	before, began := m.Read(), time.Now()
	for time.Since(began) < 20*time.Millisecond {
		runtime.GC()
	}
	after := m.Read()
	if after.CPU <= before.CPU || after.GCPause <= before.GCPause || after.Wall-before.Wall < .02 {
		t.Errorf("%+v, then %+v", before, after)
	}
	if resident, ok := Resident(); !ok || resident < 1<<20 {
		t.Errorf("%d bytes, %t", resident, ok)
	}
}
