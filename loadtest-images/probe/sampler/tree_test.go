package sampler

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatebench.dev/probe/procfs"
)

var (
	gatewayID = strings.Repeat("a", 64)
	probeID   = strings.Repeat("b", 64)
	sandboxID = strings.Repeat("c", 64)
)

// tree is a made-up /proc and /sys.
type tree struct {
	t    *testing.T
	root string
}

func newTree(t *testing.T) tree {
	f := tree{t, t.TempDir()}
	f.write("sys/devices/system/cpu/online", "0-3\n")
	f.write("sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "1,3\n")
	f.write("proc/cpuinfo", "processor\t: 0\nmodel name\t: Test CPU 9\n")
	f.process(1, 0, sandboxID, "0-3", 1, 0)
	f.process(7, 0, gatewayID, "1", 100, 20)
	f.process(30, 0, probeID, "0", 1, 0)
	f.self("0", "0::/kubepods/podU/"+probeID+"\n")
	f.cpus(50)
	return f
}

func (f tree) write(path, content string) {
	f.t.Helper()
	path = filepath.Join(f.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f tree) self(cpus, cgroup string) {
	f.write("proc/self/status", "VmRSS:\t1 kB\nThreads:\t1\nCpus_allowed_list:\t"+cpus+"\n")
	f.write("proc/self/cgroup", cgroup)
}

func (f tree) process(pid, parent int, id, cpus string, own, children int) {
	folder := fmt.Sprintf("proc/%d/", pid)
	f.write(folder+"stat", fmt.Sprintf("%d (a (b) c) S %d 1 1 0 -1 0 0 0 0 0 %d 0 %d 0 20 0 1 0 %d 1 2\n", pid, parent, own, children, pid*10))
	f.write(folder+"status", "Name:\tx\nVmHWM:\t200 kB\nVmRSS:\t100 kB\nVmSwap:\t0 kB\nThreads:\t2\nCpus_allowed_list:\t"+cpus+"\n")
	f.write(folder+"cgroup", "3:cpuset:/kubepods/podU/"+id+"\n0::/\n")
	f.write(fmt.Sprintf("%stask/%d/schedstat", folder, pid), "5 2000000000 1\n")
	f.write(fmt.Sprintf("%stask/%d/schedstat", folder, pid+1000), "5 500000000 1\n")
}

func (f tree) remove(pid int) {
	if err := os.RemoveAll(filepath.Join(f.root, fmt.Sprintf("proc/%d", pid))); err != nil {
		f.t.Fatal(err)
	}
}

// cpus writes /proc/stat with so many ticks of user time on each CPU.
func (f tree) cpus(user int) {
	var out strings.Builder
	out.WriteString("cpu  1 1 1 1 1 1 1 1 0 0\n")
	for cpu := range 4 {
		fmt.Fprintf(&out, "cpu%d %d 0 10 900 0 3 4 5 0 0\n", cpu, user)
	}
	out.WriteString("intr 1\n")
	f.write("proc/stat", out.String())
}

// steps is a clock that tests set by hand.
type steps struct {
	start   time.Time
	elapsed time.Duration
}

func (s *steps) now() time.Time { return s.start.Add(s.elapsed) }

func (f tree) sampler() (*Sampler, *steps) {
	clock := &steps{start: time.Now()}
	s := New(procfs.New(filepath.Join(f.root, "proc"), filepath.Join(f.root, "sys")), NewClock(clock.start), time.Second,
		func(message string) { f.t.Log(message) })
	return s, clock
}
