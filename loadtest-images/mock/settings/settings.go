// Package settings reads what the mock is to be from flags and the environment.
package settings

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"gatebench.dev/mock/behaviour"
)

// EnvPrefix begins the environment variable of each flag: --max-in-flight is GATEBENCH_MOCK_MAX_IN_FLIGHT. The flag
// wins.
const EnvPrefix = "GATEBENCH_MOCK_"

// UpstreamVariable is where a run's pods find the upstream; it is used with --forward.
const UpstreamVariable = "GATEBENCH_UPSTREAM_URL"

// Settings of the process.
type Settings struct {
	Listen         string
	Behaviour      behaviour.Behaviour
	Seed           uint64
	Upstream       string // empty: it answers by itself
	CPUPerRequest  time.Duration
	MaxInFlight    int64
	LeakPerMinute  int64 // bytes
	RatePerSecond  float64
	RateBurst      int
	Metrics        bool
	latency        string
	p50, p99       string
	forward        bool
	tokens, tps    string
	errorRatio     string
	cpu, leak      string
	inFlight, rate string
	burst, seed    string
	metrics        string
}

// ErrHelp says that help was asked for and given.
var ErrHelp = flag.ErrHelp

// Parse reads flags, and for those that are not given the environment. The error names the flag and what would be
// right.
func Parse(args []string, lookup func(string) (string, bool), out io.Writer) (*Settings, error) {
	s := &Settings{}
	flags := flag.NewFlagSet("mock", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&s.Listen, "listen", ":8080", "`address` to serve on")
	flags.StringVar(&s.latency, "latency", "50ms", "constant `time` to the first byte of an answer")
	flags.StringVar(&s.p50, "latency-p50", "", "median `time` of a log-normal latency, with --latency-p99")
	flags.StringVar(&s.p99, "latency-p99", "", "99th percentile `time` of a log-normal latency, with --latency-p50")
	flags.StringVar(&s.tokens, "output-tokens", "128", "`number` of tokens of an answer")
	flags.StringVar(&s.tps, "tokens-per-second", "100", "`rate` of a stream's tokens; 0 sends them at once")
	flags.StringVar(&s.errorRatio, "error-ratio", "0", "`ratio` of answers that are errors (500), such as 0.05 or 5%")
	flags.StringVar(&s.seed, "seed", "0", "`number` that makes latencies and errors fall the same each time; 0 for not")
	flags.StringVar(&s.Upstream, "upstream", "", "`URL` that /v1 is forwarded to, instead of answering by itself")
	flags.BoolVar(&s.forward, "forward", false, "forward to $"+UpstreamVariable)
	flags.StringVar(&s.cpu, "cpu-per-request", "0s", "CPU `time` that each request costs")
	flags.StringVar(&s.inFlight, "max-in-flight", "0", "`number` of requests at a time; more get 429; 0 is without bound")
	flags.StringVar(&s.leak, "leak-per-minute", "0", "memory to lose, in `bytes` such as 10Mi")
	flags.StringVar(&s.rate, "rate-limit", "0", "requests a second for each user, a `rate`; more get 429; 0 is without limit")
	flags.StringVar(&s.burst, "rate-burst", "", "`number` of requests that a user may send at once (by default a second's)")
	flags.StringVar(&s.metrics, "metrics", "true", "count every request, and show /metrics")
	// So that --metrics alone is true.
	flags.Lookup("metrics").Value = switchValue{&s.metrics}

	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintf(out, "mock answers as the APIs of language models do, or forwards to one.\n\n"+
				"Each flag can be set by the environment too, as %sFLAG.\n\n", EnvPrefix)
			flags.SetOutput(out)
			flags.PrintDefaults()
			return nil, ErrHelp
		}
		return nil, fmt.Errorf("%w; see --help", err)
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("%q is no flag; see --help", flags.Arg(0))
	}
	set, err := fromEnvironment(flags, lookup)
	if err != nil {
		return nil, err
	}
	return s, s.read(set, lookup)
}

type switchValue struct{ text *string }

func (v switchValue) String() string {
	if v.text == nil {
		return ""
	}
	return *v.text
}

func (v switchValue) Set(text string) error { *v.text = text; return nil }

func (v switchValue) IsBoolFlag() bool { return true }

// fromEnvironment sets the flags that were not given, and tells which are set at all.
func fromEnvironment(flags *flag.FlagSet, lookup func(string) (string, bool)) (map[string]bool, error) {
	set := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { set[f.Name] = true })
	var problem error
	flags.VisitAll(func(f *flag.Flag) {
		variable := EnvPrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		text, there := lookup(variable)
		if !there || set[f.Name] || problem != nil {
			return
		}
		if err := flags.Set(f.Name, text); err != nil {
			problem = fmt.Errorf("%s: %w", variable, err)
		}
		set[f.Name] = true
	})
	return set, problem
}

