package vegeta

import (
	"errors"
	"io/fs"
	"reflect"
	"strings"
	"testing"
)

// files stands for what is on the disk.
func files(name string) ([]byte, error) {
	if name == "body.json" {
		return []byte("{\x00}"), nil
	}
	return nil, fs.ErrNotExist
}

// seen is a target as a line of text.
func seen(targets []Target) (out []string) {
	for _, t := range targets {
		line := t.Method + " " + t.URL.String()
		for _, header := range t.Headers {
			line += " " + header[0] + "=" + header[1]
		}
		if t.Body != nil {
			line += " " + string(t.Body)
		}
		out = append(out, line)
	}
	return out
}

func TestBothFormats(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"one line each":  {"GET http://a/1\nHEAD http://a/2\n", []string{"GET http://a/1", "HEAD http://a/2"}},
		"no line's end":  {"GET http://a/1", []string{"GET http://a/1"}},
		"spaces":         {"\n \n  GET   http://a:80/1?q=2  \r\n", []string{"GET http://a:80/1?q=2"}},
		"comments":       {"# one\nGET http://a/1\n# two\nX: y\n\n# three\n", []string{"GET http://a/1 X=y"}},
		"headers":        {"GET http://a/1\nX-A: b: c\nx-a:d\n\nGET http://a/2", []string{"GET http://a/1 X-A=b: c x-a=d", "GET http://a/2"}},
		"no empty line":  {"GET http://a/1\nX: y\nGET http://a/2", []string{"GET http://a/1 X=y", "GET http://a/2"}},
		"body of a file": {"POST http://a/1\nX: y\n@body.json\nGET http://a/2", []string{"POST http://a/1 X=y {\x00}", "GET http://a/2"}},
		"only a body":    {"POST http://a/1\n@body.json\n\n", []string{"POST http://a/1 {\x00}"}},
		"here-document":  {"POST http://a/1\n@<<END\n  {\n\n}\nEND\nGET http://a/2", []string{"POST http://a/1   {\n\n}\n", "GET http://a/2"}},
		"empty document": {"POST http://a/1\n@<<\n\nGET http://a/2", []string{"POST http://a/1 ", "GET http://a/2"}},
		"objects": {
			`{"method":"POST","url":"https://a/1","body":"aGk=","header":{"X-B":["1"],"X-A":["2","3"]}}` + "\n\n" + `{"method":"GET","url":"http://a/2"}`,
			[]string{"POST https://a/1 X-A=2 X-A=3 X-B=1 hi", "GET http://a/2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			targets, err := Read(strings.NewReader(test.text), files)
			if err != nil {
				t.Fatal(err)
			}
			if got := seen(targets); !reflect.DeepEqual(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestLinesAreThoseOfTheFile(t *testing.T) {
	targets, err := Read(strings.NewReader("# x\nGET http://a/1\nX: y\nGET http://a/2\n\n\nGET http://a/3"), files)
	if err != nil || len(targets) != 3 {
		t.Fatal(targets, err)
	}
	if got := [3]int{targets[0].Line, targets[1].Line, targets[2].Line}; got != [3]int{2, 4, 7} {
		t.Error(got)
	}
}

func TestErrorsNameTheLineAndTheRemedy(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "there is no target in it",
		"# GET http://a/1":                    "there is no target in it",
		"\nget http://a/1":                    "line 2: \"get http://a/1\" is no target, as: GET http://",
		"GET /path":                           "line 1: the address of GET must be whole, as http://",
		"GET ftp://a/1":                       "line 1: the address of GET must be whole",
		"GET":                                 "line 1: the address of GET must be whole",
		"GET http://a/1\nx y":                 "line 2: what follows a target must be a header as Name: value, or a body as @FILE",
		"GET http://a/1\nX:":                  "line 2: what follows a target",
		"GET http://a/1\n@none":               "line 2: body: file does not exist",
		"GET http://a/1\n@<<E\nx":             "line 3: no line \"E\" ends the body",
		`{"method":"GET","url":"a"}`:          "line 1: the address of GET must be whole",
		`{"url":"http://a"}`:                  "line 1: method \"\" is none",
		`{"method":"GET","url":"http://a"`:    "line 1: a target must be an object with method, url, header and body",
		`{"method":"GET","url":"http://a"} x`: "line 1: a target must be an object",
		`{"method":1}`:                        "line 1: a target must be an object",
		`{"method":"GET","url":"http://a"}` + "\nGET http://a/1": "line 2: a target must be an object",
	} {
		_, err := Read(strings.NewReader(text), files)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	large := func(string) ([]byte, error) { return make([]byte, maxBodies/2+1), nil }
	_, err := Read(strings.NewReader("PUT http://a/1\n@a\nPUT http://a/1\n@a\nPUT http://a/1\n@b"), large)
	if err == nil || err.Error() != "line 6: the bodies are larger than 256 MiB together" {
		t.Error(err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("gone") }

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	if _, err := Read(broken{}, files); err == nil || err.Error() != "gone" {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("GET http://a/1\nX: y\n@body.json\n\nPOST http://b/2\n@<<E\nx\nE\n")
	f.Add(`{"method":"POST","url":"https://a/1","body":"aGk=","header":{"X-B":["1"]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		targets, err := Read(strings.NewReader(text), files)
		if err == nil && len(targets) == 0 {
			t.Error("neither targets nor an error")
		}
		for _, target := range targets {
			if !isMethod(target.Method) || target.URL.Hostname() == "" || target.Line < 1 {
				t.Errorf("%+v", target)
			}
		}
	})
}
