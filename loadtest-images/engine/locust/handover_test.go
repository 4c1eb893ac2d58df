package locust

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// handing is a master that hands out a plan, and does `then` once the worker has said that it has it.
func handing(plan any, then func(s *fakeSocket)) *fakeMaster {
	master := &fakeMaster{}
	master.answer = taking(func(s *fakeSocket, m said) {
		switch m.kind {
		case typeReady:
			s.say(typePlan, plan)
		case typePlanAck:
			then(s)
		}
	})
	return master
}

func follow(ctx context.Context, t *testing.T, master *fakeMaster, log func(string, ...any)) (*notes, time.Duration, error) {
	t.Helper()
	s, err := Join(t.Context(), options(master, log))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	told, began := &notes{}, time.Now()
	err = s.Run(ctx, told)
	return told, time.Since(began), err
}

func TestAnotherPlanIsHandedOutAndTheMasterAwaitedToGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		master := handing(map[string]any{"plan": "{}"}, func(s *fakeSocket) {
			for range 100 { // more than there is room for
				go s.say(typePhase, map[string]any{"phase": 1})
			}
			time.AfterFunc(2*time.Second, func() { s.Close() })
		})
		told, took, err := follow(t.Context(), t, master, quiet)
		if !errors.Is(err, ErrHandedOver) || took != 2*time.Second {
			t.Errorf("%v after %s", err, took)
		}
		if !slices.Equal(told.told, []string{"plan {}"}) {
			t.Errorf("told %q", told.told)
		}
	})
}

func TestAMasterThatDoesNotGoIsNotAwaitedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var log strings.Builder
		_, took, err := follow(t.Context(), t, handing(map[string]any{"plan": "{}"}, func(*fakeSocket) {}), func(f string, _ ...any) {
			mu.Lock()
			defer mu.Unlock()
			log.WriteString(f)
		})
		if !errors.Is(err, ErrHandedOver) || took != closeTimeout || !strings.Contains(log.String(), "has not closed") {
			t.Errorf("%v after %s: %s", err, took, log.String())
		}
	})
}

func TestAWorkerThatIsToldToEndDoesNotBeginAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		master := handing(map[string]any{"plan": "{}"}, func(*fakeSocket) { time.AfterFunc(time.Second, cancel) })
		if _, took, err := follow(ctx, t, master, quiet); !errors.Is(err, context.Canceled) || took != time.Second {
			t.Errorf("%v after %s", err, took)
		}
	})
}

func TestAPlanThatIsNotTakenChangesNothing(t *testing.T) {
	for _, plan := range []any{map[string]any{"plan": "refused"}, map[string]any{"plan": 7}, map[string]any{}, nil} {
		synctest.Test(t, func(t *testing.T) {
			master := &fakeMaster{}
			master.answer = taking(func(s *fakeSocket, m said) {
				if m.kind == typeReady {
					s.say(typePlan, plan)
					s.say(typeStop, nil)
					time.AfterFunc(10*time.Second, func() { s.say(typeQuit, nil) })
				}
			})
			told, took, err := follow(t.Context(), t, master, quiet)
			if err != nil || took != 10*time.Second || told.told[len(told.told)-1] != "stop" {
				t.Errorf("%v: %v after %s, told %q", plan, err, took, told.told)
			}
			if slices.Contains(master.kinds(""), typePlanAck) {
				t.Errorf("%v was acknowledged", plan)
			}
		})
	}
}
