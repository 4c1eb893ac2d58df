// Package clock tells the time of all measurements, and waits for a point in it to some ten microseconds.
//
// Go's own timers are late by half a millisecond on average where nothing else runs: an idle scheduler sleeps in
// epoll_wait, which counts in milliseconds. So a thread that waits here does so in the kernel, on an absolute time and
// without the slack that the kernel adds to save power.
package clock

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

var (
	started = time.Now()
	epoch   = calibrate() // CLOCK_MONOTONIC at `started`
)

// Now is CLOCK_MONOTONIC in nanoseconds, without a system call.
func Now() int64 { return epoch + int64(time.Since(started)) }

// Unix is the wall clock's time at a time of Now, in nanoseconds.
func Unix(at int64) int64 { return at + time.Now().UnixNano() - Now() }

// FromUnix is the time of Now at a time of the wall clock, in unix seconds.
func FromUnix(seconds float64) int64 {
	return Now() + int64(seconds*1e9) - time.Now().UnixNano()
}

// Past is the time of Now at a time of the wall clock that has just been, in unix nanoseconds.
func Past(unixNano int64) int64 {
	now := time.Now()
	return epoch + int64(now.Sub(started)) - max(0, now.UnixNano()-unixNano)
}

// calibrate pairs Go's reading of the clock with the kernel's: the pair that took the least time is the truest.
func calibrate() int64 {
	var best, shortest int64
	for try := range 20 {
		before := int64(time.Since(started))
		var now unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
			panic("clock: reading CLOCK_MONOTONIC: " + err.Error())
		}
		after := int64(time.Since(started))
		if took := after - before; try == 0 || took < shortest {
			best, shortest = now.Nano()-(before+after)/2, took
		}
	}
	return best
}

// Precise gives the calling goroutine a thread of its own whose waits have no slack. The goroutine must not unlock it:
// the thread then ends with the goroutine, and nobody inherits the setting.
func Precise() {
	runtime.LockOSThread()
	// A kernel that refuses leaves the waits some 50 µs late, which the dispatch delay shows.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
}
