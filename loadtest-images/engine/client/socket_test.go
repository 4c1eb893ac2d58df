package client

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"gatebench.dev/engine/clock"
)

// late is how long after the answer a slow reader comes to it.
const late = 30 * time.Millisecond

// pair is two ends of a connection over the loopback.
func pair(t *testing.T, stamped bool) (*socket, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	plain, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	other, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSocket(plain, stamped)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); other.Close() })
	return s, other
}

// What a slow reader reads came when the kernel had it. The kernel begins to stamp a moment after it is asked to.
func TestWhatIsReadLateCameEarlier(t *testing.T) {
	s, other := pair(t, true)
	into := make([]byte, 10)
	for deadline := time.Now().Add(patience); ; {
		before := clock.Now()
		if _, err := other.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(late)
		if n, err := s.Read(into); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		after := clock.Now()
		if s.came < before-int64(time.Millisecond) || s.came > after {
			t.Fatalf("it came at %d, was sent after %d and read by %d", s.came, before, after)
		}
		if s.came < after-int64(late)/2 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the time of the read counts")
		}
	}
}

func TestWithoutStampsTheReadCounts(t *testing.T) {
	s, other := pair(t, false)
	for range 3 {
		if _, err := other.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(late)
		before := clock.Now()
		if n, err := s.Read(make([]byte, 10)); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if s.came < before || s.came > clock.Now() {
			t.Errorf("it came at %d, not after %d", s.came, before)
		}
	}
	other.Close()
	if n, err := s.Read(make([]byte, 10)); n != 0 || err != io.EOF {
		t.Errorf("%d bytes and %v after the end", n, err)
	}
}

func TestWithoutTheKernelTheReadCounts(t *testing.T) {
	near, far := net.Pipe()
	s, err := newSocket(near, true)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = far.Write([]byte("x")); far.Close() }()
	before := clock.Now()
	if n, err := s.Read(make([]byte, 10)); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if s.came < before || s.came > clock.Now() {
		t.Errorf("it came at %d, not after %d", s.came, before)
	}
	if n, err := s.Read(make([]byte, 10)); n != 0 || err != io.EOF {
		t.Errorf("%d bytes and %v after the end", n, err)
	}
}

func TestTheEndAndADeadlineOfASocket(t *testing.T) {
	s, other := pair(t, true)
	if err := s.SetDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Read(make([]byte, 10)); n != 0 || kindOf(err) != Timeout {
		t.Errorf("%d bytes and %v after the deadline", n, err)
	}
	if err := s.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	other.Close()
	if n, err := s.Read(make([]byte, 10)); n != 0 || err != io.EOF {
		t.Errorf("%d bytes and %v after the end", n, err)
	}
}

// Under TLS it is that of the bytes which the last of the text was in.
func TestStampsUnderTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	certificate := server.TLS.Certificates
	s, other := pair(t, true)
	done := make(chan error, 1)
	peer := tls.Server(other, &tls.Config{Certificates: certificate, MinVersion: tls.VersionTLS12})
	go func() { done <- peer.Handshake() }()
	secure := tls.Client(s, &tls.Config{InsecureSkipVerify: true})
	if err := secure.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; {
		if _, err := peer.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(late)
		if _, err := secure.Read(make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		if s.came < clock.Now()-int64(late)/2 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the time of the read counts")
		}
	}
}
