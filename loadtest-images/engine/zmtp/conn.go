package zmtp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

const (
	writeTimeout     = 5 * time.Second
	handshakeTimeout = 3 * time.Second
	greetingBytes    = 64
	maxIdentity      = 255
)

// Conn is a connection to a ROUTER. Send and Receive may be called from different goroutines, Send from several.
type Conn struct {
	socket net.Conn
	reader *bufio.Reader
	buffer []byte

	writing sync.Mutex
	out     []byte
}

// Dial connects to host:port, names itself, and returns once the other side has shown that it is a ROUTER. The whole of
// it takes as long as ctx says, and its handshake three seconds at most.
func Dial(ctx context.Context, address, identity string) (*Conn, error) {
	if identity == "" || len(identity) > maxIdentity {
		return nil, fmt.Errorf("an identity of %d bytes", len(identity))
	}
	var dialer net.Dialer
	socket, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	conn, err := handshake(socket, identity)
	if err != nil {
		socket.Close()
		return nil, fmt.Errorf("handshake with %s: %w", address, err)
	}
	return conn, nil
}

func handshake(socket net.Conn, identity string) (*Conn, error) {
	if err := socket.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return nil, err
	}
	conn := &Conn{socket: socket, reader: bufio.NewReaderSize(socket, 16<<10)}
	if _, err := socket.Write(append(greeting(), ready(identity)...)); err != nil {
		return nil, err
	}
	if err := conn.expectGreeting(); err != nil {
		return nil, err
	}
	if err := conn.expectRouter(); err != nil {
		return nil, err
	}
	return conn, socket.SetDeadline(time.Time{})
}

// greeting is signature, version 3.0, mechanism NULL, not a server.
func greeting() []byte {
	out := make([]byte, greetingBytes)
	out[0], out[9], out[10] = 0xff, 0x7f, 3
	copy(out[12:], "NULL")
	return out
}

func ready(identity string) []byte {
	body := append([]byte{5}, "READY"...)
	body = appendProperty(body, "Socket-Type", "DEALER")
	body = appendProperty(body, "Identity", identity)
	return appendFrame(nil, true, body)
}

func (c *Conn) expectGreeting() error {
	var got [greetingBytes]byte
	if _, err := io.ReadFull(c.reader, got[:11]); err != nil {
		return err
	}
	if got[0] != 0xff || got[9]&1 == 0 || got[10] < 3 {
		return fmt.Errorf("%w: it greets with % x", errProtocol, got[:11])
	}
	if _, err := io.ReadFull(c.reader, got[11:]); err != nil {
		return broken(err)
	}
	if mechanism := string(trim(got[12:32])); mechanism != "NULL" {
		return fmt.Errorf("it asks for the mechanism %.20q", mechanism)
	}
	return nil
}

func trim(padded []byte) []byte {
	for i, b := range padded {
		if b == 0 {
			return padded[:i]
		}
	}
	return padded
}

func (c *Conn) expectRouter() error {
	f, err := readFrame(c.reader, nil)
	if err != nil {
		return err
	}
	if !f.command {
		return fmt.Errorf("%w: a message before READY", errProtocol)
	}
	name, data, err := splitCommand(f.body)
	if err != nil {
		return err
	}
	if name == "ERROR" {
		return fmt.Errorf("it refuses: %.100q", data)
	}
	if name != "READY" {
		return fmt.Errorf("%w: %.20q instead of READY", errProtocol, name)
	}
	metadata, err := properties(data)
	if err != nil {
		return err
	}
	if kind := metadata["Socket-Type"]; kind != "ROUTER" {
		return fmt.Errorf("it is a %.20q, not a ROUTER", kind)
	}
	return nil
}

// Send sends a message of one frame. After an error the connection is of no use any more.
func (c *Conn) Send(message []byte) error { return c.write(false, message) }

func (c *Conn) write(command bool, body []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.out = appendFrame(c.out[:0], command, body)
	if err := c.socket.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := c.socket.Write(c.out)
	return err
}

// Receive waits for the next message; it is valid until the next call. Messages of several frames are not a Locust
// master's and are passed over. io.EOF: the other side has closed the connection.
func (c *Conn) Receive() ([]byte, error) {
	parts := 0
	for {
		f, err := readFrame(c.reader, c.buffer)
		if err != nil {
			return nil, err
		}
		c.buffer = f.body
		if f.command {
			if err := c.command(f.body); err != nil {
				return nil, err
			}
			continue
		}
		parts++
		if f.more {
			continue
		}
		if parts == 1 {
			return f.body, nil
		}
		parts = 0
	}
}

// command answers a PING; nothing else is said to a DEALER after the handshake that it had to act on.
func (c *Conn) command(body []byte) error {
	name, data, err := splitCommand(body)
	if err != nil {
		return err
	}
	if name != "PING" {
		return nil
	}
	const ttl, maxContext = 2, 16
	if len(data) < ttl || len(data) > ttl+maxContext {
		return fmt.Errorf("%w: a PING of %d bytes", errProtocol, len(data))
	}
	return c.write(true, append(append([]byte{4}, "PONG"...), data[ttl:]...))
}

// Close ends the connection, and with it what waits in Receive. What was sent before still arrives.
func (c *Conn) Close() error { return c.socket.Close() }

// Closed tells whether an error means that the connection was ended, by either side.
func Closed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed)
}
