package worker

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"gatebench.dev/engine/load"
	"gatebench.dev/engine/plan"
	"gatebench.dev/engine/record"
)

// upstream counts who asks.
type upstream struct {
	mu         sync.Mutex
	plain      int // without the burst's header
	bursts     int
	connection map[string]bool
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.mu.Lock()
	if r.Header.Get("X-Gatebench-Burst") == "true" {
		u.bursts++
	} else {
		u.plain++
	}
	u.connection[r.RemoteAddr] = true
	u.mu.Unlock()
	_, _ = io.WriteString(w, "{}")
}

func TestABurstIsThisWorkersShareOfUsersWithoutThinkTime(t *testing.T) {
	seen := &upstream{connection: map[string]bool{}}
	server := httptest.NewServer(seen)
	defer server.Close()
	recorder := record.New()
	build, err := offers(&plan.Plan{
		UID: "u", Target: "http://127.0.0.1:1", Timeout: 5, Model: plan.Closed, ThinkTime: &plan.Range{Min: 3600, Max: 3600},
		Requests: []plan.Request{{Name: "one", Weight: 1, API: "HTTP", Path: "/", Status: 200}},
		Direct: &plan.Direct{
			Target: server.URL, Burst: &plan.Burst{Headers: map[string]string{"X-Gatebench-Burst": "true"}},
		},
	}, recorder, nil)
	if err != nil {
		t.Fatal(err)
	}
	offered := build(1, 2)
	users, none := 9, 0
	phase := load.Phase{Moment: record.Moment{Phase: 4}, Burst: &none}
	offered.Enter(phase)
	if got := offered.TakeInFlight(); got != 0 {
		t.Errorf("%d in flight before there are users", got)
	}
	phase.Burst = &users
	offered.Enter(phase)
	for asked := 0; asked < 200; time.Sleep(time.Millisecond) { // each user of the plan would have sent one
		seen.mu.Lock()
		asked = seen.bursts
		seen.mu.Unlock()
	}
	if got := offered.TakeInFlight(); got < 1 || got > 4 {
		t.Errorf("%d in flight", got)
	}
	offered.Drain(record.Moment{Phase: 5}, 5*time.Second)
	count := int64(0)
	for _, row := range recorder.Take().Rows {
		if count += row.Count; row.Phase != 4 || row.Settled || !row.Good {
			t.Errorf("%+v", row)
		}
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if seen.plain != 0 || int(count) != seen.bursts || len(seen.connection) != 4 {
		t.Errorf("%d plain, %d of %d recorded, %d connections", seen.plain, count, seen.bursts, len(seen.connection))
	}
}
