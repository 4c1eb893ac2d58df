package result

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"gatebench.dev/engine/histogram"
	"gatebench.dev/engine/record"
)

// times is a histogram of durations: n each.
func times(n int, durations ...time.Duration) *histogram.Histogram {
	h := new(histogram.Histogram)
	for range n {
		for _, d := range durations {
			h.Record(int64(d))
		}
	}
	return h
}

func row(phase int, settled, good bool, latency *histogram.Histogram) record.Row {
	return record.Row{
		Moment: record.Moment{Phase: phase, Settled: settled}, Name: "a", Method: "GET", Good: good, Count: latency.Count(),
		Latency: latency, Tokens: -1,
	}
}

// driven is a load of a warm-up, a stage of ten seconds and a spike, of which so much was measured.
func driven(worker Worker, reports ...record.Report) *Load {
	at := func(f float64) *float64 { return &f }
	rate := at(100)
	l := &Load{Workers: []Worker{worker}, Phases: []Phase{
		{Index: 0, Name: "warm-up", Kind: WarmUp, StartedAt: 0, EndedAt: at(5), Rate: rate},
		{Index: 1, Name: "even", Kind: Stage, StartedAt: 5, FullAt: at(5), EndedAt: at(15), Rate: rate},
		{Index: 2, Name: "burst", Kind: Stage, StartedAt: 15, FullAt: at(15), EndedAt: at(25), Rate: rate, Spike: true},
		{Index: 3, Name: "drain", Kind: Drain, StartedAt: 25, EndedAt: at(26)},
	}}
	sums := NewSums()
	for i := range reports {
		sums.Add(&reports[i], int64(i), 0)
	}
	l.Fill(sums)
	return l
}

