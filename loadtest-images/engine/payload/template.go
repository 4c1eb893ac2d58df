package payload

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Template is a body: bytes, and places between them that are filled for each request. Places are written {{…}}:
//
//	{{prompt N}}          N tokens of text, always the same
//	{{choice "a" "b"}}    one of the texts, by chance
//	{{sequence}}          the number of the request, from 0
//	{{dataset}}           the next line of the dataset
//	{{env NAME}}          an environment variable
//
// What is filled in is escaped as the inside of a JSON string. In a body that is JSON, places are looked for in its
// strings; in one that is other text, anywhere: {"number": {{sequence}}} is such a text.
type Template struct {
	static []byte
	places []place
}

// place is where something is put before static[at:].
type place struct {
	at      int
	kind    placeKind
	choices []string // escaped
	lines   *dataset
}

type placeKind uint8

const (
	chosen placeKind = iota
	sequence
	line
)

func (t *Template) render(dst []byte, r *rand.Rand, n uint64) []byte {
	if len(t.places) == 0 {
		return t.static
	}
	from := 0
	for i := range t.places {
		p := &t.places[i]
		dst = append(dst, t.static[from:p.at]...)
		from = p.at
		switch p.kind {
		case chosen:
			dst = append(dst, p.choices[r.IntN(len(p.choices))]...)
		case sequence:
			dst = strconv.AppendUint(dst, n, 10)
		case line:
			dst = append(dst, p.lines.line(n)...)
		}
	}
	return append(dst, t.static[from:]...)
}

// parse reads a declared body: a JSON string is text to be sent as it is, other JSON is sent as JSON.
func (b *builder) parse(body json.RawMessage) (Template, error) {
	var out Template
	var text string
	var err error
	if json.Unmarshal(body, &text) == nil {
		asItIs := func(dst []byte, part string) []byte { return append(dst, part...) }
		out.static, err = b.expand(&out, nil, text, asItIs)
	} else {
		inStrings := func(dst []byte, content string) ([]byte, error) { return b.expand(&out, dst, content, escape) }
		out.static, err = encoder{inStrings}.document(nil, body)
	}
	return out, err
}

// expand appends text to dst, literal parts by literal, and adds its places to out.
func (b *builder) expand(out *Template, dst []byte, text string, literal func([]byte, string) []byte) ([]byte, error) {
	for {
		before, rest, found := strings.Cut(text, "{{")
		dst = literal(dst, before)
		if !found {
			return dst, nil
		}
		words, after, err := fields(rest)
		if err != nil {
			return nil, fmt.Errorf("%w: {{%s", err, shortened(rest))
		}
		p, constant, err := b.place(words)
		if err != nil {
			return nil, err
		}
		if p == nil {
			dst = escape(dst, constant)
		} else {
			p.at = len(dst)
			out.places = append(out.places, *p)
		}
		text = after
	}
}

// place is what {{words}} stands for: something to fill for each request, or (nil) a constant.
func (b *builder) place(words []word) (*place, string, error) {
	if len(words) == 0 || words[0].quoted {
		return nil, "", errors.New("{{ }} needs prompt, choice, sequence, dataset or env")
	}
	name, arguments := words[0].text, words[1:]
	plain := len(arguments) == 1 && !arguments[0].quoted
	switch name {
	case "prompt":
		if !plain {
			break
		}
		tokens, err := strconv.Atoi(arguments[0].text)
		if err != nil || tokens < 1 || tokens > maxPrompt {
			return nil, "", fmt.Errorf("{{prompt %s}}: the number must be from 1 to %d", arguments[0].text, maxPrompt)
		}
		return nil, Prompt(tokens), nil
	case "choice":
		p := &place{kind: chosen}
		for _, argument := range arguments {
			if !argument.quoted {
				return nil, "", fmt.Errorf("{{choice}}: %s must be in quotes", argument.text)
			}
			p.choices = append(p.choices, string(escape(nil, argument.text)))
		}
		if len(p.choices) == 0 {
			break
		}
		return p, "", nil
	case "sequence":
		if len(arguments) == 0 {
			return &place{kind: sequence}, "", nil
		}
	case "dataset":
		if len(arguments) != 0 {
			break
		}
		if b.dataset == nil {
			return nil, "", errors.New("{{dataset}}: workload.dataset is not set")
		}
		b.usesDataset = true
		return &place{kind: line, lines: b.dataset}, "", nil
	case "env":
		if plain {
			value, err := b.environment(arguments[0].text)
			return nil, value, err
		}
	default:
		return nil, "", fmt.Errorf("{{%s}}: there is only prompt, choice, sequence, dataset and env", name)
	}
	return nil, "", fmt.Errorf(`{{%s}} is written {{%s}}`, name, written[name])
}

var written = map[string]string{
	"prompt": "prompt N", "choice": `choice "a" "b"`, "sequence": "sequence", "dataset": "dataset", "env": "env NAME",
}

// environment is a variable's value; the fleet's own are not for bodies.
func (b *builder) environment(name string) (string, error) {
	if strings.HasPrefix(name, "GATEBENCH_") {
		return "", fmt.Errorf("{{env %s}}: variables of the fleet itself cannot be sent", name)
	}
	value, found := b.getenv(name)
	if !found {
		return "", fmt.Errorf("{{env %s}}: environment variable %s is not set", name, name)
	}
	return value, nil
}

// word is one of those between {{ and }}.
type word struct {
	text   string
	quoted bool
}

// fields reads words up to }}, and gives what follows. Quoted ones may have \" and \\ in them.
func fields(text string) ([]word, string, error) {
	var out []word
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		switch {
		case text == "":
			return nil, "", errors.New("}} is missing")
		case strings.HasPrefix(text, "}}"):
			return out, text[2:], nil
		case text[0] == '"':
			content, rest, err := unquoted(text[1:])
			if err != nil {
				return nil, "", err
			}
			out, text = append(out, word{content, true}), rest
		default:
			end := strings.IndexAny(text, " \t\r\n\"}")
			if end == 0 {
				return nil, "", errors.New("a single } is not expected")
			}
			if end < 0 {
				end = len(text)
			}
			out, text = append(out, word{text: text[:end]}), text[end:]
		}
	}
}

func unquoted(text string) (content, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			return b.String(), text[i+1:], nil
		case '\\':
			if i++; i == len(text) || text[i] != '"' && text[i] != '\\' {
				return "", "", errors.New(`only \" and \\ are known in quotes`)
			}
		}
		b.WriteByte(text[i])
	}
	return "", "", errors.New("a quote is not closed")
}

func shortened(text string) string {
	const most = 40
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}
