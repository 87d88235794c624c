package core

import "context"

// Close takes no further wishes but Stop and Signal, stops all processes (priority descending, equal ones in parallel) and
// returns when nothing is left, or only what KILL could not end. With now, KILL comes at once and to all at the same time;
// a second call with now hurries one that is under way. Whoever was waiting for a start gets ErrClosing. When ctx ends, the
// stopping goes on without its caller.
func (s *Supervisor) Close(ctx context.Context, now bool) (Report, error) {
	s.mu.Lock()
	s.closing.Store(true) // under the lock of admit: afterwards the registry cannot grow
	s.mu.Unlock()
	return s.operate(ctx, "shut down", nil, func(all []*process, cause Cause) map[string]Outcome {
		eachInWaves([][]*process{all}, func(*process) message { return message{wish: wishSeal, cause: cause} })
		ways, m := backwards(waves(all)), message{wish: wishStop, cause: cause}
		if now {
			ways, m = [][]*process{all}, message{wish: wishStopNow, cause: cause}
		}
		outcomes := inWaves(ways, m)
		s.slot <- struct{}{} // a changer under way ends by itself: every start it waits for is refused
		<-s.slot
		for _, p := range all {
			if outcomes[p.name].Err == nil {
				<-p.ask(message{wish: wishQuit})
				<-p.done
			}
		}
		return outcomes
	})
}
