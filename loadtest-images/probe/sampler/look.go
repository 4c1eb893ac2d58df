package sampler

import "gatebench.dev/probe/account"

// cgroupLooks is after how many looks a process's container is read again: it is moved there just after its birth.
const cgroupLooks = 10

type identity struct {
	start     uint64
	container string
	looks     int
}

// look reads all processes of the pod. One that ends meanwhile is left out.
func (s *Sampler) look() []account.Process {
	pids, err := s.files.Processes()
	if err != nil && !s.said {
		s.said = true
		s.log("cannot list processes: " + err.Error())
	}
	seen := make([]account.Process, 0, len(pids))
	alive := make(map[int]identity, len(pids))
	for _, pid := range pids {
		process, ok := s.process(pid)
		if !ok {
			continue
		}
		alive[pid] = s.identities[pid]
		if process.Container != "" {
			seen = append(seen, process)
		}
	}
	s.identities = alive
	return seen
}

func (s *Sampler) process(pid int) (account.Process, bool) {
	content, ok := s.files.Of(pid, "stat")
	if !ok {
		return account.Process{}, false
	}
	stat, ok := parseStat(content)
	if !ok {
		return account.Process{}, false
	}
	process := account.Process{
		PID: pid, Parent: stat.Parent, Start: stat.Start, Own: stat.Own, Children: stat.Children,
		Container: s.container(pid, stat.Start), Waits: map[int]uint64{},
	}
	if process.Container == "" {
		return process, true
	}
	if content, ok = s.files.Of(pid, "status"); ok {
		status, _ := parseStatus(content)
		process.Resident, process.Peak, process.Swap = status.Resident, status.Peak, status.Swap
		process.CPUs, process.Threads = status.CPUs, status.Threads
	}
	for _, thread := range s.files.Threads(pid) {
		if wait, ok := s.wait(pid, thread); ok {
			process.Waits[thread] = wait
		}
	}
	return process, true
}

// container keeps what it knows of a process whose cgroup does not tell any more: a zombie's may be the root.
func (s *Sampler) container(pid int, start uint64) string {
	known := s.identities[pid]
	if known.start != start {
		known = identity{start: start}
	}
	if known.container == "" || known.looks%cgroupLooks == 0 {
		if content, ok := s.files.Of(pid, "cgroup"); ok {
			if id, ok := containerID(content); ok {
				known.container = id
			}
		}
	}
	known.looks++
	s.identities[pid] = known
	return known.container
}
