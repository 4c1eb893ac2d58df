package worker

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"gatebench.dev/engine/locust"
)

func TestAnotherPlanIsTakenOnlyWhereNoLoadIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, offer, _ := setUp()
		offer.drains = time.Second
		var stored []string
		d.store = func(text string) error { stored = append(stored, text); return nil }
		takes := func(text string) bool { return d.Plan(locust.Plan{Text: text}) }
		d.Phase(phase(0, true))
		d.Spawn(spawn(5))
		if takes("under way") {
			t.Error("taken under load")
		}
		d.Drain(locust.Drain{Phase: 1, Seconds: 1})
		synctest.Wait()
		if takes("draining") {
			t.Error("taken in the drain")
		}
		d.ended.Wait()
		if !takes("over") {
			t.Error("not taken after the last report")
		}
		if !slices.Equal(stored, []string{"over"}) {
			t.Errorf("stored %q", stored)
		}
	})
}

func TestAnotherPlanMayComeWithTheLastReport(t *testing.T) {
	d, r, _, _ := setUp()
	d.store = func(string) error { return nil }
	d.Phase(phase(0, true))
	taken := false
	r.send = func(report *locust.Report) error {
		if report.Final {
			taken = d.Plan(locust.Plan{Text: "{}"})
		}
		return nil
	}
	d.Drain(locust.Drain{Phase: 1})
	d.ended.Wait()
	if !taken {
		t.Error("the master had the last report, and the plan was not taken")
	}
}

func TestAWorkerThatHasTakenAnotherPlanOffersNothingUnderTheOld(t *testing.T) {
	d, _, offer, _ := setUp()
	d.store = func(string) error { return nil }
	if !d.Plan(locust.Plan{Text: "{}"}) {
		t.Error("not taken before any load")
	}
	d.Phase(phase(0, true))
	d.Spawn(spawn(5))
	if len(offer.lines) > 0 {
		t.Errorf("%q", offer.lines)
	}
}

func TestAPlanThatWasStoppedAndNotReportedIsNotOver(t *testing.T) {
	d, _, _, _ := setUp()
	d.Stop()
	d.ended.Wait()
	if d.Plan(locust.Plan{Text: "{}"}) {
		t.Error("taken")
	}
}

func TestAPlanThatCannotBeStoredIsNotTaken(t *testing.T) {
	d, _, offer, _ := setUp()
	d.store = func(string) error { return errors.New("no space") }
	if d.Plan(locust.Plan{Text: "{}"}) {
		t.Error("taken")
	}
	d.Spawn(spawn(1))
	if len(offer.lines) == 0 {
		t.Error("and the present plan was given up")
	}
}

func TestASuccessorHasAllButThePlan(t *testing.T) {
	next := successor{t.TempDir()}
	for _, text := range []string{"{}", `{"a": 1}`, "{}"} {
		if err := next.store(text); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(next.plan()); err != nil || string(got) != text {
			t.Errorf("%s, %v", got, err)
		}
	}
	if files, _ := filepath.Glob(next.folder + "/*"); len(files) != 1 {
		t.Errorf("%q", files)
	}
	present := []string{"A=1", "GATEBENCH_PLAN=/etc/plan", "GATEBENCH_PLANS=2", "GATEBENCH_PLAN=x"}
	want := []string{"A=1", "GATEBENCH_PLANS=2", "GATEBENCH_PLAN=" + next.plan()}
	if got := next.environment(present); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if present[1] != "GATEBENCH_PLAN=/etc/plan" {
		t.Errorf("%q", present)
	}
	if err := (successor{filepath.Join(next.folder, "none")}).store("{}"); err == nil {
		t.Error("stored nowhere")
	}
}
