package locust

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/vmihailenco/msgpack/v5"
)

// maxDepth is of arrays and maps within each other. Beyond it a decoder that recurses would run out of stack.
const maxDepth = 32

// packer writes MessagePack, as short as its values allow. Nothing that it writes to can fail.
type packer struct {
	buffer bytes.Buffer
	enc    *msgpack.Encoder
}

// pack gives the message of a type that `data` writes exactly one value of.
func pack(kind, node string, data func(*packer)) []byte {
	p := &packer{}
	p.enc = msgpack.NewEncoder(&p.buffer)
	p.array(3)
	p.text(kind)
	if data == nil {
		p.null()
	} else {
		data(p)
	}
	p.text(node)
	return p.buffer.Bytes()
}

func must(err error) {
	if err != nil {
		panic("locust: a message cannot be written: " + err.Error())
	}
}

func (p *packer) array(length int)     { must(p.enc.EncodeArrayLen(length)) }
func (p *packer) table(length int)     { must(p.enc.EncodeMapLen(length)) }
func (p *packer) null()                { must(p.enc.EncodeNil()) }
func (p *packer) flag(value bool)      { must(p.enc.EncodeBool(value)) }
func (p *packer) integer(value int64)  { must(p.enc.EncodeInt(value)) }
func (p *packer) number(value float64) { must(p.enc.EncodeFloat64(value)) }

// text makes valid UTF-8 of everything: the master would take anything else for garbage.
func (p *packer) text(value string) { must(p.enc.EncodeString(strings.ToValidUTF8(value, "\uFFFD"))) }

func (p *packer) optional(value float64, known bool) {
	if known {
		p.number(value)
	} else {
		p.null()
	}
}

// counts writes {integer: count}.
func (p *packer) counts(values map[int64]int64) {
	p.table(len(values))
	for key, count := range values {
		p.integer(key)
		p.integer(count)
	}
}

// users writes {class: count}.
func (p *packer) users(values map[string]int) {
	p.table(len(values))
	for class, count := range values {
		p.text(class)
		p.integer(int64(count))
	}
}

// shallow walks through the first value without recursion and says whether it is whole and not too deep.
func shallow(wire []byte) error {
	left := make([]int, 1, maxDepth) // values still due, by depth
	left[0] = 1
	for len(left) > 0 {
		top := len(left) - 1
		if left[top] == 0 {
			left = left[:top]
			continue
		}
		left[top]--
		if len(wire) == 0 {
			return fmt.Errorf("%w: it ends early", errMessage)
		}
		head, values, size := measure(wire)
		if head > len(wire) || size > len(wire)-head {
			return fmt.Errorf("%w: it ends early", errMessage)
		}
		wire = wire[head+size:]
		if values == 0 {
			continue
		}
		if len(left) == maxDepth {
			return fmt.Errorf("%w: too deep", errMessage)
		}
		left = append(left, values)
	}
	return nil
}

// measure gives the bytes of a value's head, the number of values and the number of bytes that follow it.
func measure(wire []byte) (head, values, size int) {
	code := wire[0]
	switch {
	case code <= 0x7f, code >= 0xe0:
		return 1, 0, 0
	case code <= 0x8f:
		return 1, 2 * int(code&0xf), 0
	case code <= 0x9f:
		return 1, int(code & 0xf), 0
	case code <= 0xbf:
		return 1, 0, int(code & 0x1f)
	}
	switch code {
	case 0xc4, 0xd9:
		return 2, 0, length(wire, 1)
	case 0xc5, 0xda:
		return 3, 0, length(wire, 2)
	case 0xc6, 0xdb:
		return 5, 0, length(wire, 4)
	case 0xc7, 0xc8, 0xc9:
		width := 1 << (code - 0xc7)
		return 2 + width, 0, length(wire, width)
	case 0xca, 0xce, 0xd2:
		return 5, 0, 0
	case 0xcb, 0xcf, 0xd3:
		return 9, 0, 0
	case 0xcc, 0xd0:
		return 2, 0, 0
	case 0xcd, 0xd1:
		return 3, 0, 0
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
		return 2, 0, 1 << (code - 0xd4)
	case 0xdc:
		return 3, length(wire, 2), 0
	case 0xdd:
		return 5, length(wire, 4), 0
	case 0xde:
		return 3, 2 * length(wire, 2), 0
	case 0xdf:
		return 5, 2 * length(wire, 4), 0
	}
	return 1, 0, 0 // nil, false, true, and the code that is never used
}

// length reads a big-endian number of 1, 2 or 4 bytes after the code; 0 where it is cut off, which shallow notices.
func length(wire []byte, width int) int {
	if len(wire) < 1+width {
		return 0
	}
	switch width {
	case 1:
		return int(wire[1])
	case 2:
		return int(binary.BigEndian.Uint16(wire[1:]))
	}
	return int(binary.BigEndian.Uint32(wire[1:]))
}
