package load

import "sync/atomic"

// idle is a stack of numbers below a limit, each at most once, without locks: whoever waits for the next arrival must
// not be put to sleep by those who come back from their requests. The last one to come is the first to go, so that few
// connections are used while few are needed.
type idle struct {
	head  atomic.Uint64 // a count of changes in the upper half, so that none goes unseen; the number + 1 in the lower
	below []atomic.Uint32
}

func newIdle(limit int) *idle { return &idle{below: make([]atomic.Uint32, limit)} }

func (s *idle) push(number int) {
	for {
		head := s.head.Load()
		s.below[number].Store(uint32(head))
		if s.head.CompareAndSwap(head, (head>>32+1)<<32|uint64(number+1)) {
			return
		}
	}
}

// pop is false where there is none.
func (s *idle) pop() (number int, ok bool) {
	for {
		head := s.head.Load()
		top := uint32(head)
		if top == 0 {
			return 0, false
		}
		below := s.below[top-1].Load()
		if s.head.CompareAndSwap(head, (head>>32+1)<<32|uint64(below)) {
			return int(top - 1), true
		}
	}
}
