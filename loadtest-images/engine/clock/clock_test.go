package clock

import (
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestNowIsTheKernelsMonotonicClock(t *testing.T) {
	for range 100 {
		before := Now()
		var now unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
			t.Fatal(err)
		}
		after := Now()
		// The pairing at the start is exact to some microseconds.
		if now.Nano() < before-50_000 || now.Nano() > after+50_000 {
			t.Fatalf("%d is not between %d and %d", now.Nano(), before, after)
		}
	}
}

func TestUnixAndBack(t *testing.T) {
	at := Now() + int64(time.Hour)
	back := FromUnix(float64(Unix(at)) / 1e9)
	if difference := back - at; difference < -int64(time.Millisecond) || difference > int64(time.Millisecond) {
		t.Errorf("off by %d ns", difference)
	}
}

func TestPast(t *testing.T) {
	const ago = 5 * time.Millisecond
	before := Now()
	at := Past(time.Now().Add(-ago).UnixNano())
	after := Now()
	if at < before-int64(ago) || at > after-int64(ago) {
		t.Errorf("%d is not %v before between %d and %d", at, ago, before, after)
	}
	before = Now()
	if at := Past(time.Now().Add(time.Hour).UnixNano()); at < before || at > Now() {
		t.Errorf("what is to come is at %d, not now", at)
	}
}

func TestNoSleepIsShort(t *testing.T) {
	done := make(chan int64)
	go func() {
		Precise()
		due := Now() + 2_000_000
		new(Sleeper).Until(due)
		done <- Now() - due
	}()
	if late := <-done; late < 0 {
		t.Errorf("%d ns early", -late)
	}
}

// The lead settles where one wake in four comes earlier, within its bounds.
func TestTheLeadIsLearned(t *testing.T) {
	var s Sleeper
	random := rand.New(rand.NewPCG(1, 1))
	for range 10_000 {
		s.learn(20_000 + random.Int64N(20_000))
	}
	if s.lead < 22_000 || s.lead > 28_000 {
		t.Errorf("a lead of %d ns where wakes are 20 to 40 us late", s.lead)
	}
	for range 10_000 {
		s.learn(1_000_000)
	}
	if s.lead != mostLead {
		t.Errorf("a lead of %d ns where all wakes are very late", s.lead)
	}
	for range 10_000 {
		s.learn(0)
	}
	if s.lead != 0 {
		t.Errorf("a lead of %d ns where no wake is late", s.lead)
	}
}

func TestPastTimesReturnAtOnce(t *testing.T) {
	new(Sleeper).Until(Now() - 1)
}

// Without the wake these sleeps would outlive the test's own limit.
func TestWakeEndsASleep(t *testing.T) {
	var s Sleeper
	far := Now() + int64(time.Hour)
	s.Wake()
	s.Until(far) // ended by the wake before it

	asleep, done := make(chan struct{}), make(chan struct{})
	go func() {
		close(asleep)
		s.Until(far)
		close(done)
	}()
	<-asleep
	s.Wake() // before or in the sleep: either ends it
	<-done
}

func TestWakesAreNeverLost(t *testing.T) {
	var s Sleeper
	work, done := make(chan struct{}, 1), make(chan struct{})
	const rounds = 2000
	go func() {
		for taken := 0; taken < rounds; {
			select {
			case <-work:
				taken++
			default:
				s.Until(Now() + int64(time.Hour))
			}
		}
		close(done)
	}()
	for range rounds {
		work <- struct{}{}
		s.Wake()
	}
	<-done
}

func BenchmarkNow(b *testing.B) {
	for b.Loop() {
		Now()
	}
}
