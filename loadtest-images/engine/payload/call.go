// Package payload turns what the plan declares into calls that are ready to send: the same bytes as the Python fleet
// sends for the same plan, and bodies with places that are filled for each request.
package payload

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"

	"gatebench.dev/engine/plan"
)

// Call is a request, ready to send. It is not changed any more once it is sent.
type Call struct {
	Name, Method, Path string
	Host               string      // of a given Host header; empty: the target's
	Header             []byte      // rendered block of headers, without Host and Content-Length
	Headers            [][2]string // the same in parts, with a given Host
	Body               Template
	Weight             int
	Status             int  // the expected one
	Stream             bool // answered by server-sent events
	CountsTokens       bool // its answer may state a usage
	OpenEnded          bool // a stream needs no end marker
	Check              *JSONCheck
}

// Render is the body of request number n of the load (from 0, over the whole fleet where datasets and sequences are not
// to repeat). A body without places is the call's own, never to be written to: do not keep it as the next dst. One with
// places is appended to dst.
func (c *Call) Render(dst []byte, r *rand.Rand, n uint64) []byte { return c.Body.render(dst, r, n) }

// IsConstant says whether this body, of Render, is the one that the call always has.
func (c *Call) IsConstant(body []byte) bool {
	own := c.Body.static
	return len(c.Body.places) == 0 && len(body) == len(own) && (len(own) == 0 || &body[0] == &own[0])
}

// Set is the calls of a plan.
type Set struct {
	calls []*Call
	sums  []int // of the weights up to and with each call
}

// Calls is all of them, in the order of the plan.
func (s *Set) Calls() []*Call { return s.calls }

// Pick chooses a call by weight.
func (s *Set) Pick(r *rand.Rand) *Call {
	if len(s.calls) == 1 {
		return s.calls[0]
	}
	return s.calls[sort.SearchInts(s.sums, r.IntN(s.sums[len(s.sums)-1])+1)]
}

// With is the same calls, each with some headers more.
func (s *Set) With(headers map[string]string) (*Set, error) {
	more := make([][2]string, 0, len(headers))
	for _, name := range sortedKeys(headers) {
		more = append(more, [2]string{name, headers[name]})
	}
	out := &Set{sums: s.sums}
	for _, call := range s.calls {
		own := *call
		own.Header = slices.Clip(own.Header) // the other call's is not written to
		if err := own.setHeaders(more); err != nil {
			return nil, err
		}
		own.Headers = slices.Concat(call.Headers, more)
		out.calls = append(out.calls, &own)
	}
	return out, nil
}

// Build makes the calls of a plan. Its errors name the request and the field; getenv is os.LookupEnv outside tests.
func Build(p *plan.Plan, getenv func(string) (string, bool)) (*Set, error) {
	b := &builder{getenv: getenv}
	if p.Dataset != nil {
		lines, err := readDataset(*p.Dataset, p.Seed)
		if err != nil {
			return nil, fmt.Errorf("workload.dataset: %w", err)
		}
		b.dataset = lines
	}
	calls, err := b.calls(p)
	if err != nil {
		return nil, err
	}
	if b.dataset != nil && !b.usesDataset {
		return nil, errors.New("workload.dataset: no body has {{dataset}}")
	}
	return newSet(calls)
}

func newSet(calls []*Call) (*Set, error) {
	s := &Set{calls: calls}
	sum := 0
	for _, call := range calls {
		if call.Weight < 0 {
			return nil, fmt.Errorf("request %s: weight %d is below 0", call.Name, call.Weight)
		}
		sum += call.Weight
		s.sums = append(s.sums, sum)
	}
	if sum == 0 {
		return nil, errors.New("workload: there is no request with a weight")
	}
	return s, nil
}

// builder is what the calls of one plan have in common.
type builder struct {
	getenv      func(string) (string, bool)
	dataset     *dataset
	usesDataset bool
}

func (b *builder) calls(p *plan.Plan) ([]*Call, error) {
	if p.Scenario != "" {
		return scenario(p)
	}
	calls := make([]*Call, 0, len(p.Requests))
	for i := range p.Requests {
		call, err := b.call(&p.Requests[i])
		if err != nil {
			return nil, fmt.Errorf("request %s: %w", p.Requests[i].Name, err)
		}
		calls = append(calls, call)
	}
	return calls, nil
}
