package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// Start starts the processes that the names or globs mean, none for all, and returns when each runs, has failed its first
// try, or was overtaken. A process that runs already is a success. Failures are forgotten. An unknown name is an error before
// anything is touched; what fails later stands in the Report.
func (s *Supervisor) Start(ctx context.Context, names ...string) (Report, error) {
	if s.closing.Load() {
		return nil, failf(ErrClosing, "cannot start anything: the supervisor is shutting down")
	}
	return s.operate(ctx, "start", names, func(ps []*process, cause Cause) map[string]Outcome {
		return inWaves(waves(ps), message{wish: wishStart, cause: cause})
	})
}

// Stop stops them, and returns when nothing is left of each, or when KILL and kill_wait did not end it. A process that is
// down already is a success.
func (s *Supervisor) Stop(ctx context.Context, names ...string) (Report, error) {
	return s.operate(ctx, "stop", names, func(ps []*process, cause Cause) map[string]Outcome {
		return inWaves(backwards(waves(ps)), message{wish: wishStop, cause: cause})
	})
}

// Restart gives them a new life; one that is down is started. Processes of several priorities are all stopped before the
// first is started.
func (s *Supervisor) Restart(ctx context.Context, names ...string) (Report, error) {
	if s.closing.Load() {
		return nil, failf(ErrClosing, "cannot restart anything: the supervisor is shutting down")
	}
	return s.operate(ctx, "restart", names, func(ps []*process, cause Cause) map[string]Outcome {
		ways := waves(ps)
		if len(ways) < 2 {
			return inWaves(ways, message{wish: wishRestart, cause: cause})
		}
		before := inWaves(backwards(ways), message{wish: wishStop, cause: cause})
		after := inWaves(ways, message{wish: wishRestart, cause: cause})
		for name, o := range after {
			if o.Did == "started" && before[name].Did == "stopped" {
				o.Did = "restarted"
				after[name] = o
			}
		}
		return after
	})
}

// Reset forgets failures; a process that was given up or waits for its next try is tried again, the others go on as they are.
// It does not wait for what comes of it.
func (s *Supervisor) Reset(ctx context.Context, names ...string) (Report, error) {
	return s.operate(ctx, "reset", names, func(ps []*process, cause Cause) map[string]Outcome {
		return inWaves([][]*process{ps}, message{wish: wishReset, cause: cause})
	})
}

// OmitExitCode makes the next exit of the present lives count as expected.
func (s *Supervisor) OmitExitCode(ctx context.Context, names ...string) (Report, error) {
	return s.operate(ctx, "mark", names, func(ps []*process, cause Cause) map[string]Outcome {
		return inWaves([][]*process{ps}, message{wish: wishOmit, cause: cause})
	})
}

// Signal sends a signal to the leader of one process. ErrConflict when it does not run.
func (s *Supervisor) Signal(ctx context.Context, name string, sig int) error {
	p, err := s.process(name)
	if err != nil {
		return fmt.Errorf("cannot signal %w", err)
	}
	return (<-p.ask(message{wish: wishSignal, sig: sig, cause: CauseOf(ctx)})).Err
}

// operate finds the processes and does work on them in a goroutine of its own, so that a caller who goes away leaves nothing
// half done.
func (s *Supervisor) operate(ctx context.Context, verb string, names []string,
	work func([]*process, Cause) map[string]Outcome,
) (Report, error) {
	picked, err := s.pick(verb, names)
	if err != nil {
		return nil, err
	}
	done := make(chan Report, 1)
	s.changing.Add(1)
	go func() {
		outcomes := work(picked, CauseOf(ctx))
		report := make(Report, len(picked))
		for i, p := range picked {
			report[i] = outcomes[p.name]
		}
		s.changed()
		done <- report
	}()
	select {
	case report := <-done:
		return report, nil
	case <-ctx.Done():
	}
	select {
	case report := <-done: // both were ready
		return report, nil
	default:
		return unfinished(picked, verb), impatience(ctx, verb)
	}
}

// unfinished is the Report for a caller who could not wait: what is known now.
func unfinished(ps []*process, verb string) Report {
	report := make(Report, len(ps))
	for i, p := range ps {
		st := p.shown.Load()
		report[i] = Outcome{Name: p.name, Did: "failed", State: st.State, PID: st.PID,
			Err: failf(ErrTimeout, "cannot wait longer to %s %s: it is %s%s", verb, p.name, st.State, because(st.Reason))}
	}
	return report
}

// impatience is the error for a caller whose context ended.
func impatience(ctx context.Context, verb string) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return failf(ErrTimeout, "cannot wait longer to %s: the operation goes on", verb)
	}
	return failf(ctx.Err(), "cannot wait longer to %s: cancelled; the operation goes on", verb)
}

// waves groups processes by priority, ascending; within a wave they stand in configuration order and are dealt with in
// parallel.
func waves(ps []*process) [][]*process {
	priority := func(p *process) int { return p.spec.Load().Care.Priority }
	sorted := slices.Clone(ps)
	slices.SortStableFunc(sorted, func(a, b *process) int { return cmp.Compare(priority(a), priority(b)) })
	var out [][]*process
	for i, p := range sorted {
		if i == 0 || priority(p) != priority(sorted[i-1]) {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], p)
	}
	return out
}

func backwards(ways [][]*process) [][]*process {
	out := slices.Clone(ways)
	slices.Reverse(out)
	return out
}

// inWaves sends the message to every process, one wave after the other, each when the one before is settled. The outcomes
// stand under the names.
func inWaves(ways [][]*process, m message) map[string]Outcome {
	return eachInWaves(ways, func(*process) message { return m })
}

func eachInWaves(ways [][]*process, m func(*process) message) map[string]Outcome {
	out := map[string]Outcome{}
	for _, wave := range ways {
		replies := make([]<-chan Outcome, len(wave))
		for i, p := range wave {
			replies[i] = p.ask(m(p))
		}
		for i, p := range wave {
			out[p.name] = <-replies[i]
		}
	}
	return out
}
