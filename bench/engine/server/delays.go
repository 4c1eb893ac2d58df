package main

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// z99 is the 99th percentile of the standard normal distribution.
const z99 = 2.3263478740408408

// delays are constant, or log-normal.
type delays struct {
	constant  time.Duration
	mu, sigma float64 // of the logarithm of nanoseconds; sigma 0: constant

	mutex  sync.Mutex
	random *rand.Rand
}

func newDelays(constant, p50, p99 time.Duration, seed uint64) *delays {
	d := &delays{constant: constant, random: rand.New(rand.NewPCG(seed, 0))}
	if p50 > 0 {
		d.mu = math.Log(float64(p50))
		d.sigma = (math.Log(float64(p99)) - d.mu) / z99
	}
	return d
}

func (d *delays) next() time.Duration {
	if d.sigma == 0 && d.mu == 0 {
		return d.constant
	}
	d.mutex.Lock()
	normal := d.random.NormFloat64()
	d.mutex.Unlock()
	return time.Duration(math.Exp(d.mu + d.sigma*normal))
}

// calendar is when nothing is answered: at the end of every period from the origin on.
type calendar struct {
	Origin       time.Time
	Stall, Every time.Duration
}

// after is t, or the end of the stall that it is in.
func (c calendar) after(t time.Time) time.Time {
	if c.Stall == 0 {
		return t
	}
	if left := c.Every - t.Sub(c.Origin)%c.Every; left <= c.Stall {
		return t.Add(left)
	}
	return t
}

// book is when each request came, in unix nanoseconds, and how long its answer took.
type book struct {
	mutex   sync.Mutex
	entries [][2]int64
}

func newBook() *book { return &book{entries: make([][2]int64, 0, 1<<20)} }

func (b *book) add(came, delay int64) {
	b.mutex.Lock()
	b.entries = append(b.entries, [2]int64{came, delay})
	b.mutex.Unlock()
}

func (b *book) reset() {
	b.mutex.Lock()
	b.entries = b.entries[:0]
	b.mutex.Unlock()
}

// bytes are all entries, each number with its lowest byte first.
func (b *book) bytes() []byte {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	out := make([]byte, 0, 16*len(b.entries))
	for _, entry := range b.entries {
		out = binary.LittleEndian.AppendUint64(out, uint64(entry[0]))
		out = binary.LittleEndian.AppendUint64(out, uint64(entry[1]))
	}
	return out
}
