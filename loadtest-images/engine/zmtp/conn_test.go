package zmtp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// peer listens, takes one connection, sends `says` and gives what was said to it.
func peer(t *testing.T, says []byte) (address string, heard <-chan []byte) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	out := make(chan []byte, 1)
	go func() {
		socket, err := listener.Accept()
		if err != nil {
			return
		}
		defer socket.Close()
		// One byte, then the rest: a greeting need not come in one piece.
		if len(says) > 1 {
			socket.Write(says[:1])
			socket.Write(says[1:])
		}
		socket.(*net.TCPConn).CloseWrite()
		all, _ := io.ReadAll(socket)
		out <- all
	}()
	return listener.Addr().String(), out
}

func dial(t *testing.T, address string) (*Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return Dial(ctx, address, "host_0123")
}

func TestAConversationWithARecordedMaster(t *testing.T) {
	address, heard := peer(t, recorded(t))
	conn, err := dial(t, address)
	if err != nil {
		t.Fatal(err)
	}
	var messages []string
	for {
		message, err := conn.Receive()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Error(err)
			}
			break
		}
		messages = append(messages, string(message))
	}
	if len(messages) < 6 || !strings.Contains(messages[0], "ack") || !strings.Contains(messages[len(messages)-1], "quit") {
		t.Errorf("%d messages: %q", len(messages), messages)
	}
	if err := conn.Send([]byte("hello")); err != nil {
		t.Error(err)
	}
	conn.Close()
	want := append(append(greeting(), ready("host_0123")...), 0, 5, 'h', 'e', 'l', 'l', 'o')
	if got := <-heard; !bytes.Equal(got, want) {
		t.Errorf("said %q, want %q", got, want)
	}
}

func router() []byte {
	metadata := appendProperty(append([]byte{5}, "READY"...), "Socket-Type", "ROUTER")
	return append(greeting(), appendFrame(nil, true, metadata)...)
}

func TestPingsAreAnsweredAndPartsPassedOver(t *testing.T) {
	says := router()
	says = append(says, appendFrame(nil, true, []byte("\x04PING\x00\x0actx"))...)
	says = append(says, flagMore, 1, 'a', 0, 1, 'b')
	says = append(says, appendFrame(nil, true, []byte("\x09SUBSCRIBEx"))...)
	says = append(says, 0, 1, 'c')
	address, heard := peer(t, says)
	conn, err := dial(t, address)
	if err != nil {
		t.Fatal(err)
	}
	if message, err := conn.Receive(); string(message) != "c" || err != nil {
		t.Errorf("%q, %v", message, err)
	}
	conn.Close()
	if got := <-heard; !bytes.HasSuffix(got, []byte("\x04\x08\x04PONGctx")) {
		t.Errorf("said %q", got)
	}
}

func TestOthersThanARouterAreRefused(t *testing.T) {
	other := func(kind string) []byte {
		metadata := appendProperty(append([]byte{5}, "READY"...), "Socket-Type", kind)
		return append(greeting(), appendFrame(nil, true, metadata)...)
	}
	old := greeting()
	old[10] = 1
	curve := greeting()
	copy(curve[12:], "CURVE")
	for name, c := range map[string]struct {
		says []byte
		want string
	}{
		"HTTP":           {[]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), "not ZMTP"},
		"another socket": {other("PUB"), `it is a "PUB"`},
		"an old version": {old, "not ZMTP"},
		"a mechanism":    {curve, `mechanism "CURVE"`},
		"a refusal":      {append(greeting(), appendFrame(nil, true, []byte("\x05ERROR\x02no"))...), "it refuses"},
		"no READY":       {append(greeting(), appendFrame(nil, true, []byte("\x04PING\x00\x00"))...), "instead of READY"},
		"a message":      {append(greeting(), 0, 0), "before READY"},
		"an early end":   {greeting()[:20], "unexpected EOF"},
		"silence":        {nil, "EOF"},
	} {
		address, _ := peer(t, c.says)
		if _, err := dial(t, address); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestIdentitiesAreBounded(t *testing.T) {
	for _, identity := range []string{"", strings.Repeat("x", 256)} {
		if _, err := Dial(context.Background(), "127.0.0.1:1", identity); err == nil ||
			!strings.Contains(err.Error(), "identity") {
			t.Errorf("%d bytes: %v", len(identity), err)
		}
	}
}
