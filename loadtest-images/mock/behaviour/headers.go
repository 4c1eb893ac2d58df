package behaviour

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// HeaderPrefix begins the names of all headers that set the behaviour of one answer.
const HeaderPrefix = "X-Gatebench-"

// Override gives b as changed by the headers; all yields names and values of the request's headers. The error names the
// header.
func (b Behaviour) Override(all func(yield func(name, value []byte) bool)) (Behaviour, error) {
	var p50, p99 time.Duration
	var problem error
	for name, value := range all {
		if len(name) <= len(HeaderPrefix) || name[0] != 'X' && name[0] != 'x' ||
			!strings.EqualFold(string(name[:len(HeaderPrefix)]), HeaderPrefix) {
			continue
		}
		var err error
		text := strings.TrimSpace(string(value))
		switch strings.ToLower(string(name[len(HeaderPrefix):])) {
		case "latency":
			b.Latency = Latency{}
			b.Latency.Median, err = ParseLatency(text)
		case "latency-p50":
			p50, err = ParseLatency(text)
		case "latency-p99":
			p99, err = ParseLatency(text)
		case "output-tokens":
			b.OutputTokens, err = ParseOutputTokens(text)
		case "tokens-per-second":
			b.TokensPerSecond, err = ParseTokensPerSecond(text)
		case "error-ratio":
			b.ErrorRatio, err = ParseRatio(text)
		case "burst":
			if b.Burst, err = strconv.ParseBool(text); err != nil {
				err = fmt.Errorf("%q is neither true nor false", text)
			}
		default:
			err = fmt.Errorf("no such header: there are Latency, Latency-P50 with Latency-P99, Output-Tokens, " +
				"Tokens-Per-Second, Error-Ratio and Burst")
		}
		if err != nil && problem == nil {
			problem = fmt.Errorf("header %s: %w", name, err)
		}
	}
	if p50 != 0 || p99 != 0 {
		latency, err := LogNormal(p50, p99)
		if err != nil && problem == nil {
			problem = fmt.Errorf("headers %sLatency-P50 and %sLatency-P99: %w; give both", HeaderPrefix, HeaderPrefix, err)
		}
		b.Latency = latency
	}
	if b.Burst {
		b.Latency, b.TokensPerSecond, b.ErrorRatio = Latency{}, 0, 0
	}
	return b, problem
}
