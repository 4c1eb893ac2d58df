package openai

import (
	"github.com/valyala/fastjson"

	"gatebench.dev/mock/llm"
)

// Responses is POST /v1/responses.
type Responses struct{}

// Parse implements llm.API.
func (Responses) Parse(body *fastjson.Value) (ask llm.Ask, err error) {
	if ask.Model, err = llm.Required(body, "model"); err != nil {
		return ask, err
	}
	input := body.Get("input")
	length := len(body.GetStringBytes("instructions"))
	answered := false
	switch {
	case input == nil || input.Type() == fastjson.TypeNull:
		return ask, &llm.Invalid{Field: "input", Message: "missing required parameter: 'input'"}
	case input.Type() == fastjson.TypeString:
		length += len(input.GetStringBytes())
	case input.Type() == fastjson.TypeArray:
		for _, item := range input.GetArray() {
			if item.Type() != fastjson.TypeObject {
				return ask, &llm.Invalid{Field: "input", Message: "each of input must be an object"}
			}
			length += llm.ContentBytes(item.Get("content"))
			answered = string(item.GetStringBytes("type")) == "function_call_output"
		}
	default:
		return ask, &llm.Invalid{Field: "input", Message: "input must be a string or an array"}
	}
	ask.PromptTokens = llm.TokensOf(length)
	if ask.Stream, err = llm.Flag(body, "stream"); err != nil {
		return ask, err
	}
	if ask.User, err = llm.Text(body, "user"); err != nil {
		return ask, err
	}
	if ask.MaxTokens, err = llm.Count(body, "max_output_tokens"); err != nil {
		return ask, err
	}
	if !answered {
		ask.Call, err = call(body, func(tool *fastjson.Value) *fastjson.Value { return tool })
	}
	return ask, err
}

// Answer implements llm.API.
func (Responses) Answer(dst []byte, reply *llm.Reply) []byte {
	return appendResponse(dst, reply, true)
}

// appendResponse appends the response object, ended or as it begins.
func appendResponse(dst []byte, reply *llm.Reply, ended bool) []byte {
	dst = llm.AppendID(append(dst, `{"id":`...), "resp_", reply.Serial)
	dst = llm.AppendInt(append(dst, `,"object":"response","created_at":`...), reply.Created)
	status, details := "in_progress", "null"
	if ended {
		status = "completed"
		if reply.Truncated {
			status, details = "incomplete", `{"reason":"max_output_tokens"}`
		}
	}
	dst = append(append(append(dst, `,"status":"`...), status...), `","error":null,"incomplete_details":`...)
	dst = append(append(dst, details...), `,"instructions":null,"max_output_tokens":`...)
	if reply.MaxTokens > 0 {
		dst = llm.AppendInt(dst, reply.MaxTokens)
	} else {
		dst = append(dst, "null"...)
	}
	dst = llm.AppendString(append(dst, `,"metadata":{},"model":`...), reply.Model)
	dst = append(dst, `,"parallel_tool_calls":true,"previous_response_id":null,"temperature":1.0,"text":{"format":{"type":"text"}},`+
		`"tool_choice":"auto","tools":[],"top_p":1.0,"truncation":"disabled","output":[`...)
	if !ended {
		return append(dst, `],"usage":null}`...)
	}
	dst = appendItem(dst, reply, true)
	dst = llm.AppendInt(append(dst, `],"usage":{"input_tokens":`...), reply.PromptTokens)
	dst = append(dst, `,"input_tokens_details":{"cached_tokens":0},"output_tokens":`...)
	dst = llm.AppendInt(dst, reply.Tokens)
	dst = append(dst, `,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":`...)
	return append(llm.AppendInt(dst, reply.PromptTokens+reply.Tokens), "}}"...)
}

func appendItem(dst []byte, reply *llm.Reply, ended bool) []byte {
	status := "in_progress"
	if ended {
		status = "completed"
		if reply.Truncated {
			status = "incomplete"
		}
	}
	dst = appendItemID(append(dst, `{"id":`...), reply)
	if reply.Call != nil {
		dst = append(append(append(dst, `,"type":"function_call","status":"`...), status...), `","call_id":`...)
		dst = llm.AppendID(dst, "call_", reply.Serial)
		dst = llm.AppendString(append(dst, `,"name":`...), reply.Call.Name)
		arguments := ""
		if ended {
			arguments = reply.Call.Arguments
		}
		return append(llm.AppendString(append(dst, `,"arguments":`...), arguments), '}')
	}
	dst = append(append(append(dst, `,"type":"message","status":"`...), status...), `","role":"assistant","content":[`...)
	if ended {
		dst = appendPart(dst, llm.Words(reply.Tokens))
	}
	return append(dst, "]}"...)
}

