package locust

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

// recorded is what a Locust master 2.47.0 with gatebench's plugin said to a worker, message by message.
func recorded(t testing.TB) [][]byte {
	t.Helper()
	data, err := os.ReadFile("../zmtp/testdata/locust-2.47.0-master.bin")
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(bytes.NewReader(data[64:])) // after the greeting
	var out [][]byte
	for {
		flags, err := r.ReadByte()
		if errors.Is(err, io.EOF) {
			return out
		}
		size := make([]byte, 1)
		if flags&2 != 0 {
			size = make([]byte, 8)
		}
		if _, err := io.ReadFull(r, size); err != nil {
			t.Fatal(err)
		}
		body := make([]byte, binary.BigEndian.Uint64(append(make([]byte, 8-len(size)), size...)))
		if _, err := io.ReadFull(r, body); err != nil {
			t.Fatal(err)
		}
		if flags&4 == 0 {
			out = append(out, body)
		}
	}
}

func TestMessagesOfARecordedMaster(t *testing.T) {
	var kinds []string
	for _, wire := range recorded(t) {
		m, err := decode(wire)
		if err != nil || !strings.HasPrefix(m.node, "vm_") {
			t.Fatalf("%q: %v", wire, err)
		}
		if m.kind != typeHeartbeat {
			kinds = append(kinds, m.kind)
		}
		switch m.kind {
		case typeSpawn:
			var spawn Spawn
			if err := m.into(&spawn); err != nil || spawn.Users() != 4 || spawn.Classes["GatebenchUser"] != 4 || spawn.Timestamp < 1.7e9 {
				t.Errorf("%+v, %v", spawn, err)
			}
		case typePhase:
			var phase Phase
			if err := m.into(&phase); err != nil || phase.Attempt == nil || *phase.Attempt != "a1" || phase.Order < 1 || phase.Rate != nil {
				t.Errorf("%+v, %v", phase, err)
			}
		case typeDrain:
			var drain Drain
			if err := m.into(&drain); err != nil || drain != (Drain{Phase: 2, Seconds: 5}) {
				t.Errorf("%+v, %v", drain, err)
			}
		case typeAck:
			var ack ack
			if err := m.into(&ack); err != nil || ack.Index != 0 {
				t.Errorf("%+v, %v", ack, err)
			}
		}
	}
	want := "ack gb_phase spawn spawning_complete gb_phase gb_phase gb_drain quit"
	if got := strings.Join(kinds, " "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func encoded(t testing.TB, value any) []byte {
	t.Helper()
	wire, err := msgpack.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

func TestAPhaseOfOpenLoad(t *testing.T) {
	m, err := decode(encoded(t, []any{"gb_phase", map[string]any{
		"attempt": "a1", "order": 3, "phase": 1, "settled": true, "worker": 1, "workers": 2,
		"startsAt": 1.75e9, "rate": map[string]any{"from": 10, "to": 20.5, "seconds": 60},
	}, "w"}))
	if err != nil {
		t.Fatal(err)
	}
	var phase Phase
	if err := m.into(&phase); err != nil {
		t.Fatal(err)
	}
	if *phase.Worker != 1 || *phase.Workers != 2 || *phase.StartsAt != 1.75e9 || *phase.Rate != (Rate{10, 20.5, 60}) {
		t.Errorf("%+v", phase)
	}
}

func TestABurstWithoutUsersIsNotNone(t *testing.T) {
	for users, data := range map[int]any{0: map[string]any{"burst": 0}, 64: map[string]any{"burst": 64}} {
		var phase Phase
		if err := (message{kind: "x", data: encoded(t, data)}).into(&phase); err != nil || phase.Burst == nil || *phase.Burst != users {
			t.Errorf("%v, %+v", err, phase)
		}
	}
	var phase Phase
	if err := (message{kind: "x", data: encoded(t, map[string]any{"phase": 1})}).into(&phase); err != nil || phase.Burst != nil {
		t.Errorf("%v, %+v", err, phase)
	}
}

func TestMessagesThatAreNoMasters(t *testing.T) {
	whole := encoded(t, []any{"stop", nil, "w"})
	for name, wire := range map[string][]byte{
		"nothing":         {},
		"cut off":         whole[:len(whole)-1],
		"trailing bytes":  append(bytes.Clone(whole), 0),
		"two":             encoded(t, []any{"stop", nil}),
		"four":            encoded(t, []any{"stop", nil, "w", 1}),
		"a number's type": encoded(t, []any{1, nil, "w"}),
		"nobody's":        encoded(t, []any{"stop", nil, nil}),
		"a map":           encoded(t, map[string]any{"a": 1}),
		"too deep":        append(append([]byte{0x93, 0xa1, 'x'}, bytes.Repeat([]byte{0x91}, 100_000)...), 0xc0, 0xa1, 'w'),
		"a huge promise":  {0x93, 0xa1, 'x', 0xdf, 0xff, 0xff, 0xff, 0xff},
		"a huge text":     {0x93, 0xdb, 0xff, 0xff, 0xff, 0xff, 'x'},
	} {
		if m, err := decode(wire); !errors.Is(err, errMessage) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	for name, c := range map[string]struct {
		data any
		out  interface{ check() error }
	}{
		"no data":                 {nil, &Phase{}},
		"a list":                  {[]any{1, 2}, &Spawn{}},
		"text for a number":       {map[string]any{"timestamp": "now"}, &Spawn{}},
		"fewer than no users":     {map[string]any{"user_classes_count": map[string]int{"A": -1}}, &Spawn{}},
		"a worker beyond":         {map[string]any{"worker": 2, "workers": 2}, &Phase{}},
		"a rate below nothing":    {map[string]any{"rate": map[string]any{"from": -1}}, &Phase{}},
		"a burst of nobody":       {map[string]any{"burst": -1}, &Phase{}},
		"a drain that never ends": {map[string]any{"seconds": 1e300}, &Drain{}},
		"an index below nothing":  {map[string]any{"index": -1}, &ack{}},
		"no plan":                 {map[string]any{}, &Plan{}},
		"a plan that is no text":  {map[string]any{"plan": map[string]any{}}, &Plan{}},
	} {
		if err := (message{kind: "x", data: encoded(t, c.data)}).into(c.out); err == nil {
			t.Errorf("%s: %+v", name, c.out)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, wire := range recorded(f) {
		f.Add(wire)
	}
	f.Add(encoded(f, []any{"gb_phase", map[string]any{"rate": map[string]any{"from": 1}}, "w"}))
	f.Add(encoded(f, []any{"gb_plan", map[string]any{"plan": "{}"}, "w"}))
	f.Add([]byte{0x93, 0xdb, 0xff, 0xff, 0xff, 0xff, 'x'})
	f.Fuzz(func(t *testing.T, wire []byte) {
		m, err := decode(wire)
		if err != nil {
			return
		}
		if len(m.kind)+len(m.node)+len(m.data) > len(wire) {
			t.Fatalf("%+v from %d bytes", m, len(wire))
		}
		var spawn Spawn
		if m.into(&spawn) == nil && spawn.Users() < 0 {
			t.Fatalf("%+v", spawn)
		}
		var phase Phase
		if m.into(&phase) == nil && phase.Rate != nil && !finite(phase.Rate.From) {
			t.Fatalf("%+v", phase)
		}
		var drain Drain
		if m.into(&drain) == nil && !finite(drain.Seconds) {
			t.Fatalf("%+v", drain)
		}
		var plan Plan
		if m.into(&plan) == nil && (plan.Text == "" || len(plan.Text) > len(wire)) {
			t.Fatalf("%+v", plan)
		}
	})
}
