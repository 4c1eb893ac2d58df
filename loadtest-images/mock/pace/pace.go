// Package pace waits until a point in time, to some ten microseconds.
//
// Go's own timers are late by half a millisecond on average where nothing else runs: an idle scheduler sleeps in
// epoll_wait, which counts in milliseconds. A timerfd ends that sleep when it is due, to the kernel's own precision, and
// one of them serves all who wait. An idle CPU still takes a while to come back, so the timer is set earlier by as much
// as it was late before, and what is then left is spent looking at the clock: that is bounded, and never early.
package pace

import (
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Clock wakes those who wait. Safe for concurrent use.
type Clock struct {
	mutex sync.Mutex
	queue []waiter // a binary heap, the earliest first
	timer *os.File // nil where the kernel gives none
	fd    int
	pool  sync.Pool

	armed  time.Time // when the timer is to end; zero where that is at once
	lead   time.Duration
	budget budget
}

type waiter struct {
	due  time.Time
	wake chan struct{}
}

// New starts a clock.
func New() *Clock {
	c := &Clock{pool: sync.Pool{New: func() any { return make(chan struct{}, 1) }}}
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return c
	}
	c.fd, c.timer = fd, os.NewFile(uintptr(fd), "timer")
	go c.run()
	return c
}

// Until returns at due, or at once where that is past.
func (c *Clock) Until(due time.Time) {
	remaining := time.Until(due)
	if remaining <= 0 {
		return
	}
	if c.timer == nil {
		time.Sleep(remaining)
		return
	}
	wake := c.pool.Get().(chan struct{})
	c.mutex.Lock()
	c.push(waiter{due, wake})
	if c.queue[0].wake == wake {
		c.arm()
	}
	c.mutex.Unlock()
	<-wake
	c.pool.Put(wake)
}

func (c *Clock) run() {
	expirations := make([]byte, 8)
	for {
		if _, err := c.timer.Read(expirations); err != nil {
			panic("pace: reading the timer: " + err.Error())
		}
		c.mutex.Lock()
		c.wakeAll()
		if len(c.queue) > 0 {
			c.arm()
		}
		c.mutex.Unlock()
	}
}

// wakeAll wakes all who are due, and for who is nearly due it waits.
func (c *Clock) wakeAll() {
	now := time.Now()
	c.learn(now)
	for len(c.queue) > 0 {
		due := c.queue[0].due
		left := due.Sub(now)
		if left <= 0 {
			c.pop().wake <- struct{}{}
			continue
		}
		if left > c.lead || !c.budget.take(left, now) {
			return
		}
		c.mutex.Unlock()
		for now.Before(due) {
			now = time.Now()
		}
		c.mutex.Lock()
	}
}

// mostLead bounds how long who is nearly due is waited for.
const mostLead = 150 * time.Microsecond

// learn follows how late the timer ends.
func (c *Clock) learn(now time.Time) {
	if !c.armed.IsZero() {
		late := min(max(now.Sub(c.armed), 0), mostLead)
		c.lead += (late - c.lead) / 8
	}
	c.armed = time.Time{}
}

// arm sets the timer to the earliest who waits. A time of zero would disarm it.
func (c *Clock) arm() {
	now := time.Now()
	end := c.queue[0].due
	if c.budget.has(c.lead, now) {
		end = end.Add(-c.lead)
	}
	remaining := end.Sub(now)
	c.armed = end
	if remaining < mostLead { // nobody has gone to sleep: it says nothing of how long waking takes
		c.armed = time.Time{}
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(remaining, 1)))}
	if err := unix.TimerfdSettime(c.fd, 0, &spec, nil); err != nil {
		panic("pace: setting the timer: " + err.Error())
	}
}

func (c *Clock) push(w waiter) {
	c.queue = append(c.queue, w)
	for i := len(c.queue) - 1; i > 0; {
		parent := (i - 1) / 2
		if !c.queue[i].due.Before(c.queue[parent].due) {
			return
		}
		c.queue[i], c.queue[parent] = c.queue[parent], c.queue[i]
		i = parent
	}
}

func (c *Clock) pop() waiter {
	first, last := c.queue[0], len(c.queue)-1
	c.queue[0] = c.queue[last]
	c.queue[last] = waiter{}
	c.queue = c.queue[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if c.queue[child].due.Before(c.queue[least].due) {
				least = child
			}
		}
		if least == i {
			return first
		}
		c.queue[i], c.queue[least] = c.queue[least], c.queue[i]
		i = least
	}
}
