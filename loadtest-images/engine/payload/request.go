package payload

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gatebench.dev/engine/plan"
)

const anthropicMaxTokens = 256

var paths = map[string]string{
	"OpenAIChat":        "/v1/chat/completions",
	"OpenAIResponses":   "/v1/responses",
	"AnthropicMessages": "/v1/messages",
}

func (b *builder) call(request *plan.Request) (*Call, error) {
	isHTTP := request.API == "HTTP"
	if _, known := paths[request.API]; !isHTTP && !known {
		return nil, fmt.Errorf("there is no API %q", request.API)
	}
	body, err := b.body(request)
	if err != nil {
		return nil, err
	}
	call := &Call{
		Name: request.Name, Method: request.Method, Path: request.Path, Weight: request.Weight, Status: request.Status,
		Stream: request.Stream, CountsTokens: !isHTTP, OpenEnded: isHTTP,
	}
	if body != nil {
		call.Body = *body
	}
	if call.Path == "" {
		call.Path = paths[request.API]
	}
	if call.Method == "" {
		if call.Method = "POST"; isHTTP && body == nil {
			call.Method = "GET"
		}
	}
	if err := checkLine(call.Method, call.Path); err != nil {
		return nil, err
	}
	given, err := b.given(request)
	if err != nil {
		return nil, err
	}
	if err := call.setHeaders(headers(request.API, body != nil, request.Stream, given)); err != nil {
		return nil, err
	}
	return call, call.setCheck(request.Check)
}

// checkLine refuses what would make another request of the line that is sent.
func checkLine(method, path string) error {
	if !isToken(method) {
		return fmt.Errorf("method %q is not one", method)
	}
	switch {
	case path == "":
		return errors.New("api HTTP needs a path")
	case path[0] != '/':
		return fmt.Errorf("path %q must begin with /", path)
	case strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return fmt.Errorf("path %q has spaces or control characters", path)
	}
	return nil
}

func (c *Call) setCheck(check *plan.Check) error {
	if check == nil {
		return nil
	}
	if c.Stream {
		return errors.New("check: an answer that is a stream cannot be checked")
	}
	var err error
	c.Check, err = NewCheck(check.JSONPath, check.Equals)
	return err
}

// body is nil where the request has none.
func (b *builder) body(request *plan.Request) (*Template, error) {
	given := request.Body
	if len(given) == 0 || string(given) == "null" {
		own, err := ownBody(request)
		if own == nil || err != nil {
			return nil, err
		}
		return &Template{static: own}, nil
	}
	parts, err := b.parse(given)
	if err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	return &parts, nil
}

// The bodies of the APIs, with their fields in the order in which the Python fleet writes them.
type (
	message struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	streamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	}
	chatBody struct {
		Model         string         `json:"model"`
		Messages      []message      `json:"messages"`
		Stream        bool           `json:"stream,omitempty"`
		StreamOptions *streamOptions `json:"stream_options,omitempty"`
	}
	responsesBody struct {
		Model  string `json:"model"`
		Input  string `json:"input"`
		Stream bool   `json:"stream,omitempty"`
	}
	messagesBody struct {
		Model     string    `json:"model"`
		MaxTokens int       `json:"max_tokens"`
		Messages  []message `json:"messages"`
		Stream    bool      `json:"stream,omitempty"`
	}
)

// ownBody is the body of an API, by its own words; nil for plain HTTP.
func ownBody(request *plan.Request) ([]byte, error) {
	if request.API == "HTTP" {
		return nil, nil
	}
	if request.PromptTokens < 1 || request.PromptTokens > maxPrompt {
		return nil, fmt.Errorf("promptTokens %d is not from 1 to %d", request.PromptTokens, maxPrompt)
	}
	text := Prompt(request.PromptTokens)
	messages := []message{{"user", text}}
	var body any
	switch request.API {
	case "OpenAIChat":
		chat := chatBody{Model: request.Model, Messages: messages, Stream: request.Stream}
		if request.Stream {
			chat.StreamOptions = &streamOptions{true}
		}
		body = chat
	case "OpenAIResponses":
		body = responsesBody{request.Model, text, request.Stream}
	default:
		body = messagesBody{request.Model, anthropicMaxTokens, messages, request.Stream}
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return asPython(encoded) // which escapes less than encoding/json
}

// given is the declared headers, those from the environment after and over the others. Names are in order, as plan.json
// has them.
func (b *builder) given(request *plan.Request) ([][2]string, error) {
	var out [][2]string
	for _, name := range sortedKeys(request.Headers) {
		out = append(out, [2]string{name, request.Headers[name]})
	}
	for _, name := range sortedKeys(request.HeadersFromEnv) {
		source := request.HeadersFromEnv[name]
		value, found := b.getenv(source.Env)
		if !found {
			return nil, fmt.Errorf("header %s: environment variable %s is not set", name, source.Env)
		}
		header := [2]string{name, source.Prefix + strings.TrimSpace(value)}
		if at := slices.IndexFunc(out, func(h [2]string) bool { return h[0] == name }); at >= 0 {
			out[at] = header
		} else {
			out = append(out, header)
		}
	}
	return out, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
