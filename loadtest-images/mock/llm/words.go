package llm

import (
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"sync/atomic"
)

// Every word is a token. None has a character that JSON would escape.
var words = strings.Fields("the quick gateway passes each request along and counts the time between question and " +
	"answer so that nobody has to guess how long a user waits when many others ask at once")

// Word is the text of a reply's token i, with the space before it.
func Word(i int) string {
	if i == 0 {
		return words[0]
	}
	return spaced[i%len(words)]
}

var spaced = func() []string {
	out := make([]string, len(words))
	for i, word := range words {
		out[i] = " " + word
	}
	return out
}()

type sentence struct {
	tokens int
	text   string
}

var latest atomic.Pointer[sentence]

// Words is the text of a whole reply of n tokens. Most replies of a run are of one length: the latest is kept.
func Words(n int) string {
	if kept := latest.Load(); kept != nil && kept.tokens == n {
		return kept.text
	}
	var text strings.Builder
	for i := range n {
		text.WriteString(Word(i))
	}
	latest.Store(&sentence{n, text.String()})
	return text.String()
}

const pieceLength = 8

func pieces(arguments string) int { return (len(arguments) + pieceLength - 1) / pieceLength }

// Piece is the part i of a call's arguments, as a stream tells them. They are ASCII.
func Piece(arguments string, i int) string {
	return arguments[i*pieceLength : min((i+1)*pieceLength, len(arguments))]
}

// AppendString appends a JSON string.
func AppendString(dst []byte, text string) []byte {
	plain := true
	for i := range len(text) {
		if c := text[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x7f {
			plain = false
			break
		}
	}
	if plain {
		return append(append(append(dst, '"'), text...), '"')
	}
	encoded, err := json.Marshal(text) // makes invalid UTF-8 valid
	if err != nil {
		panic(err) // a string can be marshalled
	}
	return append(dst, encoded...)
}

// AppendID appends a JSON string of a prefix and 24 hex digits.
func AppendID(dst []byte, prefix string, serial uint64) []byte {
	var raw [12]byte
	copy(raw[:4], process[:])
	for i := range 8 {
		raw[11-i] = byte(serial >> (8 * i))
	}
	dst = append(append(dst, '"'), prefix...)
	return append(hex.AppendEncode(dst, raw[:]), '"')
}

// AppendInt appends a number.
func AppendInt[T ~int | ~int64](dst []byte, number T) []byte {
	return strconv.AppendInt(dst, int64(number), 10)
}
