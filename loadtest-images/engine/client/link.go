package client

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gatebench.dev/engine/clock"
)

// link is the socket of a connection, with TLS over it where there is some. It is used by one goroutine, but for abort.
//
// Each exchange has a time by which it is due, but setting a socket's deadline for each costs more than the parsing of
// its answer. So the deadline of an earlier exchange is left where it is: it is too early, never too late. Where it
// passes before the present exchange is due, what waited goes on with the deadline set anew.
type link struct {
	dialer *Dialer
	due    int64 // of the exchange under way, by clock.Now

	mu      sync.Mutex // over what abort needs too
	socket  net.Conn   // nil: closed
	aborted bool
	cancel  context.CancelFunc
	ctx     context.Context // ended by abort: for dialling

	secure bool
	raw    syscall.RawConn
	poll   [1]unix.PollFd
	look   func(descriptor uintptr)
}

func newLink(d *Dialer) *link {
	l := &link{dialer: d}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.look = func(descriptor uintptr) {
		l.poll[0] = unix.PollFd{Fd: int32(descriptor), Events: unix.POLLIN | unix.POLLRDHUP}
		if _, err := unix.Poll(l.poll[:], 0); err != nil {
			l.poll[0].Revents = 0 // interrupted: writing will tell
		}
	}
	return l
}

func (l *link) isOpen() bool { return l.socket != nil }

// open dials, and shakes hands where the target is secure.
func (l *link) open() error {
	ctx, cancel := context.WithDeadline(l.ctx, l.wall())
	defer cancel()
	plain, err := l.dialer.dial(ctx, "tcp", l.dialer.address)
	if err != nil {
		return l.reason(err)
	}
	socket := plain
	if l.dialer.tls != nil {
		secure := tls.Client(plain, l.dialer.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			plain.Close()
			return l.reason(handshakeError{err})
		}
		socket = secure
	}
	return l.adopt(socket)
}

// adopt takes an open socket.
func (l *link) adopt(socket net.Conn) error {
	plain := socket
	secure, isSecure := socket.(*tls.Conn)
	if isSecure {
		plain = secure.NetConn()
	}
	l.raw, l.secure = nil, isSecure
	if withRaw, ok := plain.(syscall.Conn); ok {
		raw, err := withRaw.SyscallConn()
		if err != nil {
			socket.Close()
			return err
		}
		l.raw = raw
	}
	l.mu.Lock()
	l.socket = socket
	l.mu.Unlock()
	return l.arm()
}

func (l *link) close() {
	l.mu.Lock()
	socket := l.socket
	l.socket = nil
	l.mu.Unlock()
	if socket == nil {
		return
	}
	if secure, ok := socket.(*tls.Conn); ok {
		// Not to wait for a peer that takes nothing any more.
		_ = secure.NetConn().SetDeadline(time.Now().Add(100 * time.Millisecond))
	}
	socket.Close()
}

// abort has what waits return at once, from another goroutine. The link is then of no more use.
func (l *link) abort() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.aborted = true
	l.cancel()
	if l.socket != nil {
		_ = l.socket.SetDeadline(time.Unix(1, 0)) // it fails on a socket that is closed, which does not wait either
	}
}

// arm sets the deadline to when the exchange is due.
func (l *link) arm() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.aborted {
		return errAborted
	}
	return l.socket.SetDeadline(l.wall())
}

func (l *link) wall() time.Time { return time.Now().Add(time.Duration(l.due - clock.Now())) }

// begin is the beginning of an exchange.
func (l *link) begin(due int64) error {
	l.due = due
	if l.socket != nil && l.secure {
		return l.arm() // of a secure connection nothing more can be written once a deadline passed
	}
	return nil
}

// goOn says whether what returned err is to be tried again, since the deadline was that of an earlier exchange.
func (l *link) goOn(err error) bool {
	return errors.Is(err, errTimeout) && clock.Now() < l.due && l.arm() == nil
}

// reason is err, or that the link was aborted.
func (l *link) reason(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.aborted {
		return errAborted
	}
	return err
}

// Read waits for what comes until the exchange is due.
func (l *link) Read(into []byte) (int, error) {
	for {
		n, err := l.socket.Read(into)
		if n > 0 || err == nil {
			return n, nil
		}
		if !l.goOn(err) {
			return 0, l.reason(err)
		}
	}
}

// write writes all of it until the exchange is due.
func (l *link) write(bytes []byte) error {
	for {
		n, err := l.socket.Write(bytes)
		if err == nil {
			return nil
		}
		bytes = bytes[n:]
		if l.secure || !l.goOn(err) {
			return l.reason(err)
		}
	}
}

// isStale says whether an idle connection has been closed by the other side, or has bytes that nobody asked for.
func (l *link) isStale() bool {
	if l.raw == nil {
		return false
	}
	if l.raw.Control(l.look) != nil {
		return true
	}
	came := l.poll[0].Revents
	if l.secure {
		came &^= unix.POLLIN // a ticket for another session may come at any time
	}
	return came != 0
}
