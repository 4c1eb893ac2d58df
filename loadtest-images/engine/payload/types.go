// Package payload turns what the plan declares into calls that are ready to send.
package payload

import "math/rand/v2"

// Call is a request, ready to send.
type Call struct {
	Name, Method, Path string
	Header             []byte // rendered block of headers, without Host and Content-Length
	Headers            [][2]string
	Body               Template
	Weight             int
	Status             int  // the expected one
	Stream             bool // answered by server-sent events
	CountsTokens       bool // its answer may state a usage
	OpenEnded          bool // a stream needs no end marker
	Check              *JSONCheck
}

// JSONCheck is what an answer must hold.
type JSONCheck struct {
	Path   string
	Equals *string
}

// Template is a body, with places to fill where it has any.
type Template struct{ static []byte }

// Render is the body of request number n; dst is where one with places is written.
func (c *Call) Render(dst []byte, r *rand.Rand, n uint64) []byte { return c.Body.static }

// Set is the calls of a plan.
type Set struct{ calls []*Call }

// Pick chooses a call by weight.
func (s *Set) Pick(r *rand.Rand) *Call { return s.calls[0] }
