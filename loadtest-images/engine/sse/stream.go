// Package sse reads the server-sent events of the three LLM APIs as they come: when content came, how many tokens there
// were, and whether the end was reached.
package sse

import (
	"bytes"

	"github.com/valyala/fastjson"
)

// MaxLine is how long a line of a stream may be; the last event of the Responses API repeats the whole answer.
const MaxLine = 4 << 20

// keptLine is how much of a long line's buffer is kept for the next stream of the same connection.
const keptLine = 64 << 10

// Reasons for a stream that is not a good one although it was read.
const (
	ReportsError = "the stream reports an error"
	TooLong      = "an event of the stream is longer than 4 MiB"
)

var (
	data = []byte("data:")
	done = []byte("[DONE]")
)

// Stream takes bytes as they come and knows the times of content. Its owner reuses it: Start begins the next.
type Stream struct {
	Ended  bool    // its end marker was seen
	Deltas int64   // events with content
	Gaps   []int64 // nanoseconds between them
	Error  string  // a Reason; empty: none

	started, first, last int64
	usage                int64
	rest                 []byte // of a line that has not ended yet
	skipping             bool   // of a line that is too long
	parser               fastjson.Parser
}

// Start begins a stream that was asked for at `at` (nanoseconds of the clock that Feed is told the time of), and appends
// its gaps to gaps[:0].
func (s *Stream) Start(at int64, gaps []int64) {
	rest := s.rest[:0]
	if cap(rest) > keptLine {
		rest = nil
	}
	s.Ended, s.Deltas, s.Gaps, s.Error = false, 0, gaps[:0], ""
	s.started, s.first, s.last, s.usage = at, -1, -1, -1
	s.rest, s.skipping = rest, false
}

// TTFT is the nanoseconds to the first content that is not empty; -1: there was none.
func (s *Stream) TTFT() int64 {
	if s.first < 0 {
		return -1
	}
	return s.first - s.started
}

// Tokens is the number of output tokens: what the usage says, else the number of events with content; -1: neither.
func (s *Stream) Tokens() int64 {
	if s.usage >= 0 {
		return s.usage
	}
	if s.Deltas > 0 {
		return s.Deltas
	}
	return -1
}

// Feed takes the bytes that arrived at `now`. It keeps nothing of chunk.
func (s *Stream) Feed(chunk []byte, now int64) {
	for len(chunk) > 0 {
		end := bytes.IndexByte(chunk, '\n')
		if end < 0 {
			s.keep(chunk)
			return
		}
		line := chunk[:end]
		chunk = chunk[end+1:]
		if s.skipping {
			s.skipping = false
			continue
		}
		if len(s.rest) > 0 {
			if s.keep(line); s.skipping {
				s.skipping = false
				continue
			}
			line = s.rest
		}
		if len(line) > MaxLine {
			s.Error = TooLong
		} else if bytes.HasPrefix(line, data) {
			s.event(bytes.TrimSpace(line[len(data):]), now)
		}
		s.rest = s.rest[:0]
	}
}

// keep puts a part of a line aside; a line that gets too long is given up, whole.
func (s *Stream) keep(part []byte) {
	if s.skipping {
		return
	}
	if len(s.rest)+len(part) > MaxLine {
		s.Error, s.skipping, s.rest = TooLong, true, s.rest[:0]
		return
	}
	s.rest = append(s.rest, part...)
}

func (s *Stream) event(payload []byte, now int64) {
	if bytes.Equal(payload, done) {
		s.Ended = true
		return
	}
	if fastjson.ValidateBytes(payload) != nil { // the parser lets too much pass
		return
	}
	event, err := s.parser.ParseBytes(payload)
	if err != nil || event.Type() != fastjson.TypeObject {
		return
	}
	kind := event.GetStringBytes("type")
	if hasContent(event, kind) {
		s.content(now)
	}
	if tokens := usageOf(event, kind); tokens >= 0 {
		s.usage = tokens
	}
	switch string(kind) {
	case "message_stop", "response.completed", "response.incomplete":
		s.Ended = true
	case "error", "response.failed":
		s.Error = ReportsError
	}
	if truthy(event.Get("error")) {
		s.Error = ReportsError
	}
}

func (s *Stream) content(now int64) {
	s.Deltas++
	if s.first < 0 {
		s.first = now
	} else {
		s.Gaps = append(s.Gaps, now-s.last)
	}
	s.last = now
}
