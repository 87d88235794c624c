package builtins

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/lisp"
)

// The budgets of one call of a hook.
const (
	hookSteps  = 1_000_000
	hookBytes  = 16 << 20
	hookOutput = 64 << 10 // bytes into the daemon's log
	hookTime   = 5 * time.Second
)

// spentPause is how long all hooks rest after a call that used up a budget, so that one that loops without end takes a part of a
// processor and not all of it.
const spentPause = 100 * time.Millisecond

// busyPause is when a hook of after is tried again whose session was at work.
const busyPause = time.Second

// The bounds of the operations that hooks ask for.
const (
	ticketPatience = time.Second // that a hook waits for one
	mostTickets    = 64          // that go on after their hooks
)

// errHookTime is why the context of a call ended.
var errHookTime = errors.New("the time of one call of a hook is over")

// RunHooks calls the hooks until ctx ends, one after the other: those whose time has come, and those that wait for what is
// written into the journal, where this goroutine has a place of its own. Nobody ever waits for it: what it is too slow to see
// is overwritten and counted. There may be one at a time.
func (e *Engine) RunHooks(ctx context.Context) {
	h := e.hooks
	var rest sync.WaitGroup // operations that go on after their hooks
	defer rest.Wait()
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	for ctx.Err() == nil {
		more := h.journal().Next()
		worked := h.callDue(ctx, &rest)
		if h.callEvent(ctx, &rest) || worked {
			continue
		}
		due, listening := h.next()
		var rings <-chan time.Time
		if !due.IsZero() {
			alarm.Reset(max(0, time.Until(due)))
			rings = alarm.C
		}
		if !listening {
			more = nil // an event wakes nobody
		}
		select {
		case <-ctx.Done():
		case <-h.poke:
		case <-rings:
		case <-more:
		}
	}
}

// next is when the next hook is due, and whether any waits for events.
func (h *hooks) next() (due time.Time, listening bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, one := range h.all {
		if !one.due.IsZero() && (due.IsZero() || one.due.Before(due)) {
			due = one.due
		}
	}
	return due, h.listening()
}

// callDue calls every hook whose time has come, the longest overdue first.
func (h *hooks) callDue(ctx context.Context, rest *sync.WaitGroup) bool {
	now := time.Now()
	var due []*hook
	h.mu.Lock()
	for _, one := range h.all {
		if !one.due.IsZero() && !one.due.After(now) {
			due = append(due, one)
		}
	}
	slices.SortStableFunc(due, func(a, b *hook) int { return a.due.Compare(b.due) })
	h.mu.Unlock()
	for _, one := range due {
		called := h.call(ctx, rest, one)
		h.mu.Lock()
		switch {
		case one.verb == "after" && called:
			h.over(one)
		case one.verb == "after":
			one.due = time.Now().Add(busyPause)
		default:
			// The times that passed meanwhile are left out, so that a slow hook does not run without end.
			passed := time.Since(one.due) / one.delay
			one.missed += int64(passed)
			one.due = one.due.Add((passed + 1) * one.delay)
			if !called {
				one.missed++
			}
		}
		h.mu.Unlock()
	}
	return len(due) > 0
}

// callEvent shows the next event to the hooks that wait for it; false when there is none.
func (h *hooks) callEvent(ctx context.Context, rest *sync.WaitGroup) bool {
	h.mu.Lock()
	var found []core.Event
	var missed uint64
	if h.listening() {
		found, missed = h.journal().Since(h.cursor, 1)
	}
	var concerned []*hook
	for _, e := range found {
		h.cursor = e.Seq
		for _, one := range h.all {
			if one.match == nil {
				continue
			}
			one.missed += int64(missed)
			if !e.Daemon && e.Seq > one.since && one.match(e) {
				concerned = append(concerned, one)
			}
		}
	}
	h.mu.Unlock()
	if missed > 0 {
		h.engine.log("the hooks were too slow: %d events are not kept any more", missed)
	}
	for _, one := range concerned {
		if !h.call(ctx, rest, one, eventValue(found[0])) { // a value of its own: it may be changed
			h.mu.Lock()
			one.missed++
			h.mu.Unlock()
		}
	}
	return len(found) > 0
}

// call calls a hook, unless it was removed, and notes how it went. It is false when the session that the hook shares its scope
// with is at work just now: no hook waits for a client.
func (h *hooks) call(ctx context.Context, rest *sync.WaitGroup, one *hook, args ...lisp.Value) bool {
	if turn := one.from.turn; turn != nil {
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		default:
			return false
		}
	}
	h.mu.Lock()
	there := slices.Contains(h.all, one)
	if there {
		one.runs = true
		one.record.calls++
		one.record.at = time.Now()
	}
	h.mu.Unlock()
	if !there || ctx.Err() != nil {
		return true
	}
	err := h.attempt(ctx, rest, one, args)
	h.engine.meter.hook(err)
	if err != nil && ctx.Err() == nil {
		h.failed(one, err)
	}
	h.mu.Lock()
	one.runs = false
	if err == nil {
		one.record.same = 0
	}
	h.mu.Unlock()
	if KindOf(err) == kindBudget {
		pause := time.NewTimer(spentPause)
		defer pause.Stop()
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
	}
	return true
}

