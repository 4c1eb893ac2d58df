package worker

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gatebench.dev/engine/load"
	"gatebench.dev/engine/locust"
	"gatebench.dev/engine/record"
	"gatebench.dev/engine/usage"
)

// diary is what happened, in its order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) add(format string, arguments ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, arguments...))
}

type fakeOffer struct {
	*diary
	drains time.Duration // how long a drain takes
	phases []load.Phase
}

func (f *fakeOffer) Users(count int) { f.add("users %d", count) }
func (f *fakeOffer) Enter(p load.Phase) {
	f.add("enter %d %t", p.Phase, p.Settled)
	f.phases = append(f.phases, p)
}
func (f *fakeOffer) Drain(m record.Moment, limit time.Duration) {
	f.add("drain %d in %s", m.Phase, limit)
	time.Sleep(f.drains)
}
func (f *fakeOffer) TakeInFlight() int { return 4 }

type fakeMaster struct {
	*diary
	reports []*locust.Report
}

func (f *fakeMaster) Report(r *locust.Report) error {
	f.add("report %d final %t users %d", r.Sequence, r.Final, r.Users())
	f.reports = append(f.reports, r)
	return nil
}
func (f *fakeMaster) Spawned(classes map[string]int) error { f.add("spawned %v", classes); return nil }
func (f *fakeMaster) Stopped() error                       { f.add("stopped"); return nil }

func setUp() (*driver, *reporter, *fakeOffer, *fakeMaster) {
	happened := &diary{}
	offer, master := &fakeOffer{diary: happened}, &fakeMaster{diary: happened}
	log := &logger{out: io.Discard, mask: newMask(nil, nil)}
	began := time.Now()
	r := &reporter{
		take:    func() record.Report { return record.Report{Total: record.Entry{Name: "Aggregated"}} },
		usage:   func() usage.Usage { s := time.Since(began).Seconds(); return usage.Usage{Wall: s, CPU: s / 8} },
		allowed: 0.5, mask: log.mask, send: master.Report, log: log, begun: began,
	}
	d := &driver{
		master: master, log: log, state: locust.StateReady, index: 1, count: 2,
		build: func(worker, workers int) offering { happened.add("build %d of %d", worker, workers); return offer },
		pulse: func() (float64, int64) { return r.load(), 7 },
	}
	d.report = func(final bool) { r.report(d, final) }
	return d, r, offer, master
}

type offering = offer // which setUp has a variable of

func phase(index int, settled bool) locust.Phase {
	attempt := "a1"
	return locust.Phase{Attempt: &attempt, Index: index, Settled: settled}
}

func spawn(users int) locust.Spawn { return locust.Spawn{Classes: map[string]int{"U": users}} }

func TestALoadFromItsPhasesToItsLastReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, offer, master := setUp()
		offer.drains = 3 * time.Second
		if got := d.Pulse(); got.State != locust.StateReady {
			t.Errorf("%+v", got)
		}
		d.Phase(phase(0, false))
		d.Spawn(spawn(5))
		d.Phase(phase(1, true))
		if got := d.Pulse(); got.State != locust.StateRunning || got.Memory != 7 {
			t.Errorf("%+v", got)
		}
		d.report(false)
		d.Drain(locust.Drain{Phase: 2, Seconds: 10})
		d.Drain(locust.Drain{Phase: 2, Seconds: 10})
		synctest.Wait()
		if _, over := d.loaded(); over {
			t.Error("over before the drain has ended")
		}
		// Nothing of this starts anything any more.
		d.Phase(phase(0, false))
		d.Spawn(spawn(50))
		d.Stop()
		d.ended.Wait()
		if was, over := d.loaded(); !was || !over {
			t.Errorf("was %t, over %t", was, over)
		}
		want := []string{
			"build 1 of 2", "enter 0 false", "users 5", "spawned map[U:5]", "enter 1 true", "report 1 final false users 5",
			"drain 2 in 10s", "report 2 final true users 0",
		}
		if !slices.Equal(offer.lines, want) {
			t.Errorf("%q, want %q", offer.lines, want)
		}
		if got := d.Pulse(); got.State != locust.StateReady {
			t.Errorf("%+v", got)
		}
		last := master.reports[1]
		if last.Phase != 2 || last.Settled || *last.Attempt != "a1" || last.InFlight != 4 {
			t.Errorf("%+v", last)
		}
	})
}

func TestTheMastersNumbersOfWorkersHold(t *testing.T) {
	d, _, offer, _ := setUp()
	worker, workers, at := 7, 9, float64(time.Now().Unix())
	p := phase(0, true)
	p.Worker, p.Workers, p.StartsAt, p.Rate = &worker, &workers, &at, &locust.Rate{From: 1, To: 2, Seconds: 3}
	d.Phase(p)
	if offer.lines[0] != "build 7 of 9" {
		t.Errorf("%q", offer.lines)
	}
	if got := offer.phases[0]; got.Rate.From != 1 || got.Rate.To != 2 || got.Rate.Seconds != 3 || !got.Settled {
		t.Errorf("%+v", got)
	}
}

