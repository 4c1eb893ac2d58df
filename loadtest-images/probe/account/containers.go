package account

import (
	"slices"

	"gatebench.dev/probe/procfs"
)

// Bounds on what is kept for a pod whose container restarts for ever, or changes its CPUs for ever.
const (
	maxGone    = 16
	maxChanges = 100
)

// Change is a change of the CPUs that a container's processes may use.
type Change struct {
	At       float64
	From, To string
}

// Container is one container ID, as of the last look at which it had processes. A container that is restarted has
// another ID, so it is another Container.
type Container struct {
	ID        string
	Processes int
	// CPUs that some process of it may use.
	CPUs    []int
	Changes []Change
	// Cumulative since its processes started.
	CPUTicks, WaitNanoseconds uint64
	// Sums over its processes. Peak adds up what each reached at its own time, and counts shared pages for each.
	Resident, Peak, Swap uint64
	Threads              int
	Gone                 bool
	// Sandbox says that PID 1 of the shared process namespace is in it: what holds the pod, and is never pinned.
	Sandbox bool

	processes map[key]*known
	retired   struct{ ticks, wait uint64 }
}

// Containers accounts for all containers of a pod.
type Containers struct {
	byID  map[string]*Container
	order []*Container
}

// NewContainers makes an empty account.
func NewContainers() *Containers { return &Containers{byID: map[string]*Container{}} }

// All gives the containers in the order of their appearance.
func (c *Containers) All() []*Container { return c.order }

// Observe takes in all processes that a look at time at (seconds) has seen.
func (c *Containers) Observe(at float64, seen []Process) {
	byContainer := map[string][]Process{}
	for _, process := range seen {
		byContainer[process.Container] = append(byContainer[process.Container], process)
		if c.byID[process.Container] == nil {
			container := &Container{ID: process.Container, processes: map[key]*known{}}
			c.byID[process.Container] = container
			c.order = append(c.order, container)
		}
	}
	for _, container := range c.order {
		container.observe(at, byContainer[container.ID])
	}
	c.forget()
}

// forget drops the containers that were gone first.
func (c *Containers) forget() {
	gone := 0
	for _, container := range c.order {
		if container.Gone {
			gone++
		}
	}
	c.order = slices.DeleteFunc(c.order, func(container *Container) bool {
		if !container.Gone || gone <= maxGone {
			return false
		}
		gone--
		delete(c.byID, container.ID)
		return true
	})
}

func (c *Container) observe(at float64, seen []Process) {
	c.Gone = len(seen) == 0
	now := make(map[key]*known, len(seen))
	reaped := map[key]uint64{} // how much more each process's ended children have used since the last look
	for _, process := range seen {
		id := key{process.PID, process.Start}
		before := c.processes[id]
		now[id] = before.next(process)
		if before != nil {
			reaped[id] = now[id].Children - before.Children
		}
	}
	c.retire(now, reaped)
	c.processes = now
	c.sum()
	if len(seen) > 0 {
		c.notePinning(at)
	}
}

// retire keeps the time of processes that have ended. A process that was waited for has its time in its parent's
// Children, and so in the sum already; one that nobody here waited for has it in no one's.
func (c *Container) retire(now map[key]*known, reaped map[key]uint64) {
	parents := map[int]key{}
	for id := range c.processes {
		parents[id.pid] = id
	}
	for id, ended := range c.processes {
		if now[id] != nil {
			continue
		}
		c.retired.wait += ended.wait
		heir := parents[ended.Parent]
		for steps := 0; now[heir] == nil && c.processes[heir] != nil && steps < len(c.processes); steps++ {
			heir = parents[c.processes[heir].Parent]
		}
		if ticks := ended.ticks(); reaped[heir] >= ticks {
			reaped[heir] -= ticks
		} else {
			c.retired.ticks += ticks
		}
	}
}

func (c *Container) sum() {
	ticks, wait := c.retired.ticks, c.retired.wait
	c.Processes, c.Threads = len(c.processes), 0
	c.Resident, c.Peak, c.Swap = 0, 0, 0
	for id, process := range c.processes {
		ticks += process.ticks()
		wait += process.wait
		c.Resident += process.Resident
		c.Peak += process.Peak
		c.Swap += process.Swap
		c.Threads += process.Threads
		c.Sandbox = c.Sandbox || id.pid == 1
	}
	c.CPUTicks, c.WaitNanoseconds = max(c.CPUTicks, ticks), max(c.WaitNanoseconds, wait)
}

func (c *Container) notePinning(at float64) {
	var cpus []int
	for _, process := range c.processes {
		cpus = append(cpus, process.CPUs...)
	}
	slices.Sort(cpus)
	cpus = slices.Compact(cpus)
	if len(cpus) == 0 { // no process said so: it was ending
		return
	}
	if c.CPUs != nil && !slices.Equal(c.CPUs, cpus) {
		c.Changes = append(c.Changes, Change{at, procfs.FormatCPUList(c.CPUs), procfs.FormatCPUList(cpus)})
		if len(c.Changes) > maxChanges {
			c.Changes = slices.Delete(c.Changes, 0, len(c.Changes)-maxChanges)
		}
	}
	c.CPUs = cpus
}
