package histogram

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"io"
	"math"
	"slices"
	"testing"
	"time"
)

// unpacked is the header of an encoded histogram, and its counts.
func unpacked(t *testing.T, data string) (header []uint64, counts []byte) {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		t.Fatal(err)
	}
	if got := binary.BigEndian.Uint32(raw); got != 0x1c849314 || int(binary.BigEndian.Uint32(raw[4:])) != len(raw)-8 {
		t.Fatalf("%x", raw[:8])
	}
	packed, err := zlib.NewReader(bytes.NewReader(raw[8:]))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(packed)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < 16; at += 4 {
		header = append(header, uint64(binary.BigEndian.Uint32(plain[at:])))
	}
	for at := 16; at < 40; at += 8 {
		header = append(header, binary.BigEndian.Uint64(plain[at:]))
	}
	return header, plain[40:]
}

func TestTheEncodingIsHdrHistograms(t *testing.T) {
	h := new(Histogram)
	for _, d := range []time.Duration{time.Microsecond, time.Microsecond, 5 * time.Microsecond, 6 * time.Microsecond} {
		h.Record(int64(d))
	}
	for range 300 {
		h.Record(int64(7 * time.Microsecond))
	}
	document := h.Document()
	header, counts := unpacked(t, document.Data)
	// None of 0, two of 1, none of 2 to 4, one of 5, one of 6, and 600 of 7 as zigzag in two bytes.
	want := []byte{1, 4, 5, 2, 2, 0xd8, 0x04}
	if !bytes.Equal(counts, want) {
		t.Errorf("%x, want %x", counts, want)
	}
	if want := []uint64{0x1c849313, uint64(len(want)), 0, 3, 1, 600_000_000, math.Float64bits(1)}; !slices.Equal(header, want) {
		t.Errorf("%x, want %x", header, want)
	}
	if document.Count != 304 || *document.MinSeconds != 1e-6 || *document.MaxSeconds != 7e-6 || document.Clamped != 0 {
		t.Errorf("%+v", document)
	}
}

func TestNoHistogramAndAnEmptyOne(t *testing.T) {
	if (*Histogram)(nil).Document() != nil {
		t.Error("there is none")
	}
	document := new(Histogram).Document()
	if _, counts := unpacked(t, document.Data); len(counts) != 0 || document.MinSeconds != nil || document.MaxSeconds != nil {
		t.Errorf("%+v", document)
	}
}

func TestTheNinthByteHasEightBits(t *testing.T) {
	for number, want := range map[uint64][]byte{
		0:              {0},
		127:            {127},
		128:            {0x80, 1},
		math.MaxUint64: {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		1<<63 - 1:      {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
	} {
		if got := leb128(nil, number); !bytes.Equal(got, want) {
			t.Errorf("%d: %x, want %x", number, got, want)
		}
	}
}
