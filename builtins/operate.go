package builtins

import (
	"context"
	"fmt"
	"strconv"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/lisp"
)

// operation is an operation of the supervisor on names and globs.
type operation func(ctx context.Context, names ...string) (core.Report, error)

// operateOn calls an operation with the arguments as names.
func operateOn(do operation, t *lisp.Thread, a arguments) (lisp.Value, error) {
	names, err := a.texts()
	if err != nil {
		return lisp.Nil, err
	}
	return reported(do(caused(t), names...))
}

func start(h *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	return operateOn(h.Sup.Start, t, arguments{"start", args})
}

func stop(h *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	return operateOn(h.Sup.Stop, t, arguments{"stop", args})
}

func restart(h *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	return operateOn(h.Sup.Restart, t, arguments{"restart", args})
}

func reset(h *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	return operateOn(h.Sup.Reset, t, arguments{"reset", args})
}

func omitExitCode(h *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	return operateOn(h.Sup.OmitExitCode, t, arguments{"omit-exit-code", args})
}

func sendSignal(h *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	a := arguments{"signal", args}
	if err := a.count(2, 2); err != nil {
		return lisp.Nil, err
	}
	pattern, err := a.text(0)
	if err != nil {
		return lisp.Nil, err
	}
	word, ok := textOf(args[1])
	if n, isNumber := args[1].AsInt(); isNumber {
		word, ok = strconv.FormatInt(n, 10), true
	}
	if !ok {
		return lisp.Nil, a.wrong(1, "the name of a signal")
	}
	number, err := child.ParseSignal(word)
	if err != nil {
		return lisp.Nil, lisp.Errorf(kindInvalid, "cannot signal %s: %v", pattern, err)
	}
	names, err := h.Sup.Select(pattern)
	if err != nil {
		return lisp.Nil, fmt.Errorf("cannot signal %w", unknownOr(err))
	}
	ctx := caused(t)
	report := make(core.Report, len(names))
	for i, name := range names {
		report[i] = core.Outcome{Name: name, Did: "signalled"}
		if err := h.Sup.Signal(ctx, name, number); err != nil {
			report[i].Did, report[i].Err = "failed", err
		}
		if all, err := h.Sup.Status(name); err == nil && len(all) == 1 {
			report[i].State, report[i].PID = all[0].State, all[0].PID
		}
	}
	return reported(report, nil)
}

func reload(h *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	if err := (arguments{"reload", args}).count(0, 0); err != nil {
		return lisp.Nil, err
	}
	if h.Reload == nil {
		return lisp.Nil, absent("reload")
	}
	return reported(h.Reload(caused(t)))
}

func reopenLogs(h *Host, _ *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	if err := (arguments{"reopen-logs", args}).count(0, 0); err != nil {
		return lisp.Nil, err
	}
	if h.ReopenLogs == nil {
		return lisp.Nil, absent("reopen-logs")
	}
	return lisp.Nil, h.ReopenLogs()
}

func shutdown(h *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	a := arguments{"shutdown", args}
	if err := a.count(0, 2); err != nil {
		return lisp.Nil, err
	}
	words, err := a.texts()
	if err != nil {
		return lisp.Nil, err
	}
	var now, clear bool
	for _, word := range words {
		switch word {
		case "now":
			now = true
		case "clear":
			clear = true
		default:
			return lisp.Nil, lisp.Errorf(kindInvalid, "cannot shut down %q: want now, clear or nothing", word)
		}
	}
	if h.Shutdown == nil {
		return lisp.Nil, absent("shutdown")
	}
	return reported(h.Shutdown(caused(t), now, clear))
}
