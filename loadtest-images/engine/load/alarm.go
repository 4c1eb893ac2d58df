package load

import (
	"sync"

	"gatebench.dev/engine/clock"
)

// alarm wakes those who think. One thread waits for the earliest of them: Go's own timers are late by up to a
// millisecond, which would count as the generator's delay.
type alarm struct {
	sleep waiter
	begin sync.Once

	mu     sync.Mutex
	heap   []thinker // the earliest first
	closed bool
}

type thinker struct {
	due  int64
	wake chan struct{} // of capacity 1
}

func newAlarm(sleep waiter) *alarm { return &alarm{sleep: sleep} }

// at has something sent to wake when it is due, unless there is something in it.
func (a *alarm) at(due int64, wake chan struct{}) {
	a.begin.Do(func() { go a.run() })
	a.mu.Lock()
	a.push(thinker{due, wake})
	first := a.heap[0].wake == wake
	a.mu.Unlock()
	if first {
		a.sleep.Wake()
	}
}

func (a *alarm) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.sleep.Wake()
}

func (a *alarm) run() {
	clock.Precise()
	for {
		due, more := a.ring()
		if !more {
			return
		}
		a.sleep.Until(due)
	}
}

// ring wakes all who are due, and gives the time of the next one; false after close.
func (a *alarm) ring() (due int64, more bool) {
	now := a.sleep.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.heap) > 0 && a.heap[0].due <= now {
		select {
		case a.pop().wake <- struct{}{}:
		default:
		}
	}
	if len(a.heap) > 0 {
		return a.heap[0].due, !a.closed
	}
	return never, !a.closed
}

func (a *alarm) push(t thinker) {
	a.heap = append(a.heap, t)
	for i := len(a.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if a.heap[parent].due <= a.heap[i].due {
			return
		}
		a.heap[i], a.heap[parent] = a.heap[parent], a.heap[i]
		i = parent
	}
}

func (a *alarm) pop() thinker {
	first, last := a.heap[0], len(a.heap)-1
	a.heap[0] = a.heap[last]
	a.heap[last] = thinker{}
	a.heap = a.heap[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if a.heap[child].due < a.heap[least].due {
				least = child
			}
		}
		if least == i {
			return first
		}
		a.heap[i], a.heap[least] = a.heap[least], a.heap[i]
		i = least
	}
}
