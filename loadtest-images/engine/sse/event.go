package sse

import "github.com/valyala/fastjson"

// hasContent says whether an event carries content: text, or a part of a tool call.
func hasContent(event *fastjson.Value, kind []byte) bool {
	if choices := event.Get("choices"); choices != nil && choices.Type() == fastjson.TypeArray {
		items, _ := choices.Array()
		for _, choice := range items {
			delta := object(choice, "delta")
			if delta != nil && (truthy(delta.Get("content")) || truthy(delta.Get("tool_calls"))) {
				return true
			}
		}
		return false
	}
	switch string(kind) {
	case "content_block_delta":
		delta := object(event, "delta")
		return delta != nil && (truthy(delta.Get("text")) || truthy(delta.Get("partial_json")))
	case "response.output_text.delta", "response.function_call_arguments.delta":
		return truthy(event.Get("delta"))
	}
	return false
}

// usageOf is the output tokens so far, as an event states them; -1: it does not.
func usageOf(event *fastjson.Value, kind []byte) int64 {
	holder := event
	if response := object(event, "response"); response != nil {
		holder = response
	} else if string(kind) == "message_start" {
		return -1 // Anthropic counts from 1 there; message_delta has the number
	}
	usage := object(holder, "usage")
	if usage == nil {
		return -1
	}
	for _, field := range [...]string{"completion_tokens", "output_tokens"} {
		if value := usage.Get(field); value != nil {
			if tokens, err := value.Int64(); err == nil && tokens >= 0 {
				return tokens
			}
		}
	}
	return -1
}

// object is a field that is an object, of an object; nil: it is not.
func object(value *fastjson.Value, field string) *fastjson.Value {
	if value == nil || value.Type() != fastjson.TypeObject {
		return nil
	}
	if inner := value.Get(field); inner != nil && inner.Type() == fastjson.TypeObject {
		return inner
	}
	return nil
}

// truthy is what Python's users take for something: all but null, false, zero and what is empty.
func truthy(value *fastjson.Value) bool {
	if value == nil {
		return false
	}
	switch value.Type() {
	case fastjson.TypeNull, fastjson.TypeFalse:
		return false
	case fastjson.TypeString:
		text, _ := value.StringBytes()
		return len(text) > 0
	case fastjson.TypeNumber:
		number, _ := value.Float64()
		return number != 0
	case fastjson.TypeArray:
		items, _ := value.Array()
		return len(items) > 0
	case fastjson.TypeObject:
		fields, _ := value.Object()
		return fields.Len() > 0
	}
	return true
}
