// Package vegeta reads Vegeta's files of targets, in both of their formats.
package vegeta

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Target is one request.
type Target struct {
	Method  string
	URL     *url.URL // absolute
	Headers [][2]string
	Body    []byte // nil: none
	Line    int    // where it is in its file
}

// Both bounds are on what is held in memory.
const (
	maxFile   = 64 << 20
	maxBodies = 256 << 20
)

// Read reads all targets; files that hold bodies are read by open, each once. A file that begins with { is in the JSON
// format: an object a line, with method, url, header and body (base64). Errors name the line.
func Read(from io.Reader, open func(name string) ([]byte, error)) ([]Target, error) {
	content, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("it is larger than %d MiB", maxFile>>20)
	}
	r := &reader{open: open, files: make(map[string][]byte)}
	r.lines = bufio.NewScanner(bytes.NewReader(content))
	r.lines.Buffer(nil, maxFile+1)
	each := r.plain
	if bytes.HasPrefix(bytes.TrimSpace(content), []byte("{")) {
		each = r.object
	}
	for r.next() {
		if r.text == "" || r.text[0] == '#' {
			continue
		}
		line := r.number
		if err := each(); err != nil {
			return nil, fmt.Errorf("line %d: %w", r.number, err)
		}
		r.targets[len(r.targets)-1].Line = line
	}
	if len(r.targets) == 0 {
		return nil, errors.New("there is no target in it, as: GET http://127.0.0.1:8080/v1/models")
	}
	return r.targets, nil
}

type reader struct {
	lines   *bufio.Scanner
	number  int
	text    string // of the line, without space around it
	again   bool   // the line is to be read once more
	open    func(string) ([]byte, error)
	files   map[string][]byte
	bodies  int // bytes
	targets []Target
}

func (r *reader) next() bool {
	if r.again {
		r.again = false
		return true
	}
	if !r.lines.Scan() {
		return false
	}
	r.number++
	r.text = strings.TrimSpace(r.lines.Text())
	return true
}

// plain reads a request line, headers, and at last @FILE or a here-document; an empty line or the next request ends it.
func (r *reader) plain() error {
	method, address, _ := strings.Cut(r.text, " ")
	if !isMethod(method) {
		return fmt.Errorf("%.60q is no target, as: GET http://127.0.0.1:8080/v1/models", r.text)
	}
	target, err := targetOf(method, strings.TrimSpace(address))
	if err != nil {
		return err
	}
	for r.next() && r.text != "" {
		if method, _, found := strings.Cut(r.text, " "); found && isMethod(method) {
			r.again = true
			break
		}
		if r.text[0] == '#' {
			continue
		}
		if r.text[0] == '@' {
			if target.Body, err = r.body(r.text[1:]); err != nil {
				return err
			}
			break
		}
		name, value, found := strings.Cut(r.text, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !found || name == "" || value == "" {
			return errors.New("what follows a target must be a header as Name: value, or a body as @FILE")
		}
		target.Headers = append(target.Headers, [2]string{name, value})
	}
	r.targets = append(r.targets, target)
	return nil
}

// body is that of a file, or what follows until a line that is the mark after <<.
func (r *reader) body(name string) ([]byte, error) {
	mark, here := strings.CutPrefix(name, "<<")
	if !here {
		return r.file(name)
	}
	body := []byte{}
	for r.lines.Scan() {
		r.number++
		if r.lines.Text() == mark {
			return body, r.held(len(body))
		}
		body = append(append(body, r.lines.Bytes()...), '\n')
	}
	return nil, fmt.Errorf("no line %.60q ends the body", mark)
}

func (r *reader) file(name string) ([]byte, error) {
	if known, found := r.files[name]; found {
		return known, nil
	}
	content, err := r.open(name)
	if err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	r.files[name] = content
	return content, r.held(len(content))
}

func (r *reader) held(more int) error {
	if r.bodies += more; r.bodies > maxBodies {
		return fmt.Errorf("the bodies are larger than %d MiB together", maxBodies>>20)
	}
	return nil
}

// object reads a target of the JSON format.
func (r *reader) object() error {
	var given struct {
		Method string              `json:"method"`
		URL    string              `json:"url"`
		Header map[string][]string `json:"header"`
		Body   []byte              `json:"body"`
	}
	if err := json.Unmarshal([]byte(r.text), &given); err != nil {
		return fmt.Errorf("a target must be an object with method, url, header and body (base64): %w", err)
	}
	if !isMethod(given.Method) {
		return fmt.Errorf("method %.60q is none", given.Method)
	}
	target, err := targetOf(given.Method, given.URL)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(given.Header)) {
		for _, value := range given.Header[name] {
			target.Headers = append(target.Headers, [2]string{name, value})
		}
	}
	target.Body = given.Body
	r.targets = append(r.targets, target)
	return r.held(len(given.Body))
}

func targetOf(method, address string) (Target, error) {
	u, err := url.ParseRequestURI(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return Target{}, fmt.Errorf("the address of %s must be whole, as http://127.0.0.1:8080/v1/models", method)
	}
	return Target{Method: method, URL: u}, nil
}

// isMethod goes by capital letters, as Vegeta does.
func isMethod(word string) bool {
	for _, c := range []byte(word) {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return word != ""
}
