package payload

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// headers is the default headers under those that are given (compared without regard to case).
func headers(api string, hasBody, stream bool, given [][2]string) [][2]string {
	accept := "application/json"
	if stream {
		accept = "text/event-stream"
	}
	if api == "HTTP" {
		accept = "*/*"
	}
	out := [][2]string{{"User-Agent", "gatebench"}, {"Accept", accept}}
	if hasBody {
		out = append(out, [2]string{"Content-Type", "application/json"})
	}
	if api == "AnthropicMessages" {
		out = append(out, [2]string{"anthropic-version", "2023-06-01"})
	}
	out = slices.DeleteFunc(out, func(own [2]string) bool {
		return slices.ContainsFunc(given, func(g [2]string) bool { return strings.EqualFold(g[0], own[0]) })
	})
	return append(out, given...)
}

// setHeaders renders the headers. Values are not part of an error: they may be secrets.
func (c *Call) setHeaders(all [][2]string) error {
	for _, header := range all {
		name, value := header[0], header[1]
		if !isToken(name) {
			return fmt.Errorf("header %q: a name cannot have these characters", name)
		}
		if strings.ContainsAny(value, "\r\n\x00") {
			return fmt.Errorf("header %s: its value has a line break", name)
		}
		switch strings.ToLower(name) {
		case "content-length", "transfer-encoding":
			return errors.New("header " + name + ": it follows from the body and cannot be given")
		case "host":
			c.Host = value
			continue
		}
		c.Header = append(append(append(append(c.Header, name...), ": "...), value...), "\r\n"...)
	}
	c.Headers = all
	return nil
}

// isToken says whether text may be a method or a header's name.
func isToken(text string) bool {
	const others = "!#$%&'*+-.^_`|~"
	for i := range len(text) {
		c := text[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return text != ""
}
