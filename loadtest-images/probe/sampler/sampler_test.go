package sampler

import (
	"fmt"
	"math"
	"reflect"
	"runtime"
	"testing"
	"time"
)

func all(rows [][]float64) []string {
	var out []string
	for _, row := range rows {
		out = append(out, fmt.Sprint(row[1:]))
	}
	return out
}

func (s *Sampler) everything(id string) [][]float64 {
	return s.ContainerSamples(id, math.Inf(-1), math.Inf(1))
}

func TestSampleOfATree(t *testing.T) {
	f := newTree(t)
	s, clock := f.sampler()
	s.Sample(clock.now)
	clock.elapsed = time.Second
	f.process(7, 0, gatewayID, "1", 150, 20)
	f.process(8, 7, gatewayID, "1", 30, 0)
	f.cpus(90)
	s.Sample(clock.now)

	want := []string{"[1.2 2.5 102400 204800 0 2]", "[2 5 204800 409600 0 4]"}
	if got := all(s.everything(gatewayID)); !reflect.DeepEqual(got, want) {
		t.Errorf("the gateway's samples are %v; want %v", got, want)
	}
	view := s.View()
	if fmt.Sprint(view.CPUs) != "[1]" || fmt.Sprint(view.Siblings) != "map[1:[1 3]]" || fmt.Sprint(view.Online) != "[0 1 2 3]" {
		t.Errorf("CPUs %v, siblings %v, online %v", view.CPUs, view.Siblings, view.Online)
	}
	if view.Self.Container != probeID || fmt.Sprint(view.Self.CPUs) != "[0]" || view.CPUModel != "Test CPU 9" {
		t.Errorf("self %+v, model %q", view.Self, view.CPUModel)
	}
	want = []string{"[0.6 0.05 0.07]", "[1 0.05 0.07]"}
	if got := all(s.CPUSamples(1, math.Inf(-1), math.Inf(1))); !reflect.DeepEqual(got, want) {
		t.Errorf("CPU 1 is %v; want %v", got, want)
	}
}

func TestOwnCgroupNamespaceAndUnreadableFiles(t *testing.T) {
	f := newTree(t)
	f.self("0", "0::/\n")
	f.write("proc/7/cgroup", "0::/../cri-containerd-"+gatewayID+".scope\n")
	f.write("proc/30/cgroup", "0::/\n")
	f.write("proc/40/stat", "no stat")
	f.write("sys/devices/system/cpu/online", "broken")
	s, clock := f.sampler()
	s.Sample(clock.now)
	view := s.View()
	if view.Self.Container != "" || len(view.Containers) != 2 || fmt.Sprint(view.CPUs) != "[1]" {
		t.Errorf("self %+v, %d containers, CPUs %v", view.Self, len(view.Containers), view.CPUs)
	}
	if fmt.Sprint(view.Online) != "[0 1 2 3]" {
		t.Errorf("without /sys, the CPUs of /proc/stat are online: %v", view.Online)
	}
}

func TestContainerStartsLaterAndIsRestarted(t *testing.T) {
	f := newTree(t)
	f.remove(7)
	s, clock := f.sampler()
	s.Sample(clock.now)
	f.process(7, 0, gatewayID, "0-3", 10, 0)
	clock.elapsed += time.Second
	s.Sample(clock.now)
	f.process(7, 0, gatewayID, "1", 20, 0)
	clock.elapsed += time.Second
	s.Sample(clock.now)
	f.remove(7)
	other := "d" + gatewayID[1:]
	f.process(9, 0, other, "1", 1, 0)
	clock.elapsed += time.Second
	s.Sample(clock.now)

	states := map[string]bool{}
	for _, container := range s.View().Containers {
		states[container.ID] = container.Gone
		if container.ID == gatewayID && (len(container.Changes) != 1 || container.Changes[0].To != "1") {
			t.Errorf("changes = %+v", container.Changes)
		}
	}
	if !states[gatewayID] || states[other] || len(states) != 4 {
		t.Errorf("gone: %v", states)
	}
	if rows := s.everything(gatewayID); len(rows) != 2 || rows[1][1] != 0.2 {
		t.Errorf("of a container that is gone, samples stay: %v", rows)
	}
}

func TestMissedSamplesStayMissed(t *testing.T) {
	f := newTree(t)
	s, clock := f.sampler()
	for _, at := range []time.Duration{0, 1100, 2050, 7300, 8010} {
		clock.elapsed = at * time.Millisecond
		s.Sample(clock.now)
	}
	view := s.View()
	if view.Missed != 4 || view.Taken != 5 || len(view.Gaps) != 1 || math.Abs(view.Gaps[0].To-view.Gaps[0].From-5.25) > 1e-5 {
		t.Errorf("missed %d of %d, gaps %+v", view.Missed, view.Taken, view.Gaps)
	}
	if rows := s.everything(gatewayID); len(rows) != 5 {
		t.Errorf("%d rows for 5 looks", len(rows))
	}
}

func TestClock(t *testing.T) {
	start := time.Now()
	clock := NewClock(start)
	late := start.Add(2300 * time.Millisecond)
	if slot, next := clock.Slot(late, time.Second), clock.Next(late, time.Second); slot != 2 || !next.Equal(start.Add(3*time.Second)) {
		t.Errorf("slot %d, next after %s", slot, next.Sub(start))
	}
	if step := clock.Step(late); math.Abs(step) > 1e-5 {
		t.Errorf("the clock was not set, and says it moved by %v", step)
	}
}

// A day with containers that restart for ever and many CPUs must fit into the memory that the probe has.
func TestMemoryOfADay(t *testing.T) {
	if testing.Short() {
		t.Skip("fills a day")
	}
	f := newTree(t)
	s, clock := f.sampler()
	s.Sample(clock.now)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	slot := uint64(1)
	for _, container := range s.View().Containers {
		rows := s.samples[container.ID]
		for i := range uint64(86_400) {
			rows.Add(slot+i, float64(i), 1, 1, 1, 1, 1, 1)
		}
	}
	for i := range uint64(86_400) {
		s.cpus[1].Add(slot+i, float64(i), 1, 1, 1)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	grown := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	rows := int64(len(s.View().Containers) + 1)
	// The most that is kept: 16 gone containers, a few living ones, and 96 CPUs with half the columns.
	if most := grown / rows * (16 + 6 + maxCPUSeries*2/3); most > 40<<20 {
		t.Errorf("a full probe would hold %d MiB", most>>20)
	}
	runtime.KeepAlive(s)
}
