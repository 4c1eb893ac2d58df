package standalone

import (
	"fmt"
	"io"
	"text/tabwriter"

	"gatebench.dev/engine/result"
)

const none = "-" // of a figure that is missing

// print prints what people read.
func print(out io.Writer, d *result.Document) {
	l, w := d.Load, d.Load.Window()
	all, failed := w.Counts()
	lines := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(lines, "measured\t%s, %d requests", result.Seconds(w.Seconds), all)
	if l.Outcome != result.Finished {
		fmt.Fprintf(lines, " (%s)", l.Message)
	}
	fmt.Fprintf(lines, "\nthroughput\t%s\nerrors\t%s", metric(d, "throughput"), metric(d, "errorRatio"))
	if failed > 0 {
		fmt.Fprintf(lines, " (%d)", failed)
	}
	fmt.Fprintln(lines)
	if _, open := d.Metrics["dropped"]; open {
		fmt.Fprintf(lines, "dropped\t%d arrivals\n", w.Dropped)
	}
	if w.Delay != nil {
		fmt.Fprintf(lines, "dispatch delay\tp50 %s, p99 %s, p99.9 %s\n", quantile(w, 0), quantile(w, 3), quantile(w, 4))
	}
	for i := range l.Workers {
		if most := l.Workers[i].InFlightMax; most != nil {
			fmt.Fprintf(lines, "in flight\t%d at most\n", *most)
		}
		if worker := &l.Workers[i]; worker.CPUSeconds != nil {
			fmt.Fprintf(lines, "engine\t%.3g s of CPU, %.3g %% of %.3g cores", *worker.CPUSeconds, 100**worker.CPURatioMean,
				worker.AllowedCores)
			if all > 0 {
				fmt.Fprintf(lines, ", %s each request", result.Seconds(*worker.CPUSeconds/float64(all)))
			}
			fmt.Fprintln(lines)
		}
		if pauses := l.Workers[i].GCPauseSeconds; pauses != nil {
			fmt.Fprintf(lines, "gc pauses\t%s in all\n", result.Seconds(*pauses))
		}
	}
	lines.Flush()
	fmt.Fprintln(out)
	distributions(out, d, w)
	if failures := w.Failures(); len(failures) > 0 {
		fmt.Fprintln(out)
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ERROR\tCOUNT\tMESSAGE")
		for _, one := range failures {
			fmt.Fprintf(table, "%s\t%d\t%s\n", one.Kind, one.Count, one.Message)
		}
		table.Flush()
	}
	for _, finding := range d.Validity {
		fmt.Fprintf(out, "\nWARNING %s: %s\n        %s\n", finding.Reason, finding.Message, finding.Remedy)
	}
}

// distributions is a line for each kind of time, and for each name where there are several.
func distributions(out io.Writer, d *result.Document, w *result.Window) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "\t1/s\terrors\tmean\t")
	for _, q := range result.Quantiles {
		fmt.Fprintf(table, "%s\t", q.Name)
	}
	fmt.Fprintln(table, "max\t")
	line := func(title, prefix, kind string) {
		if _, known := d.Metrics[prefix+kind+".max"]; !known {
			return
		}
		rate, errors := "", ""
		if kind == "latency" {
			rate, errors = metric(d, prefix+"throughput"), metric(d, prefix+"errorRatio")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t", title, rate, errors, metric(d, prefix+kind+".mean"))
		for _, q := range result.Quantiles {
			fmt.Fprintf(table, "%s\t", metric(d, prefix+kind+"."+q.Name))
		}
		fmt.Fprintf(table, "%s\t\n", metric(d, prefix+kind+".max"))
	}
	line("latency", "", "latency")
	line("ttft", "", "ttft")
	line("between tokens", "", "interToken")
	if names := w.Names(); len(names) > 1 || w.Latency(true) != nil {
		for _, name := range names {
			line(name, "requests."+name+".", "latency")
		}
	}
	table.Flush()
}

// metric is a figure as people read it.
func metric(d *result.Document, name string) string {
	figure := d.Metrics[name]
	if figure.Value == nil {
		return none
	}
	if figure.Above {
		return figure.Note
	}
	switch figure.Unit {
	case "s":
		return result.Seconds(*figure.Value)
	case "ratio":
		return fmt.Sprintf("%.3g %%", *figure.Value*100)
	}
	return fmt.Sprintf("%.1f/s", *figure.Value)
}

func quantile(w *result.Window, number int) string {
	seconds, above, err := result.Quantiles[number].Of(w.Delay)
	switch {
	case err != nil:
		return none
	case above:
		return "> 10 min"
	}
	return result.Seconds(seconds)
}
