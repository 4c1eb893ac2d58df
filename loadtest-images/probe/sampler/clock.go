// Package sampler looks at the pod's processes and the machine's CPUs once a second and remembers what it saw.
package sampler

import "time"

// Clock gives times as unix seconds that never jump: the wall clock as it was at the start, plus the monotonic time
// since. When somebody sets the wall clock, samples keep their distance, and the step is told apart.
type Clock struct {
	start time.Time
	base  float64
}

// NewClock starts a clock.
func NewClock(start time.Time) Clock {
	return Clock{start: start, base: float64(start.UnixMicro()) / 1e6}
}

// Started is when the clock started.
func (c Clock) Started() float64 { return c.base }

// Unix is the time of t, which must come from time.Now.
func (c Clock) Unix(t time.Time) float64 { return c.base + t.Sub(c.start).Seconds() }

// Step is by how much the wall clock has moved against this one.
func (c Clock) Step(t time.Time) float64 { return float64(t.UnixMicro())/1e6 - c.Unix(t) }

// Slot is the number of the interval that t is in.
func (c Clock) Slot(t time.Time, interval time.Duration) uint64 {
	return uint64(max(0, t.Sub(c.start)) / interval)
}

// Next is the start of the interval after the one that t is in: a late look does not delay the ones after it.
func (c Clock) Next(t time.Time, interval time.Duration) time.Time {
	return c.start.Add(time.Duration(c.Slot(t, interval)+1) * interval)
}
