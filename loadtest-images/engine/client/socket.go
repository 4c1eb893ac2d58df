package client

import (
	"io"
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"gatebench.dev/engine/clock"
)

// socket is a connection that knows when the kernel had what was read from it. A thread that is asleep, or busy with
// another answer, comes to it some tens of microseconds later, and an overloaded one much later: the time of the read
// would count that as the target's.
type socket struct {
	net.Conn
	raw     syscall.RawConn // nil: the connection is none of the kernel's
	stamped bool            // the kernel is to say when it had what is read
	came    int64           // of the last bytes that were read, by clock.Now; where the kernel does not say it, of the read

	once   func(descriptor uintptr) bool // made once, as the others are: not to allocate for each read
	into   []byte
	count  int
	failed error
	header unix.Msghdr
	part   unix.Iovec
	stamp  struct {
		unix.Cmsghdr
		at unix.Timespec
	}
}

func newSocket(plain net.Conn, stamped bool) (*socket, error) {
	s := &socket{Conn: plain, stamped: stamped}
	s.once = s.readOnce
	withRaw, ok := plain.(syscall.Conn)
	if !ok {
		return s, nil
	}
	raw, err := withRaw.SyscallConn()
	if err != nil {
		return nil, err
	}
	s.raw = raw
	if !stamped {
		return s, nil
	}
	return s, raw.Control(func(descriptor uintptr) {
		// A kernel that refuses gives no stamps, and the time of the read counts.
		_ = unix.SetsockoptInt(int(descriptor), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
}

// Read is as that of net.Conn.
func (s *socket) Read(into []byte) (int, error) {
	if s.raw == nil || len(into) == 0 {
		n, err := s.Conn.Read(into)
		s.came = clock.Now()
		return n, err
	}
	s.into = into
	if err := s.raw.Read(s.once); err != nil {
		return 0, err
	}
	if s.failed == nil && s.count == 0 {
		return 0, io.EOF
	}
	return s.count, s.failed
}

func (s *socket) readOnce(descriptor uintptr) (done bool) {
	s.count, s.failed, done = s.receive(descriptor, s.into)
	return done
}

// receive reads what is there; not done: nothing is. No bytes and no failure: the other side has ended it.
func (s *socket) receive(descriptor uintptr, into []byte) (count int, failed error, done bool) {
	for {
		n, err := s.call(descriptor, into)
		switch err {
		case 0:
			s.came = s.moment()
			return int(n), nil, true
		case unix.EAGAIN:
			return 0, nil, false
		case unix.EINTR:
		default:
			return 0, err, true
		}
	}
}

// call is the system call that reads. The runtime is not told of it, since it does not block: to tell it costs about as
// much as the parsing of an answer.
func (s *socket) call(descriptor uintptr, into []byte) (count uintptr, failed syscall.Errno) {
	if !s.stamped {
		count, _, failed = syscall.RawSyscall(
			unix.SYS_READ, descriptor, uintptr(unsafe.Pointer(&into[0])), uintptr(len(into)),
		)
		return count, failed
	}
	s.part.Base = &into[0]
	s.part.SetLen(len(into))
	s.header.Iov, s.header.Iovlen = &s.part, 1
	s.header.Control = (*byte)(unsafe.Pointer(&s.stamp))
	s.header.SetControllen(int(unsafe.Sizeof(s.stamp)))
	count, _, failed = syscall.RawSyscall(unix.SYS_RECVMSG, descriptor, uintptr(unsafe.Pointer(&s.header)), 0)
	return count, failed
}

// moment is when the kernel had what has just been read, or now where it has no stamp, as the first bytes of a process.
func (s *socket) moment() int64 {
	if s.header.Controllen == 0 || s.stamp.Level != unix.SOL_SOCKET || s.stamp.Type != unix.SCM_TIMESTAMPNS {
		return clock.Now()
	}
	return clock.Past(s.stamp.at.Nano())
}