func appendItemID(dst []byte, reply *llm.Reply) []byte {
	if reply.Call != nil {
		return llm.AppendID(dst, "fc_", reply.Serial)
	}
	return llm.AppendID(dst, "msg_", reply.Serial)
}

func appendPart(dst []byte, text string) []byte {
	dst = append(append(dst, `{"type":"output_text","annotations":[],"logprobs":[],"text":"`...), text...)
	return append(dst, `"}`...)
}

// appendEvent begins an event; its data goes on with the fields of its own and ends with endEvent.
func appendEvent(dst []byte, kind string, sequence int) []byte {
	dst = append(append(append(dst, "event: "...), kind...), "\ndata: {\"type\":\""...)
	return llm.AppendInt(append(append(dst, kind...), `","sequence_number":`...), sequence)
}

const endEvent = "}\n\n"

// headEvents is how many events come before the tokens.
func headEvents(reply *llm.Reply) int {
	if reply.Call != nil {
		return 3
	}
	return 4
}

// Head implements llm.API.
func (Responses) Head(dst []byte, reply *llm.Reply) []byte {
	for i, kind := range []string{"response.created", "response.in_progress"} {
		dst = append(appendEvent(dst, kind, i), `,"response":`...)
		dst = append(appendResponse(dst, reply, false), endEvent...)
	}
	dst = append(appendEvent(dst, "response.output_item.added", 2), `,"output_index":0,"item":`...)
	dst = append(appendItem(dst, reply, false), endEvent...)
	if reply.Call == nil {
		dst = append(appendPlace(appendEvent(dst, "response.content_part.added", 3), reply), `,"part":`...)
		dst = append(appendPart(dst, ""), endEvent...)
	}
	return dst
}

// appendPlace says where in the response an event belongs.
func appendPlace(dst []byte, reply *llm.Reply) []byte {
	dst = append(appendItemID(append(dst, `,"item_id":`...), reply), `,"output_index":0`...)
	if reply.Call == nil {
		dst = append(dst, `,"content_index":0`...)
	}
	return dst
}

// Token implements llm.API.
func (Responses) Token(dst []byte, reply *llm.Reply, i int) []byte {
	sequence := headEvents(reply) + i
	if reply.Call != nil {
		dst = appendPlace(appendEvent(dst, "response.function_call_arguments.delta", sequence), reply)
		dst = llm.AppendString(append(dst, `,"delta":`...), llm.Piece(reply.Call.Arguments, i))
		return append(dst, endEvent...)
	}
	dst = appendPlace(appendEvent(dst, "response.output_text.delta", sequence), reply)
	dst = append(append(dst, `,"logprobs":[],"delta":"`...), llm.Word(i)...)
	return append(append(dst, '"'), endEvent...)
}

// Tail implements llm.API.
func (Responses) Tail(dst []byte, reply *llm.Reply) []byte {
	sequence := headEvents(reply) + reply.Tokens
	if reply.Call != nil {
		dst = appendPlace(appendEvent(dst, "response.function_call_arguments.done", sequence), reply)
		dst = llm.AppendString(append(dst, `,"name":`...), reply.Call.Name)
		dst = llm.AppendString(append(dst, `,"arguments":`...), reply.Call.Arguments)
		dst = append(dst, endEvent...)
	} else {
		dst = appendPlace(appendEvent(dst, "response.output_text.done", sequence), reply)
		dst = append(append(dst, `,"logprobs":[],"text":"`...), llm.Words(reply.Tokens)...)
		dst = append(append(dst, '"'), endEvent...)
		sequence++
		dst = append(appendPlace(appendEvent(dst, "response.content_part.done", sequence), reply), `,"part":`...)
		dst = append(appendPart(dst, llm.Words(reply.Tokens)), endEvent...)
	}
	sequence++
	dst = append(appendEvent(dst, "response.output_item.done", sequence), `,"output_index":0,"item":`...)
	dst = append(appendItem(dst, reply, true), endEvent...)
	kind := "response.completed"
	if reply.Truncated {
		kind = "response.incomplete"
	}
	dst = append(appendEvent(dst, kind, sequence+1), `,"response":`...)
	return append(appendResponse(dst, reply, true), endEvent...)
}

// Error implements llm.API.
func (Responses) Error(dst []byte, status int, message, field string) []byte {
	return AppendError(dst, status, message, field)
}
