// Package behaviour says how an answer is to be: how late, how long, how fast, and how often an error. It is set for the
// process by flags and for one request by headers.
package behaviour

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bounds that keep one request from holding the mock for ever.
const (
	MaxLatency         = 10 * time.Minute
	MaxOutputTokens    = 100_000
	MaxTokensPerSecond = 1_000_000
)

// z99 is the 0.99 quantile of the standard normal distribution.
const z99 = 2.3263478740408408

// Latency is a log-normal distribution; with Sigma 0 it is the constant Median.
type Latency struct {
	Median time.Duration
	Sigma  float64
}

// LogNormal is the log-normal distribution with the given median and 0.99 quantile.
func LogNormal(p50, p99 time.Duration) (Latency, error) {
	switch {
	case p50 <= 0:
		return Latency{}, errors.New("the p50 must be above 0")
	case p99 < p50:
		return Latency{}, errors.New("the p99 must not be below the p50")
	}
	return Latency{Median: p50, Sigma: math.Log(float64(p99)/float64(p50)) / z99}, nil
}

// Behaviour of one answer. TokensPerSecond 0 sends a stream's tokens at once.
type Behaviour struct {
	Latency         Latency
	OutputTokens    int
	TokensPerSecond float64
	ErrorRatio      float64
	Burst           bool // as fast as it can, whatever the others say; its delay is nobody's measure
}

// Dice draws from the distributions; safe for concurrent use.
type Dice struct {
	mutex  sync.Mutex
	seeded *rand.Rand
}

// NewDice makes dice that fall anew each time, or, with a seed other than 0, the same each time.
func NewDice(seed uint64) *Dice {
	if seed == 0 {
		return &Dice{}
	}
	return &Dice{seeded: rand.New(rand.NewPCG(seed, seed))}
}

// Latency draws a latency, at most MaxLatency.
func (d *Dice) Latency(l Latency) time.Duration {
	if l.Sigma == 0 {
		return l.Median
	}
	drawn := float64(l.Median) * math.Exp(l.Sigma*d.normal())
	return time.Duration(math.Min(drawn, float64(MaxLatency)))
}

// Fails draws whether an answer is an error.
func (d *Dice) Fails(ratio float64) bool {
	return ratio > 0 && d.uniform() < ratio
}

func (d *Dice) normal() float64 {
	if d.seeded == nil {
		return rand.NormFloat64()
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.seeded.NormFloat64()
}

func (d *Dice) uniform() float64 {
	if d.seeded == nil {
		return rand.Float64()
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.seeded.Float64()
}

// ParseLatency parses a duration such as 80ms or 1.5s.
func ParseLatency(text string) (time.Duration, error) {
	value, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is not a duration such as 80ms or 1.5s", text)
	case value < 0 || value > MaxLatency:
		return 0, fmt.Errorf("%s is not between 0s and %s", text, MaxLatency)
	}
	return value, nil
}

// ParseOutputTokens parses a number of tokens.
func ParseOutputTokens(text string) (int, error) {
	value, err := strconv.Atoi(text)
	if err != nil || value < 1 || value > MaxOutputTokens {
		return 0, fmt.Errorf("%q is not a number between 1 and %d", text, MaxOutputTokens)
	}
	return value, nil
}

// ParseTokensPerSecond parses a rate; 0 is without pacing.
func ParseTokensPerSecond(text string) (float64, error) {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || !(value >= 0 && value <= MaxTokensPerSecond) {
		return 0, fmt.Errorf("%q is not a number between 0 (all at once) and %d", text, MaxTokensPerSecond)
	}
	if value > 0 && value < 0.01 {
		return 0, fmt.Errorf("%q is less than a token in 100 s", text)
	}
	return value, nil
}

// ParseRatio parses 0.05 or 5%.
func ParseRatio(text string) (float64, error) {
	number, percent := strings.CutSuffix(text, "%")
	value, err := strconv.ParseFloat(number, 64)
	if percent {
		value /= 100
	}
	if err != nil || !(value >= 0 && value <= 1) {
		return 0, fmt.Errorf("%q is not a ratio between 0 and 1, such as 0.05 or 5%%", text)
	}
	return value, nil
}
