// Package llm is what the APIs of language models have in common: what is asked for, and what is answered. The packages
// openai and anthropic give both their shapes.
package llm

import (
	"fmt"

	"github.com/valyala/fastjson"
)

// Ask is what a request wants.
type Ask struct {
	Model        string
	User         string
	Stream       bool
	IncludeUsage bool // a stream of chat completions tells its usage
	PromptTokens int
	MaxTokens    int   // 0: no bound
	Call         *Call // the tool to be called, instead of an answer in words
}

// Call is a call of one of the request's tools. Arguments is a JSON object that fits the tool's parameters.
type Call struct {
	Name, Arguments string
}

// Reply is what is answered.
type Reply struct {
	Ask
	Serial    uint64 // makes IDs
	Created   int64  // unix seconds
	Tokens    int    // how many there are, pieces of a call's arguments included
	Truncated bool   // by MaxTokens
}

// NewReply answers an ask with so many tokens, or as many as it allows.
func NewReply(ask Ask, serial uint64, created int64, tokens int) *Reply {
	reply := &Reply{Ask: ask, Serial: serial, Created: created, Tokens: tokens}
	if ask.Call != nil {
		reply.Tokens = pieces(ask.Call.Arguments)
		return reply
	}
	if ask.MaxTokens > 0 && ask.MaxTokens < tokens {
		reply.Tokens, reply.Truncated = ask.MaxTokens, true
	}
	return reply
}

// Invalid is a request that cannot be answered; Field is the one at fault.
type Invalid struct {
	Field, Message string
}

func (e *Invalid) Error() string { return e.Message }

// API gives asks and replies the shape of one endpoint. All append to dst.
type API interface {
	// Parse takes a request's body apart; the error is an *Invalid. Nothing of it may be used after the parser is.
	Parse(body *fastjson.Value) (Ask, error)
	// Answer is the whole answer.
	Answer(dst []byte, reply *Reply) []byte
	// Head, Token and Tail are a stream's events before, with, and after its tokens.
	Head(dst []byte, reply *Reply) []byte
	Token(dst []byte, reply *Reply, i int) []byte
	Tail(dst []byte, reply *Reply) []byte
	// Error is the body of an error; field may be empty.
	Error(dst []byte, status int, message, field string) []byte
}

// Text reads a field that must be a string; absent and null are empty.
func Text(body *fastjson.Value, field string) (string, error) {
	value := body.Get(field)
	if value == nil || value.Type() == fastjson.TypeNull {
		return "", nil
	}
	if value.Type() != fastjson.TypeString {
		return "", &Invalid{field, fmt.Sprintf("%s must be a string", field)}
	}
	return string(value.GetStringBytes()), nil
}

// Required reads a string that must be there.
func Required(body *fastjson.Value, field string) (string, error) {
	text, err := Text(body, field)
	if err == nil && text == "" {
		err = &Invalid{field, fmt.Sprintf("missing required parameter: '%s'", field)}
	}
	return text, err
}

// Flag reads a field that must be a boolean; absent and null are false.
func Flag(body *fastjson.Value, field string) (bool, error) {
	value := body.Get(field)
	if value == nil {
		return false, nil
	}
	switch value.Type() {
	case fastjson.TypeTrue:
		return true, nil
	case fastjson.TypeFalse, fastjson.TypeNull:
		return false, nil
	}
	return false, &Invalid{field, fmt.Sprintf("%s must be a boolean", field)}
}

// Count reads a field that must be a whole number above 0; absent and null are 0.
func Count(body *fastjson.Value, field string) (int, error) {
	value := body.Get(field)
	if value == nil || value.Type() == fastjson.TypeNull {
		return 0, nil
	}
	number, err := value.Int()
	if err != nil || number < 1 {
		return 0, &Invalid{field, fmt.Sprintf("%s must be a whole number above 0", field)}
	}
	return number, nil
}

// Items reads a field that must be an array that is not empty.
func Items(body *fastjson.Value, field string) ([]*fastjson.Value, error) {
	value := body.Get(field)
	if value == nil || value.Type() == fastjson.TypeNull {
		return nil, &Invalid{field, fmt.Sprintf("missing required parameter: '%s'", field)}
	}
	items, err := value.Array()
	if err != nil || len(items) == 0 {
		return nil, &Invalid{field, fmt.Sprintf("%s must be an array with at least one item", field)}
	}
	return items, nil
}

// ContentBytes is the length of a message's content: a string, or parts with a text each.
func ContentBytes(content *fastjson.Value) int {
	if content == nil {
		return 0
	}
	switch content.Type() {
	case fastjson.TypeString:
		return len(content.GetStringBytes())
	case fastjson.TypeArray:
		length := 0
		for _, part := range content.GetArray() {
			length += len(part.GetStringBytes("text"))
		}
		return length
	}
	return 0
}

// TokensOf estimates tokens from bytes: four to one, as is usual for English.
func TokensOf(length int) int { return (length + 3) / 4 }
