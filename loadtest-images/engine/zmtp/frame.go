// Package zmtp is the part of ZeroMQ's protocol that a worker of a Locust master needs: ZMTP 3.0 over TCP, a DEALER
// socket with an identity, no authentication, messages of one frame.
package zmtp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MaxFrame is the largest frame that is read, in bytes. What a master says to a worker has a few thousand, but for a plan,
// which may have its bodies written out.
const MaxFrame = 8 << 20

const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4
)

// errProtocol is what the other side says that is not ZMTP.
var errProtocol = errors.New("not ZMTP")

// frame is one of the peer's. Its body is valid until the next one is read.
type frame struct {
	more, command bool
	body          []byte
}

// readFrame reads a frame into buf, which grows as the bytes arrive and not as their sender promises.
func readFrame(r io.Reader, buf []byte) (frame, error) {
	var head [9]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil {
		return frame{}, err
	}
	flags := head[0]
	if flags&^(flagMore|flagLong|flagCommand) != 0 || flags&(flagMore|flagCommand) == flagMore|flagCommand {
		return frame{}, fmt.Errorf("%w: flags %#02x", errProtocol, flags)
	}
	size := uint64(head[1])
	if flags&flagLong != 0 {
		if _, err := io.ReadFull(r, head[2:]); err != nil {
			return frame{}, broken(err)
		}
		size = binary.BigEndian.Uint64(head[1:])
	}
	if size > MaxFrame {
		return frame{}, fmt.Errorf("%w: a frame of %d bytes", errProtocol, size)
	}
	body, err := readBody(r, buf[:0], int(size))
	return frame{flags&flagMore != 0, flags&flagCommand != 0, body}, err
}

func readBody(r io.Reader, buf []byte, size int) ([]byte, error) {
	const step = 16 << 10
	for len(buf) < size {
		from, part := len(buf), min(step, size-len(buf))
		if cap(buf)-from < part {
			buf = append(buf, make([]byte, part)...)
		}
		buf = buf[:from+part]
		if _, err := io.ReadFull(r, buf[from:]); err != nil {
			return nil, broken(err)
		}
	}
	return buf, nil
}

// broken tells an end in the middle of a frame from one between two.
func broken(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// appendFrame writes a single or last frame.
func appendFrame(dst []byte, command bool, body []byte) []byte {
	var flags byte
	if command {
		flags = flagCommand
	}
	if len(body) < 256 {
		dst = append(dst, flags, byte(len(body)))
	} else {
		dst = binary.BigEndian.AppendUint64(append(dst, flags|flagLong), uint64(len(body)))
	}
	return append(dst, body...)
}

// splitCommand divides a command's body into its name and its data.
func splitCommand(body []byte) (name string, data []byte, err error) {
	if len(body) == 0 || int(body[0]) >= len(body) || body[0] == 0 {
		return "", nil, fmt.Errorf("%w: a command without a name", errProtocol)
	}
	end := 1 + int(body[0])
	return string(body[1:end]), body[end:], nil
}

// properties reads the metadata of a READY command.
func properties(data []byte) (map[string]string, error) {
	out := map[string]string{}
	for len(data) > 0 {
		length := 1 + int(data[0])
		if length == 1 || len(data) < length+4 {
			return nil, fmt.Errorf("%w: broken metadata", errProtocol)
		}
		name, size := string(data[1:length]), binary.BigEndian.Uint32(data[length:])
		data = data[length+4:]
		if uint64(size) > uint64(len(data)) {
			return nil, fmt.Errorf("%w: broken metadata", errProtocol)
		}
		out[name], data = string(data[:size]), data[size:]
	}
	return out, nil
}

func appendProperty(dst []byte, name, value string) []byte {
	dst = append(append(dst, byte(len(name))), name...)
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(value))), value...)
}
