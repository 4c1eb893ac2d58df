package schedule

import (
	"math"
	"slices"
	"testing"
)

type arrival struct {
	at     int64
	number uint64
}

func all(t *testing.T, o Options) []arrival {
	t.Helper()
	sequence, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	var out []arrival
	for {
		at, number, ok := sequence.Next()
		if !ok {
			break
		}
		out = append(out, arrival{at, number})
	}
	if _, _, ok := sequence.Next(); ok {
		t.Error("a sequence goes on after its end")
	}
	return out
}

func TestConstantRatesAndRampsIntegrateExactly(t *testing.T) {
	for _, c := range []struct {
		rate Rate
		want int
	}{
		{Rate{500, 500, 60}, 30_000},
		{Rate{0.1, 0.1, 60}, 6},
		{Rate{1.0 / 3, 1.0 / 3, 90}, 30},
		{Rate{7000, 7000, 0.001}, 7},
		{Rate{0, 1000, 10}, 5000},
		{Rate{1000, 0, 10}, 5000},
		{Rate{200, 800, 30}, 15_000},
		{Rate{800, 200, 30}, 15_000},
		{Rate{0, 0, 5}, 0},
		{Rate{10, 10, 0.25}, 3}, // 2.5: what has begun is due
	} {
		arrivals := all(t, Options{Rate: c.rate, Workers: 1})
		if len(arrivals) != c.want {
			t.Errorf("%v: %d arrivals, want %d", c.rate, len(arrivals), c.want)
		}
		for i, a := range arrivals {
			// The integral of the rate up to the k-th arrival is k, to a nanosecond's worth.
			seconds := float64(a.at) / 1e9
			rate := c.rate.From + c.rate.slope()*seconds
			if off := math.Abs(c.rate.Arrivals(seconds) - float64(i)); off > rate*2e-9+1e-6 {
				t.Fatalf("%v: arrival %d at %d ns is off by %g", c.rate, i, a.at, off)
			}
			if a.at < 0 || seconds >= c.rate.Seconds {
				t.Fatalf("%v: arrival %d at %d ns is outside of its phase", c.rate, i, a.at)
			}
		}
	}
}

func TestConstantArrivalsAreEvenlySpaced(t *testing.T) {
	arrivals := all(t, Options{Rate: Rate{2000, 2000, 1}, Workers: 1})
	for i, a := range arrivals {
		if off := a.at - int64(i)*500_000; off < -1 || off > 1 {
			t.Fatalf("arrival %d at %d ns", i, a.at)
		}
	}
}

func TestTheWorkersShareOneSequence(t *testing.T) {
	for name, o := range map[string]Options{
		"constant":      {Rate: Rate{333, 333, 7}},
		"ramp":          {Rate: Rate{0, 500, 7}},
		"Poisson":       {Rate: Rate{333, 333, 7}, Poisson: true, Seed: 5, Phase: 2},
		"Poisson, ramp": {Rate: Rate{500, 20, 7}, Poisson: true, Seed: 5},
	} {
		o.Workers = 1
		whole := all(t, o)
		for _, workers := range []int{2, 3, 8, 97} {
			var union []arrival
			o.Workers = workers
			least, most := len(whole), 0
			for o.Worker = range workers {
				share := all(t, o)
				union = append(union, share...)
				least, most = min(least, len(share)), max(most, len(share))
			}
			o.Worker = 0
			slices.SortFunc(union, func(a, b arrival) int { return int(a.number) - int(b.number) })
			if !slices.Equal(union, whole) {
				t.Errorf("%s: %d workers have %d arrivals, one has %d", name, workers, len(union), len(whole))
			}
			if most-least > 1 {
				t.Errorf("%s: %d workers have between %d and %d arrivals", name, workers, least, most)
			}
		}
	}
}

func TestNumbersGoOnAndAllAreCounted(t *testing.T) {
	for _, poisson := range []bool{false, true} {
		sequence, err := New(Options{Rate: Rate{100, 100, 10}, Poisson: poisson, Worker: 2, Workers: 7})
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, _, ok := sequence.Next(); !ok {
				break
			}
		}
		whole := all(t, Options{Rate: Rate{100, 100, 10}, Poisson: poisson, Workers: 1})
		if sequence.Made() != uint64(len(whole)) {
			t.Errorf("Poisson %t: a worker knows of %d arrivals, there are %d", poisson, sequence.Made(), len(whole))
		}
	}
}

