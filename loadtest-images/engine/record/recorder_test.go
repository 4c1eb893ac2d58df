package record

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"

	"gatebench.dev/engine/client"
	"gatebench.dev/engine/histogram"
	"gatebench.dev/engine/payload"
)

const ms = int64(1e6)

// fixed is a recorder whose clocks stand still: clock.Now's at 5 s, and the wall's at the unix second 1000.
func fixed() *Recorder {
	return newRecorder(func() (int64, int64) { return 5e9, 1000e9 })
}

var (
	chat   = &payload.Call{Name: "chat", Method: "POST"}
	stream = &payload.Call{Name: "stream", Method: "POST", Stream: true}
)

// done is a result without anything of a stream.
func done(end int64) *client.Result {
	return &client.Result{End: end, Status: 200, Bytes: 10, TTFT: -1, Tokens: -1}
}

func sample(call *payload.Call, m Moment, latency int64, result *client.Result) *Sample {
	return &Sample{Call: call, Moment: m, Latency: latency, Service: -1, Delay: -1, Result: result}
}

func TestAnEmptyReportSaysNothing(t *testing.T) {
	report := fixed().Take()
	want := Report{Total: Entry{
		Name: "Aggregated", Start: 1000, Buckets: map[int64]int64{}, PerSecond: map[int64]int64{},
		FailPerSecond: map[int64]int64{},
	}}
	if !reflect.DeepEqual(report, want) {
		t.Errorf("got  %+v\nwant %+v", report, want)
	}
}

