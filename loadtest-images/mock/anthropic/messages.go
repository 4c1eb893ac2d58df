// Package anthropic gives asks and replies the shape of Anthropic's messages.
package anthropic

import (
	"github.com/valyala/fastjson"

	"gatebench.dev/mock/llm"
)

// Messages is POST /v1/messages.
type Messages struct{}

// Parse implements llm.API.
func (Messages) Parse(body *fastjson.Value) (ask llm.Ask, err error) {
	if ask.Model, err = llm.Required(body, "model"); err != nil {
		return ask, err
	}
	if ask.MaxTokens, err = llm.Count(body, "max_tokens"); err != nil {
		return ask, err
	}
	if ask.MaxTokens == 0 {
		return ask, &llm.Invalid{Field: "max_tokens", Message: "max_tokens: Field required"}
	}
	messages, err := llm.Items(body, "messages")
	if err != nil {
		return ask, err
	}
	length := llm.ContentBytes(body.Get("system"))
	answered := false
	for _, message := range messages {
		if len(message.GetStringBytes("role")) == 0 {
			return ask, &llm.Invalid{Field: "messages", Message: "each of messages must be an object with a role"}
		}
		content := message.Get("content")
		length += llm.ContentBytes(content)
		answered = false
		if content != nil {
			for _, part := range content.GetArray() {
				answered = answered || string(part.GetStringBytes("type")) == "tool_result"
			}
		}
	}
	ask.PromptTokens = llm.TokensOf(length)
	if ask.Stream, err = llm.Flag(body, "stream"); err != nil {
		return ask, err
	}
	ask.User = string(body.GetStringBytes("metadata", "user_id"))
	if !answered { // an answer to the tool's result is in words, so that a loop of tools ends
		ask.Call, err = call(body)
	}
	return ask, err
}

func call(body *fastjson.Value) (*llm.Call, error) {
	if body.Get("tools") == nil || body.Get("tools").Type() == fastjson.TypeNull {
		return nil, nil
	}
	tools, err := body.Get("tools").Array()
	if err != nil {
		return nil, &llm.Invalid{Field: "tools", Message: "tools must be an array"}
	}
	wanted := ""
	switch string(body.GetStringBytes("tool_choice", "type")) {
	case "none":
		return nil, nil
	case "tool":
		wanted = string(body.GetStringBytes("tool_choice", "name"))
	}
	for _, tool := range tools {
		name := string(tool.GetStringBytes("name"))
		if name != "" && (wanted == "" || wanted == name) {
			return llm.NewCall(name, tool.Get("input_schema")), nil
		}
	}
	if wanted != "" {
		return nil, &llm.Invalid{Field: "tool_choice", Message: "tool_choice names no tool of tools"}
	}
	return nil, nil
}

// Answer implements llm.API.
func (Messages) Answer(dst []byte, reply *llm.Reply) []byte {
	dst = appendMessageHead(dst, reply)
	if reply.Call != nil {
		dst = append(appendToolUse(dst, reply, reply.Call.Arguments), `],"stop_reason":"`...)
	} else {
		dst = append(append(dst, `{"type":"text","text":"`...), llm.Words(reply.Tokens)...)
		dst = append(dst, `"}],"stop_reason":"`...)
	}
	dst = append(append(dst, stopReason(reply)...), `","stop_sequence":null,"usage":`...)
	return append(appendUsage(dst, reply, reply.Tokens), '}')
}

func appendMessageHead(dst []byte, reply *llm.Reply) []byte {
	dst = llm.AppendID(append(dst, `{"id":`...), "msg_", reply.Serial)
	dst = llm.AppendString(append(dst, `,"type":"message","role":"assistant","model":`...), reply.Model)
	return append(dst, `,"content":[`...)
}

func appendToolUse(dst []byte, reply *llm.Reply, input string) []byte {
	dst = llm.AppendID(append(dst, `{"type":"tool_use","id":`...), "toolu_", reply.Serial)
	dst = llm.AppendString(append(dst, `,"name":`...), reply.Call.Name)
	return append(append(append(dst, `,"input":`...), input...), '}')
}

func appendUsage(dst []byte, reply *llm.Reply, output int) []byte {
	dst = llm.AppendInt(append(dst, `{"input_tokens":`...), reply.PromptTokens)
	dst = append(dst, `,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":`...)
	return append(llm.AppendInt(dst, output), '}')
}

func stopReason(reply *llm.Reply) string {
	switch {
	case reply.Call != nil:
		return "tool_use"
	case reply.Truncated:
		return "max_tokens"
	}
	return "end_turn"
}

// Head implements llm.API.
func (Messages) Head(dst []byte, reply *llm.Reply) []byte {
	dst = append(dst, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":"...)
	dst = append(appendMessageHead(dst, reply), `],"stop_reason":null,"stop_sequence":null,"usage":`...)
	dst = append(appendUsage(dst, reply, 1), "}}\n\n"...)
	dst = append(dst, "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":"...)
	if reply.Call != nil {
		dst = appendToolUse(dst, reply, "{}")
	} else {
		dst = append(dst, `{"type":"text","text":""}`...)
	}
	return append(dst, "}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n"...)
}

// Token implements llm.API.
func (Messages) Token(dst []byte, reply *llm.Reply, i int) []byte {
	dst = append(dst, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"...)
	if reply.Call != nil {
		dst = append(dst, `{"type":"input_json_delta","partial_json":`...)
		return append(llm.AppendString(dst, llm.Piece(reply.Call.Arguments, i)), "}}\n\n"...)
	}
	return append(append(append(dst, `{"type":"text_delta","text":"`...), llm.Word(i)...), "\"}}\n\n"...)
}

// Tail implements llm.API.
func (Messages) Tail(dst []byte, reply *llm.Reply) []byte {
	dst = append(dst, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"...)
	dst = append(dst, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\""...)
	dst = append(append(dst, stopReason(reply)...), `","stop_sequence":null},"usage":{"output_tokens":`...)
	dst = append(llm.AppendInt(dst, reply.Tokens), "}}\n\n"...)
	return append(dst, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"...)
}

// Error implements llm.API.
func (Messages) Error(dst []byte, status int, message, _ string) []byte {
	kind := "invalid_request_error"
	switch {
	case status == 404:
		kind = "not_found_error"
	case status == 413:
		kind = "request_too_large"
	case status == 429:
		kind = "rate_limit_error"
	case status == 529:
		kind = "overloaded_error"
	case status >= 500:
		kind = "api_error"
	}
	dst = llm.AppendString(append(dst, `{"type":"error","error":{"type":`...), kind)
	return append(llm.AppendString(append(dst, `,"message":`...), message), "},\"request_id\":null}"...)
}
