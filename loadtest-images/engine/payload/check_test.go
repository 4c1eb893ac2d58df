package payload

import (
	"strings"
	"testing"
)

func TestChecks(t *testing.T) {
	const answer = `{"choices":[{"message":{"content":"hi \u00e9","n":null}},{"x":[[1.50,true]]}],"0":{"id":7},"o":{"a": 1}}`
	equals := func(text string) *string { return &text }
	tests := []struct {
		path   string
		equals *string
		want   string
	}{
		{"choices[0].message.content", nil, ""},
		{"choices[0].message.content", equals("hi é"), ""},
		{"choices[0].message.content", equals("hi"), "is not what it was to be"},
		{"$.choices[1].x[0][0]", equals("1.5"), ""},
		{"choices[1].x[0][0]", equals("true"), "is not what it was to be"},
		{"choices[1].x[0][1]", equals("true"), ""},
		{"choices[0].message.n", nil, "is not in the answer"},
		{"choices[0].message.n", equals("null"), ""},
		{"choices[2]", nil, "is not in the answer"},
		{"choices.0", nil, "is not in the answer"},
		{"0.id", equals("7.0"), ""},
		{"[0].id", nil, "is not in the answer"},
		{"o", equals(`{"a":1}`), ""},
		{"o.a.b", nil, "is not in the answer"},
		{"$.o", nil, ""},
		{"$choices[01].x", nil, ""},
		{"$[0]", nil, "is not in the answer"},
	}
	for _, test := range tests {
		check, err := NewCheck(test.path, test.equals)
		if err != nil {
			t.Errorf("%s: %v", test.path, err)
			continue
		}
		got := check.Fails([]byte(answer))
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q; want %q", test.path, got, test.want)
		}
		for _, broken := range []string{"", "not JSON", answer[:40], answer + "}"} {
			if got := check.Fails([]byte(broken)); got != NotJSON {
				t.Errorf("%q: %q", broken, got)
			}
		}
	}
}

func TestPathsThatAreNone(t *testing.T) {
	for _, path := range []string{"", "$", "$.", ".", "a.", ".a", "a..b", "a[", "a[]", "a[x]", "a[-1]", "a[0]b", "a]["} {
		if check, err := NewCheck(path, nil); err == nil {
			t.Errorf("%q is taken as %q", path, check.steps)
		}
	}
}
