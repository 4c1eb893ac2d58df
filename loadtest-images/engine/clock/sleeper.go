package clock

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sleeper is a sleep that others can end. It waits on a futex, since that takes an absolute time and the thread's slack
// as clock_nanosleep does, and can be woken besides. One goroutine sleeps; any may wake. The zero value is ready.
type Sleeper struct{ state atomic.Uint32 }

const (
	awake uint32 = iota
	woken
	asleep
)

// Until blocks the calling thread until t or Wake, also one since the last Until. It may return early.
func (s *Sleeper) Until(t int64) {
	if !s.state.CompareAndSwap(awake, asleep) {
		s.state.Store(awake)
		return
	}
	if t > Now() {
		at := unix.NsecToTimespec(t)
		const waitUntil = 9 | 128 // FUTEX_WAIT_BITSET, private: its time is absolute
		unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&s.state)), waitUntil, uintptr(asleep),
			uintptr(unsafe.Pointer(&at)), 0, 0xffffffff)
	}
	s.state.Store(awake)
}

// Wake ends the sleep under way, or else the next one. Whatever was written before it is seen after that sleep.
func (s *Sleeper) Wake() {
	if s.state.Swap(woken) == asleep {
		const wake = 1 | 128 // FUTEX_WAKE, private
		unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&s.state)), wake, 1, 0, 0, 0)
	}
}

// Now is the clock that Until waits for.
func (s *Sleeper) Now() int64 { return Now() }
