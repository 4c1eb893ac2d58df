package gateway

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestInFlight(t *testing.T) {
	limit := InFlight{Max: 2}
	first, second, third := limit.Enter(), limit.Enter(), limit.Enter()
	if !first || !second || third {
		t.Error("not exactly two are admitted")
	}
	limit.Leave()
	if !limit.Enter() || limit.Enter() {
		t.Error("who left makes no room, or too much")
	}
	var unbounded InFlight
	for range 1000 {
		if !unbounded.Enter() {
			t.Fatal("without a bound one is refused")
		}
	}
}

func TestInFlightTogether(t *testing.T) {
	limit := InFlight{Max: 3}
	var now, most atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range 500 {
				if limit.Enter() {
					if n := now.Add(1); n > most.Load() {
						most.Store(n)
					}
					now.Add(-1)
					limit.Leave()
				}
			}
		})
	}
	all.Wait()
	if most.Load() > 3 || most.Load() == 0 {
		t.Errorf("%d at a time", most.Load())
	}
}

func TestRateIsPerUser(t *testing.T) {
	rate := NewRate(2, 3)
	now := time.Now()
	take := func(key, user string, after time.Duration, want bool) {
		t.Helper()
		admitted, wait := rate.Take([]byte(key), user, now.Add(after))
		if admitted != want || want != (wait == 0) {
			t.Errorf("%s/%s after %s: %v, %s", key, user, after, admitted, wait)
		}
	}
	for range 3 {
		take("a", "", 0, true)
	}
	take("a", "", 0, false)
	take("a", "u", 0, true) // another user of the same key
	take("b", "", 0, true)
	take("a", "", 499*time.Millisecond, false)
	take("a", "", 500*time.Millisecond, true)
	take("a", "", time.Hour, true)
	take("a", "", time.Hour, true)
	take("a", "", time.Hour, true)
	take("a", "", time.Hour, false) // the burst is all that is saved up
	if _, wait := rate.Take([]byte("a"), "", now.Add(time.Hour)); wait != 500*time.Millisecond {
		t.Errorf("to be asked again in %s", wait)
	}
}

func TestRateForgetsUsers(t *testing.T) {
	rate := NewRate(1, 1)
	now := time.Now()
	for i := range maxBuckets + 500 {
		rate.Take(fmt.Append(nil, i), "", now)
	}
	if len(rate.buckets) > maxBuckets {
		t.Errorf("%d users are remembered", len(rate.buckets))
	}
	for i := 0; len(rate.buckets) < maxBuckets; i++ {
		rate.Take(fmt.Append(nil, "more", i), "", now)
	}
	rate.Take([]byte("late"), "", now.Add(time.Minute))
	if len(rate.buckets) != 1 {
		t.Errorf("%d users whose bucket is full are remembered", len(rate.buckets))
	}
}

func TestBurnUsesCPUTime(t *testing.T) {
	before := time.Now()
	Burn(5 * time.Millisecond)
	if elapsed := time.Since(before); elapsed < 5*time.Millisecond {
		t.Errorf("5 ms of CPU time in %s", elapsed)
	}
	Burn(0)
}

func TestLeakIsHeldAndTold(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	told := make(chan int64, 100)
	go Leak(ctx, 600<<20, func(bytes int64) { told <- bytes })
	if first := <-told; first < 1<<20 {
		t.Errorf("after a quarter of a second of 10 MiB a second: %d bytes", first)
	}
	stop()
	Leak(ctx, 0, func(int64) { t.Error("nothing was to be leaked") })
	for i, b := range touched(100_000) {
		if i%4096 == 0 && b != 1 {
			t.Fatalf("page at %d is not touched", i)
		}
	}
}

func TestUpstreamAddresses(t *testing.T) {
	for _, address := range []string{"", "host:80", "https://host", "ftp://x", "http://", "http://a b"} {
		if _, err := NewUpstream(address); err == nil || !strings.Contains(err.Error(), address) {
			t.Errorf("%q: %v", address, err)
		}
	}
	for address, want := range map[string]string{"http://h": "", "http://h:1/": "", "http://h:1/base/": "/base", "http://[::1]:80": ""} {
		if upstream, err := NewUpstream(address); err != nil || upstream.prefix != want {
			t.Errorf("%q: %+v, %v", address, upstream, err)
		}
	}
}
