package core

import (
	"time"

	"github.com/qjpcpu/supervisord/core/child"
)

// snapshot publishes what the process is now.
func (p *process) snapshot() {
	spec := p.spec.Load()
	m := &p.machine
	s := &Status{
		Name:       p.name,
		State:      m.state,
		Want:       m.want,
		StartedAt:  p.startAt,
		StoppedAt:  p.stopAt,
		Restarts:   m.restarts,
		Exit:       p.lastExit,
		Reason:     m.reason,
		Origin:     spec.Origin,
		Priority:   spec.Care.Priority,
		Generation: p.generation,
	}
	if p.child != nil {
		s.PID = p.child.PID()
	}
	if m.state.Armed() && !m.launching {
		s.Deadline = wallClock().Add(max(0, m.deadline-p.host.clock.now())).Round(time.Millisecond)
	}
	switch {
	case m.state == Backoff:
		s.NextTry = s.Deadline
	case m.state == Stopping && m.kills > 0 && s.Reason == "":
		s.Reason, s.Deadline = "SIGKILL sent", time.Time{}
	case m.state == Stopping && m.kills > 0:
		s.Deadline = time.Time{}
	case m.state == Stopping && s.Reason == "":
		s.Reason = "SIG" + child.SignalName(m.care.StopSignal) + " sent"
	}
	p.shown.Store(s)
}

// publish makes what happened visible: first the snapshot, then the event, so that who hears of it can look.
func (p *process) publish(from State, cause Cause, note string, how *ending) {
	p.snapshot()
	if note == "" {
		note = p.machine.reason
	}
	ev := Event{Name: p.name, From: from, To: p.machine.state, Cause: cause, Note: note}
	if p.child != nil {
		ev.PID = p.child.PID()
	}
	if how != nil && how.pid != 0 {
		x := how.exit
		ev.PID, ev.Exit = how.pid, &x
	}
	p.host.journal.Add(ev)
}

// note makes something visible that changed no state.
func (p *process) note(cause Cause, text string) {
	p.publish(p.machine.state, cause, text, nil)
}

// goal is what a caller waits for.
type goal int

const (
	goalUp goal = iota
	goalDown
)

// waiter is a caller whose wish is under way.
type waiter struct {
	goal  goal
	did   string // when the goal is reached
	verb  string // for "cannot VERB name"
	reply chan Outcome
}

func (p *process) wait(w waiter) { p.waiters = append(p.waiters, w) }

// settle answers the callers whose wish was fulfilled, failed, or was overtaken by another.
func (p *process) settle() {
	kept := p.waiters[:0]
	for _, w := range p.waiters {
		did, err, settled := p.judge(w)
		if !settled {
			kept = append(kept, w)
			continue
		}
		p.answer(w.reply, did, err)
	}
	clear(p.waiters[len(kept):])
	p.waiters = kept
	if len(kept) == 0 {
		p.waiters = nil
	}
}

// judge says whether a caller's wish is settled by the present state.
func (p *process) judge(w waiter) (did string, err error, settled bool) {
	m := &p.machine
	fail := func(kind error, why string) (string, error, bool) {
		return "failed", failf(kind, "cannot %s %s: %s", w.verb, p.name, why), true
	}
	if w.goal == goalDown {
		switch {
		case m.want:
			return fail(ErrSuperseded, "overtaken: it was asked to run again")
		case m.state == Stopping && m.overrun:
			return fail(errUnkillable, m.reason)
		case m.state == Stopping:
			return "", nil, false
		}
		return w.did, nil, true
	}
	switch m.state {
	case Running:
		return w.did, nil, true
	case Exited:
		return "exited", nil, true
	case Backoff, Fatal:
		kind := ErrFailed
		if p.unborn {
			kind = ErrSpawn
		}
		return fail(kind, m.reason)
	case Starting:
		if m.overrun {
			return fail(ErrTimeout, m.reason)
		}
		return "", nil, false
	case Stopping:
		if m.want && m.overrun {
			return fail(errUnkillable, m.reason)
		}
		if m.want && !m.sealed {
			return "", nil, false
		}
	}
	if p.closing {
		return fail(ErrClosing, "the supervisor is shutting down")
	}
	return fail(ErrSuperseded, "overtaken: it was asked to stop")
}

func (p *process) answer(reply chan Outcome, did string, err error) {
	o := Outcome{Name: p.name, Did: did, State: p.machine.state, Err: err}
	if p.child != nil {
		o.PID = p.child.PID()
	}
	reply <- o
}
