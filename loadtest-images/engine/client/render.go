package client

import (
	"strconv"

	"gatebench.dev/engine/payload"
)

// render appends a request without its body.
func (d *Dialer) render(out []byte, call *payload.Call, body []byte) []byte {
	host := call.Host
	if host == "" {
		host = d.host
	}
	out = append(append(out, call.Method...), ' ')
	out = append(append(append(out, d.prefix...), call.Path...), " HTTP/1.1\r\nHost: "...)
	out = append(append(append(out, host...), "\r\n"...), call.Header...)
	if len(body) > 0 || call.Method == "POST" || call.Method == "PUT" || call.Method == "PATCH" {
		out = append(out, "Content-Length: "...)
		out = append(strconv.AppendInt(out, int64(len(body)), 10), "\r\n"...)
	}
	return append(out, "\r\n"...)
}

// constant is the whole request of a call whose body never changes. It is made once: with a copy for each connection,
// hundreds of them would take turns in the caches of the CPU.
func (d *Dialer) constant(call *payload.Call, body []byte) []byte {
	if made, found := d.requests.Load(call); found {
		return made.([]byte)
	}
	made, _ := d.requests.LoadOrStore(call, append(d.render(nil, call, body), body...))
	return made.([]byte)
}
