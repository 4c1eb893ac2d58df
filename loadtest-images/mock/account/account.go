// Package account counts what the mock really did: requests by path, status and client, and by how much answers were
// later than they were meant to be.
package account

import (
	"sync"
	"sync/atomic"
	"time"
)

// Paths are the endpoints that are counted apart; the last one stands for all others.
var Paths = []string{
	"/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/models",
	"/health", "/health/liveliness", "/health/readiness", "/metrics", "/gatebench/v1/account", "other",
}

// Other is the index of what has no name in Paths.
const Other = 9

// Clients are who asks: the kubelet, whose probes are not the run's requests, and everybody else.
var Clients = [2]string{"other", "kubelet"}

const statuses = 600

// Account is safe for concurrent use. The zero value of its counters is right; make it by New.
type Account struct {
	started  time.Time
	requests [Other + 1][len(Clients)][statuses]atomic.Uint64
	inFlight atomic.Int64
	leaked   atomic.Int64

	mutex                    sync.Mutex
	intended, actual, excess *histogram

	threads threads
}

// New makes an account that has counted nothing.
func New(started time.Time) *Account {
	return &Account{
		started: started, intended: newHistogram(delayBounds), actual: newHistogram(delayBounds),
		excess: newHistogram(excessBounds), threads: threads{root: "/proc/self/task"},
	}
}

// Request counts an answer.
func (a *Account) Request(path int, kubelet bool, status int) {
	client := 0
	if kubelet {
		client = 1
	}
	if path < 0 || path > Other {
		path = Other
	}
	if status < 0 || status >= statuses {
		status = 0
	}
	a.requests[path][client][status].Add(1)
}

// Delay records how late an answer's first byte was meant to be, and was.
func (a *Account) Delay(intended, actual time.Duration) {
	a.mutex.Lock()
	a.intended.record(intended)
	a.actual.record(actual)
	a.excess.record(max(0, actual-intended))
	a.mutex.Unlock()
}

// Begin counts a request that is being answered, until Done.
func (a *Account) Begin() { a.inFlight.Add(1) }

// Done is the end of what Begin counts.
func (a *Account) Done() { a.inFlight.Add(-1) }

// Leaked adds to the bytes that were leaked on purpose.
func (a *Account) Leaked(bytes int64) { a.leaked.Add(bytes) }

// each calls visit for every count above 0.
func (a *Account) each(visit func(path string, status int, client string, count uint64)) {
	for path := range a.requests {
		for client := range a.requests[path] {
			for status := range a.requests[path][client] {
				if count := a.requests[path][client][status].Load(); count > 0 {
					visit(Paths[path], status, Clients[client], count)
				}
			}
		}
	}
}
