package result

import (
	"fmt"
	"strconv"
	"time"
)

// The engine is saturated above these; the same bounds as those of runs in a cluster.
const (
	maxCPU          = 0.9
	maxRunQueueWait = 0.25
	maxWaitShare    = 0.05 // of the median latency
	maxDelayShare   = 0.1  // of the median latency
	leastSeconds    = 0.001
)

// Finding speaks against the measurement.
type Finding struct {
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
	Remedy  string `json:"remedy"`
}

const saturatedRemedy = "run the engine on more cores, or on another machine than the gateway, or with fewer users or a " +
	"lower rate"

// Findings are the reasons not to trust the figures: nothing was measured, or the engine did not keep up.
func (l *Load) Findings() []Finding {
	w := l.Window()
	found := []Finding{}
	all, _ := w.Counts()
	if all == 0 {
		return append(found, Finding{"False", "NoTraffic", "no request was made in the measured window",
			"load for longer, and see the errors"})
	}
	median := w.median()
	add := func(format string, arguments ...any) {
		found = append(found, Finding{"False", "GeneratorSaturated", fmt.Sprintf(format, arguments...), saturatedRemedy})
	}
	if w.Dropped > 0 {
		flying := "as many requests as may be were in flight"
		for _, worker := range l.Workers {
			if worker.InFlightMax != nil {
				flying = grouped(int64(*worker.InFlightMax)) + " requests were in flight"
			}
		}
		share := float64(w.Dropped) / float64(w.Dropped+all)
		add("%s arrivals (%s) were due and not sent: %s", grouped(w.Dropped), percent(share), flying)
	}
	for i := range l.Workers {
		worker := &l.Workers[i]
		if worker.CPURatioMean != nil && *worker.CPURatioMean > maxCPU {
			add("the engine used %s of the CPU that it may use; %s are allowed", percent(*worker.CPURatioMean),
				percent(maxCPU))
		}
		if ratio := worker.RunQueueWaitRatio; ratio != nil && *ratio > maxRunQueueWait && worker.WaitedSeconds != nil &&
			*worker.WaitedSeconds/float64(all) > max(maxWaitShare*median, leastSeconds) {
			add("the engine waited for a CPU in %s of its time, %s for each request; %s are allowed", percent(*ratio),
				Seconds(*worker.WaitedSeconds/float64(all)), percent(maxRunQueueWait))
		}
	}
	if late, _, err := Quantiles[3].Of(w.Delay); err == nil && median > 0 && late > max(maxDelayShare*median, leastSeconds) {
		add("one request in a hundred was sent %s late or more, at a median latency of %s; a tenth of it is allowed",
			Seconds(late), Seconds(median))
	}
	return found
}

// median is the median latency of what does not stream; of each stream's name where all do, the smallest. 0: unknown.
func (w *Window) median() float64 {
	p50 := Quantiles[0]
	if seconds, _, err := p50.Of(w.Latency(false)); err == nil {
		return seconds
	}
	smallest := 0.0
	for _, name := range w.Names() {
		if seconds, _, err := p50.Of(w.Of(name).Latency(true)); err == nil && (smallest == 0 || seconds < smallest) {
			smallest = seconds
		}
	}
	return smallest
}

// Seconds is a duration for people: three digits, in the unit that suits it.
func Seconds(seconds float64) string {
	switch {
	case seconds >= 1:
		return digits(seconds) + " s"
	case seconds >= time.Millisecond.Seconds():
		return digits(seconds*1e3) + " ms"
	}
	return digits(seconds*1e6) + " µs"
}

// digits is a number with three digits, or all those before the point.
func digits(value float64) string {
	if value >= 99.95 {
		return strconv.FormatFloat(value, 'f', 0, 64)
	}
	return strconv.FormatFloat(value, 'g', 3, 64)
}

func percent(ratio float64) string { return digits(ratio*100) + " %" }
