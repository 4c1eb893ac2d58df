package openai

import (
	"github.com/valyala/fastjson"

	"gatebench.dev/mock/llm"
)

// Chat is POST /v1/chat/completions.
type Chat struct{}

// Parse implements llm.API.
func (Chat) Parse(body *fastjson.Value) (ask llm.Ask, err error) {
	if ask.Model, err = llm.Required(body, "model"); err != nil {
		return ask, err
	}
	messages, err := llm.Items(body, "messages")
	if err != nil {
		return ask, err
	}
	length, last := 0, ""
	for _, message := range messages {
		role := message.GetStringBytes("role")
		if len(role) == 0 {
			return ask, &llm.Invalid{Field: "messages", Message: "each of messages must be an object with a role"}
		}
		last = string(role)
		length += llm.ContentBytes(message.Get("content"))
	}
	ask.PromptTokens = llm.TokensOf(length)
	if ask.Stream, err = llm.Flag(body, "stream"); err != nil {
		return ask, err
	}
	if options := body.Get("stream_options"); options != nil {
		if ask.IncludeUsage, err = llm.Flag(options, "include_usage"); err != nil {
			return ask, err
		}
	}
	if ask.User, err = llm.Text(body, "user"); err != nil {
		return ask, err
	}
	for _, field := range []string{"max_completion_tokens", "max_tokens"} {
		if ask.MaxTokens == 0 {
			if ask.MaxTokens, err = llm.Count(body, field); err != nil {
				return ask, err
			}
		}
	}
	if last != "tool" { // an answer to the tool's result is in words, so that a loop of tools ends
		ask.Call, err = call(body, func(tool *fastjson.Value) *fastjson.Value { return tool.Get("function") })
	}
	return ask, err
}

// call chooses the tool: the one that tool_choice names, or the first function. Functions stand in the tool itself, or
// deeper in it.
func call(body *fastjson.Value, function func(tool *fastjson.Value) *fastjson.Value) (*llm.Call, error) {
	if body.Get("tools") == nil || body.Get("tools").Type() == fastjson.TypeNull {
		return nil, nil
	}
	tools, err := body.Get("tools").Array()
	if err != nil {
		return nil, &llm.Invalid{Field: "tools", Message: "tools must be an array"}
	}
	choice := body.Get("tool_choice")
	if choice != nil && string(choice.GetStringBytes()) == "none" {
		return nil, nil
	}
	wanted := ""
	if choice != nil && choice.Type() == fastjson.TypeObject {
		wanted = string(function(choice).GetStringBytes("name"))
	}
	for _, tool := range tools {
		described := function(tool)
		name := string(described.GetStringBytes("name"))
		if string(tool.GetStringBytes("type")) == "function" && name != "" && (wanted == "" || wanted == name) {
			return llm.NewCall(name, described.Get("parameters")), nil
		}
	}
	if wanted != "" {
		return nil, &llm.Invalid{Field: "tool_choice", Message: "tool_choice names no function of tools"}
	}
	return nil, nil
}

// Answer implements llm.API.
func (Chat) Answer(dst []byte, reply *llm.Reply) []byte {
	dst = appendChatHead(dst, reply, "chat.completion")
	dst = append(dst, `"choices":[{"index":0,"message":{"role":"assistant","content":`...)
	if reply.Call != nil {
		dst = appendToolCall(append(dst, `null,"tool_calls":[`...), reply, reply.Call.Arguments, false)
		dst = append(dst, ']')
	} else {
		dst = append(append(append(dst, '"'), llm.Words(reply.Tokens)...), '"')
	}
	dst = append(dst, `,"refusal":null},"logprobs":null,"finish_reason":"`...)
	dst = append(append(dst, finishReason(reply)...), `"}],"usage":`...)
	return append(appendUsage(dst, reply), '}')
}

