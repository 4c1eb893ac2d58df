package record

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"gatebench.dev/engine/clock"
)

// Recorder is safe for concurrent use. It is split into as many parts as threads run at once, each behind a lock of its
// own that is held for some hundred nanoseconds, and each with two sets of rows, so that Take does not hold up who adds.
type Recorder struct {
	shards []*shard
	wall   atomic.Int64 // nanoseconds from clock.Now to the unix time

	taking sync.Mutex // over what follows, one Take at a time
	names  map[string]bool
	since  int64 // unix nanoseconds of the last Take

	now func() (monotonic, unix int64)
}

// New makes a recorder that has recorded nothing.
func New() *Recorder {
	return newRecorder(func() (int64, int64) {
		at := clock.Now()
		return at, clock.Unix(at)
	})
}

func newRecorder(now func() (monotonic, unix int64)) *Recorder {
	r := &Recorder{names: make(map[string]bool), now: now}
	count := 1
	for count < runtime.GOMAXPROCS(0) {
		count *= 2
	}
	for range count {
		r.shards = append(r.shards, &shard{active: newSet(), spare: newSet()})
	}
	r.tick()
	return r
}

// tick reads both clocks, since the wall clock may be set, and gives the unix time in nanoseconds.
func (r *Recorder) tick() int64 {
	monotonic, unix := r.now()
	r.wall.Store(unix - monotonic)
	if r.since == 0 {
		r.since = unix
	}
	return unix
}

// Add records a request; it keeps nothing of s but its strings.
func (r *Recorder) Add(s *Sample) {
	second := (s.Result.End + r.wall.Load()) / int64(time.Second)
	shard := r.lock()
	shard.active.add(s, second)
	shard.mu.Unlock()
}

// lock locks a shard that is free, if there is one.
func (r *Recorder) lock() *shard {
	last := uint32(len(r.shards) - 1)
	first := rand.Uint32() & last
	for i := range uint32(len(r.shards)) {
		if shard := r.shards[(first+i)&last]; shard.mu.TryLock() {
			return shard
		}
	}
	shard := r.shards[first]
	shard.mu.Lock()
	return shard
}

// Drop counts an arrival that was not sent.
func (r *Recorder) Drop(m Moment) {
	shard := r.lock()
	shard.active.dropped[m.Phase]++
	shard.mu.Unlock()
}

// Take gives what was recorded since the last call. What is being added meanwhile is in this report or in the next one,
// never in both.
func (r *Recorder) Take() Report {
	r.taking.Lock()
	defer r.taking.Unlock()
	until := r.tick()
	sum := newMerge(r.names, r.wall.Load())
	for _, shard := range r.shards {
		shard.mu.Lock()
		shard.active, shard.spare = shard.spare, shard.active
		shard.mu.Unlock()
		sum.add(shard.spare)
		shard.spare.reset()
	}
	report := sum.report(r.since)
	r.since = until
	return report
}
