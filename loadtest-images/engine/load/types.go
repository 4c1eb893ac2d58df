// Package load offers load: closed (users that wait for answers, and think) or open (arrivals that do not wait).
package load

import (
	"math/rand/v2"
	"time"

	"gatebench.dev/engine/client"
	"gatebench.dev/engine/payload"
	"gatebench.dev/engine/plan"
	"gatebench.dev/engine/record"
	"gatebench.dev/engine/schedule"
)

// Calls chooses requests; a *payload.Set does.
type Calls interface {
	Pick(r *rand.Rand) *payload.Call
}

// Options is what both kinds of load need.
type Options struct {
	Calls           Calls
	Dial            func() client.Conn // a connection for one user or one request in flight; it dials lazily
	Recorder        *record.Recorder
	Seed            uint64      // the plan's
	Worker, Workers int         // this one's number, from 0, and how many there are
	Think           *plan.Range // closed load; nil: none
	Poisson         bool        // open load
	MaxInFlight     int         // open load: this worker's share; 0: MostInFlight
}

// Phase is what open load is told by the master.
type Phase struct {
	record.Moment
	Rate   schedule.Rate // the whole fleet's; the zero Rate, or an impossible one, has no arrivals
	Start  int64         // of clock.Now; one that is past, or further than a second off, is at once
	Direct bool          // straight to the upstream: whoever has several loads picks the one that this is for
	Burst  *int          // the same by so many users of the whole fleet that do not think; nil: no burst
}

// Load is what a worker drives.
type Load interface {
	// Drain starts no new request, waits for those in flight, ends as time-outs what is open after `limit`, and closes
	// all connections. It returns when all is recorded; what was started before counts for the moment it was started in.
	Drain(m record.Moment, limit time.Duration)
	// TakeInFlight is the highest number of requests in flight since the last call.
	TakeInFlight() int
}

// waiter is a clock that a thread can wait for, and others can end that; a *clock.Sleeper is one.
type waiter interface {
	Now() int64
	Until(t int64)
	Wake()
}

// never is after all that will be.
const never = int64(1<<63 - 1)
