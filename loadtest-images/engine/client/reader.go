package client

import (
	"bytes"
	"io"
)

// A connection's buffer begins small, since there may be thousands, and grows where answers are large. A line of a
// header must fit into it.
const (
	firstBuffer = 4 << 10
	lastBuffer  = 64 << 10
)

// source is what a reader reads, and when the last of it came, by clock.Now.
type source interface {
	io.Reader
	cameAt() int64
}

// reader is what has come over a connection and has not been taken yet.
type reader struct {
	source   source
	buffer   []byte
	from, to int   // of what is there
	at       int64 // when the last of it came
	full     bool  // the last read could have brought more
}

// reset begins with nothing.
func (r *reader) reset(source source) {
	r.source, r.from, r.to, r.full = source, 0, 0, false
}

// has is told that so many bytes have come into the buffer, after reset.
func (r *reader) has(count int) {
	if count > 0 {
		r.to, r.full, r.at = count, count == len(r.buffer), r.source.cameAt()
	}
}

// fill reads once and so adds at least one byte. What was given by line or pending is no longer valid.
func (r *reader) fill() error {
	if r.from == r.to {
		r.from, r.to = 0, 0
	}
	if r.to == len(r.buffer) || r.full && r.to == 0 && len(r.buffer) < lastBuffer {
		if err := r.makeRoom(); err != nil {
			return err
		}
	}
	for range 100 {
		n, err := r.source.Read(r.buffer[r.to:])
		r.at = r.source.cameAt()
		if n > 0 {
			r.full = n == len(r.buffer)-r.to
			r.to += n
			return nil // an error with it comes again
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

func (r *reader) makeRoom() error {
	into := r.buffer
	switch {
	case len(r.buffer) == 0:
		into = make([]byte, firstBuffer)
	case r.from > 0:
	case len(r.buffer) < lastBuffer:
		into = make([]byte, 2*len(r.buffer))
	default:
		return errLongLine
	}
	r.to = copy(into, r.buffer[r.from:r.to])
	r.from, r.buffer = 0, into
	return nil
}

// pending is what is there, at least one byte, at most `most`; it is taken with that.
func (r *reader) pending(most int64) ([]byte, error) {
	if r.from == r.to {
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
	out := r.buffer[r.from:min(int64(r.to), int64(r.from)+min(most, lastBuffer))]
	r.from += len(out)
	return out, nil
}

// line is the next one, without its end. It is valid until the next fill.
func (r *reader) line() ([]byte, error) {
	seen := 0
	for {
		if i := bytes.IndexByte(r.buffer[r.from+seen:r.to], '\n'); i >= 0 {
			out := r.buffer[r.from : r.from+seen+i]
			r.from += seen + i + 1
			if len(out) > 0 && out[len(out)-1] == '\r' {
				out = out[:len(out)-1]
			}
			return out, nil
		}
		seen = r.to - r.from
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}
