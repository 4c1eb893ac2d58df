package usage

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// AllowedCores is how many cores the process can use here: those of its CPU set, its cgroup's quota, and what the Go
// runtime is set to.
func AllowedCores() float64 {
	return min(available("/sys/fs/cgroup"), float64(runtime.GOMAXPROCS(0)))
}

// Spread has the Go runtime use one thread more than there are cores: the one that waits for the next arrival holds its
// place while it sleeps, and what it hands over would have to wait until that is taken from it. GOMAXPROCS in the
// environment is left as it is.
func Spread() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(int(math.Ceil(available("/sys/fs/cgroup"))) + 1)
	}
}

// available is the cores of the CPU set and the quota.
func available(root string) float64 {
	cores := float64(runtime.NumCPU())
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) == nil && set.Count() > 0 {
		cores = float64(set.Count())
	}
	if limit, ok := quota(root); ok {
		cores = min(cores, limit)
	}
	return cores
}

// quota is that of the own cgroup in cores, of either version; false where there is none.
func quota(root string) (float64, bool) {
	if content, err := os.ReadFile(filepath.Join(root, "cpu.max")); err == nil {
		if fields := strings.Fields(string(content)); len(fields) == 2 {
			return ratio(fields[0], fields[1])
		}
	}
	for _, folder := range []string{"cpu", "cpu,cpuacct"} {
		limit, err := os.ReadFile(filepath.Join(root, folder, "cpu.cfs_quota_us"))
		if err != nil {
			continue
		}
		period, err := os.ReadFile(filepath.Join(root, folder, "cpu.cfs_period_us"))
		if err != nil {
			continue
		}
		return ratio(strings.TrimSpace(string(limit)), strings.TrimSpace(string(period)))
	}
	return 0, false
}

// ratio is false for what stands for no limit: "max", or -1.
func ratio(limit, period string) (float64, bool) {
	l, err := strconv.ParseInt(limit, 10, 64)
	if err != nil || l <= 0 {
		return 0, false
	}
	p, err := strconv.ParseInt(period, 10, 64)
	if err != nil || p <= 0 {
		return 0, false
	}
	return float64(l) / float64(p), true
}
