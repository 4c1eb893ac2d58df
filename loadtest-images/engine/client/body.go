package client

import (
	"bytes"
	"errors"
	"io"
	"math"
)

// maxBody ends an answer that has no end.
const maxBody = 1 << 30

var errLongBody = errors.New("the answer is longer than 1 GiB")

// sink takes a body as it comes; `at` is when the part came.
type sink interface {
	take(part []byte, at int64) error
	// whole takes one that came at once. It is valid until the next answer is read.
	whole(body []byte, at int64) error
}

// body reads what follows h in answer to a request of this method, and says whether the connection can be used again.
func (r *reader) body(h *head, method string, to sink) (reusable bool, err error) {
	switch {
	case h.status == 101:
		return false, nil // what follows is another protocol
	case method == "HEAD" || h.status == 204 || h.status == 304:
		return h.keep, nil
	case h.chunked:
		// A length beside chunks is how answers are smuggled: nothing more is read from such a connection.
		return h.keep && h.length < 0, r.chunks(to)
	case h.length > 0 && h.length <= int64(r.to-r.from):
		all := r.buffer[r.from : r.from+int(h.length)]
		r.from += len(all)
		return h.keep, to.whole(all, r.at)
	case h.length >= 0:
		return h.keep, r.exactly(h.length, to)
	}
	for {
		part, err := r.pending(math.MaxInt64)
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err == nil {
			err = to.take(part, r.at)
		}
		if err != nil {
			return false, err
		}
	}
}

func (r *reader) exactly(length int64, to sink) error {
	for length > 0 {
		part, err := r.pending(length)
		if err != nil {
			return err
		}
		if err := to.take(part, r.at); err != nil {
			return err
		}
		length -= int64(len(part))
	}
	return nil
}

func (r *reader) chunks(to sink) error {
	for {
		line, err := r.line()
		if err != nil {
			return err
		}
		size, err := chunkSize(line)
		if err != nil {
			return err
		}
		if size == 0 {
			return r.fields(0, nil)
		}
		if err := r.exactly(size, to); err != nil {
			return err
		}
		if line, err = r.line(); err != nil {
			return err
		}
		if len(line) != 0 {
			return errChunkEnd
		}
	}
}

func chunkSize(line []byte) (int64, error) {
	if semicolon := bytes.IndexByte(line, ';'); semicolon >= 0 {
		line = line[:semicolon]
	}
	line = bytes.TrimRight(line, " \t")
	if len(line) == 0 || len(line) > 15 {
		return 0, errChunk
	}
	var size int64
	for _, c := range line {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, errChunk
		}
		size = size<<4 | int64(c)
	}
	return size, nil
}
