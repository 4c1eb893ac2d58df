package load

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gatebench.dev/engine/clock"
	"gatebench.dev/engine/record"
)

// Closed is users that send a request, wait for its answer, think, and go on. Which requests a user makes, and how long
// it thinks, depends on the plan's seed, the worker and the user's number alone.
type Closed struct {
	options Options
	alarm   *alarm
	moment  atomic.Uint64 // twice the phase, and 1 where it is settled
	numbers atomic.Uint64 // requests so far
	flying  gauge
	working sync.WaitGroup

	mu      sync.Mutex
	users   []*user // those that are not on their way out, the oldest first
	leaving []*user // those that are
	number  int     // of the next user
	drained bool
}

type user struct {
	*lane
	wake chan struct{} // the think time is over
	stop chan struct{}
	last atomic.Bool // no request after this one; set before stop is closed, and cheaper to look at for each request
	over atomic.Bool // its connection is closed
}

// NewClosed begins without users.
func NewClosed(o Options) *Closed { return newClosed(o, new(clock.Sleeper)) }

func newClosed(o Options, sleep waiter) *Closed { return &Closed{options: o, alarm: newAlarm(sleep)} }

// Enter says which moment requests that are sent from now on belong to.
func (c *Closed) Enter(m record.Moment) {
	value := uint64(m.Phase) << 1
	if m.Settled {
		value++
	}
	c.moment.Store(value)
}

func (c *Closed) now() record.Moment {
	value := c.moment.Load()
	return record.Moment{Phase: int(value >> 1), Settled: value&1 == 1}
}

// SetUsers has so many users, from now on. Those that are too many, the latest ones, end after the request that they
// are in. After Drain it does nothing.
func (c *Closed) SetUsers(count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.drained {
		c.set(count)
	}
}

func (c *Closed) set(count int) {
	c.leaving = slices.DeleteFunc(c.leaving, func(u *user) bool { return u.over.Load() })
	for len(c.users) > max(0, count) {
		last := len(c.users) - 1
		c.users[last].last.Store(true)
		close(c.users[last].stop)
		c.leaving = append(c.leaving, c.users[last])
		c.users = c.users[:last]
	}
	for len(c.users) < count {
		u := &user{lane: newLane(&c.options), wake: make(chan struct{}, 1), stop: make(chan struct{})}
		seed := sha256.Sum256(fmt.Appendf(nil, "%d/%d/%d", c.options.Seed, c.options.Worker, c.number))
		u.source.Seed(binary.LittleEndian.Uint64(seed[:]), binary.LittleEndian.Uint64(seed[8:]))
		c.number++
		c.users = append(c.users, u)
		c.working.Go(func() { c.live(u) })
	}
}

// Users is how many there are, without those on their way out.
func (c *Closed) Users() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.users)
}

// TakeInFlight is as Load says.
func (c *Closed) TakeInFlight() int { return c.flying.take() }

// Drain is as Load says.
func (c *Closed) Drain(_ record.Moment, limit time.Duration) {
	c.mu.Lock()
	c.drained = true
	c.set(0)
	var lanes []*lane
	for _, u := range c.leaving {
		lanes = append(lanes, u.lane)
	}
	c.mu.Unlock()
	finish(&c.working, limit, lanes)
	c.alarm.close()
}

// take is a number for a request that no other worker uses.
func (c *Closed) take() uint64 {
	return (c.numbers.Add(1)-1)*uint64(max(1, c.options.Workers)) + uint64(c.options.Worker)
}

// think is a think time in nanoseconds; false: none.
func (c *Closed) think(u *user) (int64, bool) {
	t := c.options.Think
	if t == nil || t.Max <= 0 {
		return 0, false
	}
	return int64((t.Min + u.random.Float64()*(t.Max-t.Min)) * 1e9), true
}

// live is a user's life.
func (c *Closed) live(u *user) {
	defer u.over.Store(true)
	defer u.close()
	due := never // the end of the think time before the next request; never: it has none
	for !u.last.Load() {
		c.flying.up()
		u.exchange(c.now(), c.take())
		u.sample.Latency = u.result.End - u.result.Sent
		u.sample.Service, u.sample.Delay = -1, -1
		if due != never {
			u.sample.Delay = max(0, u.result.Sent-due)
		}
		c.options.Recorder.Add(&u.sample)
		c.flying.down()
		pause, thinks := c.think(u)
		if !thinks {
			continue
		}
		due = u.result.End + pause
		c.alarm.at(due, u.wake)
		select {
		case <-u.wake:
		case <-u.stop:
			return
		}
	}
}
