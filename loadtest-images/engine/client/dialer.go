package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

// Options is where requests go, and how.
type Options struct {
	Target  string        // http://host:port or https://host:port, with a prefix of paths where there is one
	Timeout time.Duration // of a whole exchange
	CAFile  string        // PEM of authorities that are trusted besides the system's; empty: none
	HTTP2   bool          // where the server has it; without TLS it must have it
	// KernelTime has an answer end when the kernel had it, instead of when it was read. It costs a twentieth to a tenth of
	// the requests that a CPU can make. Users who do not think go without: their next request waits for the read, so that
	// the time of the read is what makes users / throughput equal to the latency.
	KernelTime bool
}

// Dialer makes connections to one target.
type Dialer struct {
	address, host  string // host: as requests say it
	scheme, prefix string
	timeout        time.Duration
	timeoutMessage string
	tls            *tls.Config // nil: none
	http2, stamps  bool
	requests       sync.Map // of calls whose bodies never change, whole
	dial           func(ctx context.Context, network, address string) (net.Conn, error)
}

// New checks the options; it connects to nothing.
func New(o Options) (*Dialer, error) {
	target, err := url.Parse(o.Target)
	if err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	port := map[string]string{"http": "80", "https": "443"}[target.Scheme]
	switch {
	case port == "":
		return nil, fmt.Errorf("target %s: it must begin with http:// or https://", target.Redacted())
	case target.Hostname() == "":
		return nil, fmt.Errorf("target %s: there is no host", target.Redacted())
	case target.User != nil || target.RawQuery != "" || target.Fragment != "":
		return nil, fmt.Errorf("target %s: only a host, a port and a path are used", target.Redacted())
	case o.Timeout <= 0:
		return nil, errors.New("timeout: it must be above 0")
	}
	host := target.Host
	if given := target.Port(); given == port || given == "" {
		host = strings.TrimSuffix(host, ":"+given)
	} else {
		port = given
	}
	d := &Dialer{
		address: net.JoinHostPort(target.Hostname(), port), host: host, scheme: target.Scheme,
		prefix:  strings.TrimRight(target.EscapedPath(), "/"),
		timeout: o.Timeout, timeoutMessage: fmt.Sprintf("no full answer within %g s", o.Timeout.Seconds()), http2: o.HTTP2,
		stamps: o.KernelTime,
		// Without keep-alive probes: each exchange has a limit of its own, and they cost four system calls a dial.
		dial: (&net.Dialer{KeepAlive: -1}).DialContext,
	}
	if d.scheme == "https" {
		if d.tls, err = tlsConfig(target.Hostname(), o); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func tlsConfig(host string, o Options) (*tls.Config, error) {
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	if o.CAFile == "" {
		return config, nil
	}
	content, err := os.ReadFile(o.CAFile)
	if err != nil {
		return nil, fmt.Errorf("caFile: %w", err)
	}
	if config.RootCAs, err = x509.SystemCertPool(); err != nil { // an image may have none
		config.RootCAs = x509.NewCertPool()
	}
	if !config.RootCAs.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("caFile: %s has no certificate", o.CAFile)
	}
	return config, nil
}

// Conn is a connection that is dialled when it is first needed.
func (d *Dialer) Conn() Conn {
	raw := newConn(d)
	if !d.http2 {
		return raw
	}
	return newMultiplexed(d, raw)
}