func appendChatHead(dst []byte, reply *llm.Reply, object string) []byte {
	dst = llm.AppendID(append(dst, `{"id":`...), "chatcmpl-", reply.Serial)
	dst = append(append(append(dst, `,"object":"`...), object...), `","created":`...)
	dst = llm.AppendInt(dst, reply.Created)
	dst = llm.AppendString(append(dst, `,"model":`...), reply.Model)
	return append(dst, `,"system_fingerprint":null,`...)
}

func appendToolCall(dst []byte, reply *llm.Reply, arguments string, indexed bool) []byte {
	dst = append(dst, '{')
	if indexed {
		dst = append(dst, `"index":0,`...)
	}
	dst = llm.AppendID(append(dst, `"id":`...), "call_", reply.Serial)
	dst = llm.AppendString(append(dst, `,"type":"function","function":{"name":`...), reply.Call.Name)
	return append(llm.AppendString(append(dst, `,"arguments":`...), arguments), "}}"...)
}

func finishReason(reply *llm.Reply) string {
	switch {
	case reply.Call != nil:
		return "tool_calls"
	case reply.Truncated:
		return "length"
	}
	return "stop"
}

func appendUsage(dst []byte, reply *llm.Reply) []byte {
	dst = llm.AppendInt(append(dst, `{"prompt_tokens":`...), reply.PromptTokens)
	dst = llm.AppendInt(append(dst, `,"completion_tokens":`...), reply.Tokens)
	dst = llm.AppendInt(append(dst, `,"total_tokens":`...), reply.PromptTokens+reply.Tokens)
	return append(dst, '}')
}

// Head implements llm.API: the role, and of a call its name.
func (Chat) Head(dst []byte, reply *llm.Reply) []byte {
	dst = appendChatHead(append(dst, "data: "...), reply, "chat.completion.chunk")
	dst = append(dst, `"choices":[{"index":0,"delta":{"role":"assistant","content":`...)
	if reply.Call != nil {
		dst = appendToolCall(append(dst, `null,"tool_calls":[`...), reply, "", true)
		dst = append(dst, `]`...)
	} else {
		dst = append(dst, `""`...)
	}
	return appendChunkEnd(dst, reply, "")
}

// Token implements llm.API.
func (Chat) Token(dst []byte, reply *llm.Reply, i int) []byte {
	dst = appendChatHead(append(dst, "data: "...), reply, "chat.completion.chunk")
	dst = append(dst, `"choices":[{"index":0,"delta":{`...)
	if reply.Call != nil {
		dst = append(dst, `"tool_calls":[{"index":0,"function":{"arguments":`...)
		dst = append(llm.AppendString(dst, llm.Piece(reply.Call.Arguments, i)), "}}]"...)
	} else {
		dst = append(append(append(dst, `"content":"`...), llm.Word(i)...), '"')
	}
	return appendChunkEnd(dst, reply, "")
}

// Tail implements llm.API: why it ends, the usage where it is asked for, and the end.
func (Chat) Tail(dst []byte, reply *llm.Reply) []byte {
	dst = appendChatHead(append(dst, "data: "...), reply, "chat.completion.chunk")
	dst = append(dst, `"choices":[{"index":0,"delta":{`...)
	dst = appendChunkEnd(dst, reply, finishReason(reply))
	if reply.IncludeUsage {
		dst = appendChatHead(append(dst, "data: "...), reply, "chat.completion.chunk")
		dst = append(appendUsage(append(dst, `"choices":[],"usage":`...), reply), "}\n\n"...)
	}
	return append(dst, "data: [DONE]\n\n"...)
}

func appendChunkEnd(dst []byte, reply *llm.Reply, reason string) []byte {
	dst = appendOrNull(append(dst, `},"logprobs":null,"finish_reason":`...), reason)
	dst = append(dst, "}]"...)
	if reply.IncludeUsage {
		dst = append(dst, `,"usage":null`...)
	}
	return append(dst, "}\n\n"...)
}

// Error implements llm.API.
func (Chat) Error(dst []byte, status int, message, field string) []byte {
	return AppendError(dst, status, message, field)
}