// distance is the Kolmogorov–Smirnov statistic of gaps against the exponential distribution of mean 1.
func distance(gaps []float64) float64 {
	slices.Sort(gaps)
	n, furthest := float64(len(gaps)), 0.0
	for i, gap := range gaps {
		want := 1 - math.Exp(-gap)
		furthest = max(furthest, want-float64(i)/n, float64(i+1)/n-want)
	}
	return furthest
}

// critical is the value that the statistic exceeds by chance with probability 0.001.
func critical(n int) float64 { return 1.9495 / math.Sqrt(float64(n)) }

// gapsOf are the gaps between arrivals, in expected arrivals: exponential of mean 1 where they are Poisson.
func gapsOf(arrivals []arrival, rate Rate) []float64 {
	var gaps []float64
	before := 0.0
	for _, a := range arrivals {
		position := rate.Arrivals(float64(a.at) / 1e9)
		gaps = append(gaps, position-before)
		before = position
	}
	return gaps
}

func TestPoissonGapsAreExponential(t *testing.T) {
	for _, rate := range []Rate{{5000, 5000, 4}, {0, 8000, 5}, {8000, 500, 5}} {
		for seed := range uint64(5) {
			arrivals := all(t, Options{Rate: rate, Poisson: true, Seed: seed, Workers: 1})
			gaps := gapsOf(arrivals, rate)
			if d := distance(gaps); d > critical(len(gaps)) {
				t.Errorf("%v, seed %d: D = %g, at most %g is to be expected", rate, seed, d, critical(len(gaps)))
			}
			// The number of arrivals is Poisson too: within 4 standard deviations.
			want := rate.Arrivals(rate.Seconds)
			if off := math.Abs(float64(len(arrivals))-want) / math.Sqrt(want); off > 4 {
				t.Errorf("%v, seed %d: %d arrivals, %g expected", rate, seed, len(arrivals), want)
			}
		}
	}
}

// The test above can fail: for even arrivals, for a rate that is 5 % off, and for one worker's share.
func TestTheTestOfGapsFindsWhatIsNotPoisson(t *testing.T) {
	rate := Rate{5000, 5000, 4}
	wrong := Rate{5250, 5250, 4}
	for name, gaps := range map[string][]float64{
		"constant":   gapsOf(all(t, Options{Rate: rate, Workers: 1}), rate),
		"5 % faster": gapsOf(all(t, Options{Rate: rate, Poisson: true, Workers: 1}), wrong),
		"one of two": gapsOf(all(t, Options{Rate: rate, Poisson: true, Workers: 2}), Rate{2500, 2500, 4}),
	} {
		if d := distance(gaps); d <= critical(len(gaps)) {
			t.Errorf("%s passes: D = %g", name, d)
		}
	}
}

func TestSequencesRepeatBySeedAndPhase(t *testing.T) {
	o := Options{Rate: Rate{1000, 1000, 1}, Poisson: true, Seed: 1, Phase: 1, Workers: 1}
	first := all(t, o)
	if !slices.Equal(first, all(t, o)) {
		t.Error("the same options give another sequence")
	}
	for _, change := range []func(*Options){func(o *Options) { o.Seed = 2 }, func(o *Options) { o.Phase = 2 }} {
		other := o
		change(&other)
		if slices.Equal(first, all(t, other)) {
			t.Errorf("%v gives the sequence of %v", other, o)
		}
	}
}

func TestImpossibleOptions(t *testing.T) {
	for _, o := range []Options{
		{Rate: Rate{1, 1, 0}, Workers: 1},
		{Rate: Rate{-1, 1, 1}, Workers: 1},
		{Rate: Rate{1, math.NaN(), 1}, Workers: 1},
		{Rate: Rate{1, math.Inf(1), 1}, Workers: 1},
		{Rate: Rate{1, 1, 1}},
		{Rate: Rate{1, 1, 1}, Worker: 2, Workers: 2},
		{Rate: Rate{1, 1, 1}, Worker: -1, Workers: 2},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	for name, poisson := range map[string]bool{"constant": false, "Poisson": true} {
		b.Run(name, func(b *testing.B) {
			s, err := New(Options{Rate: Rate{1e6, 1e6, 1e6}, Poisson: poisson, Workers: 1})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				s.Next()
			}
		})
	}
}
