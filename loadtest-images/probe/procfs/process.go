package procfs

import (
	"strconv"
	"strings"
)

// TicksPerSecond is USER_HZ, which Linux has fixed at 100 for everything that it shows in /proc.
const TicksPerSecond = 100

// Stat is what is needed of /proc/PID/stat, times in ticks.
type Stat struct {
	Parent int
	// Own is utime + stime, Children is cutime + cstime: of children that have ended and were waited for.
	Own, Children uint64
	// Start is the start time since boot: with the PID it names a process, for PIDs are used again.
	Start uint64
}

// ParseStat parses /proc/PID/stat. The command's name stands in parentheses and may hold spaces and parentheses.
func ParseStat(content string) (Stat, bool) {
	end := strings.LastIndexByte(content, ')')
	if end < 0 || strings.IndexByte(content, '(') > end {
		return Stat{}, false
	}
	// The first field after the name is the state, field 3 of proc(5).
	fields := strings.Fields(content[end+1:])
	if len(fields) < 20 {
		return Stat{}, false
	}
	parent, err := strconv.Atoi(fields[4-3])
	if err != nil || parent < 0 {
		return Stat{}, false
	}
	var ticks [4]uint64
	for i := range ticks { // utime stime cutime cstime; the latter two are signed in the kernel
		value, err := strconv.ParseInt(fields[14-3+i], 10, 64)
		if err != nil || value < 0 {
			return Stat{}, false
		}
		ticks[i] = uint64(value)
	}
	start, err := strconv.ParseUint(fields[22-3], 10, 64)
	if err != nil {
		return Stat{}, false
	}
	return Stat{Parent: parent, Own: ticks[0] + ticks[1], Children: ticks[2] + ticks[3], Start: start}, true
}

// Status is what is needed of /proc/PID/status, in bytes. A zombie has no memory and says nothing of it: then 0.
type Status struct {
	Resident, Peak, Swap uint64
	Threads              int
	CPUs                 []int
}

// ParseStatus parses /proc/PID/status; ok is false where it does not say which CPUs are allowed.
func ParseStatus(content string) (Status, bool) {
	var status Status
	ok := false
	for line := range strings.Lines(content) {
		key, value, found := strings.Cut(line, ":")
		if !found {
			continue
		}
		switch key {
		case "VmRSS":
			status.Resident = kibibytes(value)
		case "VmHWM":
			status.Peak = kibibytes(value)
		case "VmSwap":
			status.Swap = kibibytes(value)
		case "Threads":
			status.Threads, _ = strconv.Atoi(strings.TrimSpace(value))
		case "Cpus_allowed_list":
			status.CPUs, ok = ParseCPUList(value)
		}
	}
	return status, ok && len(status.CPUs) > 0
}

func kibibytes(value string) uint64 {
	number, _, _ := strings.Cut(strings.TrimSpace(value), " ")
	parsed, err := strconv.ParseUint(number, 10, 53)
	if err != nil {
		return 0
	}
	return parsed << 10
}

// ParseSchedstat parses /proc/PID/task/TID/schedstat: nanoseconds that the thread was ready to run and waited for a CPU.
func ParseSchedstat(content string) (uint64, bool) {
	fields := strings.Fields(content)
	if len(fields) != 3 {
		return 0, false
	}
	wait, err := strconv.ParseUint(fields[1], 10, 64)
	return wait, err == nil
}
