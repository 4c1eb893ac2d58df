package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"unicode/utf8"

	"gatebench.dev/engine/plan"
)

// maxDataset is the largest file of prompts; it is held in memory.
const maxDataset = 64 << 20

// dataset is the prompts of a file, escaped, in the order in which they are sent. After the last comes the first again.
type dataset struct {
	text []byte
	ends []int // of each line in text
	turn []int // which line comes when; nil: as in the file
}

func (d *dataset) line(n uint64) []byte {
	at := int(n % uint64(len(d.ends)))
	if d.turn != nil {
		at = d.turn[at]
	}
	start := 0
	if at > 0 {
		start = d.ends[at-1]
	}
	return d.text[start:d.ends[at]]
}

// readDataset reads JSONL: of a line that is an object the text in "prompt", of one that is a string that, of others and
// of objects without a prompt the line itself. Blank lines are left out.
func readDataset(source plan.Dataset, seed uint64) (*dataset, error) {
	content, err := contentOf(source)
	if err != nil {
		return nil, err
	}
	if len(content) > maxDataset {
		return nil, fmt.Errorf("%s is larger than %d MiB", source.Path, maxDataset>>20)
	}
	d := new(dataset)
	number := 0
	for raw := range bytes.Lines(content) {
		number++
		raw = bytes.TrimSpace(raw)
		if len(raw) == 0 {
			continue
		}
		text, err := promptOf(raw)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", source.Path, number, err)
		}
		d.text = escape(d.text, text)
		d.ends = append(d.ends, len(d.text))
	}
	if len(d.ends) == 0 {
		return nil, fmt.Errorf("%s has no lines", source.Path)
	}
	if source.Shuffled {
		// Numbers of its own: what arrivals and choices draw must not depend on there being a dataset.
		d.turn = rand.New(rand.NewPCG(seed, 0x64617461736574)).Perm(len(d.ends))
	}
	return d, nil
}

func contentOf(source plan.Dataset) ([]byte, error) {
	if source.Content != nil {
		return source.Content, nil
	}
	file, err := os.Open(source.Path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxDataset+1))
}

func promptOf(raw []byte) (string, error) {
	if !utf8.Valid(raw) {
		return "", errors.New("it is not UTF-8")
	}
	switch raw[0] {
	case '{':
		var object map[string]json.RawMessage
		if err := json.Unmarshal(raw, &object); err != nil {
			return "", err
		}
		prompt, found := object["prompt"]
		if !found {
			break
		}
		var text string
		if prompt[0] != '"' || json.Unmarshal(prompt, &text) != nil {
			return "", errors.New("prompt is not a text")
		}
		return text, nil
	case '"':
		var text string
		if json.Unmarshal(raw, &text) == nil {
			return text, nil
		}
	}
	return string(raw), nil
}
