// Package report serves what the sampler remembers as JSON, to whoever has the run's token.
package report

import (
	"io"
	"math"
	"strconv"
	"time"

	"gatebench.dev/probe/procfs"
	"gatebench.dev/probe/sampler"
)

// Schema names the shape of the report.
const Schema = "gatebench.dev/probe/v1"

// Decimals of the columns: times in ms, CPU time in ticks of 10 ms, waits in µs, the rest whole.
var (
	containerColumns  = []string{"at", "cpuSeconds", "waitSeconds", "rssBytes", "peakBytes", "swapBytes", "threads"}
	containerDecimals = []int{3, 2, 6, 0, 0, 0, 0}
	cpuColumns        = []string{"at", "busySeconds", "stealSeconds", "irqSeconds"}
	cpuDecimals       = []int{3, 2, 2, 2}
)

// write sends the report of a window piece by piece: a day's samples as one text would not fit into the probe's memory.
func write(w io.Writer, s *sampler.Sampler, now time.Time, from, to float64) error {
	j := &jsonWriter{w: w}
	view := s.View()
	j.open('{')
	j.key("schema").text(Schema)
	j.key("now").number(s.Clock.Unix(now), 3)
	j.key("startedAt").number(s.Clock.Started(), 3)
	j.key("intervalSeconds").number(s.Interval.Seconds(), 3)
	j.key("clockStepSeconds").number(s.Clock.Step(now), 3)
	j.key("cpuModel").textOrNull(view.CPUModel)
	j.key("missedSamples").number(float64(view.Missed), 0)
	j.key("gaps").open('[')
	for _, gap := range view.Gaps {
		j.item().open('{')
		j.key("from").number(gap.From, 3)
		j.key("to").number(gap.To, 3)
		j.close('}')
	}
	j.close(']')
	j.key("self").open('{')
	j.key("containerId").textOrNull(view.Self.Container)
	j.key("cpusAllowed").text(procfs.FormatCPUList(view.Self.CPUs))
	j.key("cpus").integers(view.Self.CPUs)
	j.close('}')
	j.key("online").integers(view.Online)
	j.key("siblings").open('{')
	for _, cpu := range view.CPUs {
		if siblings, ok := view.Siblings[cpu]; ok {
			j.key(strconv.Itoa(cpu)).integers(siblings)
		}
	}
	j.close('}')
	writeContainers(j, s, view, from, to)
	j.key("cpus").open('{')
	j.key("columns").texts(cpuColumns)
	j.key("samples").open('{')
	for _, cpu := range view.CPUs {
		j.key(strconv.Itoa(cpu)).rows(s.CPUSamples(cpu, from, to), cpuDecimals)
	}
	j.close('}')
	j.close('}')
	j.close('}')
	j.flush()
	return j.err
}

func writeContainers(j *jsonWriter, s *sampler.Sampler, view sampler.View, from, to float64) {
	j.key("containers").open('[')
	for _, container := range view.Containers {
		j.item().open('{')
		j.key("id").text(container.ID)
		j.key("processes").number(float64(container.Processes), 0)
		j.key("gone").boolean(container.Gone)
		j.key("sandbox").boolean(container.Sandbox)
		j.key("cpusAllowed").text(procfs.FormatCPUList(container.CPUs))
		j.key("cpus").integers(container.CPUs)
		j.key("changes").open('[')
		for _, change := range container.Changes {
			j.item().open('{')
			j.key("at").number(change.At, 3)
			j.key("from").text(change.From)
			j.key("to").text(change.To)
			j.close('}')
		}
		j.close(']')
		j.key("columns").texts(containerColumns)
		j.key("samples").rows(s.ContainerSamples(container.ID, from, to), containerDecimals)
		j.close('}')
	}
	j.close(']')
}

// window parses from and to, unix seconds; absent means without a bound.
func window(from, to string) (float64, float64, string) {
	low, high := math.Inf(-1), math.Inf(1)
	for _, bound := range []struct {
		name, text string
		into       *float64
	}{{"from", from, &low}, {"to", to, &high}} {
		if bound.text == "" {
			continue
		}
		value, err := strconv.ParseFloat(bound.text, 64)
		if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
			return 0, 0, bound.name + " must be unix seconds"
		}
		*bound.into = value
	}
	if low > high {
		return 0, 0, "from must not be after to"
	}
	return low, high, ""
}