func TestTheWindowIsThatOfStagesThatAreNoSpikes(t *testing.T) {
	part := times(50, time.Millisecond)
	l := driven(Worker{}, record.Report{
		Rows: []record.Row{
			row(0, false, true, part), row(1, false, true, part), row(1, true, true, part), row(1, true, false, times(25, time.Second)),
			row(2, true, true, part),
		},
		Errors: []record.Failures{
			{Moment: record.Moment{Phase: 1, Settled: true}, Name: "a", Kind: "http", Status: 500, Message: "status 500", Count: 20},
			{Moment: record.Moment{Phase: 1, Settled: true}, Name: "b", Kind: "http", Status: 500, Message: "status 500", Count: 5},
			{Moment: record.Moment{Phase: 2, Settled: true}, Name: "a", Kind: "reset", Message: "closed", Count: 9},
		},
		Dropped: []record.PhaseCount{{Phase: 1, Count: 3}, {Phase: 2, Count: 4}},
		Delay:   []record.PhaseHistogram{{Phase: 1, Histogram: part}, {Phase: 2, Histogram: part}},
	}, record.Report{Rows: []record.Row{row(1, true, true, part)}})
	w := l.Window()
	all, failed := w.Counts()
	throughput, ok := w.Throughput()
	if all != 125 || failed != 25 || throughput != 10 || !ok || w.Dropped != 3 || w.Delay.Count() != 50 || w.Seconds != 10 {
		t.Errorf("%d, %d, %g, %d, %d", all, failed, throughput, w.Dropped, w.Delay.Count())
	}
	if got, want := w.Failures(), []Failure{{"http", "status 500", 25}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if got := l.Dropped; !reflect.DeepEqual(got, []dropped{{0, 0}, {1, 3}, {2, 4}}) {
		t.Errorf("%+v", got)
	}
	counts := Counts{
		WarmUp: Totals{50, 0}, Measured: Totals{125, 25}, Settling: Totals{50, 0}, Spikes: Totals{50, 0}, All: Totals{275, 25},
	}
	if got := l.counts(); got != counts {
		t.Errorf("%+v", got)
	}
	if got := l.stages(); len(got) != 2 || got[0].Requests != 125 || *got[0].Dropped != 3 || got[1].Requests != 50 || *got[1].P50 != 0.001 {
		t.Errorf("%+v", got)
	}
	if got := l.offered(); *got != 100 {
		t.Error(*got)
	}
	if longest, _ := w.Latency(false).Max(); longest > 0.5 {
		t.Error("failures are no latency")
	}
}

func TestQuantilesBelowTheirFloorsAreMissing(t *testing.T) {
	for i, q := range Quantiles {
		floor := []int{7, 44, 90, 459, 4603}[i]
		if _, _, err := q.Of(times(floor-1, time.Millisecond)); err == nil {
			t.Errorf("%s of %d", q.Name, floor-1)
		}
		seconds, above, err := q.Of(times(floor, time.Millisecond))
		if err != nil || above || seconds != 0.001 {
			t.Errorf("%s: %g %t %v", q.Name, seconds, above, err)
		}
	}
	_, _, err := Quantiles[4].Of(nil)
	if err == nil || err.Error() != "p99.9 needs 4,603 samples, there are 0" {
		t.Error(err)
	}
}

func TestAQuantileIsTheUpperEndOfItsBucket(t *testing.T) {
	h := times(50, 10*time.Millisecond, 30*time.Millisecond)
	// Buckets of 8 µs from 8.192 ms on, of 16 µs from 16.384 ms on; no quantile is above the longest.
	if got, _, _ := Quantiles[0].Of(h); got != 0.010007 {
		t.Errorf("%g", got)
	}
	if got, _, _ := Quantiles[2].Of(h); got != 0.03 {
		t.Errorf("%g", got)
	}
	h.Record(int64(time.Hour))
	h.Record(int64(time.Hour))
	if got, above, _ := (Quantile{"p99", 990, 1}).Of(h); got != 600 || !above {
		t.Errorf("%g %t", got, above)
	}
}

func TestTheDocumentSaysWhatIsMissing(t *testing.T) {
	stream := row(1, true, true, times(100, time.Second))
	stream.Name, stream.Stream, stream.Tokens = "s", true, 300
	stream.TTFT, stream.Gaps = times(100, 20*time.Millisecond), times(200, 10*time.Millisecond)
	d := NewDocument(Run{Name: "r"}, nil, driven(Worker{}, record.Report{Rows: []record.Row{stream}}), nil)
	for name, want := range map[string]string{
		"latency.p50":            "all requests stream: see requests.NAME.latency, ttft and interToken",
		"requests.s.latency.p99": "p99 needs 459 samples, there are 100",
		"ttft.p99.9":             "p99.9 needs 4,603 samples, there are 100",
	} {
		if got := d.Metrics[name]; got.Missing != want || got.Value != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for name, want := range map[string]float64{
		"requests.s.latency.p95": 1, "ttft.max": 0.02, "interToken.mean": 0.01, "tokensPerSecond": 30, "throughput": 10,
		"errorRatio": 0, "dropped": 0,
	} {
		if got := d.Metrics[name]; got.Value == nil || *got.Value != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if _, found := d.Metrics["requests.s.dropped"]; found {
		t.Error("a name drops nothing of its own")
	}
	if len(d.Missing) != 11 || d.Missing[0] != "latency.mean" {
		t.Errorf("%q", d.Missing)
	}
	none := NewDocument(Run{}, nil, driven(Worker{}), nil)
	if got := none.Metrics["throughput"]; got.Missing != "no request in the measured window" {
		t.Errorf("%+v", got)
	}
	if len(none.Validity) != 1 || none.Validity[0].Reason != "NoTraffic" {
		t.Errorf("%+v", none.Validity)
	}
}

func TestADocumentIsGzippedByItsName(t *testing.T) {
	d := NewDocument(Run{Name: "r"}, nil, driven(Worker{}), nil)
	var plain, packed strings.Builder
	if err := d.Write("a.json", &plain); err != nil {
		t.Fatal(err)
	}
	if err := d.Write("a.json.gz", &packed); err != nil {
		t.Fatal(err)
	}
	unpacker, err := gzip.NewReader(strings.NewReader(packed.String()))
	if err != nil {
		t.Fatal(err)
	}
	if content, err := io.ReadAll(unpacker); err != nil || string(content) != plain.String() {
		t.Errorf("%s %v", content, err)
	}
	var found map[string]any
	if err := json.Unmarshal([]byte(plain.String()), &found); err != nil || found["schema"] != "gatebench.dev/result/v1alpha1" {
		t.Error(err, found["schema"])
	}
}

func TestTheEngineSaysWhenItDidNotKeepUp(t *testing.T) {
	number := func(f float64) *float64 { return &f }
	steady := row(1, true, true, times(1000, 20*time.Millisecond))
	most := 7
	for name, test := range map[string]struct {
		worker Worker
		report record.Report
		want   string // empty: it did
	}{
		"calm": {worker: Worker{CPURatioMean: number(0.9), RunQueueWaitRatio: number(0.25), WaitedSeconds: number(100)}},
		"busy": {
			worker: Worker{CPURatioMean: number(0.93)},
			want:   "the engine used 93 % of the CPU that it may use; 90 % are allowed",
		},
		"waited": {
			worker: Worker{RunQueueWaitRatio: number(0.5), WaitedSeconds: number(2)},
			want:   "the engine waited for a CPU in 50 % of its time, 2 ms for each request; 25 % are allowed",
		},
		"waited little": {worker: Worker{RunQueueWaitRatio: number(0.5), WaitedSeconds: number(0.9)}},
		"dropped": {
			worker: Worker{InFlightMax: &most}, report: record.Report{Dropped: []record.PhaseCount{{Phase: 1, Count: 1000}}},
			want: "1,000 arrivals (50 %) were due and not sent: 7 requests were in flight",
		},
		"dropped in a spike": {report: record.Report{Dropped: []record.PhaseCount{{Phase: 2, Count: 1000}}}},
		"late": {
			report: record.Report{Delay: []record.PhaseHistogram{{Phase: 1, Histogram: times(460, 3*time.Millisecond)}}},
			want:   "one request in a hundred was sent 3 ms late or more, at a median latency of 20 ms; a tenth of it is allowed",
		},
		"hardly late": {
			report: record.Report{Delay: []record.PhaseHistogram{{Phase: 1, Histogram: times(460, 1900*time.Microsecond)}}},
		},
		"too few to tell": {
			report: record.Report{Delay: []record.PhaseHistogram{{Phase: 1, Histogram: times(450, 3*time.Millisecond)}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			found := driven(test.worker, record.Report{Rows: []record.Row{steady}}, test.report).Findings()
			if test.want == "" {
				if len(found) != 0 {
					t.Errorf("%+v", found)
				}
				return
			}
			if len(found) != 1 || found[0].Message != test.want || found[0].Reason != "GeneratorSaturated" || found[0].Status != "False" {
				t.Errorf("%+v, want %s", found, test.want)
			}
		})
	}
}

func TestErrorsAreBounded(t *testing.T) {
	s := NewSums()
	for i := range 300 {
		s.Add(&record.Report{Errors: []record.Failures{{Kind: "other", Message: strings.Repeat("x", i), Count: 2}}}, 0, 0)
	}
	var sum int64
	for _, count := range s.errors {
		sum += count
	}
	if len(s.errors) != record.MaxErrors || sum != 600 {
		t.Errorf("%d rows of %d", len(s.errors), sum)
	}
}

func TestASeriesIsBoundedAndLosesNoRequest(t *testing.T) {
	s := NewSums()
	const seconds = maxPoints + 100
	for i := range seconds {
		part := times(10, time.Duration(1+i%2)*time.Millisecond)
		report := record.Report{Rows: []record.Row{row(1, true, true, part), row(1, true, false, times(1, time.Second))}}
		s.Add(&report, int64(1000+i), i)
		s.Add(&report, int64(1000+i), 0) // a boundary within the second
	}
	got := s.series.document()
	if got.StepSeconds != 2 || len(got.Rows) != seconds/2 {
		t.Fatalf("%d rows of %d s", len(got.Rows), got.StepSeconds)
	}
	var requests, failures int64
	for _, cells := range got.Rows {
		requests += cells[2].(int64)
		failures += cells[3].(int64)
		if p50 := cells[4].(*float64); *p50 < 0.002 {
			t.Fatalf("%v: the larger of two is kept", *p50)
		}
	}
	if requests != seconds*22 || failures != seconds*2 {
		t.Errorf("%d, %d", requests, failures)
	}
}

func TestDurationsForPeople(t *testing.T) {
	for seconds, want := range map[float64]string{
		0: "0 µs", 12.34e-6: "12.3 µs", 1.5e-3: "1.5 ms", 0.1234: "123 ms", 2: "2 s", 59.96: "60 s", 4321: "4321 s", 999.7e-6: "1000 µs",
		0.9999: "1000 ms", 99.96: "100 s",
	} {
		if got := Seconds(seconds); got != want {
			t.Errorf("%g: %s, want %s", seconds, got, want)
		}
	}
}
