package gateway

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// ErrTooSlow says that the upstream did not answer in time.
var ErrTooSlow = errors.New("the upstream did not answer in time")

// answerTimeout bounds the wait for each read from the upstream.
const (
	answerTimeout = 10 * time.Minute
	dialTimeout   = 5 * time.Second
)

// hopByHop headers belong to one connection (RFC 9110, 7.6.1), and are not passed on.
var hopByHop = []string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade",
}

// Upstream forwards requests over connections that it keeps.
type Upstream struct {
	client *fasthttp.HostClient
	host   string
	prefix string
}

// NewUpstream forwards to the API at address, such as http://host:8080.
func NewUpstream(address string) (*Upstream, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" {
		return nil, fmt.Errorf("%q is not a URL such as http://host:8080", address)
	}
	if parsed.Scheme != "http" {
		return nil, fmt.Errorf("%q: only http is forwarded to", address)
	}
	host := parsed.Host
	if parsed.Port() == "" {
		host += ":80"
	}
	return &Upstream{
		host: parsed.Host, prefix: strings.TrimRight(parsed.EscapedPath(), "/"),
		client: &fasthttp.HostClient{
			Addr: host, Dial: func(address string) (net.Conn, error) {
				return fasthttp.DialDualStackTimeout(address, dialTimeout)
			},
			MaxConns: 1 << 16, MaxIdleConnDuration: 10 * time.Second, ReadTimeout: answerTimeout, WriteTimeout: time.Minute,
			StreamResponseBody: true, NoDefaultUserAgentHeader: true, DisablePathNormalizing: true,
			// A request that was sent twice would be counted twice.
			MaxIdemponentCallAttempts: 1, RetryIfErr: func(*fasthttp.Request, int, error) (bool, bool) { return false, false },
			ReadBufferSize: 32 << 10,
		},
	}, nil
}

// Do sends the request on and copies the answer; a stream is passed on as it comes. done is called once: here, or at the
// end of a stream that goes on after Do.
func (u *Upstream) Do(ctx *fasthttp.RequestCtx, done func(streamed bool)) error {
	request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	streamed := false
	release := func() {
		fasthttp.ReleaseRequest(request)
		fasthttp.ReleaseResponse(response)
		done(streamed)
	}
	ctx.Request.Header.CopyTo(&request.Header)
	for _, name := range hopByHop {
		request.Header.Del(name)
	}
	request.SetRequestURI("http://" + u.host + u.prefix + string(ctx.RequestURI()))
	request.Header.SetHost(u.host)
	request.SetBodyRaw(ctx.PostBody())
	if err := u.client.Do(request, response); err != nil {
		release()
		if errors.Is(err, fasthttp.ErrTimeout) {
			return ErrTooSlow
		}
		return fmt.Errorf("the upstream cannot be asked: %w", err)
	}
	response.Header.CopyTo(&ctx.Response.Header)
	for _, name := range hopByHop {
		ctx.Response.Header.Del(name)
	}
	if response.Header.ContentLength() < 0 && response.BodyStream() != nil {
		streamed = true
		u.stream(ctx, response.BodyStream(), func() {
			_ = response.CloseBodyStream()
			release()
		})
		return nil
	}
	defer release()
	body := response.Body()
	if stream := response.BodyStream(); stream != nil {
		var err error
		if body, err = io.ReadAll(stream); err != nil {
			ctx.Response.Reset()
			return fmt.Errorf("the upstream's answer broke off: %w", err)
		}
		_ = response.CloseBodyStream()
	}
	ctx.Response.SetBody(body)
	return nil
}

// stream passes on each piece at once. A stream that breaks off upstream breaks off here too: it is not ended as if it
// were whole.
func (u *Upstream) stream(ctx *fasthttp.RequestCtx, from io.Reader, done func()) {
	ctx.Response.ImmediateHeaderFlush = true
	ctx.Response.SetBodyStream(&passing{from: from, done: done}, -1)
}

type passing struct {
	from io.Reader
	done func()
	once sync.Once
}

func (p *passing) Read(into []byte) (int, error) { return p.from.Read(into) }

// Close is called by the server after the last byte, or when the client is gone.
func (p *passing) Close() error {
	p.once.Do(p.done)
	return nil
}
