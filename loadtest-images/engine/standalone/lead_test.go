package standalone

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gatebench.dev/engine/load"
	"gatebench.dev/engine/plan"
	"gatebench.dev/engine/record"
	"gatebench.dev/engine/result"
	"gatebench.dev/engine/schedule"
)

// fake is a load of either kind that writes down what it is told, with the time since it was made.
type fake struct {
	mu    sync.Mutex
	began time.Time
	lines []string
	users []int
	takes time.Duration
}

func (f *fake) note(format string, arguments ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lines = append(f.lines, fmt.Sprintf("%s "+format, append([]any{time.Since(f.began)}, arguments...)...))
}

func (f *fake) Drain(m record.Moment, limit time.Duration) {
	f.note("drain %d in %s", m.Phase, limit)
	time.Sleep(f.takes)
}
func (f *fake) TakeInFlight() int { return 3 }

type fakeUsers struct{ *fake }

func (f fakeUsers) Enter(m record.Moment) { f.note("enter %d %t", m.Phase, m.Settled) }
func (f fakeUsers) SetUsers(n int) {
	if len(f.users) == 0 || f.users[len(f.users)-1] != n {
		f.fake.users = append(f.fake.users, n)
	}
}

type fakeArrivals struct{ *fake }

func (f fakeArrivals) Enter(p load.Phase) {
	f.note("announce %d %t from %g to %g", p.Phase, p.Settled, p.Rate.From, p.Rate.To)
}

func leading(p *plan.Plan) (*leader, *fake) {
	f := &fake{began: time.Now()}
	l := &leader{phases: phasesOf(p), spawnRate: p.SpawnRate, observe: newObserver(record.New())}
	if p.Model == plan.Open {
		l.open = fakeArrivals{f}
	} else {
		l.closed = fakeUsers{f}
	}
	return l, f
}

// lengths is each phase's time before and after its users were there, in milliseconds.
func lengths(records []result.Phase) (out []string) {
	for _, r := range records {
		full := r.StartedAt
		if r.FullAt != nil {
			full = *r.FullAt
		}
		out = append(out, fmt.Sprintf("%s %.0f+%.0f", r.Name, 1e3*(full-r.StartedAt), 1e3*(*r.EndedAt-full)))
	}
	return out
}

func TestUsersComeAndAStageCountsFromWhenTheyAreThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f := leading(&plan.Plan{
			Model: plan.Closed, WarmUp: 1, SpawnRate: 10, Drain: 5,
			Stages: []plan.Stage{{Name: "a", Seconds: 2, Users: 20}, {Name: "b", Seconds: 1, Users: 10}},
		})
		f.takes = 250 * time.Millisecond
		if !l.lead(t.Context()) {
			t.Error("cut short")
		}
		// Twenty users take two seconds, of which the warm-up has one.
		if got, want := lengths(l.records), []string{"warm-up 0+1000", "a 0+2000", "b 1000+1000", "drain 0+250"}; !reflect.DeepEqual(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		if f.users[0] != 0 || slices.Max(f.users) != 20 || f.users[len(f.users)-1] != 10 {
			t.Error(f.users)
		}
		want := []string{
			"0s enter 0 false", "1s enter 1 false", "1s enter 1 true", "3s enter 2 false", "4s enter 2 true", "5s drain 3 in 5s",
		}
		if !slices.Equal(f.lines, want) {
			t.Errorf("%q, want %q", f.lines, want)
		}
	})
}

func TestARampClimbsToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f := leading(&plan.Plan{
			Model: plan.Closed, SpawnRate: math.Inf(1), Drain: 1,
			Stages: []plan.Stage{{Name: "up", Seconds: 2, Users: 10, Ramp: true}, {Name: "hold", Seconds: 1, Users: 10}},
		})
		l.lead(t.Context())
		if want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}; !slices.Equal(f.users, want) {
			t.Error(f.users)
		}
		if got, want := lengths(l.records), []string{"up 0+2000", "hold 0+1000", "drain 0+0"}; !reflect.DeepEqual(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		if l.records[0].FullAt != nil || l.records[0].Kind != result.Ramp || *l.records[1].Users != 10 {
			t.Errorf("%+v", l.records)
		}
	})
}

func TestPhasesOfArrivalsFollowEachOtherWithoutAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f := leading(&plan.Plan{
			Model: plan.Open, WarmUp: 1, Drain: 5,
			Stages: []plan.Stage{{Name: "up", Seconds: 2, Rate: 50, Ramp: true}, {Name: "hold", Seconds: 3, Rate: 50}},
		})
		l.lead(t.Context())
		want := []string{
			"0s announce 0 false from 1 to 1", "1s announce 1 false from 1 to 50", "3s announce 2 true from 50 to 50",
			"6.3s drain 3 in 5s",
		}
		if !slices.Equal(f.lines, want) {
			t.Errorf("%q, want %q", f.lines, want)
		}
		if got, want := lengths(l.records), []string{"warm-up 0+1000", "up 0+2000", "hold 0+3000", "drain 0+0"}; !reflect.DeepEqual(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		for i, r := range l.records[1:] {
			if *l.records[i].EndedAt != r.StartedAt {
				t.Errorf("%+v", l.records)
			}
		}
		if *l.records[2].Rate != 50 || l.records[2].Users != nil || l.records[3].Rate != nil {
			t.Errorf("%+v", l.records)
		}
	})
}

func TestASignalCutsItShort(t *testing.T) {
	for _, model := range []plan.Model{plan.Closed, plan.Open} {
		synctest.Test(t, func(t *testing.T) {
			l, f := leading(&plan.Plan{
				Model: model, SpawnRate: 100, Drain: 60, Stages: []plan.Stage{{Name: "a", Seconds: 9, Users: 5, Rate: 5}},
			})
			ctx, stop := context.WithTimeout(t.Context(), 4*time.Second)
			defer stop()
			if l.lead(ctx) {
				t.Error("not cut short")
			}
			if last := f.lines[len(f.lines)-1]; last != "4s drain 1 in 5s" {
				t.Error(last)
			}
			if seconds := *l.records[0].EndedAt - *l.records[0].FullAt; seconds < 3.6 || seconds > 4 {
				t.Errorf("%g s", seconds)
			}
		})
	}
}

func TestPhasesWarmUpAsTheMasterHasThem(t *testing.T) {
	ramp := phasesOf(&plan.Plan{Model: plan.Open, WarmUp: 1, Stages: []plan.Stage{{Seconds: 1, Rate: 0.5, Ramp: true}}})
	if *ramp[0].rate != (schedule.Rate{From: 0.5, To: 0.5, Seconds: 1}) {
		t.Errorf("%+v", ramp[0].rate)
	}
	users := phasesOf(&plan.Plan{Model: plan.Closed, WarmUp: 1, Stages: []plan.Stage{{Seconds: 1, Users: 9, Ramp: true}}})
	if users[0].to != 1 || users[1].from != 1 || users[1].to != 9 {
		t.Errorf("%+v", users)
	}
	if got := total(users, 50); got != 2*time.Second {
		t.Error(got)
	}
	if got := total(phasesOf(&plan.Plan{Stages: []plan.Stage{{Seconds: 1, Users: 100}}}), 50); got != 3*time.Second {
		t.Error(got)
	}
}
