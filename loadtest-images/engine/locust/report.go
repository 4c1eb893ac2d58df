package locust

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"gatebench.dev/engine/histogram"
	"gatebench.dev/engine/record"
)

// Report is what a worker says each second: what was measured, and how it fared itself. Seconds; a nil is unknown.
type Report struct {
	record.Report
	record.Moment         // that it is now
	Attempt       *string // nil: nothing was announced yet
	Sequence      int64   // from 1, without gaps
	Tick          int64   // the second of this worker's life that the report is of
	Final         bool    // nothing measured comes after it
	Steady        bool    // the moment is that of the report before
	Allowed       float64 // cores
	Wall, CPU     float64 // since the report before, as all that follow
	OnCPU, Waited *float64
	GCPause       float64
	InFlight      int // the most at once

	Classes map[string]int // users by class
}

// Users is the sum over all classes.
func (r *Report) Users() int { return (&Spawn{Classes: r.Classes}).Users() }

// pack writes the data of Locust's stats message, with ours under a key of its own.
func (r *Report) pack(p *packer) {
	p.table(6)
	p.text("stats")
	p.array(len(r.Entries))
	for i := range r.Entries {
		packEntry(p, &r.Entries[i])
	}
	p.text("stats_total")
	packEntry(p, &r.Total)
	p.text("errors")
	packErrors(p, r.Errors)
	p.text("user_classes_count")
	p.users(r.Classes)
	p.text("user_count")
	p.integer(int64(r.Users()))
	p.text("gatebench")
	r.packOwn(p)
}

// packEntry writes one of Locust's own statistics, in milliseconds.
func packEntry(p *packer, e *record.Entry) {
	some := e.Requests > 0
	p.table(14)
	p.text("name")
	p.text(e.Name)
	p.text("method")
	p.text(e.Method)
	p.text("last_request_timestamp")
	p.optional(e.Last, some)
	p.text("start_time")
	p.number(e.Start)
	p.text("num_requests")
	p.integer(e.Requests)
	p.text("num_none_requests")
	p.integer(0)
	p.text("num_failures")
	p.integer(e.Failures)
	p.text("total_response_time")
	p.number(e.TotalMs)
	p.text("max_response_time")
	p.number(e.MaxMs)
	p.text("min_response_time")
	p.optional(e.MinMs, some)
	p.text("total_content_length")
	p.integer(e.Bytes)
	p.text("response_times")
	p.counts(e.Buckets)
	p.text("num_reqs_per_sec")
	p.counts(e.PerSecond)
	p.text("num_fail_per_sec")
	p.counts(e.FailPerSecond)
}

// packErrors writes Locust's own table of errors, which knows no phases.
func packErrors(p *packer, failures []record.Failures) {
	merged := map[string]*record.Failures{}
	var order []string
	for i := range failures {
		f := failures[i]
		key := errorKey(f.Method, f.Name, errorText(&f))
		known := merged[key]
		if known == nil {
			merged[key] = &f
			order = append(order, key)
			continue
		}
		known.Count += f.Count
		known.FirstSeen = min(known.FirstSeen, f.FirstSeen)
		known.LastSeen = max(known.LastSeen, f.LastSeen)
	}
	p.table(len(order))
	for _, key := range order {
		f := merged[key]
		p.text(key)
		p.table(6)
		p.text("name")
		p.text(f.Name)
		p.text("method")
		p.text(f.Method)
		p.text("error")
		p.text(errorText(f))
		p.text("occurrences")
		p.integer(f.Count)
		p.text("first_seen")
		p.number(f.FirstSeen)
		p.text("last_seen")
		p.number(f.LastSeen)
	}
}

func errorText(f *record.Failures) string { return f.Kind + ": " + f.Message }

// errorKey is Locust's: workers that meet the same error must name it alike.
func errorKey(method, name, text string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s.%s.%s", method, name, quoted(text)))
	return hex.EncodeToString(sum[:])
}

// quoted is a text as Python's repr writes it, for texts that can be printed.
func quoted(text string) string {
	quote := "'"
	if strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		quote = `"`
	}
	escapes := strings.NewReplacer(`\`, `\\`, quote, `\`+quote, "\n", `\n`, "\r", `\r`, "\t", `\t`)
	return quote + escapes.Replace(text) + quote
}

func (r *Report) packOwn(p *packer) {
	p.table(18)
	p.text("attempt")
	if r.Attempt == nil {
		p.null()
	} else {
		p.text(*r.Attempt)
	}
	p.text("sequence")
	p.integer(r.Sequence)
	p.text("tick")
	p.integer(r.Tick)
	p.text("final")
	p.flag(r.Final)
	p.text("phase")
	p.integer(int64(r.Phase))
	p.text("settled")
	p.flag(r.Settled)
	p.text("steady")
	p.flag(r.Steady)
	p.text("allowed")
	p.number(r.Allowed)
	p.text("wall")
	p.number(r.Wall)
	p.text("cpu")
	p.number(r.CPU)
	p.text("onCpu")
	packSeconds(p, r.OnCPU)
	p.text("waited")
	packSeconds(p, r.Waited)
	p.text("gcPause")
	p.number(r.GCPause)
	p.text("inFlight")
	p.integer(int64(r.InFlight))
	p.text("rows")
	p.array(len(r.Rows))
	for i := range r.Rows {
		packRow(p, &r.Rows[i])
	}
	p.text("errors")
	p.array(len(r.Errors))
	for i := range r.Errors {
		packFailures(p, &r.Errors[i])
	}
	p.text("delay")
	p.array(len(r.Delay))
	for _, d := range r.Delay {
		p.array(2)
		p.integer(int64(d.Phase))
		packHistogram(p, d.Histogram)
	}
	p.text("dropped")
	p.array(len(r.Dropped))
	for _, d := range r.Dropped {
		p.array(2)
		p.integer(int64(d.Phase))
		p.integer(d.Count)
	}
}

func packSeconds(p *packer, value *float64) {
	if value == nil {
		p.null()
		return
	}
	p.number(*value)
}

func packRow(p *packer, r *record.Row) {
	p.array(13)
	p.integer(int64(r.Phase))
	p.flag(r.Settled)
	p.text(r.Name)
	p.text(r.Method)
	p.flag(r.Good)
	p.flag(r.Stream)
	p.integer(r.Count)
	p.integer(r.Bytes)
	packHistogram(p, r.Latency)
	packHistogram(p, r.TTFT)
	packHistogram(p, r.Gaps)
	if r.Tokens < 0 {
		p.null()
	} else {
		p.integer(r.Tokens)
	}
	packHistogram(p, r.Service)
}

func packFailures(p *packer, f *record.Failures) {
	p.array(7)
	p.integer(int64(f.Phase))
	p.flag(f.Settled)
	p.text(f.Name)
	p.text(f.Kind)
	if f.Status == 0 {
		p.null()
	} else {
		p.integer(int64(f.Status))
	}
	p.text(f.Message)
	p.integer(f.Count)
}

// packHistogram writes [count, total seconds, shortest or nil, longest, clamped, {index: count}]; nil: none.
func packHistogram(p *packer, h *histogram.Histogram) {
	if h == nil {
		p.null()
		return
	}
	used := 0
	for range h.Buckets {
		used++
	}
	p.array(6)
	p.integer(h.Count())
	p.number(h.Seconds())
	p.optional(h.Min())
	longest, _ := h.Max()
	p.number(longest)
	p.integer(h.Clamped())
	p.table(used)
	for index, count := range h.Buckets {
		p.integer(int64(index))
		p.integer(count)
	}
}
