package standalone

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"sync/atomic"

	"gatebench.dev/engine/payload"
	"gatebench.dev/engine/result"
	"gatebench.dev/engine/vegeta"
)

// rotation gives calls in turn, as Vegeta does.
type rotation struct {
	calls []*payload.Call
	next  atomic.Uint64
}

// Pick is as load.Calls says.
func (r *rotation) Pick(*rand.Rand) *payload.Call {
	return r.calls[(r.next.Add(1)-1)%uint64(len(r.calls))]
}

func fromTargets(s *settings) (*job, error) {
	targets, err := s.readTargets()
	if err != nil {
		return nil, fmt.Errorf("-targets %s: %w", s.targets, err)
	}
	p := basic(s)
	turns := new(rotation)
	names := newNames()
	for i := range targets {
		target := &targets[i]
		origin, line, err := split(target.URL.String())
		switch {
		case err != nil:
			return nil, fmt.Errorf("-targets %s, line %d: %w", s.targets, target.Line, err)
		case p.Target == "":
			p.Target = origin
		case p.Target != origin:
			return nil, fmt.Errorf("-targets %s, line %d: %s is another server than %s: run the engine for each of them",
				s.targets, target.Line, origin, p.Target)
		}
		call, err := payload.Raw(names.of(target.Method, line), target.Method, line, s.headers.under(target.Headers),
			target.Body, s.status)
		if err != nil {
			return nil, fmt.Errorf("-targets %s, line %d: %w", s.targets, target.Line, err)
		}
		turns.calls = append(turns.calls, call)
	}
	return &job{run: result.Run{Name: "engine-run", Spec: specOf(p)}, plan: p, calls: turns}, nil
}

func (s *settings) readTargets() ([]vegeta.Target, error) {
	var from io.Reader = os.Stdin
	if s.targets != "-" {
		file, err := os.Open(s.targets)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		from = file
	}
	return vegeta.Read(from, os.ReadFile)
}

// under is the headers that a target has not itself, and then its own.
func (h headers) under(own [][2]string) [][2]string {
	var out [][2]string
	for _, header := range h {
		known := false
		for _, other := range own {
			known = known || strings.EqualFold(header[0], other[0])
		}
		if !known {
			out = append(out, header)
		}
	}
	return append(out, own...)
}

// names gives requests names such as metrics can have, one for each method and path. Queries are left out: they may hold
// secrets, and there may be many.
type names struct {
	known map[string]string // by method and path
	taken map[string]bool
}

func newNames() *names { return &names{known: make(map[string]string), taken: make(map[string]bool)} }

var unnamed = regexp.MustCompile(`[^a-z0-9]+`)

func (n *names) of(method, line string) string {
	path, _, _ := strings.Cut(line, "?")
	key := method + " " + path
	if name, found := n.known[key]; found {
		return name
	}
	const longest = 56 // and a number: 63 at most
	base := strings.Trim(unnamed.ReplaceAllString(strings.ToLower(key), "-"), "-")
	base = strings.TrimRight(base[:min(longest, len(base))], "-")
	name := base
	for number := 2; n.taken[name]; number++ {
		name = fmt.Sprintf("%s-%d", base, number)
	}
	n.known[key], n.taken[name] = name, true
	return name
}
