package payload

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"
)

// JSONCheck is what an answer must hold: a value at Path that is not null and, where Equals is given, is it. A path is
// names and indices from the outermost value on, such as choices[0].message.content; a leading $. may be there. A string
// is compared by its content, a number by its value, and everything else by its JSON without spaces.
type JSONCheck struct {
	Path   string
	Equals *string

	steps              []string // as fastjson takes them: indices are numbers
	missing, different string
	parsers            fastjson.ParserPool
}

// Messages of checks that fail whatever is checked.
const (
	NotJSON      = "the answer is not JSON"
	TooLongCheck = "the answer is too long to be checked"
)

// NewCheck parses a path.
func NewCheck(path string, equals *string) (*JSONCheck, error) {
	steps, err := pathSteps(path)
	if err != nil {
		return nil, fmt.Errorf("check.jsonPath %q: %w", path, err)
	}
	return &JSONCheck{
		Path: path, Equals: equals, steps: steps,
		missing: path + " is not in the answer", different: path + " is not what it was to be",
	}, nil
}

func pathSteps(path string) ([]string, error) {
	rest, rooted := strings.CutPrefix(path, "$")
	if rooted {
		rest = strings.TrimPrefix(rest, ".")
	}
	if rest == "" {
		return nil, errors.New("it names nothing")
	}
	var steps []string
	for first := true; rest != ""; first = false {
		if rest[0] == '[' {
			index, after, found := strings.Cut(rest[1:], "]")
			n, err := strconv.ParseUint(index, 10, 31)
			if !found || err != nil {
				return nil, errors.New("brackets need a whole number, such as [0]")
			}
			steps, rest = append(steps, "["+strconv.FormatUint(n, 10)), after
			continue
		}
		if !first {
			if rest[0] != '.' {
				return nil, errors.New("a dot or a bracket is expected after a bracket")
			}
			rest = rest[1:]
		}
		end := strings.IndexAny(rest, ".[")
		if end < 0 {
			end = len(rest)
		}
		if end == 0 {
			return nil, errors.New("a name is empty")
		}
		steps, rest = append(steps, rest[:end]), rest[end:]
	}
	return steps, nil
}

// Fails says why an answer is not what it was to be; empty: it is.
func (c *JSONCheck) Fails(answer []byte) string {
	if fastjson.ValidateBytes(answer) != nil {
		return NotJSON
	}
	parser := c.parsers.Get()
	defer c.parsers.Put(parser)
	value, err := parser.ParseBytes(answer)
	if err != nil {
		return NotJSON
	}
	for _, step := range c.steps {
		if step[0] == '[' {
			if value.Type() != fastjson.TypeArray {
				return c.missing
			}
			value = value.Get(step[1:])
		} else {
			if value.Type() != fastjson.TypeObject {
				return c.missing
			}
			value = value.Get(step)
		}
		if value == nil {
			return c.missing
		}
	}
	if c.Equals == nil {
		if value.Type() == fastjson.TypeNull {
			return c.missing
		}
		return ""
	}
	if !c.equal(value) {
		return c.different
	}
	return ""
}

func (c *JSONCheck) equal(value *fastjson.Value) bool {
	switch value.Type() {
	case fastjson.TypeString:
		text, _ := value.StringBytes()
		return string(text) == *c.Equals
	case fastjson.TypeNumber:
		if wanted, err := strconv.ParseFloat(*c.Equals, 64); err == nil {
			number, err := value.Float64()
			return err == nil && number == wanted
		}
		return false
	}
	return string(value.MarshalTo(nil)) == *c.Equals
}
