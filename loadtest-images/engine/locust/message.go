// Package locust is a worker's side of the conversation with a Locust master: Locust's own messages, those that the
// fleet of gatebench adds, and the reports. It knows nothing of how load is offered.
package locust

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"
)

// The types of the messages that are understood. A master's others are passed over.
const (
	typeAck       = "ack"
	typeSpawn     = "spawn"
	typeHeartbeat = "heartbeat"
	typeStop      = "stop"
	typeQuit      = "quit"
	typePhase     = "gb_phase"
	typeDrain     = "gb_drain"
	typePlan      = "gb_plan"

	typeHello      = "gb_hello"
	typePhaseAck   = "gb_phase_ack"
	typePlanAck    = "gb_plan_ack"
	typeReady      = "client_ready"
	typeStopped    = "client_stopped"
	typeSpawning   = "spawning"
	typeAllSpawned = "spawning_complete"
	typeStats      = "stats"
)

var errMessage = errors.New("not a message of a Locust master")

// message is an array of type, data and the worker's name; its data is not looked at until the type is known.
type message struct {
	kind string
	data msgpack.RawMessage
	node string
}

func decode(wire []byte) (message, error) {
	if err := shallow(wire); err != nil {
		return message{}, err
	}
	reader := bytes.NewReader(wire)
	decoder := msgpack.NewDecoder(reader)
	length, err := decoder.DecodeArrayLen()
	if err != nil || length != 3 {
		return message{}, fmt.Errorf("%w: no array of three", errMessage)
	}
	var m message
	if m.kind, err = decoder.DecodeString(); err != nil {
		return message{}, fmt.Errorf("%w: its type: %w", errMessage, err)
	}
	if m.data, err = decoder.DecodeRaw(); err != nil {
		return message{}, fmt.Errorf("%w: its data: %w", errMessage, err)
	}
	if m.node, err = decoder.DecodeString(); err != nil {
		return message{}, fmt.Errorf("%w: its worker: %w", errMessage, err)
	}
	if m.kind == "" || m.node == "" {
		return message{}, fmt.Errorf("%w: no type or no worker", errMessage)
	}
	if reader.Len() > 0 {
		return message{}, fmt.Errorf("%w: %d bytes too many", errMessage, reader.Len())
	}
	return m, nil
}

// into decodes the data of a message, which must be a map, and checks it.
func (m message) into(out interface{ check() error }) error {
	if len(m.data) == 0 || m.data[0]&0xf0 != 0x80 && m.data[0] != 0xde && m.data[0] != 0xdf {
		return fmt.Errorf("%s: no map", m.kind)
	}
	if err := msgpack.Unmarshal(m.data, out); err != nil {
		return fmt.Errorf("%s: %w", m.kind, err)
	}
	if err := out.check(); err != nil {
		return fmt.Errorf("%s: %w", m.kind, err)
	}
	return nil
}

// Spawn is how many users of each class this worker is to have, in absolute numbers.
type Spawn struct {
	Timestamp float64        `msgpack:"timestamp"`
	Classes   map[string]int `msgpack:"user_classes_count"`
}

// Users is the sum over all classes.
func (s Spawn) Users() int {
	sum := 0
	for _, count := range s.Classes {
		sum += count
	}
	return sum
}

func (s *Spawn) check() error {
	for class, count := range s.Classes {
		if count < 0 || count > 1_000_000 {
			return fmt.Errorf("%d users of %.50q", count, class)
		}
	}
	return nil
}

// Rate is arrivals a second of the whole fleet, going evenly from From to To in Seconds.
type Rate struct {
	From    float64 `msgpack:"from"`
	To      float64 `msgpack:"to"`
	Seconds float64 `msgpack:"seconds"`
}

// mostBurst is far more users than a burst has.
const mostBurst = 100_000

// Phase is a phase of the load that begins, or whose load is all there from now on.
type Phase struct {
	Attempt  *string  `msgpack:"attempt"`
	Order    int64    `msgpack:"order"`
	Index    int      `msgpack:"phase"`
	Settled  bool     `msgpack:"settled"`
	Worker   *int     `msgpack:"worker"`
	Workers  *int     `msgpack:"workers"`
	StartsAt *float64 `msgpack:"startsAt"` // unix seconds of the master's clock
	Rate     *Rate    `msgpack:"rate"`     // open load only
	Direct   bool     `msgpack:"direct"`   // straight to the upstream
	Burst    *int     `msgpack:"burst"`    // straight to it by so many users of the whole fleet, without think time
}

func (p *Phase) check() error {
	if p.Worker != nil && p.Workers != nil && (*p.Worker < 0 || *p.Worker >= *p.Workers) {
		return fmt.Errorf("worker %d of %d", *p.Worker, *p.Workers)
	}
	if r := p.Rate; r != nil && !(finite(r.From) && finite(r.To) && finite(r.Seconds)) {
		return fmt.Errorf("a rate from %g to %g in %g s", r.From, r.To, r.Seconds)
	}
	if p.Burst != nil && (*p.Burst < 0 || *p.Burst > mostBurst) {
		return fmt.Errorf("a burst of %d users", *p.Burst)
	}
	return nil
}

// Drain is the end of the load: what is in flight has that many seconds.
type Drain struct {
	Phase   int     `msgpack:"phase"`
	Seconds float64 `msgpack:"seconds"`
}

func (d *Drain) check() error {
	if !finite(d.Seconds) {
		return fmt.Errorf("%g s", d.Seconds)
	}
	return nil
}

// finite is whether a number can be a duration or a rate.
func finite(x float64) bool { return x >= 0 && x <= 1e9 }
