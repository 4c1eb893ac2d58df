package payload

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// encoder writes JSON as Python's json.dumps does without spaces and with characters as they are: what the Python fleet
// sends, byte for byte. text is called with the content of every string and appends it, escaped.
type encoder struct {
	text func(dst []byte, content string) ([]byte, error)
}

// asPython writes JSON again, as Python would.
func asPython(document []byte) ([]byte, error) {
	e := encoder{func(dst []byte, content string) ([]byte, error) { return escape(dst, content), nil }}
	return e.document(nil, document)
}

func (e encoder) document(dst, document []byte) ([]byte, error) {
	var whole json.RawMessage
	if err := json.Unmarshal(document, &whole); err != nil { // a decoder of tokens lets some errors pass
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	return e.value(dst, decoder)
}

func (e encoder) value(dst []byte, decoder *json.Decoder) ([]byte, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case json.Delim:
		return e.members(append(dst, byte(token)), decoder, token == '{')
	case string:
		return e.quoted(dst, token)
	case json.Number:
		return append(dst, number(token.String())...), nil
	case bool:
		return strconv.AppendBool(dst, token), nil
	}
	return append(dst, "null"...), nil
}

// members writes what is in an object or array, and its end.
func (e encoder) members(dst []byte, decoder *json.Decoder, isObject bool) ([]byte, error) {
	for first := true; decoder.More(); first = false {
		if !first {
			dst = append(dst, ',')
		}
		var err error
		if isObject {
			if dst, err = e.value(dst, decoder); err != nil {
				return nil, err
			}
			dst = append(dst, ':')
		}
		if dst, err = e.value(dst, decoder); err != nil {
			return nil, err
		}
	}
	end, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	return append(dst, byte(end.(json.Delim))), nil
}

func (e encoder) quoted(dst []byte, content string) ([]byte, error) {
	dst, err := e.text(append(dst, '"'), content)
	return append(dst, '"'), err
}

// number is a JSON number as Python writes it after reading it: whole ones as they are, others as repr does.
func number(text string) string {
	if !strings.ContainsAny(text, ".eE") {
		if text == "-0" {
			return "0"
		}
		return text
	}
	value, _ := strconv.ParseFloat(text, 64) // too large is an infinity, in Python too
	if math.IsInf(value, 1) {
		return "Infinity"
	}
	if math.IsInf(value, -1) {
		return "-Infinity"
	}
	scientific := strconv.FormatFloat(value, 'e', -1, 64)
	exponent, _ := strconv.Atoi(scientific[strings.IndexByte(scientific, 'e')+1:])
	if exponent < -4 || exponent >= 16 {
		return scientific
	}
	plain := strconv.FormatFloat(value, 'f', -1, 64)
	if !strings.Contains(plain, ".") {
		plain += ".0"
	}
	return plain
}

// escape appends text as the inside of a JSON string: only what must be escaped is.
func escape(dst []byte, text string) []byte {
	const hex = "0123456789abcdef"
	for {
		at := strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' })
		if at < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:at]...)
		c := text[at]
		text = text[at+1:]
		if short := bytes.IndexByte([]byte("\b\t\n\f\r\"\\"), c); short >= 0 {
			dst = append(dst, '\\', "btnfr\"\\"[short])
		} else {
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
}
