package client

import (
	"bytes"
	"strings"
)

// maxHead is the most bytes of a status line with its headers, or of trailers.
const maxHead = 64 << 10

// notHTTP is an answer that cannot be read; the text says why.
type notHTTP string

func (e notHTTP) Error() string { return "not HTTP: " + string(e) }

const (
	errLongLine   = notHTTP("a line is longer than 64 KiB")
	errLongHead   = notHTTP("the headers are longer than 64 KiB")
	errStatusLine = notHTTP("there is no status line")
	errHeaderLine = notHTTP("a header has no name")
	errFolded     = notHTTP("a header that says where the answer ends goes over two lines")
	errLength     = notHTTP("the Content-Length is not one")
	errEncoding   = notHTTP("the Transfer-Encoding is not chunked")
	errChunk      = notHTTP("a chunk has no size")
	errChunkEnd   = notHTTP("a chunk is longer than it says")
	errInterim    = notHTTP("there are more than ten interim answers")
)

// head is what a status line and headers say about the body and the connection.
type head struct {
	status  int
	length  int64 // -1: not stated
	chunked bool
	keep    bool // the connection may be used again
}

// head reads the next status line with its headers.
func (r *reader) head(h *head) error {
	line, err := r.line()
	if err != nil {
		return err
	}
	if err := h.statusLine(line); err != nil {
		return err
	}
	return r.fields(len(line), h)
}

// fields reads header lines to the empty one; with h nil they are trailers, of which nothing is kept.
func (r *reader) fields(size int, h *head) error {
	framing := false // the last line is one that says where the answer ends
	for first := true; ; first = false {
		line, err := r.line()
		if err != nil {
			return err
		}
		if len(line) == 0 {
			return nil
		}
		if size += len(line) + 2; size > maxHead {
			return errLongHead
		}
		if line[0] == ' ' || line[0] == '\t' {
			if first {
				return errHeaderLine
			}
			if framing {
				return errFolded
			}
			continue
		}
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 || line[colon-1] == ' ' || line[colon-1] == '\t' {
			return errHeaderLine
		}
		if h != nil {
			if framing, err = h.field(line[:colon], line[colon+1:]); err != nil {
				return err
			}
		}
	}
}

func (h *head) statusLine(line []byte) error {
	const start = "HTTP/1.1 200"
	if len(line) < len(start) || string(line[:7]) != "HTTP/1." || line[8] != ' ' ||
		len(line) > len(start) && line[len(start)] != ' ' {
		return errStatusLine
	}
	minor, code := line[7], line[9:12]
	if minor < '0' || minor > '9' {
		return errStatusLine
	}
	status := 0
	for _, digit := range code {
		if digit < '0' || digit > '9' {
			return errStatusLine
		}
		status = 10*status + int(digit-'0')
	}
	if status < 100 {
		return errStatusLine
	}
	*h = head{status: status, length: -1, keep: minor != '0'}
	return nil
}

// field takes one header, and says whether it was one that says where the answer ends.
func (h *head) field(name, value []byte) (bool, error) {
	switch len(name) { // before the names are compared, as most are others
	case len("Connection"):
		if is(name, "Connection") {
			h.connection(value)
		}
	case len("Content-Length"):
		if is(name, "Content-Length") {
			return true, h.contentLength(bytes.TrimSpace(value))
		}
	case len("Transfer-Encoding"):
		if is(name, "Transfer-Encoding") {
			if !is(bytes.TrimSpace(value), "chunked") || h.chunked {
				return true, errEncoding
			}
			h.chunked = true
			return true, nil
		}
	}
	return false, nil
}

func (h *head) connection(value []byte) {
	for len(value) > 0 {
		option := value
		if comma := bytes.IndexByte(value, ','); comma >= 0 {
			option, value = value[:comma], value[comma+1:]
		} else {
			value = nil
		}
		option = bytes.TrimSpace(option)
		if is(option, "close") {
			h.keep = false
			return
		}
		if is(option, "keep-alive") {
			h.keep = true
		}
	}
}

func (h *head) contentLength(value []byte) error {
	const most = 1 << 60
	if len(value) == 0 {
		return errLength
	}
	var length int64
	for _, digit := range value {
		if digit < '0' || digit > '9' || length > most/10 {
			return errLength
		}
		length = 10*length + int64(digit-'0')
	}
	if h.length >= 0 && h.length != length {
		return errLength
	}
	h.length = length
	return nil
}

// is compares without regard to case, and without allocating.
func is(text []byte, word string) bool {
	return len(text) == len(word) && strings.EqualFold(string(text), word)
}
