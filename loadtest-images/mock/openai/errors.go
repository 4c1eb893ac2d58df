// Package openai gives asks and replies the shapes of OpenAI's chat completions and responses.
package openai

import "gatebench.dev/mock/llm"

// AppendError appends an error's body in the shape that all of OpenAI's endpoints have.
func AppendError(dst []byte, status int, message, field string) []byte {
	kind, code := "invalid_request_error", ""
	switch {
	case status == 404:
		code = "not_found"
	case status == 429:
		kind, code = "rate_limit_error", "rate_limit_exceeded"
	case status >= 500:
		kind, code = "server_error", "server_error"
	}
	dst = llm.AppendString(append(dst, `{"error":{"message":`...), message)
	dst = llm.AppendString(append(dst, `,"type":`...), kind)
	dst = appendOrNull(append(dst, `,"param":`...), field)
	dst = appendOrNull(append(dst, `,"code":`...), code)
	return append(dst, "}}"...)
}

func appendOrNull(dst []byte, text string) []byte {
	if text == "" {
		return append(dst, "null"...)
	}
	return llm.AppendString(dst, text)
}

// AppendModels appends the list of models: the one that answers to every name.
func AppendModels(dst []byte, created int64) []byte {
	dst = append(dst, `{"object":"list","data":[{"id":"loopback","object":"model","created":`...)
	return append(llm.AppendInt(dst, created), `,"owned_by":"gatebench"}]}`...)
}