// attempt calls a hook's function within the budgets.
func (h *hooks) attempt(ctx context.Context, rest *sync.WaitGroup, one *hook, args []lisp.Value) (err error) {
	bounded, cancel := context.WithTimeoutCause(ctx, hookTime, errHookTime)
	defer cancel()
	name := "hook " + lisp.Print(lisp.Int(one.id))
	ev := &evaluation{engine: h.engine, job: Job{Name: name, Who: one.who()}, out: newOutput(nil, true, name, h.engine.log), scope: one.from.env,
		draft: &hookDraft{from: one.from}, calls: &hookCall{hook: one, ctx: ctx, rest: rest}}
	defer ev.out.flush()
	defer func() {
		if fault := recover(); fault != nil {
			h.engine.fault("internal error: %s\n%s", maskText(fmt.Sprint(fault)), debug.Stack())
			err = errPanic
		}
	}()
	t := ev.thread(bounded, lisp.Budget{Steps: hookSteps, Depth: mostDepth, Bytes: hookBytes, Output: hookOutput})
	t.Yield = runtime.Gosched // supervision goes first, wherever there is but one processor
	errand := &errand{set: one.from.set}
	t.SetLocal(errandKey{}, errand)
	_, err = t.CallIn(one.from.env, one.fn, args...)
	one.from.set = errand.set
	if err = exited(err); err != nil {
		return advised(overtime(bounded, err), hookAdvice)
	}
	h.commit(ev.draft)
	return nil
}

// exited takes (exit 0) for a good end.
func exited(err error) error {
	var exit lisp.Exit
	switch {
	case !errors.As(err, &exit):
		return err
	case exit.Code != 0:
		return fmt.Errorf("it ended with (exit %d)", exit.Code)
	}
	return nil
}

// overtime gives an error that the time of a call made its proper name.
func overtime(ctx context.Context, err error) error {
	if context.Cause(ctx) != errHookTime || KindOf(err) != kindTimeout {
		return err
	}
	late := lisp.Errorf(kindBudget, "budget exceeded: more than %v", hookTime)
	var raised *lisp.Error
	if errors.As(err, &raised) {
		late.Pos = raised.Pos
	}
	return late
}

// hookCall is what the verbs of a hook's call need to know of it.
type hookCall struct {
	hook *hook
	ctx  context.Context // the runner's
	rest *sync.WaitGroup
}

// ticket calls a verb that operates on processes. When it takes longer than a moment the hook gets a ticket instead of the
// report and goes on; how the operation ends is noted in the hook's record. So no hook waits for what waits for it, and one
// that restarts what takes long to stop holds up no other.
func (ev *evaluation) ticket(t *lisp.Thread, verb Verb, args []lisp.Value) (lisp.Value, error) {
	call, h := ev.calls, ev.engine.hooks
	own := make([]lisp.Value, len(args))
	for i := range args {
		var err error
		if own[i], err = t.Copy(args[i]); err != nil {
			return lisp.Nil, err
		}
	}
	select {
	case h.tickets <- struct{}{}:
	default:
		return lisp.Nil, lisp.Errorf(kindOverloaded, "cannot call %s: %d operations of hooks are under way", verb.Name, mostTickets)
	}
	type outcome struct {
		value lisp.Value
		err   error
	}
	done, left := make(chan outcome, 1), make(chan struct{})
	apart := &evaluation{engine: ev.engine, job: ev.job, out: newOutput(nil, true, ev.job.Name, h.engine.log)}
	thread := apart.thread(call.ctx, lisp.Budget{})
	call.rest.Go(func() {
		defer func() { <-h.tickets }()
		value, err := apart.guarded(thread, verb, own)
		done <- outcome{value, err}
		select {
		case <-left:
			if err != nil && call.ctx.Err() == nil {
				h.failed(call.hook, err)
			}
		default:
		}
	})
	var o outcome
	settled, ctx := false, t.Context()
	t.Wait(func() {
		patience := time.NewTimer(ticketPatience)
		defer patience.Stop()
		select {
		case o = <-done:
			settled = true
			return
		case <-patience.C:
		case <-ctx.Done():
		}
		close(left)
		select {
		case o = <-done: // both were ready
			settled = true
		default:
		}
	})
	if settled {
		return o.value, o.err
	}
	return ticketValue(verb, own), nil
}

// guarded is call for a goroutine of its own, where a fault would end the daemon.
func (ev *evaluation) guarded(t *lisp.Thread, verb Verb, args []lisp.Value) (value lisp.Value, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			ev.engine.fault("internal error: %s\n%s", maskText(fmt.Sprint(fault)), debug.Stack())
			value, err = lisp.Nil, errPanic
		}
	}()
	return ev.call(t, verb, args)
}

// ticketValue is the report of what is under way.
func ticketValue(verb Verb, args []lisp.Value) lisp.Value {
	if len(args) == 0 {
		args = []lisp.Value{lisp.String(verb.Name)}
	}
	out := make([]lisp.Value, len(args))
	for i, arg := range args {
		one := lisp.NewHash()
		one.SetString("name", arg)
		one.SetString("outcome", lisp.String("under way"))
		out[i] = lisp.HashValue(one)
	}
	return lisp.Array(out...)
}
