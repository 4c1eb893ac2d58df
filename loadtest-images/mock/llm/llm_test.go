package llm

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/valyala/fastjson"
)

func TestCallsFitTheirSchema(t *testing.T) {
	tests := map[string]string{
		`{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"}},"required":["city"]}`:   `{"city":"example"}`,
		`{"type":"object","properties":{"a":{"type":"boolean"},"b":{"type":"array","items":{"type":"number"}}}}`:    `{"a":true,"b":[1]}`,
		`{"type":"object","properties":{"unit":{"enum":["c","f"]},"deep":{"type":"object","properties":{"x":{}}}}}`: `{"unit":"c","deep":{"x":{}}}`,
		`{"type":"object","properties":{"n":{"type":["string","null"]},"z":{"type":"null"}}}`:                       `{"n":"example","z":null}`,
		`{"type":"object"}`: `{}`,
		`{"type":"string"}`: `{}`,
		`{"properties":{"quote\"d":{"type":"string"},"ü":{"type":"string"},"e":{"enum":["ü"]}}}`: `{"quote\"d":"example","e":null}`,
	}
	for schema, want := range tests {
		call := NewCall("f", fastjson.MustParse(schema))
		if call.Arguments != want || !json.Valid([]byte(call.Arguments)) {
			t.Errorf("%s: %s; want %s", schema, call.Arguments, want)
		}
	}
	if call := NewCall("f", nil); call.Arguments != "{}" {
		t.Errorf("without a schema: %s", call.Arguments)
	}
}

func TestPiecesMakeTheWhole(t *testing.T) {
	for _, arguments := range []string{"{}", `{"city":"example"}`, `{"a":1,"b":"`} {
		reply := NewReply(Ask{Call: &Call{Name: "f", Arguments: arguments}}, 1, 1, 500)
		var whole strings.Builder
		for i := range reply.Tokens {
			whole.WriteString(Piece(arguments, i))
		}
		if whole.String() != arguments {
			t.Errorf("%q in %d pieces is %q", arguments, reply.Tokens, whole.String())
		}
	}
}

func TestWordsAreTheirTokens(t *testing.T) {
	for _, n := range []int{1, 2, 100, 7, 100} {
		var whole strings.Builder
		for i := range n {
			whole.WriteString(Word(i))
		}
		if Words(n) != whole.String() || len(strings.Fields(Words(n))) != n {
			t.Errorf("%d tokens: %q", n, Words(n))
		}
	}
}

func TestBoundOnTokens(t *testing.T) {
	for _, test := range []struct {
		bound, wanted, tokens int
		truncated             bool
	}{{0, 128, 128, false}, {200, 128, 128, false}, {128, 128, 128, false}, {5, 128, 5, true}} {
		reply := NewReply(Ask{MaxTokens: test.bound}, 1, 1, test.wanted)
		if reply.Tokens != test.tokens || reply.Truncated != test.truncated {
			t.Errorf("%+v: %d, %v", test, reply.Tokens, reply.Truncated)
		}
	}
}

func TestStringsAndIDs(t *testing.T) {
	for _, text := range []string{"", "gpt-4", `a"b\c`, "new\nline", "ü\x00", "\xff", "\x7f"} {
		encoded := AppendString(nil, text)
		var back string
		if err := json.Unmarshal(encoded, &back); err != nil || back != strings.ToValidUTF8(text, "\ufffd") {
			t.Errorf("%q becomes %s, %v", text, encoded, err)
		}
	}
	first, second := AppendID(nil, "x-", 1), AppendID(nil, "x-", 2)
	if string(first) == string(second) || len(first) != len(`"x-"`)+24 {
		t.Errorf("%s, %s", first, second)
	}
}
