package builtins

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/lisp"
)

// evaluation is one job on its way; its thread carries it to the verbs.
type evaluation struct {
	engine  *Engine
	job     Job
	out     *output
	program uint64    // id of the program in the audit log; 0 on the way without evaluator
	turn    *ticket   // of the program; nil on the way without evaluator
	scope   *lisp.Env // of the program; nil on the way without evaluator

	draft   *hookDraft // the hooks that the program registers; nil on the way without evaluator
	calls   *hookCall  // of the call of a hook; else nil
	initial bool       // it evaluates the init script

	delivered bool
}

// evaluationKey is where a thread keeps its evaluation.
type evaluationKey struct{}

func evaluationOf(t *lisp.Thread) *evaluation {
	ev, _ := t.Local(evaluationKey{}).(*evaluation)
	return ev
}

// causeKey is where a thread keeps the cause of what it does.
type causeKey struct{}

// caused is the context of a verb that changes something: it ends with the job, and says who asked for what.
func caused(t *lisp.Thread) context.Context {
	if cause, ok := t.Local(causeKey{}).(core.Cause); ok {
		return core.WithCause(t.Context(), cause)
	}
	return t.Context()
}

// rawOut is the job's output without the daemon's log.
func rawOut(t *lisp.Thread) io.Writer {
	if ev := evaluationOf(t); ev != nil {
		return direct{ev.out}
	}
	return t.Out()
}

// call calls a verb. Every call, from either way, comes through here: the changing ones are written into the audit log
// before and after, and know their cause.
func (ev *evaluation) call(t *lisp.Thread, verb Verb, args []lisp.Value) (lisp.Value, error) {
	switch {
	case verb.Power == Observe:
		value, err := ev.aside(t, verb, args, core.Cause{})
		return value, worded(err)
	case ev.initial && !verb.registers:
		return lisp.Nil, lisp.Errorf(kindConflict, `cannot call %s here: an init script only registers hooks while it is evaluated: (after 0 (fn [] (%s ...)))`,
			verb.Name, verb.Name)
	case ev.calls != nil && verb.Power == Operate && verb.waits:
		return ev.ticket(t, verb, args)
	}
	shown := maskArguments(args)
	words := append([]string{verb.Name}, shown...)
	cause := core.Cause{Who: ev.job.asker(), What: cut("("+strings.Join(words, " ")+")", longestCall)}
	line, err := ev.engine.audit.begin(record{Who: ev.job.Who, Head: verb.Name, Args: shown, Within: ev.program}, verb.Power)
	if err != nil {
		return lisp.Nil, err
	}
	began := time.Now()
	ended := false
	defer func() {
		if !ended {
			ev.engine.audit.end(line, began, errPanic)
		}
	}()
	value, err := ev.aside(t, verb, args, cause)
	ended = true
	ev.engine.audit.end(line, began, err)
	return value, err
}

// worded puts the bare end of a context, which verbs that only look or listen pass on, into words.
func worded(err error) error {
	switch err {
	case context.DeadlineExceeded:
		return lisp.Errorf(kindTimeout, "the time limit has passed")
	case context.Canceled:
		return lisp.Errorf(kindCancelled, "the evaluation was cancelled")
	}
	return err
}

// aside calls a verb. When it may wait, other programs, and what else this one does, go on meanwhile: it gets a thread and
// arguments of its own, and the budget pays afterwards.
func (ev *evaluation) aside(t *lisp.Thread, verb Verb, args []lisp.Value, cause core.Cause) (value lisp.Value, err error) {
	if ev.turn == nil && ev.calls == nil || !verb.waits || slices.ContainsFunc(args, isFunction) {
		before := t.Local(causeKey{})
		t.SetLocal(causeKey{}, cause)
		defer t.SetLocal(causeKey{}, before)
		return verb.do(ev.engine.host, t, args)
	}
	own := make([]lisp.Value, len(args))
	for i := range args {
		if own[i], err = t.Copy(args[i]); err != nil {
			return lisp.Nil, err
		}
	}
	beside := ev.thread(t.Context(), lisp.Budget{Steps: mostSteps, Depth: mostDepth, Bytes: mostBytes})
	beside.SetLocal(causeKey{}, cause)
	t.Wait(func() { value, err = verb.do(ev.engine.host, beside, own) })
	if err == nil {
		err = errors.Join(t.Charge(beside.Steps()), t.Alloc(beside.Bytes()))
	}
	return value, err
}

// isFunction: what calls back into the program stays on the program's thread.
func isFunction(v lisp.Value) bool { return v.Kind() == lisp.KindFunction }