func TestTheDirectLegIsALoadOfItsOwn(t *testing.T) {
	happened := &diary{}
	through, straight := &fakeOffer{diary: happened}, &fakeOffer{diary: happened}
	fast := &fakeOffer{diary: happened}
	d, _, _, _ := setUp()
	d.build = func(int, int) offering { return legs{through, straight, fast} }
	d.Phase(phase(0, true))
	d.Spawn(spawn(5))
	leg := phase(1, false)
	leg.Direct, leg.Rate = true, &locust.Rate{From: 7, To: 7, Seconds: 3}
	d.Phase(leg)
	leg.Settled = true
	d.Phase(leg)
	if len(through.phases) != 1 || through.phases[0].Phase != 0 {
		t.Errorf("through the gateway: %+v", through.phases)
	}
	if got := straight.phases; len(got) != 2 || got[0].Phase != 1 || got[0].Rate.From != 7 || !got[1].Settled {
		t.Errorf("straight: %+v", got)
	}
	users := 64
	last := phase(2, true)
	last.Burst = &users
	d.Phase(last)
	if got := fast.phases; len(got) != 1 || got[0].Phase != 2 || *got[0].Burst != 64 || len(straight.phases) != 2 {
		t.Errorf("in the burst: %+v", got)
	}
	if _, moment, _, offer := d.status(); moment != (record.Moment{Phase: 2, Settled: true}) || offer.TakeInFlight() != 12 {
		t.Errorf("%+v", moment)
	}
	d.Drain(locust.Drain{Phase: 3, Seconds: 1})
	d.ended.Wait()
	drains := 0
	for _, line := range happened.lines {
		if line == "drain 3 in 1s" {
			drains++
		}
	}
	if drains != 3 {
		t.Errorf("%q", happened.lines)
	}
}

func TestAStopEndsTheLoadAtOnceAndForGood(t *testing.T) {
	d, _, offer, _ := setUp()
	d.Phase(phase(3, true))
	d.Spawn(spawn(2))
	d.Stop()
	d.ended.Wait()
	d.Spawn(spawn(2))
	want := []string{"drain 3 in 0s", "report 1 final false users 0", "stopped"}
	if got := offer.lines[4:]; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := d.Pulse(); got.State != locust.StateStopped {
		t.Errorf("%+v", got)
	}
}

func TestLeavingDoesNotWaitForALongDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, offer, _ := setUp()
		offer.drains = time.Minute
		d.Phase(phase(0, true))
		d.Drain(locust.Drain{Phase: 1, Seconds: 60})
		began := time.Now()
		d.leave()
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("%s", took)
		}
		d.ended.Wait()
	})
}

func TestADrainBeforeAnyLoad(t *testing.T) {
	d, _, offer, _ := setUp()
	d.Drain(locust.Drain{Phase: 0, Seconds: 1})
	d.ended.Wait()
	if want := []string{"report 1 final true users 0"}; !slices.Equal(offer.lines, want) {
		t.Errorf("%q, want %q", offer.lines, want)
	}
}

func TestReportsComeEachSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, r, _, master := setUp()
		d.Phase(phase(0, true))
		go r.loop(t.Context(), d)
		time.Sleep(2500 * time.Millisecond)
		synctest.Wait()
		r.report(d, true) // out of turn: of the same second as the next
		d.Phase(phase(1, true))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		var got []string
		for _, report := range master.reports {
			got = append(got, fmt.Sprintf("%d/%d/%t/%g", report.Sequence, report.Tick, report.Steady, report.Wall))
		}
		want := []string{"1/0/false/0", "2/1/true/1", "3/2/true/1", "4/3/true/0.5", "5/3/false/0.5", "6/4/true/1"}
		if !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		// An eighth of a core, of half a core.
		if cpu := d.Pulse().CPU; cpu < 24.9 || cpu > 25.1 {
			t.Errorf("%g %%", cpu)
		}
	})
}

func TestReportsHoldNoSecrets(t *testing.T) {
	d, r, _, master := setUp()
	r.mask = newMask([]string{"KEY"}, func(string) (string, bool) { return "hunter2", true })
	r.take = func() record.Report {
		return record.Report{Errors: []record.Failures{{Message: "no such key: hunter2"}}}
	}
	r.report(d, false)
	if got := master.reports[0].Errors[0].Message; got != "no such key: ****" {
		t.Error(got)
	}
}

func TestAReportThatCannotBeSentIsSaid(t *testing.T) {
	d, r, _, _ := setUp()
	var out strings.Builder
	r.log = &logger{out: &out, mask: newMask(nil, nil)}
	r.send = func(*locust.Report) error { return errors.New("broken pipe") }
	r.report(d, false)
	if !strings.Contains(out.String(), "ERROR worker: a report could not be sent: broken pipe") {
		t.Error(out.String())
	}
}
