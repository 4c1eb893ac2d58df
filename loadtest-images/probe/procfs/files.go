package procfs

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Files reads under the given roots, which tests point at trees of their own. It reuses one buffer and is for one
// goroutine.
type Files struct {
	Proc, Sys string
	buffer    []byte
}

// maxFile bounds every read. /proc/stat has its CPU lines first, 8192 of them at most.
const maxFile = 1 << 20

// New reads from proc and sys, normally "/proc" and "/sys".
func New(proc, sys string) *Files {
	return &Files{Proc: proc, Sys: sys, buffer: make([]byte, 8<<10)}
}

// Read gives a file's content, or false where it is gone or not readable. It calls the kernel itself: os.Open would offer
// each of the hundreds of files a second to the poller, which refuses them.
func (f *Files) Read(path string) (string, bool) {
	fd, err := ignoreInterrupts(func() (int, error) { return syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0) })
	if err != nil {
		return "", false
	}
	defer syscall.Close(fd)
	length := 0
	for {
		if length == len(f.buffer) {
			if length >= maxFile {
				return string(f.buffer[:length]), true
			}
			f.buffer = append(f.buffer, make([]byte, len(f.buffer))...)
		}
		n, err := ignoreInterrupts(func() (int, error) { return syscall.Read(fd, f.buffer[length:]) })
		if err != nil { // ESRCH: the process has ended since
			return "", false
		}
		if n == 0 {
			return string(f.buffer[:length]), true
		}
		length += n
	}
}

func ignoreInterrupts(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}

// Of reads /proc/PID/NAME.
func (f *Files) Of(pid int, name string) (string, bool) {
	return f.Read(f.Proc + "/" + strconv.Itoa(pid) + "/" + name)
}

// Processes lists the PIDs under /proc.
func (f *Files) Processes() ([]int, error) { return numbers(f.Proc) }

// Threads lists a process's thread IDs; none where it has ended.
func (f *Files) Threads(pid int) []int {
	threads, _ := numbers(f.Proc + "/" + strconv.Itoa(pid) + "/task")
	return threads
}

func numbers(path string) ([]int, error) {
	folder, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	found := make([]int, 0, len(names))
	for _, name := range names {
		if name[0] < '1' || name[0] > '9' {
			continue
		}
		if number, err := strconv.Atoi(name); err == nil {
			found = append(found, number)
		}
	}
	return found, err
}

// Online lists the CPUs of the machine that are on; missing where /sys does not say.
func (f *Files) Online() ([]int, bool) {
	content, ok := f.Read(filepath.Join(f.Sys, "devices/system/cpu/online"))
	if !ok {
		return nil, false
	}
	return ParseCPUList(content)
}

// Siblings lists the hardware threads of the core that cpu belongs to, itself included.
func (f *Files) Siblings(cpu int) ([]int, bool) {
	content, ok := f.Read(filepath.Join(f.Sys, "devices/system/cpu/cpu"+strconv.Itoa(cpu)+"/topology/thread_siblings_list"))
	if !ok {
		return nil, false
	}
	cpus, ok := ParseCPUList(content)
	return cpus, ok && len(cpus) > 0
}
