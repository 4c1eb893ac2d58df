package result

// Totals is requests, and the failures among them.
type Totals struct {
	Requests int64 `json:"requests"`
	Failures int64 `json:"failures"`
}

// Counts is where every request went: the parts add up to all.
type Counts struct {
	WarmUp   Totals `json:"warmUp"`
	Measured Totals `json:"measured"`
	Settling Totals `json:"settling"` // of stages, before their users were all there
	Ramps    Totals `json:"ramps"`
	Spikes   Totals `json:"spikes"`
	Drain    Totals `json:"drain"`
	All      Totals `json:"all"`
}

func (l *Load) counts() Counts {
	var out Counts
	for i := range l.Phases {
		p := &l.Phases[i]
		for _, row := range l.sums.sorted() {
			if row.Phase != p.Index {
				continue
			}
			for _, part := range []*Totals{out.part(p, row.Settled), &out.All} {
				part.Requests += row.Count
				if !row.Good {
					part.Failures += row.Count
				}
			}
		}
	}
	return out
}

func (c *Counts) part(p *Phase, settled bool) *Totals {
	switch {
	case p.Spike:
		return &c.Spikes
	case p.Kind == Ramp:
		return &c.Ramps
	case p.Kind == WarmUp:
		return &c.WarmUp
	case p.Kind == Drain:
		return &c.Drain
	case settled && p.measured():
		return &c.Measured
	}
	return &c.Settling
}

// StageFigures is a stage or a ramp in one line. What is missing is nil.
type StageFigures struct {
	Name       string   `json:"name"`
	Kind       string   `json:"kind"`
	Spike      bool     `json:"spike"`
	Users      *int     `json:"users,omitempty"`
	Rate       *float64 `json:"rate,omitempty"` // at its end
	Seconds    *float64 `json:"seconds,omitempty"`
	Requests   int64    `json:"requests"`
	Failures   int64    `json:"failures"`
	Dropped    *int64   `json:"dropped,omitempty"`
	Throughput *float64 `json:"throughput,omitempty"`
	ErrorRatio *float64 `json:"errorRatio,omitempty"`
	P50        *float64 `json:"p50Seconds,omitempty"`
	P95        *float64 `json:"p95Seconds,omitempty"`
	P99        *float64 `json:"p99Seconds,omitempty"`
}

func (l *Load) stages() []StageFigures {
	out := []StageFigures{}
	for i := range l.Phases {
		p := &l.Phases[i]
		if p.Kind != Stage && p.Kind != Ramp {
			continue
		}
		w := l.over(func(other *Phase) bool { return other == p })
		one := StageFigures{Name: p.Name, Kind: p.Kind, Spike: p.Spike, Users: p.Users, Rate: p.Rate}
		one.Requests, one.Failures = w.Counts()
		if w.Seconds > 0 {
			one.Seconds = &w.Seconds
			if l.open {
				one.Dropped = &w.Dropped
			}
		}
		if throughput, ok := w.Throughput(); ok {
			ratio := float64(one.Failures) / float64(one.Requests)
			one.Throughput, one.ErrorRatio = &throughput, &ratio
		}
		latency := w.Latency(false)
		for number, to := range map[int]**float64{0: &one.P50, 2: &one.P95, 3: &one.P99} {
			if seconds, _, err := Quantiles[number].Of(latency); err == nil {
				*to = &seconds
			}
		}
		out = append(out, one)
	}
	return out
}

// offered is the arrivals a second that were asked for over the measured window; nil in closed load.
func (l *Load) offered() *float64 {
	var arrivals, seconds float64
	for i := range l.Phases {
		if p := &l.Phases[i]; p.measured() {
			if p.Rate == nil {
				return nil
			}
			arrivals += p.seconds() * *p.Rate
			seconds += p.seconds()
		}
	}
	if seconds == 0 {
		return nil
	}
	rate := arrivals / seconds
	return &rate
}
