package sse

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

//go:embed testdata/golden.json
var golden []byte

type expected struct {
	Chunks [][2]any `json:"chunks"`
	TTFT   *int64   `json:"ttft"`
	Gaps   []int64  `json:"gaps"`
	Tokens *int64   `json:"tokens"`
	Ended  bool     `json:"ended"`
	Error  *string  `json:"error"`
}

func orNone(n *int64) int64 {
	if n == nil {
		return -1
	}
	return *n
}

func TestReadsStreamsAsThePythonFleetDoes(t *testing.T) {
	var cases []expected
	if err := json.Unmarshal(golden, &cases); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	var s Stream // one for all: nothing of a stream may remain for the next
	for i, want := range cases {
		s.Start(1000, s.Gaps)
		for _, chunk := range want.Chunks {
			s.Feed([]byte(chunk[0].(string)), int64(chunk[1].(float64)))
		}
		wantError := ""
		if want.Error != nil {
			wantError = *want.Error
			seen["error"]++
		}
		if s.Ended {
			seen["ended"]++
		}
		if len(s.Gaps) > 0 {
			seen["gaps"]++
		}
		if s.usage >= 0 {
			seen["usage"]++
		}
		if s.TTFT() != orNone(want.TTFT) || s.Tokens() != orNone(want.Tokens) || s.Ended != want.Ended ||
			s.Error != wantError || !slices.Equal(s.Gaps, want.Gaps) {
			t.Errorf("stream %d: ttft %d, tokens %d, ended %v, error %q, gaps %v; want %+v",
				i, s.TTFT(), s.Tokens(), s.Ended, s.Error, s.Gaps, want)
		}
	}
	for _, what := range []string{"error", "ended", "gaps", "usage"} {
		if seen[what] < 20 {
			t.Errorf("the golden streams show %q only %d times", what, seen[what])
		}
	}
}

func TestALineThatIsTooLongIsGivenUpAndTheRestIsRead(t *testing.T) {
	long := "data: {\"x\":\"" + strings.Repeat("y", MaxLine) + "\"}\n"
	for _, piece := range []int{len(long), 60_000} {
		var s Stream
		s.Start(0, nil)
		for part := range slices.Chunk([]byte(long), piece) {
			s.Feed(part, 1)
			if cap(s.rest) > 2*MaxLine {
				t.Fatalf("%d bytes are kept", cap(s.rest))
			}
		}
		if s.Error != TooLong || s.Ended {
			t.Fatalf("pieces of %d: error %q, ended %v", piece, s.Error, s.Ended)
		}
		s.Feed([]byte("data: {\"type\":\"message_stop\"}\n"), 2)
		if !s.Ended {
			t.Errorf("pieces of %d: what follows the long line is not read", piece)
		}
		if s.Start(0, nil); s.Error != "" || cap(s.rest) > keptLine {
			t.Errorf("pieces of %d: the next stream begins with error %q and a buffer of %d", piece, s.Error, cap(s.rest))
		}
	}
}

func TestAllocatesNothingInTheSteadyState(t *testing.T) {
	var s Stream
	chunk := []byte("data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"river \"}}]}\n\n" +
		"data: {\"type\":\"response.function_call_arguments.delta\",\"delta\":\"some longer text that is content\"}\n\n" +
		"data: {\"usage\":{\"completion_tokens\":12}}\n\ndata: [DONE]\n\n")
	allocations := testing.AllocsPerRun(200, func() {
		s.Start(1, s.Gaps)
		s.Feed(chunk[:40], 2)
		s.Feed(chunk[40:], 3)
	})
	if allocations != 0 || s.Tokens() != 12 || !s.Ended {
		t.Errorf("%v allocations, %d tokens, ended %v", allocations, s.Tokens(), s.Ended)
	}
}

func state(s *Stream) string {
	return fmt.Sprint(s.TTFT(), s.Tokens(), s.Ended, s.Deltas, s.Gaps, s.Error)
}

// However a stream is split, it is the same stream.
func FuzzSplits(f *testing.F) {
	f.Add([]byte("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\r\n\r\ndata: [DONE]\n\n"), uint16(7))
	f.Add([]byte("data: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"output_tokens\":4}}}\n"), uint16(1))
	f.Add([]byte("data: {\"error\":[0]}\n\ndata:{\"type\":\"content_block_delta\",\"delta\":{\"text\":1}}\n"), uint16(3))
	f.Fuzz(func(t *testing.T, stream []byte, step uint16) {
		var whole, split Stream
		whole.Start(5, nil)
		whole.Feed(bytes.Clone(stream), 9)
		split.Start(5, nil)
		for part := range slices.Chunk(stream, int(step)+1) {
			own := bytes.Clone(part)
			split.Feed(own, 9)
			for i := range own {
				own[i] = 'x' // nothing of a chunk may be kept
			}
		}
		if state(&whole) != state(&split) {
			t.Errorf("whole %s, in pieces of %d %s", state(&whole), int(step)+1, state(&split))
		}
		if whole.Deltas > 0 && (whole.TTFT() != 4 || len(whole.Gaps) != int(whole.Deltas)-1) {
			t.Errorf("%d contents, ttft %d, gaps %v", whole.Deltas, whole.TTFT(), whole.Gaps)
		}
	})
}

func BenchmarkFeed(b *testing.B) {
	var s Stream
	s.Start(0, nil)
	chunk := []byte(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"loopback",` +
		`"choices":[{"index":0,"delta":{"content":"river "},"finish_reason":null}]}` + "\n\n")
	b.ReportAllocs()
	b.SetBytes(int64(len(chunk)))
	for b.Loop() {
		s.Feed(chunk, 1)
		s.Gaps = s.Gaps[:0]
	}
}
