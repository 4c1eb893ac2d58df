package load

import "sync/atomic"

// gauge is a number that goes up and down, and the highest that it was.
type gauge struct{ now, peak atomic.Int64 }

func (g *gauge) up() {
	now := g.now.Add(1)
	for peak := g.peak.Load(); now > peak && !g.peak.CompareAndSwap(peak, now); {
		peak = g.peak.Load()
	}
}

func (g *gauge) down() { g.now.Add(-1) }

// take is the highest since the last call; what there is now counts for the next one too.
func (g *gauge) take() int { return int(g.peak.Swap(g.now.Load())) }
