package pace

import "time"

// A fiftieth of one CPU may be spent on looking at the clock, and at most so much at once.
const (
	budgetShare = 50
	mostBudget  = 2 * time.Millisecond
)

// budget is time that grows as time passes.
type budget struct {
	left time.Duration
	at   time.Time
}

func (b *budget) has(wanted time.Duration, now time.Time) bool {
	if !b.at.IsZero() {
		b.left = min(b.left+max(now.Sub(b.at), 0)/budgetShare, mostBudget)
	}
	b.at = now
	return b.left >= wanted
}

func (b *budget) take(wanted time.Duration, now time.Time) bool {
	if !b.has(wanted, now) {
		return false
	}
	b.left -= wanted
	return true
}
