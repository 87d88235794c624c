package builtins

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/qjpcpu/supervisord/lisp"
)

// The times that hooks may be given.
const (
	shortestBeat = 10 * time.Millisecond // of every
	longestBeat  = 366 * 24 * time.Hour
)

func on(_ *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	a := arguments{"on", args}
	if err := a.count(2, 2); err != nil {
		return lisp.Nil, err
	}
	event, err := a.text(0)
	if err != nil {
		return lisp.Nil, err
	}
	known := hookEvents()
	match := known[event]
	if match == nil {
		names := slices.Sorted(maps.Keys(known))
		hint := ""
		if near := lisp.Nearest(event, names); near != "" {
			hint = " (did you mean " + near + "?)"
		}
		return lisp.Nil, lisp.Errorf(kindInvalid, "cannot call on: there is no event %s%s: want one of %s", cut(oneLine(event), 64), hint, strings.Join(names, " "))
	}
	return register(t, a, 1, &hook{what: event, match: match})
}

func every(_ *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	a := arguments{"every", args}
	beat, err := a.beat(shortestBeat)
	if err != nil {
		return lisp.Nil, err
	}
	return register(t, a, 0, &hook{what: beat.String(), delay: beat})
}

func after(_ *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	a := arguments{"after", args}
	delay, err := a.beat(0)
	if err != nil {
		return lisp.Nil, err
	}
	return register(t, a, 0, &hook{what: delay.String(), delay: delay})
}

// beat is the time that is the first of two arguments.
func (a arguments) beat(least time.Duration) (time.Duration, error) {
	if err := a.count(2, 2); err != nil {
		return 0, err
	}
	d, err := patience(a.verb, a.args[0], longestBeat)
	if err == nil && d < least {
		err = lisp.Errorf(kindInvalid, "cannot call %s: %v is too short, want at least %v", a.verb, d, least)
	}
	return d, err
}

// register notes a hook whose function is the second argument and takes n arguments.
func register(t *lisp.Thread, a arguments, n int, one *hook) (lisp.Value, error) {
	one.verb, one.fn = a.verb, a.args[1]
	if one.fn.Kind() != lisp.KindFunction {
		return lisp.Nil, a.wrong(1, "a function")
	}
	if !one.fn.Takes(n) {
		want := "no argument: (fn [] ...)"
		if n == 1 {
			want = "one argument, the event: (fn [e] ...)"
		}
		return lisp.Nil, lisp.Errorf(kindArity, "cannot call %s: its function must take %s", a.verb, want)
	}
	ev := evaluationOf(t)
	if ev == nil || ev.draft == nil {
		return lisp.Nil, absent(a.verb)
	}
	one.place = t.Where().String()
	id, err := ev.engine.hooks.draft(ev.draft, one)
	if err != nil {
		return lisp.Nil, err
	}
	return lisp.Int(id), nil
}

func showHooks(_ *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	if err := (arguments{"hooks", args}).count(0, 0); err != nil {
		return lisp.Nil, err
	}
	ev := evaluationOf(t)
	if ev == nil {
		return lisp.Nil, absent("hooks")
	}
	return ev.engine.hooks.value(), nil
}

func removeHook(_ *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	a := arguments{"remove-hook", args}
	if err := a.count(1, 1); err != nil {
		return lisp.Nil, err
	}
	id, err := a.integer(0, 1, 1<<62)
	if err != nil {
		return lisp.Nil, err
	}
	ev := evaluationOf(t)
	if ev == nil {
		return lisp.Nil, absent("remove-hook")
	}
	found := false
	if ev.draft != nil {
		n := len(ev.draft.added)
		ev.draft.added = slices.DeleteFunc(ev.draft.added, func(one *hook) bool { return one.id == id })
		found = len(ev.draft.added) < n
	}
	if !found && !ev.engine.hooks.remove(id) {
		return lisp.Nil, lisp.Errorf(kindNotFound, "cannot remove hook %d: there is none of this number ((hooks) lists them)", id)
	}
	return lisp.Nil, nil
}
