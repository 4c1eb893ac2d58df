package locust

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"gatebench.dev/engine/histogram"
	"gatebench.dev/engine/record"
)

// unpacked decodes a message completely, integers as int64; a map that promises too much or too little breaks it.
func unpacked(t *testing.T, wire []byte) any {
	t.Helper()
	if err := shallow(wire); err != nil {
		t.Fatal(err)
	}
	decoder := msgpack.NewDecoder(bytes.NewReader(wire))
	decoder.SetMapDecoder(func(d *msgpack.Decoder) (any, error) { return d.DecodeUntypedMap() })
	var parts []any
	if err := decoder.Decode(&parts); err != nil || len(parts) != 3 {
		t.Fatalf("%v, %v", parts, err)
	}
	return plain(parts[1])
}

// plain makes all integers int64 and all maps map[string]any, keys printed.
func plain(value any) any {
	v := reflect.ValueOf(value)
	switch {
	case value == nil:
		return nil
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return int64(v.Uint())
	case v.Kind() == reflect.Slice:
		out := make([]any, v.Len())
		for i := range out {
			out[i] = plain(v.Index(i).Interface())
		}
		return out
	case v.Kind() == reflect.Map:
		out := map[string]any{}
		for _, key := range v.MapKeys() {
			out[fmt.Sprint(key.Interface())] = plain(v.MapIndex(key).Interface())
		}
		return out
	}
	return value
}

type (
	list  = []any
	table = map[string]any
)

func TestAReportAsTheMasterReadsIt(t *testing.T) {
	h := &histogram.Histogram{}
	h.Record(1_500_000)
	h.Record(1_500_000)
	attempt, waited := "a1", 0.25
	moment := record.Moment{Phase: 1, Settled: true}
	entry := record.Entry{
		Name: "chat", Method: "POST", Requests: 2, Failures: 1, Bytes: 20, TotalMs: 3, MinMs: 1.5, MaxMs: 1.5,
		Buckets: map[int64]int64{2: 2}, PerSecond: map[int64]int64{1700000000: 2}, FailPerSecond: map[int64]int64{1700000000: 1},
		Start: 1.5, Last: 2.5,
	}
	total := entry
	total.Name, total.Method = "Aggregated", ""
	report := &Report{
		Report: record.Report{
			Rows: []record.Row{
				{Moment: moment, Name: "chat", Method: "POST", Good: true, Count: 2, Bytes: 20, Latency: h, Service: h, Tokens: -1},
				{Moment: moment, Name: "chat", Method: "POST", Stream: true, Count: 2, Bytes: 0, Latency: h, TTFT: h, Gaps: h, Tokens: 9},
			},
			Errors: []record.Failures{
				{Moment: moment, Name: "chat", Method: "POST", Kind: "http", Status: 500, Message: "status 500", Count: 1, FirstSeen: 5, LastSeen: 6},
				{Name: "chat", Method: "POST", Kind: "http", Status: 500, Message: "status 500", Count: 2, FirstSeen: 4, LastSeen: 4},
				{Moment: moment, Name: "chat", Method: "POST", Kind: "refused", Message: "it isn't there\xff", Count: 3},
			},
			Delay:   []record.PhaseHistogram{{Phase: 1, Histogram: h}},
			Dropped: []record.PhaseCount{{Phase: 1, Count: 8}},
			Entries: []record.Entry{entry},
			Total:   total,
		},
		Moment: moment, Attempt: &attempt, Sequence: 7, Tick: 6, Final: true, Steady: true, Allowed: 0.5, Wall: 1, CPU: 0.125,
		Waited: &waited, GCPause: 0.5, InFlight: 11, Classes: map[string]int{"U": 5},
	}
	wireH := list{int64(2), 0.003, 0.0015, 0.0015, int64(0), table{"1500": int64(2)}}
	wireEntry := func(name, method string) table {
		return table{
			"name": name, "method": method, "last_request_timestamp": 2.5, "start_time": 1.5, "num_requests": int64(2),
			"num_none_requests": int64(0), "num_failures": int64(1), "total_response_time": 3.0, "max_response_time": 1.5,
			"min_response_time": 1.5, "total_content_length": int64(20), "response_times": table{"2": int64(2)},
			"num_reqs_per_sec": table{"1700000000": int64(2)}, "num_fail_per_sec": table{"1700000000": int64(1)},
		}
	}
	want := table{
		"stats": list{wireEntry("chat", "POST")}, "stats_total": wireEntry("Aggregated", ""),
		"errors": table{
			errorKey("POST", "chat", "http: status 500"): table{
				"name": "chat", "method": "POST", "error": "http: status 500", "occurrences": int64(3), "first_seen": 4.0, "last_seen": 6.0,
			},
			errorKey("POST", "chat", "refused: it isn't there\xff"): table{
				"name": "chat", "method": "POST", "error": "refused: it isn't there\uFFFD", "occurrences": int64(3), "first_seen": 0.0, "last_seen": 0.0,
			},
		},
		"user_classes_count": table{"U": int64(5)}, "user_count": int64(5),
		"gatebench": table{
			"attempt": "a1", "sequence": int64(7), "tick": int64(6), "final": true, "phase": int64(1), "settled": true, "steady": true,
			"allowed": 0.5, "wall": 1.0, "cpu": 0.125, "onCpu": nil, "waited": 0.25, "gcPause": 0.5, "inFlight": int64(11),
			"rows": list{
				list{int64(1), true, "chat", "POST", true, false, int64(2), int64(20), wireH, nil, nil, nil, wireH},
				list{int64(1), true, "chat", "POST", false, true, int64(2), int64(0), wireH, wireH, wireH, int64(9), nil},
			},
			"errors": list{
				list{int64(1), true, "chat", "http", int64(500), "status 500", int64(1)},
				list{int64(0), false, "chat", "http", int64(500), "status 500", int64(2)},
				list{int64(1), true, "chat", "refused", nil, "it isn't there\uFFFD", int64(3)},
			},
			"delay": list{list{int64(1), wireH}}, "dropped": list{list{int64(1), int64(8)}},
		},
	}
	got := unpacked(t, pack(typeStats, "w", report.pack)).(table)
	for key := range want {
		if !reflect.DeepEqual(got[key], want[key]) {
			t.Errorf("%s:\n got %v\nwant %v", key, got[key], want[key])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d keys, want %d", len(got), len(want))
	}
}

func TestAReportOfNothing(t *testing.T) {
	got := unpacked(t, pack(typeStats, "w", (&Report{Report: record.Report{Total: record.Entry{Name: "Aggregated", Start: 5}}}).pack)).(table)
	total, own := got["stats_total"].(table), got["gatebench"].(table)
	if total["min_response_time"] != nil || total["last_request_timestamp"] != nil || total["start_time"] != 5.0 {
		t.Errorf("%v", total)
	}
	if own["attempt"] != nil || own["onCpu"] != nil || len(own["rows"].(list)) != 0 {
		t.Errorf("%v", own)
	}
}

func TestErrorsAreNamedAsLocustNamesThem(t *testing.T) {
	for text, want := range map[string]string{
		"plain": `'plain'`, "it isn't": `"it isn't"`, `say "x"`: `'say "x"'`, `both ' and "`: `'both \' and "'`, "a\\b\n": `'a\\b\n'`, "schön": `'schön'`,
	} {
		if got := quoted(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	// By Locust: StatsError.create_key("POST", "chat", "http: status 500").
	const want = "351980ed8a2d2c91b04f190e847f5490b4f71491f610b5a1782dfef588a36059"
	if got := errorKey("POST", "chat", "http: status 500"); got != want {
		t.Error(got)
	}
}
