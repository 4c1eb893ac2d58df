package main

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stamped is a listener whose connections know when the kernel had what they have read.
type stamped struct{ net.Listener }

func (s stamped) Accept() (net.Conn, error) {
	socket, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	raw, err := socket.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, err
	}
	var refused error
	if err := raw.Control(func(descriptor uintptr) {
		refused = unix.SetsockoptInt(int(descriptor), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	}); err != nil {
		return nil, err
	}
	if refused != nil {
		return nil, refused
	}
	c := &stampedConn{Conn: socket, raw: raw}
	c.receive = c.once
	return c, nil
}

// stampedConn reads with the kernel's time stamps. The first bytes of a connection may have none: then it is the time
// of the read.
type stampedConn struct {
	net.Conn
	came      int64  // unix nanoseconds, of the last read
	answering func() // is called before the next write, once; nil: nothing is

	raw     syscall.RawConn
	receive func(descriptor uintptr) bool // once, made once
	into    []byte
	n       int
	failed  error
	control [64]byte
}

func (c *stampedConn) Read(into []byte) (int, error) {
	c.into = into
	if err := c.raw.Read(c.receive); err != nil {
		return 0, err
	}
	if c.failed != nil {
		return 0, c.failed
	}
	if c.n == 0 {
		return 0, io.EOF
	}
	return c.n, nil
}

func (c *stampedConn) Write(from []byte) (int, error) {
	if c.answering != nil {
		c.answering()
		c.answering = nil
	}
	return c.Conn.Write(from)
}

func (c *stampedConn) once(descriptor uintptr) bool {
	n, controls, _, _, err := unix.Recvmsg(int(descriptor), c.into, c.control[:], 0)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return false
	}
	c.n, c.failed, c.came = n, err, time.Now().UnixNano()
	messages, err := unix.ParseSocketControlMessage(c.control[:controls])
	if err != nil {
		return true
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= 16 {
			at := binary.NativeEndian.Uint64(m.Data)*1e9 + binary.NativeEndian.Uint64(m.Data[8:])
			c.came = int64(at)
		}
	}
	return true
}
