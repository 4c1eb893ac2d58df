package result

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"strings"

	"gatebench.dev/engine/histogram"
)

// Schema is that of the result document.
const Schema = "gatebench.dev/result/v1alpha1"

const above = "> 10 min"

// Run is which run it was, and its spec.
type Run struct {
	Name      string         `json:"name"`
	Namespace string         `json:"namespace,omitempty"`
	Spec      map[string]any `json:"spec,omitempty"`
}

// Figure is a metric: its value, or why there is none.
type Figure struct {
	Value         *float64 `json:"value,omitempty"`
	Unit          string   `json:"unit"`
	Note          string   `json:"note,omitempty"`
	Above         bool     `json:"above,omitempty"`
	Missing       string   `json:"missing,omitempty"`
	NotApplicable string   `json:"notApplicable,omitempty"`
}

// Document is the result of a load without a cluster: nothing is known of the gateway's resources.
type Document struct {
	Schema        string            `json:"schema"`
	Run           Run               `json:"run"`
	StartedAt     float64           `json:"startedAt"`
	FinishedAt    float64           `json:"finishedAt"`
	Environment   map[string]any    `json:"environment"`
	Load          *Load             `json:"load"`
	WindowSeconds *float64          `json:"windowSeconds,omitempty"`
	Counts        Counts            `json:"counts"`
	Stages        []StageFigures    `json:"stages"`
	OfferedRate   *float64          `json:"offeredRate,omitempty"`
	Metrics       map[string]Figure `json:"metrics"`
	Validity      []Finding         `json:"validity"`
	Missing       []string          `json:"missing"`
	Warnings      []string          `json:"warnings,omitempty"`
}

// NewDocument makes a document of a load that was filled.
func NewDocument(run Run, environment map[string]any, l *Load, warnings []string) *Document {
	w := l.Window()
	d := &Document{
		Schema: Schema, Run: run, StartedAt: l.StartedAt, FinishedAt: l.EndedAt, Environment: environment, Load: l,
		Counts: l.counts(), Stages: l.stages(), OfferedRate: l.offered(), Metrics: make(map[string]Figure), Validity: l.Findings(), Missing: []string{}, Warnings: warnings,
	}
	if w.Seconds > 0 {
		d.WindowSeconds = &w.Seconds
	}
	d.figures("", w, l.open)
	for _, name := range metricNames {
		if d.Metrics[name].Missing != "" {
			d.Missing = append(d.Missing, name)
		}
	}
	for _, name := range w.Names() {
		d.figures("requests."+name+".", w.Of(name), false)
	}
	return d
}

// metricNames are those of the whole load, in the order of the documentation.
var metricNames = func() []string {
	names := []string{"throughput", "errorRatio"}
	for _, kind := range []string{"latency", "ttft", "interToken"} {
		names = append(names, kind+".mean")
		for _, q := range Quantiles {
			names = append(names, kind+"."+q.Name)
		}
		names = append(names, kind+".max")
	}
	return append(names, "tokensPerSecond", "dropped")
}()

func (d *Document) figures(prefix string, w *Window, open bool) {
	all, failed := w.Counts()
	none := "no request in the measured window"
	throughput, ok := w.Throughput()
	d.Metrics[prefix+"throughput"] = figure(throughput, ok, "1/s", none)
	d.Metrics[prefix+"errorRatio"] = figure(float64(failed)/float64(max(1, all)), all > 0, "ratio", none)
	latency, named := w.Latency(false), prefix != ""
	if named { // of a name its streams too
		latency = plus(plus(nil, latency), w.Latency(true))
	}
	switch {
	case latency != nil:
		none = ""
	case all == 0:
	case !named && w.Latency(true) != nil:
		none = "all requests stream: see requests.NAME.latency, ttft and interToken"
	default:
		none = "no request succeeded in the measured window"
	}
	d.distribution(prefix+"latency", latency, none)
	if streams := w.Latency(true); streams != nil {
		d.distribution(prefix+"ttft", w.TTFT(), "no sample of ttft")
		d.distribution(prefix+"interToken", w.Gaps(), "no sample of interToken")
		tokens, ok := w.Tokens()
		d.Metrics[prefix+"tokensPerSecond"] = figure(tokens, ok, "1/s", "no output tokens were counted")
	}
	if open {
		d.Metrics[prefix+"dropped"] = figure(float64(w.Dropped), w.Seconds > 0, "count", none)
	}
}

// distribution adds the figures of a histogram; nil is missing, for a reason.
func (d *Document) distribution(name string, h *histogram.Histogram, why string) {
	for _, q := range Quantiles {
		if h == nil {
			d.Metrics[name+"."+q.Name] = Figure{Unit: "s", Missing: why}
			continue
		}
		seconds, over, err := q.Of(h)
		if err != nil {
			d.Metrics[name+"."+q.Name] = Figure{Unit: "s", Missing: err.Error()}
			continue
		}
		one := figure(seconds, true, "s", "")
		if over {
			one.Above, one.Note = true, above
		}
		d.Metrics[name+"."+q.Name] = one
	}
	if h == nil {
		d.Metrics[name+".mean"] = Figure{Unit: "s", Missing: why}
		d.Metrics[name+".max"] = Figure{Unit: "s", Missing: why}
		return
	}
	d.Metrics[name+".mean"] = figure(h.Seconds()/float64(h.Count()), true, "s", "")
	longest, _ := h.Max()
	one := figure(longest, true, "s", "")
	if h.Clamped() > 0 {
		one = figure(histogram.Highest/1e6, true, "s", "")
		one.Above, one.Note = true, above
	}
	d.Metrics[name+".max"] = one
}

func figure(value float64, known bool, unit, why string) Figure {
	if !known {
		return Figure{Unit: unit, Missing: why}
	}
	return Figure{Value: &value, Unit: unit}
}

// Write writes the document as JSON, gzipped where the file's name ends in .gz.
func (d *Document) Write(name string, to io.Writer) error {
	content, err := json.Marshal(d)
	if err != nil {
		return err
	}
	content = append(content, '\n')
	if !strings.HasSuffix(name, ".gz") {
		_, err = to.Write(content)
		return err
	}
	packer := gzip.NewWriter(to)
	if _, err := packer.Write(content); err != nil {
		return err
	}
	return packer.Close()
}
