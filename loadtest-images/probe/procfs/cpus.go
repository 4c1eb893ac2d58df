package procfs

import (
	"strconv"
	"strings"
)

// CPUTime is one CPU's line of /proc/stat, in ticks since boot.
type CPUTime struct {
	CPU int
	// Busy is user + nice + system, IRQ is irq + softirq: time that no process is charged with.
	Busy, Steal, IRQ uint64
}

// ParseCPUTimes parses the "cpuN" lines of /proc/stat, which come first; a line cut off at the end is left out.
func ParseCPUTimes(content string, into []CPUTime) []CPUTime {
	into = into[:0]
	for line := range strings.Lines(content) {
		if !strings.HasPrefix(line, "cpu") {
			break
		}
		if len(line) < 4 || line[3] == ' ' || !strings.HasSuffix(line, "\n") {
			continue
		}
		fields := strings.Fields(line[3:])
		if len(fields) < 9 {
			continue
		}
		cpu, ok := cpuNumber(fields[0])
		if !ok {
			continue
		}
		var ticks [8]uint64 // user nice system idle iowait irq softirq steal
		for i := range ticks {
			value, err := strconv.ParseUint(fields[i+1], 10, 64)
			if err != nil {
				ok = false
			}
			ticks[i] = value
		}
		if ok {
			into = append(into, CPUTime{
				CPU: cpu, Busy: ticks[0] + ticks[1] + ticks[2], IRQ: ticks[5] + ticks[6], Steal: ticks[7],
			})
		}
	}
	return into
}

// ModelName is the CPU's model in /proc/cpuinfo; empty where the architecture has none.
func ModelName(content string) string {
	for line := range strings.Lines(content) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