func TestRowsByKey(t *testing.T) {
	r := fixed()
	before, settled := Moment{1, false}, Moment{1, true}
	r.Add(sample(chat, settled, 20*ms, done(5e9)))
	r.Add(sample(chat, settled, 30*ms, done(5e9)))
	r.Add(sample(chat, before, 40*ms, done(5e9)))
	failed := done(5e9)
	failed.Kind, failed.Status, failed.Message = client.HTTP, 503, "status 503"
	r.Add(sample(chat, settled, 50*ms, failed))
	r.Add(sample(stream, Moment{0, true}, 60*ms, done(5e9)))

	type line struct {
		Moment
		name         string
		good, stream bool
		count, bytes int64
		slowest      float64
	}
	var got []line
	for _, row := range r.Take().Rows {
		slowest, _ := row.Latency.Max()
		got = append(got, line{row.Moment, row.Name, row.Good, row.Stream, row.Count, row.Bytes, slowest})
	}
	want := []line{
		{Moment{0, true}, "stream", true, true, 1, 10, .06},
		{before, "chat", true, false, 1, 10, .04},
		{settled, "chat", false, false, 1, 10, .05},
		{settled, "chat", true, false, 2, 20, .03},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if again := r.Take(); len(again.Rows)+len(again.Errors)+len(again.Entries) > 0 {
		t.Errorf("a second report repeats the first: %+v", again)
	}
}

func TestWhatThereIsNotIsNil(t *testing.T) {
	r := fixed()
	r.Add(sample(chat, Moment{}, ms, done(5e9)))
	row := r.Take().Rows[0]
	if row.Service != nil || row.TTFT != nil || row.Gaps != nil || row.Tokens != -1 {
		t.Errorf("%+v", row)
	}
	none := done(5e9)
	none.Tokens = 0
	r.Add(sample(chat, Moment{}, ms, none))
	r.Add(sample(chat, Moment{}, ms, done(5e9)))
	if row := r.Take().Rows[0]; row.Tokens != 0 {
		t.Errorf("no tokens, known of one request: %d", row.Tokens)
	}
}

func TestStreamsServiceAndDelay(t *testing.T) {
	r := fixed()
	result := done(5e9)
	result.TTFT, result.Gaps, result.Tokens = 7*ms, []int64{ms, 2 * ms, 3 * ms}, 4
	for range 2 {
		r.Add(&Sample{Call: stream, Moment: Moment{2, true}, Latency: 40 * ms, Service: 30 * ms, Delay: 10 * ms, Result: result})
	}
	r.Add(&Sample{Call: stream, Moment: Moment{2, false}, Latency: 40 * ms, Service: -1, Delay: 0, Result: done(5e9)})
	report := r.Take()
	row := report.Rows[1]
	for name, c := range map[string]struct {
		h       *histogram.Histogram
		count   int64
		seconds float64
	}{
		"latency": {row.Latency, 2, .08}, "service": {row.Service, 2, .06}, "ttft": {row.TTFT, 2, .014},
		"gaps": {row.Gaps, 6, .012}, "delay": {report.Delay[0].Histogram, 3, .02},
	} {
		if c.h == nil || c.h.Count() != c.count || math.Abs(c.h.Seconds()-c.seconds) > 1e-9 {
			t.Errorf("%s: %+v, want %d of %g s", name, c.h, c.count, c.seconds)
		}
	}
	if row.Tokens != 8 || report.Delay[0].Phase != 2 || len(report.Delay) != 1 {
		t.Errorf("%d tokens, delay %+v", row.Tokens, report.Delay)
	}
}

func TestDropsByPhase(t *testing.T) {
	r := fixed()
	for _, m := range []Moment{{3, true}, {1, true}, {3, false}} {
		r.Drop(m)
	}
	report := r.Take()
	if want := []PhaseCount{{1, 1}, {3, 2}}; !reflect.DeepEqual(report.Dropped, want) {
		t.Errorf("%+v, want %+v", report.Dropped, want)
	}
	if report.Total.Requests != 0 {
		t.Error("a dropped arrival counts as a request")
	}
}

func TestErrorsAreGroupedAndMessagesShortened(t *testing.T) {
	r := fixed()
	fail := func(kind client.Kind, status int, message string, end int64) {
		result := done(end)
		result.Kind, result.Status, result.Message = kind, status, message
		r.Add(sample(chat, Moment{1, true}, ms, result))
	}
	fail(client.HTTP, 500, "status 500", 3e9)
	fail(client.HTTP, 500, "status 500", 9e9)
	fail(client.Refused, 0, "connection\n  refused", 5e9)
	fail(client.Other, 0, strings.Repeat("é", 300), 5e9)
	want := []Failures{
		{Moment{1, true}, "chat", "POST", "http", 500, "status 500", 2, 998, 1004},
		{Moment{1, true}, "chat", "POST", "other", 0, strings.Repeat("é", 200), 1, 1000, 1000},
		{Moment{1, true}, "chat", "POST", "refused", 0, "connection refused", 1, 1000, 1000},
	}
	if got := r.Take().Errors; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestErrorsAndNamesAreBounded(t *testing.T) {
	r := fixed()
	for i := range 250 {
		result := done(5e9)
		result.Kind, result.Message = client.Other, fmt.Sprint("error ", i)
		r.Add(sample(&payload.Call{Name: fmt.Sprint("name ", i), Method: "GET"}, Moment{}, ms, result))
	}
	report := r.Take()
	names := map[string]bool{}
	for _, row := range report.Rows {
		names[row.Name] = true
	}
	var errors int64
	for _, e := range report.Errors {
		errors += e.Count
	}
	if len(names) != MaxNames+1 || !names[OtherName] {
		t.Errorf("%d names", len(names))
	}
	if len(report.Errors) != MaxErrors || errors != 250 || report.Total.Failures != 250 {
		t.Errorf("%d rows of errors hold %d of %d", len(report.Errors), errors, report.Total.Failures)
	}
}

func TestEntriesAreLocusts(t *testing.T) {
	r := fixed()
	r.Add(sample(chat, Moment{0, true}, 1_400_000, done(4_100*ms)))
	r.Add(sample(chat, Moment{1, true}, 147*ms, done(4_200*ms)))
	failed := done(5_300 * ms)
	failed.Kind = client.Timeout
	r.Add(sample(chat, Moment{1, true}, 58_760*ms, failed))
	r.Add(sample(&payload.Call{Name: "chat", Method: "GET"}, Moment{1, true}, 3_432*ms, done(5_000*ms)))
	want := []Entry{
		{
			Name: "chat", Method: "GET", Requests: 1, Bytes: 10, TotalMs: 3432, MinMs: 3432, MaxMs: 3432,
			Buckets: map[int64]int64{3400: 1}, PerSecond: map[int64]int64{1000: 1}, FailPerSecond: map[int64]int64{},
			Start: 1000, Last: 1000,
		},
		{
			Name: "chat", Method: "POST", Requests: 3, Failures: 1, Bytes: 30, TotalMs: 58_908.4, MinMs: 1.4, MaxMs: 58_760,
			Buckets: map[int64]int64{1: 1, 150: 1, 59_000: 1}, PerSecond: map[int64]int64{999: 2, 1000: 1},
			FailPerSecond: map[int64]int64{1000: 1}, Start: 1000, Last: 1000.3,
		},
	}
	report := r.Take()
	if !reflect.DeepEqual(near(report.Entries), near(want)) {
		t.Errorf("got  %+v\nwant %+v", report.Entries, want)
	}
	if total := report.Total; total.Requests != 4 || total.Failures != 1 || total.MinMs != 1.4 || total.MaxMs != 58_760 ||
		!reflect.DeepEqual(total.PerSecond, map[int64]int64{999: 2, 1000: 2}) {
		t.Errorf("total %+v", total)
	}
}

// near rounds the sums of floating-point numbers.
func near(entries []Entry) []Entry {
	for i := range entries {
		entries[i].TotalMs = math.Round(entries[i].TotalMs*1e6) / 1e6
	}
	return entries
}

func TestRoundingIsLocusts(t *testing.T) {
	for _, c := range []struct {
		ms   float64
		want int64
	}{{0, 0}, {0.4, 0}, {0.5, 0}, {1.5, 2}, {99.4, 99}, {99.6, 100}, {147, 150}, {145, 140}, {999, 1000}, {3432, 3400}, {58760, 59000}} {
		if got := rounded(c.ms); got != c.want {
			t.Errorf("%g ms: %d, want %d", c.ms, got, c.want)
		}
	}
}

// What eight recorders say, added up, is to the bucket what one histogram says of all requests.
func TestEightRecordersMakeOne(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var whole, merged histogram.Histogram
	var requests int64
	for range 8 {
		r := New()
		for range 3 { // reports of one worker
			var adders sync.WaitGroup
			for range 4 {
				var latencies []int64
				for range 1000 {
					latency := int64(math.Exp(random.NormFloat64()*1.2) * 20e6)
					whole.Record(latency)
					latencies = append(latencies, latency)
				}
				adders.Go(func() {
					for _, latency := range latencies {
						r.Add(sample(chat, Moment{1, true}, latency, done(5e9)))
					}
				})
			}
			adders.Wait()
			report := r.Take()
			requests += report.Total.Requests
			for _, row := range report.Rows {
				merged.Add(row.Latency)
			}
		}
	}
	if requests != whole.Count() || !reflect.DeepEqual(merged.Wire(), whole.Wire()) {
		t.Errorf("%d of %d requests, or another histogram", requests, whole.Count())
	}
	for _, q := range []float64{.5, .9, .95, .99, .999, 1} {
		want, _ := whole.Quantile(q)
		if got, _ := merged.Quantile(q); got != want {
			t.Errorf("quantile %g: %g, want %g", q, got, want)
		}
	}
}

// Reports that are taken while requests are added hold each of them once.
func TestNothingIsLostOrCountedTwice(t *testing.T) {
	r := New()
	const adders, each = 8, 5000
	var adding sync.WaitGroup
	for a := range adders {
		adding.Go(func() {
			for i := range each {
				result := done(5e9)
				if i%10 == 0 {
					result.Kind, result.Message = client.Reset, "connection closed by the other side"
				}
				r.Add(sample(chat, Moment{a % 3, true}, int64(i)*1000, result))
				if i%7 == 0 {
					r.Drop(Moment{0, true})
				}
			}
		})
	}
	over := make(chan struct{})
	go func() {
		adding.Wait()
		close(over)
	}()
	var rows, entries, seconds, failures, errors, dropped int64
	for last := false; ; {
		report := r.Take()
		for _, row := range report.Rows {
			rows += row.Latency.Count()
		}
		for _, e := range report.Errors {
			errors += e.Count
		}
		for _, d := range report.Dropped {
			dropped += d.Count
		}
		entries += report.Total.Requests
		failures += report.Total.Failures
		for _, n := range report.Total.PerSecond {
			seconds += n
		}
		if last {
			break
		}
		select {
		case <-over:
			last = true
		default:
		}
	}
	got := []int64{rows, entries, seconds, failures, errors, dropped}
	want := []int64{adders * each, adders * each, adders * each, adders * each / 10, adders * each / 10, adders * 715}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRowsOfPhasesThatAreOverAreLetGo(t *testing.T) {
	r := fixed()
	for phase := range 100 {
		r.Add(sample(chat, Moment{phase, true}, ms, done(5e9)))
		r.Take()
	}
	r.Take()
	r.Take()
	for _, shard := range r.shards {
		if held := len(shard.active.rows) + len(shard.spare.rows); held > 0 {
			t.Errorf("%d rows are held", held)
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	r := New()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		s := sample(chat, Moment{1, true}, 0, done(5e9))
		for pb.Next() {
			s.Latency = (s.Latency + 7919) & (1<<27 - 1)
			r.Add(s)
		}
	})
}
