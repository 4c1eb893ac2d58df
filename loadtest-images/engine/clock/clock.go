// Package clock tells the time of all measurements, and waits for a point in it to some ten microseconds.
package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

// Now is CLOCK_MONOTONIC in nanoseconds.
func Now() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic("clock: " + err.Error())
	}
	return ts.Nano()
}

// FromUnix is the time of Now at a time of the wall clock, in unix seconds.
func FromUnix(seconds float64) int64 {
	return Now() + int64(seconds*1e9) - time.Now().UnixNano()
}
