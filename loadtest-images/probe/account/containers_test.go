package account

import (
	"fmt"
	"testing"
)

func process(pid, parent int, own, children uint64) Process {
	return Process{PID: pid, Parent: parent, Start: uint64(pid), Container: "a", Own: own, Children: children, CPUs: []int{1}}
}

func TestCPUTimeNeverGoesBackwards(t *testing.T) {
	main := func(own, children uint64) Process { return process(10, 1, own, children) }
	tests := map[string]struct {
		looks [][]Process
		want  []uint64
	}{
		"one process": {[][]Process{{main(5, 0)}, {main(9, 0)}}, []uint64{5, 9}},
		"a child is waited for": {
			[][]Process{{main(5, 0), process(11, 10, 100, 0)}, {main(5, 103)}}, []uint64{105, 108},
		},
		"an orphan's time is in nobody's": {
			[][]Process{{main(5, 0), process(11, 1, 100, 0)}, {main(6, 0)}, {main(7, 0)}}, []uint64{105, 106, 107},
		},
		"a child between two looks": {[][]Process{{main(5, 0)}, {main(5, 40)}}, []uint64{5, 45}},
		"a child and its child, both waited for": {
			[][]Process{{main(1, 0), process(11, 10, 20, 0), process(12, 11, 300, 0)}, {main(1, 321)}}, []uint64{321, 322},
		},
		"of two children one is waited for": {
			[][]Process{{main(1, 0), process(11, 10, 20, 0), process(12, 1, 300, 0)}, {main(1, 20)}}, []uint64{321, 321},
		},
		"all end": {[][]Process{{main(5, 3)}, {}, {}}, []uint64{8, 8, 8}},
		"the PID is used again": {
			[][]Process{{main(50, 0)}, {{PID: 10, Parent: 1, Start: 99, Container: "a", Own: 2, CPUs: []int{1}}}}, []uint64{50, 52},
		},
		"the kernel's sum falls": {[][]Process{{main(50, 0)}, {main(49, 0)}, {main(51, 0)}}, []uint64{50, 50, 51}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			containers := NewContainers()
			for i, look := range test.looks {
				containers.Observe(float64(i), look)
				if got := containers.All()[0].CPUTicks; got != test.want[i] {
					t.Errorf("look %d: %d ticks; want %d", i, got, test.want[i])
				}
			}
		})
	}
}

func TestWaitsOfEndedThreadsAndProcesses(t *testing.T) {
	containers := NewContainers()
	with := func(pid int, waits map[int]uint64) Process {
		p := process(pid, 1, 0, 0)
		p.Waits = waits
		return p
	}
	looks := []struct {
		seen []Process
		want uint64
	}{
		{[]Process{with(10, map[int]uint64{10: 5, 11: 7}), with(20, map[int]uint64{20: 100})}, 112},
		{[]Process{with(10, map[int]uint64{10: 6}), with(20, map[int]uint64{20: 101})}, 114}, // thread 11 ended
		{[]Process{with(10, map[int]uint64{10: 6, 12: 2})}, 116},                             // process 20 ended
		{[]Process{with(10, map[int]uint64{10: 6, 12: 1})}, 117},                             // 12 is another thread
		{nil, 117},
	}
	for i, look := range looks {
		containers.Observe(float64(i), look.seen)
		if got := containers.All()[0].WaitNanoseconds; got != look.want {
			t.Errorf("look %d: %d ns; want %d", i, got, look.want)
		}
	}
}

func TestPinningChanges(t *testing.T) {
	containers := NewContainers()
	for i, cpus := range [][]int{{0, 1}, {0, 1}, {1}, nil, {1}} {
		p := process(10, 1, 0, 0)
		p.CPUs = cpus
		containers.Observe(float64(i), []Process{p})
	}
	container := containers.All()[0]
	if len(container.Changes) != 1 || container.Changes[0] != (Change{2, "0-1", "1"}) {
		t.Errorf("changes = %+v", container.Changes)
	}
	for i := range 3 * maxChanges {
		p := process(10, 1, 0, 0)
		p.CPUs = []int{i % 2}
		containers.Observe(float64(i), []Process{p})
	}
	if len(container.Changes) != maxChanges {
		t.Errorf("%d changes are kept", len(container.Changes))
	}
}

func TestGoneContainersAreKeptWithinBounds(t *testing.T) {
	containers := NewContainers()
	for i := range 40 {
		p := process(10, 1, 7, 0)
		p.Start, p.Container = uint64(i), fmt.Sprint("restart-", i)
		stays := process(2, 1, 3, 0)
		stays.Container = "stays"
		containers.Observe(float64(i), []Process{stays, p})
	}
	gone := 0
	for _, container := range containers.All() {
		if container.Gone {
			gone++
			if container.CPUTicks != 7 || container.Processes != 0 {
				t.Errorf("%s: %d ticks, %d processes", container.ID, container.CPUTicks, container.Processes)
			}
		}
	}
	if gone != maxGone || len(containers.All()) != maxGone+2 {
		t.Errorf("%d gone of %d", gone, len(containers.All()))
	}
	if first := containers.All()[1].ID; first != "restart-23" {
		t.Errorf("the first that is kept is %s", first)
	}
}

func TestMemoryAndThreadsAreSums(t *testing.T) {
	containers := NewContainers()
	a, b := process(1, 0, 0, 0), process(2, 1, 0, 0)
	a.Resident, a.Peak, a.Swap, a.Threads = 10, 20, 1, 3
	b.Resident, b.Peak, b.Swap, b.Threads, b.CPUs = 5, 7, 2, 4, []int{3}
	containers.Observe(0, []Process{a, b})
	c := containers.All()[0]
	if c.Resident != 15 || c.Peak != 27 || c.Swap != 3 || c.Threads != 7 || !c.Sandbox || fmt.Sprint(c.CPUs) != "[1 3]" {
		t.Errorf("%+v", c)
	}
}
