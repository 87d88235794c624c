package builtins

import (
	"context"
	"io"
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
	program uint64 // id of the program in the audit log; 0 on the way without evaluator
	cause   core.Cause
	turn    *ticket   // of the program; nil on the way without evaluator
	scope   *lisp.Env // of the program; nil on the way without evaluator

	delivered bool
}

// evaluationKey is where a thread keeps its evaluation.
type evaluationKey struct{}

func evaluationOf(t *lisp.Thread) *evaluation {
	ev, _ := t.Local(evaluationKey{}).(*evaluation)
	return ev
}

// caused is the context of a verb that changes something: it ends with the job, and says who asked for what.
func caused(t *lisp.Thread) context.Context {
	if ev := evaluationOf(t); ev != nil {
		return core.WithCause(t.Context(), ev.cause)
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
	if verb.Power == Observe {
		return ev.turnAside(t, verb, args)
	}
	shown := maskArguments(args)
	words := append([]string{verb.Name}, shown...)
	before := ev.cause
	ev.cause = core.Cause{Who: ev.job.Who, What: cut("("+strings.Join(words, " ")+")", longestCall)}
	defer func() { ev.cause = before }()
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
	value, err := ev.turnAside(t, verb, args)
	ended = true
	ev.engine.audit.end(line, began, err)
	return value, err
}

// turnAside calls a verb. When it may wait, the program gives its turn to others meanwhile.
func (ev *evaluation) turnAside(t *lisp.Thread, verb Verb, args []lisp.Value) (value lisp.Value, err error) {
	if ev.turn == nil || !verb.waits {
		return verb.Call(ev.engine.host, t, args)
	}
	ev.turn.aside(t.Context(), func() { value, err = verb.Call(ev.engine.host, t, args) })
	return value, err
}
