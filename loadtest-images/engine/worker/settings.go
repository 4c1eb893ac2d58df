// Package worker is the engine as a worker of a fleet: it joins the master, offers the load that the master asks for,
// reports each second, and leaves with an exit code that says why.
package worker

import (
	"fmt"
	"net"
	"os"
	"strconv"
)

// Exit codes of the fleet's processes.
const (
	exitOK        = 0 // the master has said quit, or is gone after the end of the load
	exitFailed    = 1 // the engine itself has failed
	exitUnusable  = 3 // the plan or the environment cannot be used; not 2, which is what Go leaves with after a panic
	exitEarly     = 4 // ended from outside before that
	exitLost      = 5 // the master is gone; the load was stopped
	exitNotJoined = 6 // no master has taken this worker
)

// settings is what the environment says; everything else is in the plan.
type settings struct {
	plan, token    string
	pod            string // its UID
	master         string // host:port
	terminationLog string
	folder         string // what may be written to
}

func fromEnvironment(lookup func(string) (string, bool)) (settings, error) {
	get := func(name, otherwise string) string {
		if value, ok := lookup(name); ok {
			return value
		}
		return otherwise
	}
	s := settings{
		plan:           get(planVariable, "/etc/gatebench/plan.json"),
		token:          get("GATEBENCH_TOKEN", ""),
		pod:            get("GATEBENCH_POD_UID", ""),
		terminationLog: get("GATEBENCH_TERMINATION_LOG", "/dev/termination-log"),
		folder:         get("TMPDIR", "/tmp"),
	}
	port := get("GATEBENCH_LOCUST_PORT", "5557")
	if number, err := strconv.Atoi(port); err != nil || number < 1 || number > 65535 {
		return s, fmt.Errorf("GATEBENCH_LOCUST_PORT is %.20q, not a port", port)
	}
	s.master = net.JoinHostPort(get("GATEBENCH_MASTER_HOST", "127.0.0.1"), port)
	if s.token == "" {
		return s, fmt.Errorf("GATEBENCH_TOKEN is not set")
	}
	return s, nil
}

// leaveWord writes a process' last words where Kubernetes shows them. Without that file (outside a pod) the log has them.
func (s settings) leaveWord(text string) {
	const limit = 1024
	if file, err := os.OpenFile(s.terminationLog, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644); err == nil {
		file.WriteString(text[:min(limit, len(text))])
		file.Close()
	}
}
