package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"gatebench.dev/engine/payload"
)

const (
	longestMessage = 200
	endedEarly     = "the answer ended early"
)

var (
	errAborted = errors.New(OpenAtEnd)
	errTimeout = os.ErrDeadlineExceeded
)

// handshakeError is a TCP connection over which no secure one came to be.
type handshakeError struct{ error }

func (e handshakeError) Unwrap() error { return e.error }

// statusMessages is made once: a gateway that fails fails often.
var statusMessages = func() (out [1000]string) {
	for status := range out {
		out[status] = "status " + strconv.Itoa(status)
	}
	return out
}()

func statusMessage(status int) string {
	if status >= 0 && status < len(statusMessages) {
		return statusMessages[status]
	}
	return "status " + strconv.Itoa(status)
}

func (r *Result) begin(now int64) {
	r.Sent, r.End, r.Status, r.Bytes = now, 0, 0, 0
	r.TTFT, r.Tokens, r.Gaps = -1, -1, r.Gaps[:0]
	r.Kind, r.Message = OK, ""
}

func (r *Result) fail(kind Kind, message string) { r.Kind, r.Message = kind, message }

// failed puts into res what an error means that ended the exchange.
func (d *Dialer) failed(err error, call *payload.Call, res *Result) {
	kind := kindOf(err)
	if kind == Reset && res.Status != 0 {
		if call.Stream {
			kind = StreamCut
		}
		res.fail(kind, endedEarly)
		return
	}
	switch kind {
	case Timeout:
		if errors.Is(err, errAborted) {
			res.fail(kind, OpenAtEnd)
		} else {
			res.fail(kind, d.timeoutMessage)
		}
	case Refused:
		res.fail(kind, "connection refused")
	case Reset:
		res.fail(kind, "connection closed by the other side")
	case DNS:
		res.fail(kind, "the name cannot be resolved")
	default:
		res.fail(kind, shortened(err.Error()))
	}
}

func kindOf(err error) Kind {
	var network net.Error
	var dns *net.DNSError
	switch {
	case errors.Is(err, errAborted), errors.Is(err, context.Canceled):
		return Timeout
	case errors.Is(err, errTimeout), errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		return Timeout
	case errors.As(err, &dns):
		return DNS
	case errors.As(err, &network) && network.Timeout():
		return Timeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED):
		return Reset
	case isTLS(err):
		return TLS
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), isLostHTTP2(err):
		return Reset
	}
	return Other
}

func isTLS(err error) bool {
	var handshake handshakeError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	return errors.As(err, &handshake) || errors.As(err, &alert) || errors.As(err, &record) ||
		errors.As(err, &verification) || errors.As(err, &authority)
}

// isLostHTTP2 goes by the texts of net/http, which does not export these errors.
func isLostHTTP2(err error) bool {
	text := err.Error()
	for _, part := range []string{
		"stream error: ", "GOAWAY", "client connection lost", "client connection force closed", "client conn not usable",
	} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

func shortened(text string) string {
	if len(text) > longestMessage {
		text = strings.ToValidUTF8(text[:longestMessage], "")
	}
	return text
}