// OSLookup reads the process's environment.
func OSLookup(name string) (string, bool) { return os.LookupEnv(name) }

func (s *Settings) read(set map[string]bool, lookup func(string) (string, bool)) (err error) {
	failed := func(name string, problem error) bool {
		if problem != nil && err == nil {
			err = fmt.Errorf("--%s: %w", name, problem)
		}
		return problem != nil
	}
	s.readLatency(set, failed)
	var problem error
	s.Behaviour.OutputTokens, problem = behaviour.ParseOutputTokens(s.tokens)
	failed("output-tokens", problem)
	s.Behaviour.TokensPerSecond, problem = behaviour.ParseTokensPerSecond(s.tps)
	failed("tokens-per-second", problem)
	s.Behaviour.ErrorRatio, problem = behaviour.ParseRatio(s.errorRatio)
	failed("error-ratio", problem)
	s.CPUPerRequest, problem = behaviour.ParseLatency(s.cpu)
	failed("cpu-per-request", problem)
	s.MaxInFlight, problem = count(s.inFlight)
	failed("max-in-flight", problem)
	s.LeakPerMinute, problem = Bytes(s.leak)
	failed("leak-per-minute", problem)
	if s.Seed, problem = strconv.ParseUint(s.seed, 10, 64); problem != nil {
		failed("seed", fmt.Errorf("%q is not a whole number", s.seed))
	}
	if s.Metrics, problem = strconv.ParseBool(s.metrics); problem != nil {
		failed("metrics", fmt.Errorf("%q is neither true nor false", s.metrics))
	}
	s.readRate(set, failed)
	if s.forward {
		address, there := lookup(UpstreamVariable)
		switch {
		case set["upstream"] && s.Upstream != "":
			failed("forward", errors.New("give --upstream or --forward, not both"))
		case !there || address == "":
			failed("forward", fmt.Errorf("%s is not set; set it, or give --upstream URL", UpstreamVariable))
		}
		s.Upstream = address
	}
	return err
}

func (s *Settings) readLatency(set map[string]bool, failed func(string, error) bool) {
	constant, problem := behaviour.ParseLatency(s.latency)
	failed("latency", problem)
	s.Behaviour.Latency = behaviour.Latency{Median: constant}
	if s.p50 == "" && s.p99 == "" {
		return
	}
	switch {
	case s.p50 == "":
		failed("latency-p99", errors.New("needs --latency-p50 too"))
		return
	case s.p99 == "":
		failed("latency-p50", errors.New("needs --latency-p99 too; a constant latency is --latency"))
		return
	case set["latency"]:
		failed("latency", errors.New("give either --latency or --latency-p50 with --latency-p99"))
		return
	}
	p50, problem := behaviour.ParseLatency(s.p50)
	if failed("latency-p50", problem) {
		return
	}
	p99, problem := behaviour.ParseLatency(s.p99)
	if failed("latency-p99", problem) {
		return
	}
	s.Behaviour.Latency, problem = behaviour.LogNormal(p50, p99)
	failed("latency-p99", problem)
}

func (s *Settings) readRate(set map[string]bool, failed func(string, error) bool) {
	rate, problem := strconv.ParseFloat(s.rate, 64)
	if problem != nil || !(rate >= 0 && rate <= 1e6) {
		failed("rate-limit", fmt.Errorf("%q is not a number of requests a second, such as 10 or 0.5", s.rate))
		return
	}
	s.RatePerSecond = rate
	s.RateBurst = int(max(1, math.Ceil(rate)))
	if !set["rate-burst"] || s.burst == "" {
		return
	}
	burst, problem := count(s.burst)
	switch {
	case problem != nil || burst < 1:
		failed("rate-burst", fmt.Errorf("%q is not a whole number above 0", s.burst))
	case rate == 0:
		failed("rate-burst", errors.New("does nothing without --rate-limit"))
	}
	s.RateBurst = int(burst)
}

func count(text string) (int64, error) {
	value, err := strconv.ParseInt(text, 10, 32)
	if err != nil || value < 0 {
		return 0, fmt.Errorf("%q is not a whole number from 0 on", text)
	}
	return value, nil
}

var suffixes = []struct {
	name string
	size int64
}{{"Ki", 1 << 10}, {"Mi", 1 << 20}, {"Gi", 1 << 30}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}}

// Bytes parses 1024, 512Ki, 10Mi, 1Gi, 10M.
func Bytes(text string) (int64, error) {
	number, unit := text, int64(1)
	for _, suffix := range suffixes {
		if cut, found := strings.CutSuffix(text, suffix.name); found {
			number, unit = cut, suffix.size
			break
		}
	}
	value, err := strconv.ParseFloat(number, 64)
	if err != nil || !(value >= 0 && value*float64(unit) <= 1<<40) {
		return 0, fmt.Errorf("%q is not a number of bytes such as 10Mi", text)
	}
	return int64(value * float64(unit)), nil
}
