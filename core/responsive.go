package core

import "context"

// Responsive returns nil once the registry and the loop of every process have had their turn, or, when ctx ends first,
// ErrTimeout with the name of one that has not. It changes nothing and is cheap: a watchdog may ask it.
func (s *Supervisor) Responsive(ctx context.Context) error {
	for _, p := range s.processes() {
		m := message{wish: wishPing, reply: make(chan Outcome, 1)}
		late := failf(ErrTimeout, "the loop of %s does not answer", p.name)
		select {
		case p.inbox <- &m:
		case <-p.done:
			continue
		case <-ctx.Done():
			return late
		}
		select {
		case <-m.reply:
		case <-p.done:
		case <-ctx.Done():
			return late
		}
	}
	return nil
}
