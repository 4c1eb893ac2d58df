package sampler

import (
	"maps"
	"slices"

	"gatebench.dev/probe/account"
)

// View is what a report says beside the samples.
type View struct {
	Self       Self
	Online     []int
	Siblings   map[int][]int
	CPUModel   string
	Containers []account.Container
	CPUs       []int // those that have samples
	Gaps       []Gap
	Taken      uint64
	Missed     uint64
}

// View copies the present state. Containers come without samples: ask for them one by one, so that sampling never waits
// for a reader.
func (s *Sampler) View() View {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	view := View{
		Self: s.self, Online: s.online, Siblings: maps.Clone(s.siblings), CPUModel: s.model,
		CPUs: slices.Sorted(maps.Keys(s.cpus)), Gaps: slices.Clone(s.gaps), Taken: s.taken, Missed: s.missed,
	}
	for _, container := range s.containers.All() {
		shown := *container
		shown.Changes = slices.Clone(container.Changes)
		view.Containers = append(view.Containers, shown)
	}
	return view
}

// ContainerSamples gives a container's rows in the window and the one before it: at, cpuSeconds, waitSeconds, rssBytes,
// peakBytes, swapBytes, threads.
func (s *Sampler) ContainerSamples(id string, from, to float64) [][]float64 {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if rows := s.samples[id]; rows != nil {
		return rows.Window(from, to)
	}
	return nil
}

// CPUSamples gives a CPU's rows in the window and the one before it: at, busySeconds, stealSeconds, irqSeconds.
func (s *Sampler) CPUSamples(cpu int, from, to float64) [][]float64 {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if rows := s.cpus[cpu]; rows != nil {
		return rows.Window(from, to)
	}
	return nil
}
