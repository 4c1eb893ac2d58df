package clock

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sleeper is a sleep that others can end. It waits on a futex, since that takes an absolute time and the thread's slack
// as clock_nanosleep does, and can be woken besides. One goroutine sleeps; any may wake. The zero value is ready.
//
// A thread runs some tens of microseconds after the time that it asked to be woken at: an idle CPU has to wake up too.
// So it asks for so much less as it was late lately, and waits for the rest awake.
type Sleeper struct {
	state atomic.Uint32
	lead  int64 // nanoseconds by which it asks to be woken early
}

const (
	// The lead is what one in four wakes stays below: a change down is three times one up. So the rest that is waited for
	// awake is short, and there is none where wakes come late for a while.
	leadUp   = 250
	leadDown = 3 * leadUp
	mostLead = 50_000
	// However near the time is, the CPU is left to who may wait for it: what has just been handed over is to be sent.
	othersFirst = 15_000
)

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
	if now := Now(); t > now {
		asked := max(t-s.lead, min(t, now+othersFirst))
		at := unix.NsecToTimespec(asked)
		const waitUntil = 9 | 128 // FUTEX_WAIT_BITSET, private: its time is absolute
		_, _, reason := unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&s.state)), waitUntil, uintptr(asleep),
			uintptr(unsafe.Pointer(&at)), 0, 0xffffffff)
		if reason == unix.ETIMEDOUT && asked == t-s.lead {
			s.learn(Now() - asked)
		}
	}
	for s.state.Load() == asleep && Now() < t {
	}
	s.state.Store(awake)
}

// learn is told how late a wake was.
func (s *Sleeper) learn(late int64) {
	if late > s.lead {
		s.lead = min(s.lead+leadUp, mostLead)
	} else {
		s.lead = max(s.lead-leadDown, 0)
	}
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
