package client

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
	"unsafe"

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
	plain  *socket // what the socket is, or what is below its TLS
	poll   [1]unix.PollFd
	look   func(descriptor uintptr) // made once, as asked is: not to allocate for each call
	asked  func(descriptor uintptr) bool
	asking []byte // what asked has still to write
	into   []byte // where it puts what comes back
	came   int    // how much that was
	failed error  // of asked
}

func newLink(d *Dialer) *link {
	l := &link{dialer: d}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.asked = l.askOnce
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
	dialled, err := l.dialer.dial(ctx, "tcp", l.dialer.address)
	if err != nil {
		return l.reason(err)
	}
	plain, err := newSocket(dialled, l.dialer.stamps)
	if err != nil {
		dialled.Close()
		return err
	}
	var whole net.Conn = plain
	if l.dialer.tls != nil {
		secure := tls.Client(plain, l.dialer.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			plain.Close()
			return l.reason(handshakeError{err})
		}
		whole = secure
	}
	l.plain, l.secure = plain, l.dialer.tls != nil
	l.mu.Lock()
	l.socket = whole
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

// cameAt is when the kernel had the last of what was read, under TLS of the bytes that it was in.
func (l *link) cameAt() int64 { return l.plain.came }

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

// ask writes a whole request to a connection on which nothing has come unasked, and where it is plain returns when
// something came back, with how much of it is in `into`. That saves a system call for each exchange: to read at once
// would tell that nothing is there yet. The runtime forgets what came before it calls askOnce, and only that.
func (l *link) ask(request, into []byte) (came int, err error) {
	if l.plain.raw == nil || l.secure || len(into) == 0 {
		return 0, l.write(request)
	}
	l.asking, l.into, l.came, l.failed = request, into, 0, nil
	for {
		err := l.plain.raw.Read(l.asked)
		if err == nil {
			break
		}
		if !l.goOn(err) {
			return 0, l.reason(err)
		}
	}
	if l.failed != nil {
		return 0, l.failed
	}
	if len(l.asking) > 0 { // the socket's buffer is full
		return 0, l.write(l.asking)
	}
	return l.came, nil
}

// askOnce writes where nothing has been written, else reads, and says whether there is nothing to wait for.
//
// The runtime is not told of these system calls, which do not block: to tell it costs about as much as the parsing of an
// answer.
func (l *link) askOnce(descriptor uintptr) bool {
	if len(l.asking) == 0 {
		var done bool
		l.came, l.failed, done = l.plain.receive(descriptor, l.into) // an end of the connection comes again
		return done
	}
	n, _, failed := syscall.RawSyscall(
		unix.SYS_WRITE, descriptor, uintptr(unsafe.Pointer(&l.asking[0])), uintptr(len(l.asking)),
	)
	switch failed {
	case 0:
		l.asking = l.asking[n:]
	case unix.EAGAIN, unix.EINTR:
	default:
		l.failed = failed
	}
	return l.failed != nil || len(l.asking) > 0
}

// isStale says whether an idle connection has been closed by the other side, or has bytes that nobody asked for.
func (l *link) isStale() bool {
	if l.plain.raw == nil {
		return false
	}
	if l.plain.raw.Control(l.look) != nil {
		return true
	}
	came := l.poll[0].Revents
	if l.secure {
		came &^= unix.POLLIN // a ticket for another session may come at any time
	}
	return came != 0
}
