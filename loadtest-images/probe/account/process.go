// Package account turns what is seen of processes once a second into counters a container that never go backwards,
// though processes and threads come and go in between.
package account

// Process is what one look saw of a process. Times of CPUs are in ticks, waits in nanoseconds, memory in bytes.
type Process struct {
	PID, Parent int
	Start       uint64
	Container   string
	// Own is its CPU time; Children that of children that have ended and that it has waited for.
	Own, Children        uint64
	Waits                map[int]uint64 // thread ID to time on the run queue
	Resident, Peak, Swap uint64
	Threads              int
	CPUs                 []int
}

type key struct {
	pid   int
	start uint64
}

// known is a process as of the last look, with what its ended threads had waited.
type known struct {
	Process
	endedWaits uint64
	wait       uint64
}

func (k *known) ticks() uint64 { return k.Own + k.Children }

// next takes over from the last look. A thread that ended, or whose ID is used again, has waited what it last said:
// what it waited after that look is lost, and so are threads that lived only between two looks.
func (k *known) next(now Process) *known {
	next := &known{Process: now}
	var live uint64
	for thread, wait := range now.Waits {
		live += wait
		if k != nil && k.Waits[thread] > wait {
			next.endedWaits += k.Waits[thread]
		}
	}
	if k != nil {
		next.endedWaits += k.endedWaits
		for thread, wait := range k.Waits {
			if _, still := now.Waits[thread]; !still {
				next.endedWaits += wait
			}
		}
		// The kernel's own sums may be read while they are made.
		next.Own, next.Children = max(k.Own, now.Own), max(k.Children, now.Children)
	}
	next.wait = next.endedWaits + live
	return next
}
