package standalone

import (
	"context"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"

	"gatebench.dev/engine/load"
	"gatebench.dev/engine/record"
	"gatebench.dev/engine/result"
	"gatebench.dev/engine/usage"
)

// observer takes what was measured each second and at each boundary of phases, with what the engine used of the CPU
// meanwhile: so each part lies within one phase.
type observer struct {
	recorder *record.Recorder
	sums     *result.Sums
	meter    *usage.Meter
	cores    float64
	load     load.Load
	users    atomic.Int64

	mu       sync.Mutex
	measured bool // the part under way is of a measured stage
	before   reading
	used     spent
	recent   []spent // the latest seconds of the stage under way, five at most
	peak     *float64
	longest  int
	parts    int
}

type reading struct {
	usage.Usage
	objects, bytes uint64
}

// spent is what was used in a time.
type spent struct {
	wall, cpu, gcPause float64
	onCPU, waited      float64
	scheduled          bool // the two before are known
	objects, bytes     uint64
	inFlight           int
}

const peakParts = 5

func newObserver(recorder *record.Recorder) *observer {
	o := &observer{
		recorder: recorder, sums: result.NewSums(), meter: usage.NewMeter(), cores: usage.AllowedCores(),
	}
	o.before = o.read()
	return o
}

func (o *observer) read() reading {
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}, {Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(samples)
	return reading{o.meter.Read(), samples[0].Value.Uint64(), samples[1].Value.Uint64()}
}

// loop takes a part at each full second of the load.
func (o *observer) loop(ctx context.Context) {
	began := time.Now()
	for count := 1; sleep(ctx, began.Add(time.Duration(count)*time.Second)); count++ {
		o.mu.Lock()
		o.take(true)
		o.mu.Unlock()
	}
}

// boundary ends a part; the next one is measured or not.
func (o *observer) boundary(measured bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.take(false)
	o.measured = measured
	o.recent = o.recent[:0]
}

func (o *observer) take(second bool) {
	at := time.Now()
	now, before := o.read(), o.before
	o.before = now
	report := o.recorder.Take()
	// What has just ended is of the second before.
	o.sums.Add(&report, at.Add(-time.Millisecond).Unix(), int(o.users.Load()))
	o.parts++
	flying := 0
	if o.load != nil {
		flying = o.load.TakeInFlight()
	}
	if !o.measured {
		return
	}
	part := spent{
		wall: now.Wall - before.Wall, cpu: now.CPU - before.CPU, gcPause: now.GCPause - before.GCPause,
		objects: now.objects - before.objects, bytes: now.bytes - before.bytes, inFlight: flying,
	}
	if now.OnCPU != nil && before.OnCPU != nil {
		part.onCPU, part.waited, part.scheduled = *now.OnCPU-*before.OnCPU, *now.Waited-*before.Waited, true
	}
	o.used.add(part)
	if second {
		o.top(part)
	}
}

// top keeps the highest five seconds; of a shorter load the highest of as many as there are.
func (o *observer) top(part spent) {
	if len(o.recent) == peakParts {
		o.recent = append(o.recent[:0], o.recent[1:]...)
	}
	o.recent = append(o.recent, part)
	var sum spent
	for _, one := range o.recent {
		sum.add(one)
	}
	if sum.wall <= 0 || len(o.recent) < o.longest {
		return
	}
	ratio := sum.cpu / (sum.wall * o.cores)
	if len(o.recent) > o.longest || ratio > *o.peak {
		o.longest, o.peak = len(o.recent), &ratio
	}
}

func (s *spent) add(other spent) {
	s.scheduled = other.scheduled && (s.scheduled || s.wall == 0)
	s.wall += other.wall
	s.cpu += other.cpu
	s.gcPause += other.gcPause
	s.onCPU += other.onCPU
	s.waited += other.waited
	s.objects += other.objects
	s.bytes += other.bytes
	s.inFlight = max(s.inFlight, other.inFlight)
}

// worker is the engine, as a load document has it.
func (o *observer) worker(host string) result.Worker {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := result.Worker{ID: host, Host: host, Kind: "Go", Reports: o.parts, AllowedCores: o.cores}
	used := o.used
	if used.wall <= 0 {
		return out
	}
	mean := used.cpu / (used.wall * o.cores)
	out.CPURatioMean, out.CPURatioMax = &mean, o.peak
	out.CPUSeconds, out.GCPauseSeconds, out.InFlightMax = &used.cpu, &used.gcPause, &used.inFlight
	out.Allocations, out.AllocatedBytes = &used.objects, &used.bytes
	if used.scheduled && used.onCPU+used.waited > 0 {
		ratio := used.waited / (used.onCPU + used.waited)
		out.RunQueueWaitRatio, out.WaitedSeconds = &ratio, &used.waited
	}
	return out
}
