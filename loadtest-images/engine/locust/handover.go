package locust

import (
	"context"
	"errors"
	"time"
)

// closeTimeout is how long a master may take to make room after its workers have said that they know.
const closeTimeout = 5 * time.Second

// ErrHandedOver is that the master has handed out another plan, which the handler has taken, and is gone: whoever
// listens on its port from now on leads the other plan.
var ErrHandedOver = errors.New("the master has handed out another plan")

// Plan is that of the next run, as text.
type Plan struct {
	Text string `msgpack:"plan"`
}

func (p *Plan) check() error {
	if p.Text == "" {
		return errors.New("no plan")
	}
	return nil
}

// takes is whether the handler has taken another plan.
func (s *Session) takes(m message, h Handler) bool {
	var plan Plan
	if err := m.into(&plan); err != nil {
		s.log("a message was not understood: %s", err)
		return false
	}
	return h.Plan(plan)
}

// handOver says that the plan has been taken, and waits until the master has closed the connection: a worker that came
// back sooner would find the old one.
func (s *Session) handOver(ctx context.Context) error {
	_ = s.send(typePlanAck, nil) // a connection that breaks is what is waited for
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	for {
		select {
		case _, open := <-s.messages:
			if !open {
				return ErrHandedOver
			}
		case <-timer.C:
			s.log("the master has not closed the connection in %s", closeTimeout)
			return ErrHandedOver
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
