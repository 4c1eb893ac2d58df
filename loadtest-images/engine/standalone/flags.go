package standalone

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// settings is what the command line says.
type settings struct {
	url, file, targets string
	users              int
	rate               float64
	duration, warmUp   time.Duration
	timeout            time.Duration
	arrivals           string
	seed               uint64

	method, body string
	headers      headers
	model        string
	promptTokens int
	stream       bool
	status       int

	ca      string
	http2   bool
	dataset string
	out     string

	given map[string]bool // the flags that were
}

const (
	defaultUsers    = 100
	defaultInFlight = 1000 // of open load where -c is not given: as many as a run in a cluster may have
)

func parse(args []string, out io.Writer) (*settings, error) {
	s := &settings{duration: 30 * time.Second, timeout: time.Minute, arrivals: "Poisson", given: make(map[string]bool)}
	flags := flag.NewFlagSet("engine run", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	s.define(flags)
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			describe(flags, out)
		}
		return nil, err
	}
	flags.Visit(func(f *flag.Flag) { s.given[f.Name] = true })
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("%q is no flag: an address is given as -url %s", flags.Arg(0), flags.Arg(0))
	}
	return s, s.check()
}

func (s *settings) define(flags *flag.FlagSet) {
	flags.StringVar(&s.url, "url", "", "address to load, as http://127.0.0.1:8080/v1/chat/completions")
	flags.StringVar(&s.file, "f", "", "file of a BenchmarkRun (YAML) whose workload and load are used; -url: its gateway")
	flags.StringVar(&s.targets, "targets", "", "file of targets as Vegeta has them (HTTP or JSON), sent in turn; -: stdin")
	flags.IntVar(&s.users, "c", defaultUsers, "users, each with a connection; with -rps the most requests in flight, then 1000")
	flags.Float64Var(&s.rate, "rps", 0, "arrivals a second, whether or not earlier ones were answered; 0: users that do not think")
	flags.Var((*seconds)(&s.duration), "duration", "how long is measured: seconds, or 90s, 5m")
	flags.Var((*seconds)(&s.warmUp), "warm-up", "the same load before that, not measured")
	flags.Var((*seconds)(&s.timeout), "timeout", "time limit of a request, and of what is in flight at the end")
	flags.StringVar(&s.arrivals, "arrivals", s.arrivals, "how arrivals of -rps follow each other: Poisson or Constant")
	flags.Uint64Var(&s.seed, "seed", 1, "what arrivals, think times and the choice of requests follow from")
	flags.StringVar(&s.method, "method", "", "HTTP method; by default POST with a body, else GET")
	flags.StringVar(&s.body, "body", "", "body, or @FILE; may have places such as {{prompt 100}} and {{sequence}}")
	flags.Var(&s.headers, "H", "header, as 'Name: value'; may be given more than once")
	flags.StringVar(&s.model, "model", "loopback", "model to ask for, where the address is that of an LLM API and no body is given")
	flags.IntVar(&s.promptTokens, "prompt-tokens", 100, "length of its prompt")
	flags.BoolVar(&s.stream, "stream", false, "ask for a stream, and measure its tokens")
	flags.IntVar(&s.status, "status", 200, "the status of a success")
	flags.StringVar(&s.ca, "ca", "", "PEM file of authorities that are trusted besides the system's")
	flags.BoolVar(&s.http2, "http2", false, "speak HTTP/2 where the server does; without https it must")
	flags.StringVar(&s.dataset, "dataset", "", "file of prompts for {{dataset}}, one a line")
	flags.StringVar(&s.out, "json", "", "file for the result document; .gz: gzipped; -: stdout, and the table on stderr")
}

// describe prints the flags.
func describe(flags *flag.FlagSet, out io.Writer) {
	fmt.Fprint(out, "usage: engine run -url URL | -f RUN.yaml [-url URL] | -targets FILE\n\n")
	flags.VisitAll(func(f *flag.Flag) {
		value := ""
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "0s" {
			value = " (" + f.DefValue + ")"
		}
		fmt.Fprintf(out, "  -%-14s %s%s\n", f.Name, f.Usage, value)
	})
	fmt.Fprint(out, "\nexit codes: 0 measured, 1 nothing was measured or no request succeeded, 3 wrong input\n")
}

// Flags that only one source of requests has.
var (
	ofURL = []string{"method", "body", "model", "prompt-tokens", "stream", "dataset"}
	ofRun = []string{"c", "rps", "duration", "warm-up", "arrivals", "timeout", "status", "method", "body", "model",
		"prompt-tokens", "stream", "http2"}
)

func (s *settings) check() error {
	switch {
	case s.file != "" && s.targets != "":
		return errors.New("-f and -targets both say what to send: give one of them")
	case s.targets != "" && s.url != "":
		return errors.New("-targets has addresses of its own: leave out -url")
	case s.file == "" && s.targets == "" && s.url == "":
		return errors.New("-url, -f or -targets must say what to load")
	}
	if s.file != "" {
		if name := s.first(ofRun); name != "" {
			return fmt.Errorf("-%s does not go with -f: the run says it; change the file, or leave out -f", name)
		}
		return nil
	}
	if name := s.first(ofURL); name != "" && s.targets != "" {
		return fmt.Errorf("-%s does not go with -targets: the targets say it", name)
	}
	switch {
	case s.users < 1 || s.users > 1_000_000:
		return fmt.Errorf("-c %d: it must be from 1 to 1,000,000", s.users)
	case !(s.rate >= 0) || s.rate > 1_000_000:
		return fmt.Errorf("-rps %g: it must be from 0 to 1,000,000", s.rate)
	case s.duration <= 0:
		return fmt.Errorf("-duration %s: it must be above 0", s.duration)
	case s.timeout <= 0:
		return fmt.Errorf("-timeout %s: it must be above 0", s.timeout)
	case s.status < 100 || s.status > 599:
		return fmt.Errorf("-status %d: it must be from 100 to 599", s.status)
	case s.given["arrivals"] && s.rate == 0:
		return errors.New("-arrivals goes with -rps: users that wait for answers do not arrive")
	}
	switch strings.ToLower(s.arrivals) {
	case "poisson", "constant":
		return nil
	}
	return fmt.Errorf("-arrivals %q is neither Poisson nor Constant", s.arrivals)
}

// first is the first of some flags that was given; empty: none was.
func (s *settings) first(names []string) string {
	for _, name := range names {
		if s.given[name] {
			return name
		}
	}
	return ""
}

// seconds is a duration that may be written as a bare number of seconds.
type seconds time.Duration

func (d *seconds) String() string { return time.Duration(*d).String() }

func (d *seconds) Set(text string) error {
	if number, err := strconv.ParseFloat(text, 64); err == nil {
		const longest = 7 * 24 * 3600
		if math.IsNaN(number) || number < 0 || number > longest {
			return fmt.Errorf("it must be from 0 to %d seconds", longest)
		}
		*d = seconds(number * float64(time.Second))
		return nil
	}
	parsed, err := time.ParseDuration(text)
	if err != nil || parsed < 0 {
		return errors.New("it must be seconds, or as 30s, 1m")
	}
	*d = seconds(parsed)
	return nil
}

// headers is headers in the order in which they were given.
type headers [][2]string

func (h *headers) String() string { return "" } // values may be secrets

func (h *headers) Set(text string) error {
	name, value, found := strings.Cut(text, ":")
	if !found || strings.TrimSpace(name) == "" {
		return errors.New("it must be as 'Name: value'")
	}
	*h = append(*h, [2]string{strings.TrimSpace(name), strings.TrimSpace(value)})
	return nil
}
