// Package usage says what the process used of the CPU that it may use, how long its threads waited for one, and how
// long its garbage collector held it up: whether the engine itself, not the target, set what was measured.
package usage

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"gatebench.dev/engine/clock"
)

// Usage is sums since the process began, in seconds; nil where the kernel does not say.
type Usage struct {
	Wall    float64 // of clock.Now
	CPU     float64
	OnCPU   *float64 // of all threads, by the scheduler's own account
	Waited  *float64 // that they were ready to run and did not
	GCPause float64  // with the world stopped
}

// Meter reads the usage of this process. A thread that has ended counts with what it said last.
type Meter struct {
	root  string
	mutex sync.Mutex
	last  map[string]times
	ended times
	gc    debug.GCStats
}

type times struct{ onCPU, waited uint64 }

// NewMeter makes a meter of this process.
func NewMeter() *Meter { return &Meter{root: "/proc/self/task"} }

// Read is the usage now.
func (m *Meter) Read() Usage {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	u := Usage{Wall: float64(clock.Now()) / 1e9}
	var used unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &used) == nil { // which cannot fail for oneself
		u.CPU = float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
	}
	if sum, ok := m.threads(); ok {
		onCPU, waited := float64(sum.onCPU)/1e9, float64(sum.waited)/1e9
		u.OnCPU, u.Waited = &onCPU, &waited
	}
	debug.ReadGCStats(&m.gc)
	u.GCPause = m.gc.PauseTotal.Seconds()
	return u
}

// threads is the sum over all threads; false where the kernel does not tell.
func (m *Meter) threads() (times, bool) {
	entries, err := os.ReadDir(m.root)
	if err != nil {
		return times{}, false
	}
	now := make(map[string]times, len(entries))
	sum := m.ended
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(m.root, entry.Name(), "schedstat"))
		if err != nil {
			continue // it has just ended
		}
		t, ok := parse(string(content))
		if !ok {
			return times{}, false
		}
		now[entry.Name()] = t
		sum.add(t)
	}
	if len(now) == 0 {
		return times{}, false
	}
	for thread, before := range m.last {
		// One that ran less than before is another one with the same number.
		if current, lives := now[thread]; !lives || current.onCPU < before.onCPU {
			m.ended.add(before)
			sum.add(before)
		}
	}
	m.last = now
	return sum, true
}

func (t *times) add(other times) {
	t.onCPU += other.onCPU
	t.waited += other.waited
}

// parse reads schedstat: nanoseconds on a CPU, nanoseconds waiting for one, how many times.
func parse(text string) (times, bool) {
	fields := strings.Fields(text)
	if len(fields) != 3 {
		return times{}, false
	}
	onCPU, err := strconv.ParseUint(fields[0], 10, 64)
	if err != nil {
		return times{}, false
	}
	waited, err := strconv.ParseUint(fields[1], 10, 64)
	return times{onCPU, waited}, err == nil
}

// Resident is the memory that the process holds, in bytes; false where the kernel does not say.
func Resident() (int64, bool) {
	content, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(content))
	if len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err == nil
}
