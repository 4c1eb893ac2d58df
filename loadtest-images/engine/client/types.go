// Package client makes HTTP exchanges, one at a time for each connection, and says exactly when they were sent and when
// they ended. It never repeats a request and never follows a redirect.
package client

import "gatebench.dev/engine/payload"

// Kind is what came of an exchange.
type Kind uint8

// The kinds of failure, and OK.
const (
	OK        Kind = iota
	HTTP           // another status than the expected one
	Timeout        // no full answer in time
	Refused        // nobody listens
	Reset          // the other side closed the connection
	DNS            // the name cannot be resolved
	TLS            // no secure connection
	Check          // the answer is not what it was to be
	StreamCut      // a stream ended before its end marker
	Other
)

var kinds = [...]string{"", "http", "timeout", "refused", "reset", "dns", "tls", "check", "streamCut", "other"}

// String is the kind's name in results; empty for OK.
func (k Kind) String() string {
	if int(k) < len(kinds) {
		return kinds[k]
	}
	return kinds[Other]
}

// OpenAtEnd is the message of a Timeout that Abort brought about.
const OpenAtEnd = "still open when the load ended"

// Result is what came of one exchange. Its owner reuses it. Times are nanoseconds of clock.Now.
type Result struct {
	Sent    int64   // just before the connection is dialled, or else the first byte written
	End     int64   // when the last byte was read, or with KernelTime (not with HTTP/2) when the kernel had it; or the failure
	Status  int     // 0: none
	Bytes   int64   // of the body
	TTFT    int64   // nanoseconds from Sent to the first content of a stream that is not empty; -1: none
	Gaps    []int64 // nanoseconds between contents of a stream; Do resets it
	Tokens  int64   // of the output; -1: unknown
	Kind    Kind
	Message string // a short text, set with failures only
}

// Conn is one client's connection to the target: dialled when it is needed, kept open.
type Conn interface {
	// Do makes one exchange and fills res, with failures too. One at a time.
	Do(call *payload.Call, body []byte, res *Result)
	// Abort, from another goroutine, has a running Do end at once as a Timeout with the message OpenAtEnd.
	Abort()
	// Close closes the connection, while no Do runs.
	Close()
}
