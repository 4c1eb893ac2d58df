package account

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// threads adds up how long the process's threads were ready and waited for a CPU. A thread that has ended counts with
// what it said last.
type threads struct {
	root  string
	mutex sync.Mutex
	last  map[string]uint64
	ended uint64
}

// wait is cumulative; false where the kernel does not tell.
func (t *threads) wait() (time.Duration, bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	entries, err := os.ReadDir(t.root)
	if err != nil {
		return 0, false
	}
	now := make(map[string]uint64, len(entries))
	var total uint64
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(t.root, entry.Name(), "schedstat"))
		if err != nil {
			continue
		}
		fields := strings.Fields(string(content)) // ns on a CPU, ns waiting, times
		if len(fields) != 3 {
			return 0, false
		}
		wait, err := strconv.ParseUint(fields[1], 10, 64)
		if err != nil {
			return 0, false
		}
		now[entry.Name()] = wait
		total += wait
	}
	for thread, wait := range t.last {
		if current, lives := now[thread]; !lives || current < wait {
			t.ended += wait
		}
	}
	t.last = now
	return time.Duration(total + t.ended), len(now) > 0
}

// cpuTime is what the process has used.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// openFiles is how many file descriptors are open; false where the kernel does not tell.
func openFiles() (int, bool) {
	folder, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0, false
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	return len(names) - 1, err == nil // without the folder itself
}

// residentBytes is false where the kernel does not tell.
func residentBytes() (int64, bool) {
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
