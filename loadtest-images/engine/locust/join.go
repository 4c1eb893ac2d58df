package locust

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

const (
	joinTimeout = 10 * time.Minute
	dialTimeout = 3 * time.Second
	ackTimeout  = 3 * time.Second
	redialAfter = 500 * time.Millisecond
	maxBackOff  = 5 * time.Second
)

// ErrNotTaken is that no master has taken this worker in ten minutes.
var ErrNotTaken = errors.New("no master has taken this worker")

// Socket is a connection to the master that carries whole messages.
type Socket interface {
	Send(message []byte) error
	Receive() ([]byte, error) // valid until the next call
	Close() error
}

// Options is who this worker is, and where its master.
type Options struct {
	Dial    func(ctx context.Context, identity string) (Socket, error)
	Host    string // this machine
	Pod     string // UID of this pod: another of the same name may take its place
	UID     string // the run's
	Token   string // the run's; it is never sent
	Version string // of the engine
	Log     func(format string, arguments ...any)
}

// proof shows that a worker of this name knows the run's token.
func proof(token, uid, node string) string {
	mac := hmac.New(sha256.New, []byte(token))
	fmt.Fprintf(mac, "gatebench worker\n%s\n%s", uid, node)
	return hex.EncodeToString(mac.Sum(nil))
}

// newNode names a worker: by its machine, and by what no other connection has ever had. A ROUTER passes over a second
// connection of the same name without a word, also when the first is dead and it does not know yet.
func newNode(host string) string {
	var id [16]byte
	rand.Read(id[:])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // UUID, version 4
	return host + "_" + hex.EncodeToString(id[:])
}

// Join connects until a master has taken this worker. The errors are ErrNotTaken and ctx's.
func Join(ctx context.Context, o Options) (*Session, error) {
	limit, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	pause, told := redialAfter, ""
	for {
		session, err := attempt(limit, o)
		if err == nil {
			return session, nil
		}
		if limit.Err() != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, fmt.Errorf("%w in %s: %w", ErrNotTaken, joinTimeout, err)
		}
		if text := err.Error(); text != told {
			o.Log("waiting for the master: %s", text)
			told = text
		}
		if errors.Is(err, errNoAck) {
			pause = min(2*pause, maxBackOff)
		} else {
			pause = redialAfter
		}
		select {
		case <-time.After(pause):
		case <-limit.Done():
		}
	}
}

var errNoAck = fmt.Errorf("no answer in %s", ackTimeout)

// attempt is one connection, under a name of its own.
func attempt(ctx context.Context, o Options) (*Session, error) {
	node := newNode(o.Host)
	dialling, cancel := context.WithTimeout(ctx, dialTimeout)
	socket, err := o.Dial(dialling, node)
	cancel()
	if err != nil {
		return nil, err
	}
	s := newSession(socket, node, o.Log)
	err = s.send(typeHello, func(p *packer) {
		p.table(5)
		p.text("proof")
		p.text(proof(o.Token, o.UID, node))
		p.text("host")
		p.text(o.Host)
		p.text("kind")
		p.text("Go")
		p.text("engine")
		p.text(o.Version)
		p.text("pod")
		p.text(o.Pod)
	})
	if err == nil {
		// Minus one: a worker that is no Locust of any version.
		err = s.send(typeReady, func(p *packer) { p.integer(-1) })
	}
	if err == nil {
		err = s.awaitAck(ctx)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Session) awaitAck(ctx context.Context) error {
	timer := time.NewTimer(ackTimeout)
	defer timer.Stop()
	for {
		select {
		case m, open := <-s.messages:
			if !open {
				return fmt.Errorf("the connection broke: %w", s.broken)
			}
			if m.kind != typeAck {
				continue
			}
			var ack ack
			if err := m.into(&ack); err != nil {
				return err
			}
			s.index = ack.Index
			return nil
		case <-timer.C:
			// Should the answer only be late, the master must not count on this connection.
			s.Leave()
			return errNoAck
		case <-ctx.Done():
			s.Leave()
			return ctx.Err()
		}
	}
}

// ack is the master's answer.
type ack struct {
	Index int `msgpack:"index"`
}

func (a *ack) check() error {
	if a.Index < 0 {
		return fmt.Errorf("index %d", a.Index)
	}
	return nil
}
