package builtins

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/lisp"
)

func status(h *Host, _ *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	names, err := arguments{"status", args}.texts()
	if err != nil {
		return lisp.Nil, err
	}
	all, err := h.Sup.Status(names...)
	if err != nil {
		return lisp.Nil, shown(err)
	}
	return statusValues(all), nil
}

func statusValues(all []core.Status) lisp.Value {
	out := make([]lisp.Value, len(all))
	for i, s := range all {
		out[i] = statusValue(s)
	}
	return lisp.Array(out...)
}

// shown is the error of a verb that only wanted to show something.
func shown(err error) error { return fmt.Errorf("cannot show %w", unknownOr(err)) }

// unknownOr is the bare "NAME: no such process" or "NAME: bad pattern" within an error that says it, else the error.
func unknownOr(err error) error {
	var unknown *core.NotFoundError
	var malformed *core.PatternError
	switch {
	case errors.As(err, &unknown):
		return unknown
	case errors.As(err, &malformed):
		return malformed
	}
	return err
}

func env(h *Host, _ *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	return environment(h, arguments{"env", args}, Mask)
}

// environment is a process's environment, each value as show lets it be seen.
func environment(h *Host, a arguments, show func(name, value string) string) (lisp.Value, error) {
	if err := a.count(1, 1); err != nil {
		return lisp.Nil, err
	}
	name, err := a.process(0)
	if err != nil {
		return lisp.Nil, err
	}
	all, err := h.Sup.Env(name)
	if err != nil {
		return lisp.Nil, shown(err)
	}
	out := lisp.NewHash()
	for _, pair := range all {
		key, value, _ := strings.Cut(pair, "=")
		out.SetString(key, lisp.String(show(key, value)))
	}
	return lisp.HashValue(out), nil
}

// longestWait is the longest that wait can be asked for, in seconds: a year.
const longestWait = 366 * 24 * 3600

func wait(h *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	a := arguments{"wait", args}
	if err := a.count(3, 3); err != nil {
		return lisp.Nil, err
	}
	name, err := a.text(0)
	if err != nil {
		return lisp.Nil, err
	}
	word, err := a.text(1)
	if err != nil {
		return lisp.Nil, err
	}
	patience, err := a.integer(2, 0, longestWait)
	if err != nil {
		return lisp.Nil, err
	}
	state, err := core.ParseState(word)
	if err != nil {
		return lisp.Nil, fmt.Errorf("cannot wait for %s: %w", name, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(patience)*time.Second)
	defer cancel()
	if !isPattern(name) {
		s, err := h.Sup.Wait(ctx, name, state)
		if err != nil {
			return lisp.Nil, err
		}
		return statusValue(s), nil
	}
	all, err := h.Sup.Status(name)
	if err != nil {
		return lisp.Nil, fmt.Errorf("cannot wait for %w", unknownOr(err))
	}
	return waitAll(ctx, h, all, state)
}

// waitAll waits for several processes at once, until all are in the state or one cannot be any more. The error is that of the
// first of them in order.
func waitAll(ctx context.Context, h *Host, all []core.Status, state core.State) (lisp.Value, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(all))
	var waiting sync.WaitGroup
	for i := range all {
		waiting.Go(func() {
			all[i], errs[i] = h.Sup.Wait(ctx, all[i].Name, state)
			if errs[i] != nil && !errors.Is(errs[i], core.ErrTimeout) {
				cancel() // those that are over time are so together, and each may be the first
			}
		})
	}
	waiting.Wait()
	var cancelled error
	for _, err := range errs {
		switch {
		case errors.Is(err, context.Canceled):
			cancelled = err
		case err != nil:
			return lisp.Nil, err
		}
	}
	if cancelled != nil {
		return lisp.Nil, cancelled
	}
	return statusValues(all), nil
}

func plan(h *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	if err := (arguments{"plan", args}).count(0, 0); err != nil {
		return lisp.Nil, err
	}
	if h.Plan == nil {
		return lisp.Nil, absent("plan")
	}
	p, warnings, err := h.Plan(t.Context())
	if err != nil {
		return lisp.Nil, err
	}
	return planValue(p, warnings), nil
}

// absent is the error of a verb whose function the embedder left out.
func absent(verb string) error {
	return lisp.Errorf(kindFailed, "cannot call %s: this daemon does not offer it", verb)
}

func maintail(h *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	a := arguments{"maintail", args}
	if err := a.count(0, 3); err != nil {
		return lisp.Nil, err
	}
	following, show := false, func(line string) string { return line }
	for i, arg := range args {
		word, isText := textOf(arg)
		switch {
		case isText && word == "follow" && !following:
			following = true
			a.args = args[:i]
		case isText && word == "json" && following && i == len(args)-1:
			show = ownLineJSON
		case isText:
			want := "follow"
			if following {
				want = "json"
			}
			return lisp.Nil, lisp.Errorf(kindInvalid, "cannot call maintail: argument %d is %q, want %s", i+1, cut(word, 64), want)
		case following:
			return lisp.Nil, arguments{"maintail", args}.wrong(i, `"json"`)
		}
	}
	n := int64(defaultLines)
	if following {
		n = followedLines
	}
	if len(a.args) > 0 {
		var err error
		if n, err = a.integer(0, 0, mostLines); err != nil {
			return lisp.Nil, err
		}
		if len(a.args) > 1 {
			return lisp.Nil, a.wrong(1, `"follow"`)
		}
	}
	if h.DaemonLog == nil || following && h.AwaitDaemonLog == nil {
		return lisp.Nil, absent("maintail")
	}
	lines, next, err := h.DaemonLog(int(n))
	if err != nil {
		return lisp.Nil, fmt.Errorf("cannot show the daemon's log: %w", err)
	}
	if !following {
		return textArray(lines), nil
	}
	for out := rawOut(t); ; {
		for _, line := range lines {
			if err := writeLine(out, show(line)); err != nil {
				return lisp.Nil, err
			}
		}
		if lines, next, err = h.AwaitDaemonLog(t.Context(), next); err != nil {
			return lisp.Nil, err
		}
	}
}

func configuration(h *Host, _ *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	if err := (arguments{"config", args}).count(0, 0); err != nil {
		return lisp.Nil, err
	}
	return configValue(h)
}

// configValue is the masked configuration.
func configValue(h *Host) (lisp.Value, error) {
	if h.Config == nil {
		return lisp.Nil, absent("config")
	}
	return lisp.FromGo(maskConfig(h.Config()))
}

func version(h *Host, _ *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	if err := (arguments{"version", args}).count(0, 0); err != nil {
		return lisp.Nil, err
	}
	v := h.Version
	if info, ok := debug.ReadBuildInfo(); ok && v.Version == "" {
		v.Version = info.Main.Version
	}
	out := lisp.NewHash()
	out.SetString("version", textOrNil(v.Version))
	out.SetString("commit", textOrNil(v.Commit))
	out.SetString("go", lisp.String(runtime.Version()))
	out.SetString("os", lisp.String(runtime.GOOS))
	out.SetString("arch", lisp.String(runtime.GOARCH))
	return lisp.HashValue(out), nil
}
