package pace

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

func TestNobodyIsWokenEarlyOrForgotten(t *testing.T) {
	for name, clock := range map[string]*Clock{"timerfd": New(), "without": {}} {
		t.Run(name, func(t *testing.T) {
			var waiting sync.WaitGroup
			for range 500 {
				waiting.Go(func() {
					for range 3 {
						due := time.Now().Add(time.Duration(rand.Int64N(int64(20 * time.Millisecond))))
						clock.Until(due)
						if early := time.Until(due); early > 0 {
							t.Errorf("woken %s early", early)
						}
					}
				})
			}
			waiting.Wait()
			if len(clock.queue) != 0 {
				t.Errorf("%d are still waiting", len(clock.queue))
			}
		})
	}
}

func TestThePastDoesNotWait(t *testing.T) {
	clock := New()
	clock.Until(time.Now().Add(-time.Hour))
	clock.Until(time.Time{})
}

func TestQueueIsInOrder(t *testing.T) {
	var clock Clock
	now := time.Now()
	for range 1000 {
		clock.push(waiter{due: now.Add(time.Duration(rand.Int64N(1000)))})
	}
	last := now
	for range 1000 {
		next := clock.pop().due
		if next.Before(last) {
			t.Fatal("out of order")
		}
		last = next
	}
}

func TestBudgetIsAShareOfTime(t *testing.T) {
	var b budget
	now := time.Now()
	if b.take(time.Nanosecond, now) {
		t.Error("there is something before any time has passed")
	}
	now = now.Add(50 * time.Millisecond)
	if !b.take(time.Millisecond, now) || b.take(time.Nanosecond, now) {
		t.Error("of 50 ms it is not 1 ms")
	}
	now = now.Add(time.Hour)
	if b.has(mostBudget+1, now) || !b.has(mostBudget, now) {
		t.Error("an hour's share is not bounded")
	}
}

func BenchmarkUntil(b *testing.B) {
	clock := New()
	var late time.Duration
	for b.Loop() {
		due := time.Now().Add(2 * time.Millisecond)
		clock.Until(due)
		late += time.Since(due)
	}
	b.ReportMetric(float64(late.Microseconds())/float64(b.N), "µs-late")
}
