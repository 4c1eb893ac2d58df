package histogram

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"math"
)

// Document is a histogram as it stands in a load document.
type Document struct {
	Encoding   string   `json:"encoding"`
	Unit       string   `json:"unit"`
	Lowest     int      `json:"lowest"`
	Highest    int      `json:"highest"`
	Digits     int      `json:"digits"`
	Count      int64    `json:"count"`
	SumSeconds float64  `json:"sumSeconds"`
	MinSeconds *float64 `json:"minSeconds"`
	MaxSeconds *float64 `json:"maxSeconds"`
	Clamped    int64    `json:"clamped"`
	Data       string   `json:"data"`
}

// Document is nil of a histogram that there is not.
func (h *Histogram) Document() *Document {
	if h == nil {
		return nil
	}
	out := &Document{
		Encoding: "hdr-v2-base64", Unit: "us", Lowest: lowest, Highest: Highest, Digits: digits,
		Count: h.count, SumSeconds: h.Seconds(), Clamped: h.clamped, Data: base64.StdEncoding.EncodeToString(h.encode()),
	}
	if shortest, ok := h.Min(); ok {
		longest, _ := h.Max()
		out.MinSeconds, out.MaxSeconds = &shortest, &longest
	}
	return out
}

const (
	lowest, digits = 1, 3

	// HdrHistogram's marks of its second encoding, with words of one byte.
	cookie           = 0x1c849303 | 0x10
	compressedCookie = 0x1c849304 | 0x10
)

// encode is HdrHistogram's compressed encoding, version 2.
func (h *Histogram) encode() []byte {
	counts := h.payload()
	plain := binary.BigEndian.AppendUint32(nil, cookie)
	plain = binary.BigEndian.AppendUint32(plain, uint32(len(counts)))
	plain = binary.BigEndian.AppendUint32(plain, 0) // no normalizing offset
	plain = binary.BigEndian.AppendUint32(plain, digits)
	plain = binary.BigEndian.AppendUint64(plain, lowest)
	plain = binary.BigEndian.AppendUint64(plain, Highest)
	plain = binary.BigEndian.AppendUint64(plain, math.Float64bits(1)) // of integers to doubles
	plain = append(plain, counts...)

	var packed bytes.Buffer
	writer := zlib.NewWriter(&packed)
	_, _ = writer.Write(plain) // a buffer takes everything
	_ = writer.Close()
	out := binary.BigEndian.AppendUint32(nil, compressedCookie)
	out = binary.BigEndian.AppendUint32(out, uint32(packed.Len()))
	return append(out, packed.Bytes()...)
}

// payload is the counts by index as ZigZag LEB128: a count, or minus the length of a run of empty buckets.
func (h *Histogram) payload() []byte {
	var out []byte
	next := 0
	for index, count := range h.Buckets {
		if empty := index - next; empty > 0 {
			out = leb128(out, 2*uint64(empty)-1)
		}
		out = leb128(out, 2*uint64(count))
		next = index + 1
	}
	return out
}

// leb128 appends at most nine bytes; the ninth has eight bits of its own.
func leb128(out []byte, number uint64) []byte {
	for range 8 {
		if number < 0x80 {
			return append(out, byte(number))
		}
		out = append(out, byte(number)|0x80)
		number >>= 7
	}
	return append(out, byte(number))
}
