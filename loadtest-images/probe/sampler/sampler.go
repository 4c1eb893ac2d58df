package sampler

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"gatebench.dev/probe/account"
	"gatebench.dev/probe/procfs"
	"gatebench.dev/probe/series"
)

// Bounds: a machine may have thousands of CPUs, and a starved probe may miss samples all day.
const (
	maxCPUSeries = 96
	maxGaps      = 100
)

var (
	parseStat   = procfs.ParseStat
	parseStatus = procfs.ParseStatus
	containerID = procfs.ContainerID
)

// Gap is a time without samples, longer than the interval.
type Gap struct{ From, To float64 }

// Self is the probe's own container.
type Self struct {
	Container string // empty where the cgroup does not tell
	CPUs      []int
}

// Sampler holds all that was seen. Its methods are safe for concurrent use, Run and Sample apart, which are one
// goroutine's.
type Sampler struct {
	Clock    Clock
	Interval time.Duration
	log      func(string)

	// Only Sample uses these.
	files      *procfs.Files
	identities map[int]identity
	times      []procfs.CPUTime
	said       bool

	mutex      sync.Mutex
	containers *account.Containers
	samples    map[string]*series.Series
	cpus       map[int]*series.Series
	gaps       []Gap
	missed     uint64
	taken      uint64
	lastSlot   uint64
	lastAt     float64
	self       Self
	online     []int
	siblings   map[int][]int
	model      string
}

// New makes a sampler that reads files and has seen nothing yet.
func New(files *procfs.Files, clock Clock, interval time.Duration, log func(string)) *Sampler {
	s := &Sampler{
		Clock: clock, Interval: interval, log: log, files: files,
		identities: map[int]identity{}, containers: account.NewContainers(),
		samples: map[string]*series.Series{}, cpus: map[int]*series.Series{}, siblings: map[int][]int{},
	}
	if content, ok := files.Read(files.Proc + "/cpuinfo"); ok {
		s.model = procfs.ModelName(content)
	}
	return s
}

// Run samples until the context ends. A look that comes too late is not made up for: the gap stays.
func (s *Sampler) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		s.Sample(time.Now)
		timer.Reset(time.Until(s.Clock.Next(time.Now(), s.Interval)))
	}
}

// Sample takes one look.
func (s *Sampler) Sample(now func() time.Time) {
	started := now()
	processes := s.look()
	ended := now()
	at := s.Clock.Unix(started.Add(ended.Sub(started) / 2))
	stat, ok := s.files.Read(s.files.Proc + "/stat")
	cpusAt := s.Clock.Unix(now())
	s.times = s.times[:0]
	if ok {
		s.times = procfs.ParseCPUTimes(stat, s.times)
	}
	self, selfOK := s.lookAtSelf()
	online, onlineOK := s.files.Online()

	s.mutex.Lock()
	defer s.mutex.Unlock()
	slot := s.Clock.Slot(started, s.Interval)
	s.noteGap(slot, at)
	if selfOK {
		s.self = self
	}
	if onlineOK {
		s.online = online
	} else if len(s.times) > 0 {
		s.online = s.online[:0:0]
		for _, cpu := range s.times {
			s.online = append(s.online, cpu.CPU)
		}
	}
	s.containers.Observe(at, processes)
	s.addContainers(slot, at)
	s.addCPUs(slot, cpusAt)
}

func (s *Sampler) lookAtSelf() (Self, bool) {
	content, ok := s.files.Read(s.files.Proc + "/self/status")
	if !ok {
		return Self{}, false
	}
	status, ok := procfs.ParseStatus(content)
	if !ok {
		return Self{}, false
	}
	self := Self{CPUs: status.CPUs}
	if content, ok = s.files.Read(s.files.Proc + "/self/cgroup"); ok {
		self.Container, _ = procfs.ContainerID(content)
	}
	return self, true
}

func (s *Sampler) noteGap(slot uint64, at float64) {
	if s.taken > 0 && slot > s.lastSlot+1 {
		s.missed += slot - s.lastSlot - 1
		s.gaps = append(s.gaps, Gap{s.lastAt, at})
		if len(s.gaps) > maxGaps {
			s.gaps = slices.Delete(s.gaps, 0, len(s.gaps)-maxGaps)
		}
	}
	s.taken++
	s.lastSlot, s.lastAt = slot, at
}

func (s *Sampler) addContainers(slot uint64, at float64) {
	kept := make(map[string]*series.Series, len(s.samples))
	for _, container := range s.containers.All() {
		rows := s.samples[container.ID]
		if rows == nil {
			rows = series.New(series.Counter, series.Counter, series.Gauge, series.Gauge, series.Gauge, series.Gauge)
		}
		kept[container.ID] = rows
		if container.Gone {
			continue
		}
		rows.Add(slot, at,
			float64(container.CPUTicks)/procfs.TicksPerSecond, float64(container.WaitNanoseconds)/1e9,
			float64(container.Resident), float64(container.Peak), float64(container.Swap), float64(container.Threads))
	}
	s.samples = kept
}

// addCPUs follows the CPUs that another container may use and the probe may not. The pod's sandbox does not count: it
// may use every CPU of the machine.
func (s *Sampler) addCPUs(slot uint64, at float64) {
	wanted := map[int]bool{}
	for _, container := range s.containers.All() {
		if container.Gone || container.Sandbox || container.ID == s.self.Container {
			continue
		}
		for _, cpu := range container.CPUs {
			wanted[cpu] = !slices.Contains(s.self.CPUs, cpu)
		}
	}
	for _, cpu := range s.times {
		rows := s.cpus[cpu.CPU]
		if rows == nil {
			if !wanted[cpu.CPU] || len(s.cpus) >= maxCPUSeries {
				continue
			}
			rows = series.New(series.Counter, series.Counter, series.Counter)
			s.cpus[cpu.CPU] = rows
			if siblings, ok := s.files.Siblings(cpu.CPU); ok {
				s.siblings[cpu.CPU] = siblings
			}
		}
		const hz = procfs.TicksPerSecond
		rows.Add(slot, at, float64(cpu.Busy)/hz, float64(cpu.Steal)/hz, float64(cpu.IRQ)/hz)
	}
}

func (s *Sampler) wait(pid, thread int) (uint64, bool) {
	content, ok := s.files.Of(pid, "task/"+strconv.Itoa(thread)+"/schedstat")
	if !ok {
		return 0, false
	}
	return procfs.ParseSchedstat(content)
}
