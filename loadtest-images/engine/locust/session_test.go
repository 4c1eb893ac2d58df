package locust

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// fakeMaster is the other end of sockets: it notes what is said, and answers by `answer`.
type fakeMaster struct {
	mu     sync.Mutex
	nodes  []string // as they dialled
	said   []said
	refuse error // of Dial
	answer func(s *fakeSocket, m said)
}

type said struct {
	kind, node string
	data       any
}

type fakeSocket struct {
	master *fakeMaster
	node   string
	in     chan []byte
	closed chan struct{}
	once   sync.Once
}

func (f *fakeMaster) dial(ctx context.Context, identity string) (Socket, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nodes = append(f.nodes, identity)
	if f.refuse != nil {
		return nil, f.refuse
	}
	return &fakeSocket{master: f, node: identity, in: make(chan []byte, 100), closed: make(chan struct{})}, nil
}

func (f *fakeMaster) kinds(but string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, s := range f.said {
		if s.kind != but {
			out = append(out, s.kind)
		}
	}
	return out
}

func (s *fakeSocket) Send(wire []byte) error {
	var parts []any
	if err := msgpack.Unmarshal(wire, &parts); err != nil || len(parts) != 3 {
		return fmt.Errorf("no message: %w", err)
	}
	m := said{parts[0].(string), parts[2].(string), parts[1]}
	s.master.mu.Lock()
	s.master.said = append(s.master.said, m)
	s.master.mu.Unlock()
	if s.master.answer != nil {
		s.master.answer(s, m)
	}
	return nil
}

func (s *fakeSocket) say(kind string, data any) {
	wire, err := msgpack.Marshal([]any{kind, data, s.node})
	if err != nil {
		panic(err)
	}
	select {
	case s.in <- wire:
	case <-s.closed:
	}
}

func (s *fakeSocket) Receive() ([]byte, error) {
	select {
	case wire := <-s.in:
		return wire, nil
	case <-s.closed:
		return nil, io.EOF
	}
}

func (s *fakeSocket) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// taking acknowledges, and answers heartbeats; `also` sees every message.
func taking(also func(s *fakeSocket, m said)) func(*fakeSocket, said) {
	return func(s *fakeSocket, m said) {
		switch m.kind {
		case typeReady:
			s.say(typeAck, map[string]any{"index": 3})
		case typeHeartbeat:
			s.say(typeHeartbeat, nil)
		}
		if also != nil {
			also(s, m)
		}
	}
}

func options(master *fakeMaster, log func(string, ...any)) Options {
	return Options{Dial: master.dial, Host: "pod-1", Pod: "0a1b", UID: "u1", Token: "secret", Version: "0.0.1", Log: log}
}

func quiet(string, ...any) {}

func TestJoining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		master := &fakeMaster{answer: taking(nil)}
		s, err := Join(t.Context(), options(master, quiet))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if s.Index() != 3 || !strings.HasPrefix(s.Node(), "pod-1_") || len(s.Node()) != len("pod-1_")+32 {
			t.Errorf("%d, %s", s.Index(), s.Node())
		}
		hello := master.said[0].data.(map[string]any)
		if hello["proof"] != proof("secret", "u1", s.Node()) || hello["kind"] != "Go" || hello["engine"] != "0.0.1" || hello["host"] != "pod-1" || hello["pod"] != "0a1b" {
			t.Errorf("%v", hello)
		}
		if got := master.kinds(""); !slices.Equal(got, []string{typeHello, typeReady}) {
			t.Errorf("%v", got)
		}
	})
}

func TestTheProofIsTheFleets(t *testing.T) {
	// By the Python side: wire.proof("token-for-tests-0123456789", "5b0c3c1e", "vm_1").
	const want = "4a7882796524cb1d7621e003b14d7330da622367a2cab084ea41a9b3b8a5af28"
	if got := proof("token-for-tests-0123456789", "5b0c3c1e", "vm_1"); got != want {
		t.Error(got)
	}
}

func TestNoAcknowledgementMeansAnotherConnectionUnderAnotherName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		master := &fakeMaster{}
		var log []string
		began := time.Now()
		_, err := Join(t.Context(), options(master, func(f string, a ...any) { log = append(log, fmt.Sprintf(f, a...)) }))
		if !errors.Is(err, ErrNotTaken) || time.Since(began) != joinTimeout {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		if len(master.nodes) < 50 || len(slices.Compact(slices.Sorted(slices.Values(master.nodes)))) != len(master.nodes) {
			t.Errorf("%d names: %v", len(master.nodes), master.nodes)
		}
		if got := master.kinds("")[:6]; !slices.Equal(got, []string{typeHello, typeReady, typeQuit, typeHello, typeReady, typeQuit}) {
			t.Errorf("%v", got)
		}
		if len(log) != 1 {
			t.Errorf("said %q", log)
		}
	})
}

func TestAMasterThatComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		master := &fakeMaster{refuse: errors.New("connection refused"), answer: taking(nil)}
		time.AfterFunc(time.Minute+time.Millisecond, func() {
			master.mu.Lock()
			defer master.mu.Unlock()
			master.refuse = nil
		})
		began := time.Now()
		s, err := Join(t.Context(), options(master, quiet))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if took := time.Since(began); took > time.Minute+time.Second {
			t.Errorf("joined after %s", took)
		}
	})
}

func TestJoiningCanBeEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		master := &fakeMaster{}
		began := time.Now()
		_, err := Join(ctx, options(master, quiet))
		if !errors.Is(err, context.Canceled) || time.Since(began) != time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}

// notes is a handler that writes down what it is told.
type notes struct {
	mu   sync.Mutex
	told []string
}

func (n *notes) note(format string, arguments ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.told = append(n.told, fmt.Sprintf(format, arguments...))
}

func (n *notes) Spawn(s Spawn) { n.note("spawn %d", s.Users()) }
func (n *notes) Phase(p Phase) { n.note("phase %d", p.Index) }
func (n *notes) Drain(d Drain) { n.note("drain %g", d.Seconds) }
func (n *notes) Stop()         { n.note("stop") }
func (n *notes) Plan(p Plan) bool {
	n.note("plan %s", p.Text)
	return p.Text != "refused"
}
func (n *notes) Pulse() Pulse { return Pulse{State: StateRunning, CPU: 12.5, Memory: 7} }

func TestAWholeConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spawn := func(at float64, users int) map[string]any {
			return map[string]any{"timestamp": at, "user_classes_count": map[string]int{"U": users}}
		}
		master := &fakeMaster{}
		master.answer = taking(func(s *fakeSocket, m said) {
			if m.kind != typeReady {
				return
			}
			s.say(typePhase, map[string]any{"attempt": "a", "order": 9, "phase": 4, "settled": false})
			s.say(typeSpawn, spawn(10, 5))
			s.say(typeSpawn, spawn(10, 99)) // not newer
			s.say("reconnect", nil)
			s.say("something new", map[string]any{"x": 1})
			s.in <- []byte("\xc1")
			s.say(typeSpawn, spawn(11, 2))
			s.say(typeDrain, map[string]any{"phase": 5, "seconds": 2})
			s.say(typeStop, nil)
			time.AfterFunc(2500*time.Millisecond, func() { s.say(typeQuit, nil) })
		})
		s, err := Join(t.Context(), options(master, quiet))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		told := &notes{}
		if err := s.Run(t.Context(), told); err != nil {
			t.Error(err)
		}
		if want := []string{"phase 4", "spawn 5", "spawn 2", "drain 2", "stop"}; !slices.Equal(told.told, want) {
			t.Errorf("told %q, want %q", told.told, want)
		}
		want := []string{typePhaseAck, typeSpawning, typeSpawning, typeSpawning}
		if got := master.kinds(typeHeartbeat)[2:]; !slices.Equal(got, want) {
			t.Errorf("said %v, want %v", got, want)
		}
		beats := 0
		for _, m := range master.said {
			if m.kind == typeHeartbeat {
				beats++
				data := m.data.(map[string]any)
				if data["state"] != "running" || data["current_cpu_usage"] != 12.5 || fmt.Sprint(data["current_memory_usage"]) != "7" {
					t.Errorf("%v", data)
				}
			}
			if m.node != s.Node() {
				t.Errorf("%+v", m)
			}
		}
		if beats != 3 {
			t.Errorf("%d heartbeats in 2.5 s", beats)
		}
	})
}

func TestASilentMasterIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		master := &fakeMaster{}
		master.answer = func(s *fakeSocket, m said) {
			if m.kind == typeReady {
				s.say(typeAck, map[string]any{"index": 0})
			}
		}
		s, err := Join(t.Context(), options(master, quiet))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		began := time.Now()
		var lost *Lost
		if err := s.Run(t.Context(), &notes{}); !errors.As(err, &lost) || !strings.Contains(lost.Why, "has not answered for 4s") {
			t.Error(err)
		}
		if took := time.Since(began); took > 5*time.Second || took < silenceLimit {
			t.Errorf("after %s", took)
		}
	})
}

func TestABrokenConnectionIsALostMaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		master := &fakeMaster{}
		master.answer = taking(func(s *fakeSocket, m said) {
			if m.kind == typeReady {
				time.AfterFunc(100*time.Second, func() { s.Close() })
			}
		})
		s, err := Join(t.Context(), options(master, quiet))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		began := time.Now()
		var lost *Lost
		if err := s.Run(t.Context(), &notes{}); !errors.As(err, &lost) || !strings.Contains(lost.Why, "closed the connection") {
			t.Error(err)
		}
		if took := time.Since(began); took != 100*time.Second {
			t.Errorf("after %s", took)
		}
	})
}
