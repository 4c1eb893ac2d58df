package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"

	"gatebench.dev/engine/clock"
	"gatebench.dev/engine/payload"
)

// errOldProtocol is a server that has no HTTP/2.
var errOldProtocol = errors.New("the server speaks HTTP/1.1")

// multiplexed is a connection that speaks HTTP/2, one exchange at a time, or HTTP/1.1 where the server has no other.
//
// What the server says that it has not looked at (a stream that it refuses, or one opened while it says goodbye) is sent
// anew by net/http where there is no body. All else is sent once.
type multiplexed struct {
	dialer    *Dialer
	raw       *conn // for a server without HTTP/2
	old       bool  // it is such a one
	tls       *tls.Config
	transport *http.Transport
	answer    answer
	buffer    []byte
}

func newMultiplexed(d *Dialer, raw *conn) *multiplexed {
	m := &multiplexed{dialer: d, raw: raw}
	if d.tls != nil {
		m.tls = d.tls.Clone()
		m.tls.NextProtos = []string{"h2", "http/1.1"}
	}
	m.transport = &http.Transport{
		DisableCompression: true, DialTLSContext: m.dialSecure, DialContext: d.dial, Protocols: new(http.Protocols),
		MaxIdleConnsPerHost: 1, MaxResponseHeaderBytes: maxHead,
	}
	m.transport.Protocols.SetHTTP2(true)
	m.transport.Protocols.SetUnencryptedHTTP2(true)
	return m
}

// dialSecure gives a connection on which HTTP/2 was agreed. Where it was not, raw dials one of its own, once.
func (m *multiplexed) dialSecure(ctx context.Context, network, address string) (net.Conn, error) {
	plain, err := m.dialer.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(plain, m.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		plain.Close()
		return nil, handshakeError{err}
	}
	if secure.ConnectionState().NegotiatedProtocol != "h2" {
		secure.Close()
		return nil, errOldProtocol
	}
	return secure, nil
}

// Do is as Conn says.
func (m *multiplexed) Do(call *payload.Call, body []byte, res *Result) {
	res.begin(clock.Now())
	if !m.old {
		err := m.attempt(call, body, res)
		if err == nil {
			m.answer.judge(call, res)
			return
		}
		if !errors.Is(err, errOldProtocol) {
			res.End = clock.Now()
			m.dialer.failed(m.raw.link.reason(err), call, res)
			return
		}
		m.old = true
	}
	m.raw.exchange(call, body, res)
}

func (m *multiplexed) attempt(call *payload.Call, body []byte, res *Result) error {
	ctx, cancel := context.WithTimeout(m.raw.link.ctx, m.dialer.timeout)
	defer cancel()
	request, err := m.request(ctx, call, body)
	if err != nil {
		return err
	}
	response, err := m.transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	res.Status = response.StatusCode
	m.answer.begin(call, res)
	res.End, err = m.read(response.Body)
	m.answer.measured(res)
	return err
}

func (m *multiplexed) request(ctx context.Context, call *payload.Call, body []byte) (*http.Request, error) {
	var content io.Reader
	if len(body) > 0 {
		content = io.NopCloser(bytes.NewReader(body)) // of a type that net/http cannot rewind to send it again
	}
	url := m.dialer.scheme + "://" + m.dialer.address + m.dialer.prefix + call.Path
	request, err := http.NewRequestWithContext(ctx, call.Method, url, content)
	if err != nil {
		return nil, err
	}
	request.ContentLength = int64(len(body))
	if request.Host = call.Host; request.Host == "" {
		request.Host = m.dialer.host
	}
	for _, header := range call.Headers {
		request.Header.Add(header[0], header[1])
	}
	request.Header.Del("Host")
	return request, nil
}

// read reads a body, and says when its end came.
func (m *multiplexed) read(body io.Reader) (int64, error) {
	if m.buffer == nil {
		m.buffer = make([]byte, lastBuffer)
	}
	for {
		n, err := body.Read(m.buffer)
		at := clock.Now()
		if n > 0 {
			if err := m.answer.take(m.buffer[:n], at); err != nil {
				return at, err
			}
		}
		if errors.Is(err, io.EOF) {
			return at, nil
		}
		if err != nil {
			return at, err
		}
	}
}

// Abort is as Conn says. The connection is then of no more use.
func (m *multiplexed) Abort() { m.raw.Abort() }

// Close is as Conn says.
func (m *multiplexed) Close() {
	m.transport.CloseIdleConnections()
	m.raw.Close()
}
