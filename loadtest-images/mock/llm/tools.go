package llm

import (
	"crypto/rand"

	"github.com/valyala/fastjson"
)

// process makes the IDs of one process differ from those of the next.
var process = func() (id [4]byte) {
	_, _ = rand.Read(id[:])
	return id
}()

const maxDepth = 8

// NewCall calls a tool with arguments made up from its JSON schema: every required property, or, where none is, all.
func NewCall(name string, schema *fastjson.Value) *Call {
	arguments := appendSample(nil, schema, 0)
	if len(arguments) == 0 || arguments[0] != '{' {
		arguments = []byte("{}")
	}
	return &Call{Name: name, Arguments: string(arguments)}
}

func appendSample(dst []byte, schema *fastjson.Value, depth int) []byte {
	if schema == nil || depth > maxDepth {
		return append(dst, "null"...)
	}
	if choices := schema.GetArray("enum"); len(choices) > 0 {
		return appendASCII(dst, choices[0])
	}
	kind := string(schema.GetStringBytes("type"))
	if kinds := schema.GetArray("type"); len(kinds) > 0 {
		kind = string(kinds[0].GetStringBytes())
	}
	switch kind {
	case "string":
		return append(dst, `"example"`...)
	case "integer", "number":
		return append(dst, '1')
	case "boolean":
		return append(dst, "true"...)
	case "array":
		return append(appendSample(append(dst, '['), schema.Get("items"), depth+1), ']')
	case "object", "":
		return appendObject(dst, schema, depth)
	}
	return append(dst, "null"...)
}

func appendObject(dst []byte, schema *fastjson.Value, depth int) []byte {
	required := map[string]bool{}
	for _, name := range schema.GetArray("required") {
		required[string(name.GetStringBytes())] = true
	}
	dst = append(dst, '{')
	first := true
	if properties := schema.GetObject("properties"); properties != nil {
		properties.Visit(func(name []byte, property *fastjson.Value) {
			if len(required) > 0 && !required[string(name)] || !ascii(name) {
				return
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(AppendString(dst, string(name)), ':')
			dst = appendSample(dst, property, depth+1)
		})
	}
	return append(dst, '}')
}

// appendASCII keeps arguments splittable at any byte.
func appendASCII(dst []byte, value *fastjson.Value) []byte {
	encoded := value.MarshalTo(nil)
	if !ascii(encoded) {
		return append(dst, "null"...)
	}
	return append(dst, encoded...)
}

func ascii(text []byte) bool {
	for _, c := range text {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
