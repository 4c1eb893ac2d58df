// Package schedule says when the arrivals of an open load are due: pure, and the same on every worker.
//
// All workers walk one sequence of the whole fleet, made from the plan's seed, and worker i of W takes every W-th
// arrival of it. So constant arrivals interleave without beat, and Poisson arrivals are one process, whatever W is.
package schedule

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Rate is arrivals a second of the whole fleet, going evenly from From to To in Seconds.
type Rate struct{ From, To, Seconds float64 }

// Arrivals is how many arrivals are expected until `elapsed` seconds after the start: the integral of the rate.
func (r Rate) Arrivals(elapsed float64) float64 {
	elapsed = min(max(0, elapsed), r.Seconds)
	return elapsed * (r.From + r.slope()*elapsed/2)
}

func (r Rate) slope() float64 { return (r.To - r.From) / r.Seconds }

// when is the inverse of Arrivals: the root of a quadratic, in the form that loses no digits where the slope is small.
func (r Rate) when(arrivals float64) float64 {
	if arrivals <= 0 {
		return 0
	}
	root := math.Sqrt(max(0, r.From*r.From+2*r.slope()*arrivals))
	return min(r.Seconds, 2*arrivals/(r.From+root))
}

func (r Rate) check() error {
	for _, value := range []float64{r.From, r.To, r.Seconds} {
		if math.IsNaN(value) || math.IsInf(value, 0) || value < 0 {
			return fmt.Errorf("a rate from %g to %g in %g s is not possible", r.From, r.To, r.Seconds)
		}
	}
	if r.Seconds == 0 {
		return fmt.Errorf("a rate from %g to %g needs some time", r.From, r.To)
	}
	return nil
}

// Options tell apart one sequence from another.
type Options struct {
	Rate            Rate
	Poisson         bool   // else evenly spaced
	Seed            uint64 // the plan's
	Phase           int    // each has random numbers of its own
	Worker, Workers int    // this worker's number, from 0, and how many there are
}

// Sequence is one worker's arrivals in a phase.
type Sequence struct {
	rate     Rate
	total    float64 // expected arrivals of the phase
	random   *rand.Rand
	position float64 // expected arrivals until the last one made
	made     uint64  // of the whole fleet
	next     uint64  // the next number that is ours
	workers  uint64
}

// New makes the sequence of a phase. An error says what of the options is not possible.
func New(o Options) (*Sequence, error) {
	if err := o.Rate.check(); err != nil {
		return nil, err
	}
	if o.Workers < 1 || o.Worker < 0 || o.Worker >= o.Workers {
		return nil, fmt.Errorf("there is no worker %d of %d", o.Worker, o.Workers)
	}
	s := &Sequence{
		rate: o.Rate, total: o.Rate.Arrivals(o.Rate.Seconds), next: uint64(o.Worker), workers: uint64(o.Workers),
	}
	if o.Poisson {
		s.random = rand.New(rand.NewPCG(o.Seed, uint64(o.Phase)))
	}
	return s, nil
}

// Next is this worker's next arrival: nanoseconds after the start of the phase, and its number in the whole fleet's
// phase, from 0. False: there is none until the phase ends.
func (s *Sequence) Next() (at int64, number uint64, ok bool) {
	if s.random == nil {
		number = s.next
		// Without the margin, rounding could add an arrival that is due when the phase is over.
		if float64(number) >= s.total*(1-1e-12)-1e-9 {
			s.made = uint64(math.Ceil(s.total*(1-1e-12) - 1e-9))
			return 0, 0, false
		}
		s.next += s.workers
		s.made = number + 1
		return int64(s.rate.when(float64(number)) * 1e9), number, true
	}
	for s.position < s.total {
		s.position += s.random.ExpFloat64()
		if s.position >= s.total {
			break
		}
		number = s.made
		s.made++
		if number == s.next {
			s.next += s.workers
			return int64(s.rate.when(s.position) * 1e9), number, true
		}
	}
	return 0, 0, false
}

// Made is how many arrivals of the whole fleet this phase has had so far; when Next has ended, all of them.
func (s *Sequence) Made() uint64 { return s.made }
