package payload

import "fmt"

// Raw is a request that is given in full: its body is sent as it is, places are not filled in, and no Content-Type is
// added. Errors name what cannot be sent.
func Raw(name, method, path string, given [][2]string, body []byte, status int) (*Call, error) {
	if err := checkLine(method, path); err != nil {
		return nil, err
	}
	call := &Call{
		Name: name, Method: method, Path: path, Weight: 1, Status: status, OpenEnded: true, Body: Template{static: body},
	}
	if err := call.setHeaders(headers("HTTP", false, false, given)); err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return call, nil
}
