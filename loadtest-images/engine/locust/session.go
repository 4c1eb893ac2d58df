package locust

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	heartbeatEvery = time.Second
	silenceLimit   = 4 * time.Second
	checkEvery     = 500 * time.Millisecond
)

// The states that a worker tells Locust's page.
const (
	StateReady    = "ready"
	StateSpawning = "spawning"
	StateRunning  = "running"
	StateStopped  = "stopped"
)

// Pulse is what a heartbeat says: a state, the CPU in per cent of what the process may use, and its memory in bytes.
type Pulse struct {
	State  string
	CPU    float64
	Memory int64 // 0: unknown
}

// Handler is told what the master says, one message after the other. It must not block: while it does, nothing else is
// heard.
type Handler interface {
	Spawn(Spawn)
	Phase(Phase)
	Drain(Drain)
	Stop()
	Plan(Plan) bool // whether it is taken: this worker then ends its part under the present one
	Pulse() Pulse
}

// Lost is that the master is gone.
type Lost struct{ Why string }

func (l *Lost) Error() string { return l.Why }

// Session is the membership in a fleet, from the master's acknowledgement on. It is never renewed: a worker that has
// lost its master has lost it for good.
type Session struct {
	socket   Socket
	node     string
	index    int
	log      func(format string, arguments ...any)
	messages chan message
	broken   error // set before messages is closed
	gone     chan struct{}
	heard    atomic.Int64 // nanoseconds since begun
	begun    time.Time
	last     float64 // timestamp of the last spawn message
}

func newSession(socket Socket, node string, log func(string, ...any)) *Session {
	s := &Session{
		socket: socket, node: node, log: log, begun: time.Now(),
		messages: make(chan message, 64), gone: make(chan struct{}),
	}
	go s.listen()
	return s
}

// Node is this worker's name.
func (s *Session) Node() string { return s.node }

// Index is the number that the master has given it, from 0.
func (s *Session) Index() int { return s.index }

// listen reads until the connection ends. What cannot be understood is passed over: it may be a newer master's.
func (s *Session) listen() {
	defer close(s.messages)
	for {
		wire, err := s.socket.Receive()
		if err != nil {
			s.broken = err
			return
		}
		s.heard.Store(int64(time.Since(s.begun)))
		m, err := decode(wire)
		if err == nil && m.node != s.node {
			err = fmt.Errorf("it is for %.100q", m.node)
		}
		if err != nil {
			s.log("a message was not understood: %s", err)
			continue
		}
		if m.kind == typeHeartbeat {
			continue
		}
		select {
		case s.messages <- m:
		case <-s.gone:
			s.broken = fmt.Errorf("closed")
			return
		}
	}
}

// Run hands the master's messages to the handler until the master says quit (nil), has handed over (ErrHandedOver), is
// lost (*Lost), or ctx ends.
func (s *Session) Run(ctx context.Context, h Handler) error {
	s.heard.Store(int64(time.Since(s.begun)))
	lost, quit := make(chan string, 1), make(chan struct{})
	defer close(quit)
	go s.beat(h, quit)
	go s.watch(lost, quit)
	for {
		select {
		case m, open := <-s.messages:
			if !open {
				return &Lost{fmt.Sprintf("the master has closed the connection (%s)", s.broken)}
			}
			if m.kind == typeQuit {
				return nil
			}
			if m.kind == typePlan {
				if s.takes(m, h) {
					return s.handOver(ctx)
				}
				continue
			}
			if err := s.handle(m, h); err != nil {
				s.log("a message was not understood: %s", err)
			}
		case why := <-lost:
			return &Lost{why}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// handle gives an error where the message is not sound. What cannot be sent is the listener's to notice.
func (s *Session) handle(m message, h Handler) error {
	switch m.kind {
	case typeSpawn:
		return s.spawn(m, h)
	case typePhase:
		var phase Phase
		if err := m.into(&phase); err != nil {
			return err
		}
		h.Phase(phase)
		_ = s.send(typePhaseAck, func(p *packer) {
			p.table(1)
			p.text("order")
			p.integer(phase.Order)
		})
	case typeDrain:
		var drain Drain
		if err := m.into(&drain); err != nil {
			return err
		}
		h.Drain(drain)
	case typeStop:
		h.Stop()
	}
	return nil
}

func (s *Session) spawn(m message, h Handler) error {
	var spawn Spawn
	if err := m.into(&spawn); err != nil {
		return err
	}
	_ = s.send(typeSpawning, nil)
	if spawn.Timestamp <= s.last {
		return nil // an older one that was overtaken
	}
	s.last = spawn.Timestamp
	h.Spawn(spawn)
	return nil
}

// beat sends a heartbeat each second. A connection that breaks is the listener's to notice.
func (s *Session) beat(h Handler, quit <-chan struct{}) {
	ticker := time.NewTicker(heartbeatEvery)
	defer ticker.Stop()
	for {
		pulse := h.Pulse()
		_ = s.send(typeHeartbeat, func(p *packer) {
			fields := 2
			if pulse.Memory > 0 {
				fields = 3
			}
			p.table(fields)
			p.text("state")
			p.text(pulse.State)
			p.text("current_cpu_usage")
			p.number(pulse.CPU)
			if pulse.Memory > 0 {
				p.text("current_memory_usage")
				p.integer(pulse.Memory)
			}
		})
		select {
		case <-ticker.C:
		case <-quit:
			return
		}
	}
}

// watch says so when the master, who answers each heartbeat, has been silent for too long.
func (s *Session) watch(lost chan<- string, quit <-chan struct{}) {
	ticker := time.NewTicker(checkEvery)
	defer ticker.Stop()
	silent := false
	for {
		select {
		case <-ticker.C:
		case <-quit:
			return
		}
		// Twice: where this process itself did not run, what has arrived meanwhile is read first.
		before := silent
		silent = time.Since(s.begun)-time.Duration(s.heard.Load()) > silenceLimit
		if before && silent {
			lost <- fmt.Sprintf("the master has not answered for %s", silenceLimit)
			return
		}
	}
}

func (s *Session) send(kind string, data func(*packer)) error {
	return s.socket.Send(pack(kind, s.node, data))
}

// Report sends what was measured. After an error nothing more can be said to this master.
func (s *Session) Report(r *Report) error { return s.send(typeStats, r.pack) }

// Spawned says which users this worker has now.
func (s *Session) Spawned(classes map[string]int) error {
	return s.send(typeAllSpawned, func(p *packer) {
		p.table(2)
		p.text("user_classes_count")
		p.users(classes)
		p.text("user_count")
		p.integer(int64((&Spawn{Classes: classes}).Users()))
	})
}

// Stopped says that the load was ended on the master's word. This worker does not offer itself again.
func (s *Session) Stopped() error { return s.send(typeStopped, nil) }

// Leave says goodbye, as far as anybody listens.
func (s *Session) Leave() { _ = s.send(typeQuit, nil) }

// Close ends the connection.
func (s *Session) Close() {
	close(s.gone)
	s.socket.Close()
}
