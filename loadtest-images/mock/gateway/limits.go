// Package gateway holds what a gateway does beside answering: it limits, it costs, it leaks, it forwards. Each is off
// unless it is set, and gives a benchmark something to find.
package gateway

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// InFlight admits at most Max requests at a time; 0 is without bound.
type InFlight struct {
	Max int64
	now atomic.Int64
}

// Enter says whether one more is admitted; it must then Leave.
func (f *InFlight) Enter() bool {
	if f.now.Add(1) > f.Max && f.Max > 0 {
		f.now.Add(-1)
		return false
	}
	return true
}

// Leave is the end of an admitted request.
func (f *InFlight) Leave() { f.now.Add(-1) }

// maxBuckets bounds the users that are remembered. A full bucket is as good as none, so those go first.
const maxBuckets = 100_000

// Rate is a token bucket for each user. Users are remembered by a hash: keys are secrets.
type Rate struct {
	perSecond, burst float64
	seed             maphash.Seed
	mutex            sync.Mutex
	buckets          map[uint64]bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

// NewRate allows each user so many requests a second on average, and burst at once.
func NewRate(perSecond float64, burst int) *Rate {
	return &Rate{perSecond: perSecond, burst: float64(burst), seed: maphash.MakeSeed(), buckets: map[uint64]bucket{}}
}

// Take admits a request of a user, or says after what time the next would be.
func (r *Rate) Take(credential []byte, user string, now time.Time) (bool, time.Duration) {
	var hash maphash.Hash
	hash.SetSeed(r.seed)
	_, _ = hash.Write(credential)
	_ = hash.WriteByte(0)
	_, _ = hash.WriteString(user)
	key := hash.Sum64()

	r.mutex.Lock()
	defer r.mutex.Unlock()
	b, known := r.buckets[key]
	if !known {
		r.makeRoom(now)
		b = bucket{r.burst, now}
	}
	b = r.filled(b, now)
	if b.tokens < 1 {
		r.buckets[key] = b
		return false, time.Duration((1 - b.tokens) / r.perSecond * float64(time.Second))
	}
	b.tokens--
	r.buckets[key] = b
	return true, 0
}

func (r *Rate) filled(b bucket, now time.Time) bucket {
	tokens := b.tokens + max(0, now.Sub(b.at).Seconds())*r.perSecond
	return bucket{min(r.burst, tokens), now}
}

func (r *Rate) makeRoom(now time.Time) {
	if len(r.buckets) < maxBuckets {
		return
	}
	for key, b := range r.buckets {
		if r.filled(b, now).tokens >= r.burst {
			delete(r.buckets, key)
		}
	}
	for key := range r.buckets { // all are in use: some must start anew, and enough of them not to look again soon
		if len(r.buckets) < maxBuckets*9/10 {
			return
		}
		delete(r.buckets, key)
	}
}
