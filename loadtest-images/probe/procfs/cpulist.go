package procfs

import (
	"slices"
	"strconv"
	"strings"
)

// maxCPU bounds what a list may name; the kernel's own limit (NR_CPUS) is 8192.
const maxCPU = 8191

// ParseCPUList parses "0-3,8,10-11" (Cpus_allowed_list, thread_siblings_list, cpu/online) into ascending CPU numbers.
// An empty list is a list.
func ParseCPUList(text string) ([]int, bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return []int{}, true
	}
	cpus := []int{}
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		low, ok := cpuNumber(first)
		if !ok {
			return nil, false
		}
		high := low
		if isRange {
			if high, ok = cpuNumber(last); !ok || high < low {
				return nil, false
			}
		}
		for cpu := low; cpu <= high; cpu++ {
			cpus = append(cpus, cpu)
		}
		if len(cpus) > maxCPU+1 {
			return nil, false
		}
	}
	slices.Sort(cpus)
	return slices.Compact(cpus), true
}

func cpuNumber(text string) (int, bool) {
	if text == "" || text[0] < '0' || text[0] > '9' {
		return 0, false
	}
	cpu, err := strconv.Atoi(text)
	return cpu, err == nil && cpu <= maxCPU
}

// FormatCPUList is the inverse of ParseCPUList for ascending numbers.
func FormatCPUList(cpus []int) string {
	var out []byte
	for i := 0; i < len(cpus); {
		last := i
		for last+1 < len(cpus) && cpus[last+1] == cpus[last]+1 {
			last++
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(out, int64(cpus[i]), 10)
		if last > i {
			out = append(out, '-')
			out = strconv.AppendInt(out, int64(cpus[last]), 10)
		}
		i = last + 1
	}
	return string(out)
}
