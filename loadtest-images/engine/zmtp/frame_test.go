package zmtp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// recorded is all that a Locust master 2.47.0 (libzmq 4.3.5) sent to a worker, from its greeting to its end.
func recorded(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/locust-2.47.0-master.bin")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestFramesOfARecordedMaster(t *testing.T) {
	r := bytes.NewReader(recorded(t)[greetingBytes:])
	first, err := readFrame(r, nil)
	if err != nil || !first.command {
		t.Fatalf("%+v, %v; want READY", first, err)
	}
	name, data, err := splitCommand(first.body)
	if name != "READY" || err != nil {
		t.Fatalf("%q, %v", name, err)
	}
	metadata, err := properties(data)
	if err != nil || metadata["Socket-Type"] != "ROUTER" || len(metadata) != 2 {
		t.Fatalf("%v, %v", metadata, err)
	}
	var long, short int
	for {
		f, err := readFrame(r, nil)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || f.command || f.more {
			t.Fatalf("%+v, %v", f, err)
		}
		if len(f.body) > 255 {
			long++
		} else {
			short++
		}
	}
	if long != 1 || short < 5 {
		t.Errorf("%d long and %d short frames", long, short)
	}
}

func TestBrokenFrames(t *testing.T) {
	huge := binary.BigEndian.AppendUint64([]byte{flagLong}, MaxFrame+1)
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"nothing":               {nil, io.EOF},
		"half a head":           {[]byte{0}, io.ErrUnexpectedEOF},
		"half a length":         {[]byte{flagLong, 0, 0}, io.ErrUnexpectedEOF},
		"no body":               {[]byte{0, 3}, io.ErrUnexpectedEOF},
		"half a body":           {[]byte{0, 3, 'a'}, io.ErrUnexpectedEOF},
		"unknown flags":         {[]byte{8, 0}, errProtocol},
		"a command in parts":    {[]byte{flagCommand | flagMore, 0}, errProtocol},
		"a body beyond bounds":  {huge, errProtocol},
		"a length that is huge": {bytes.Repeat([]byte{0xff}, 9), errProtocol},
	} {
		if _, err := readFrame(bytes.NewReader(c.data), nil); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestAFrameComesBackAsItWas(t *testing.T) {
	for _, size := range []int{0, 1, 255, 256, 20_000, MaxFrame} {
		for _, command := range []bool{false, true} {
			body := bytes.Repeat([]byte{'x'}, size)
			wire := appendFrame(nil, command, body)
			f, err := readFrame(bytes.NewReader(wire), nil)
			if err != nil || f.command != command || f.more || !bytes.Equal(f.body, body) {
				t.Errorf("%d bytes, command %t: %v", size, command, err)
			}
			if long := wire[0]&flagLong != 0; long != (size > 255) {
				t.Errorf("%d bytes: long %t", size, long)
			}
		}
	}
}

func TestBrokenMetadata(t *testing.T) {
	whole := appendProperty(nil, "Socket-Type", "ROUTER")
	for cut := 1; cut < len(whole); cut++ {
		if got, err := properties(whole[:cut]); !errors.Is(err, errProtocol) {
			t.Errorf("%d bytes: %v, %v", cut, got, err)
		}
	}
	if _, err := properties([]byte{0, 0, 0, 0, 0}); !errors.Is(err, errProtocol) {
		t.Errorf("a property without a name: %v", err)
	}
	for _, body := range []string{"", "\x00x", "\x05READ", "\x04PING"[:1]} {
		if name, _, err := splitCommand([]byte(body)); !errors.Is(err, errProtocol) {
			t.Errorf("%q: %q, %v", body, name, err)
		}
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(recorded(f)[greetingBytes:])
	f.Add(appendFrame(nil, true, []byte("\x04PING\x00\x00ctx")))
	f.Add([]byte(strings.Repeat("\xff", 20)))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, read := bytes.NewReader(data), 0
		var buf []byte
		for {
			fr, err := readFrame(r, buf)
			if err != nil {
				return
			}
			buf = fr.body
			if read += len(fr.body) + 2; read > len(data) {
				t.Fatalf("%d bytes from %d", read, len(data))
			}
			again, err := readFrame(bytes.NewReader(appendFrame(nil, fr.command, fr.body)), nil)
			if err != nil || !bytes.Equal(again.body, fr.body) || again.command != fr.command {
				t.Fatalf("%+v became %+v, %v", fr, again, err)
			}
			if !fr.command {
				continue
			}
			if _, data, err := splitCommand(fr.body); err == nil {
				if metadata, err := properties(data); err == nil {
					for name, value := range metadata {
						if len(name)+len(value) > len(data) {
							t.Fatalf("%q=%q from %d bytes", name, value, len(data))
						}
					}
				}
			}
		}
	})
}
