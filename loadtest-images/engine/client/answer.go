package client

import (
	"bytes"

	"gatebench.dev/engine/payload"
	"gatebench.dev/engine/sse"
)

// keptTail is how much of a body's end is kept, where an answer states its usage.
const keptTail = 64 << 10

// answer is what is made of a body while it comes. It is reused.
type answer struct {
	stream    sse.Stream
	streaming bool
	keeping   bool
	bytes     int64
	tail      []byte // of a body that came in parts
	text      []byte // what is kept, wherever it is
}

// begin prepares for the body of an answer to call.
func (a *answer) begin(call *payload.Call, res *Result) {
	good := res.Status == call.Status
	a.streaming = good && call.Stream
	a.keeping = good && !call.Stream && (call.CountsTokens || call.Check != nil)
	a.bytes, a.tail, a.text = 0, a.tail[:0], nil
	if a.streaming {
		a.stream.Start(res.Sent, res.Gaps)
	}
}

func (a *answer) take(part []byte, at int64) error {
	if a.bytes += int64(len(part)); a.bytes > maxBody {
		return errLongBody
	}
	if a.streaming {
		a.stream.Feed(part, at)
	} else if a.keeping {
		a.keep(part)
	}
	return nil
}

func (a *answer) whole(body []byte, at int64) error {
	if a.streaming {
		return a.take(body, at)
	}
	a.bytes = int64(len(body))
	a.text = body // a buffer holds no more than is to be kept
	return nil
}

func (a *answer) keep(part []byte) {
	part = part[max(0, len(part)-keptTail):]
	if len(a.tail)+len(part) > 2*keptTail {
		a.tail = a.tail[:copy(a.tail, a.tail[len(a.tail)-keptTail:])]
	}
	a.tail = append(a.tail, part...)
	a.text = a.tail[max(0, len(a.tail)-keptTail):]
}

// measured puts into res what is known of the body, as far as it came.
func (a *answer) measured(res *Result) {
	res.Bytes = a.bytes
	if a.streaming {
		res.TTFT, res.Gaps = a.stream.TTFT(), a.stream.Gaps
	}
}

// judge says what a whole answer is.
func (a *answer) judge(call *payload.Call, res *Result) {
	if res.Status != call.Status {
		res.fail(HTTP, statusMessage(res.Status))
		return
	}
	if a.streaming {
		res.Tokens = a.stream.Tokens()
		if a.stream.Error != "" {
			res.fail(StreamCut, a.stream.Error)
		} else if !a.stream.Ended && !call.OpenEnded {
			res.fail(StreamCut, "the stream ended without its end marker")
		}
		return
	}
	if call.CountsTokens {
		res.Tokens = outputTokens(a.text)
	}
	if call.Check != nil {
		why := payload.TooLongCheck
		if a.bytes <= keptTail {
			why = call.Check.Fails(a.text)
		}
		if why != "" {
			res.fail(Check, why)
		}
	}
}

// outputTokens is the first number of completion_tokens or output_tokens; -1: there is none. The text is searched and
// not parsed, since its beginning may be missing.
func outputTokens(text []byte) int64 {
	const end = `_tokens"`
	for {
		at := bytes.Index(text, []byte(end))
		if at < 0 {
			return -1
		}
		before := text[:at]
		text = text[at+len(end):]
		if !bytes.HasSuffix(before, []byte(`"completion`)) && !bytes.HasSuffix(before, []byte(`"output`)) {
			continue
		}
		after := skipSpace(text)
		if len(after) == 0 || after[0] != ':' {
			continue
		}
		if number := leadingNumber(skipSpace(after[1:])); number >= 0 {
			return number
		}
	}
}

func skipSpace(text []byte) []byte {
	for len(text) > 0 && (text[0] == ' ' || '\t' <= text[0] && text[0] <= '\r') {
		text = text[1:]
	}
	return text
}

// leadingNumber is that of the digits at the beginning; -1: none, or more than 18 of them.
func leadingNumber(text []byte) int64 {
	var number int64
	for i, c := range text {
		if c < '0' || c > '9' {
			if i == 0 {
				return -1
			}
			return number
		}
		if i == 18 {
			return -1
		}
		number = 10*number + int64(c-'0')
	}
	if len(text) == 0 {
		return -1
	}
	return number
}
