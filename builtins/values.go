package builtins

import (
	"time"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/lisp"
)

// statusValue is a status as scripts see it.
func statusValue(s core.Status) lisp.Value {
	return lisp.HashValue(statusKeys.Hash(
		lisp.String(s.Name), lisp.String(s.State.String()), lisp.Bool(s.Want), numberOrNil(s.PID), seconds(s.Uptime()),
		timeOrNil(s.StartedAt), timeOrNil(s.StoppedAt), lisp.Int(int64(s.Restarts)), exitValue(s.Exit), textOrNil(s.Reason),
		lisp.String(s.Origin.String()), lisp.Int(int64(s.Priority)), timeOrNil(s.NextTry), timeOrNil(s.Deadline), textOrNil(s.Log),
		lisp.Int(s.LogBytes), lisp.Int(s.LogLost)))
}

// statusKeys are made once: the status of a thousand processes is asked for often and holds each a thousand times.
var statusKeys = lisp.NewKeys("name", "state", "want", "pid", "uptime", "started_at", "stopped_at", "restarts", "exit", "reason",
	"origin", "priority", "next_try", "deadline", "log", "log_bytes", "log_lost")

// eventValue is an entry of the journal as scripts see it.
func eventValue(e core.Event) lisp.Value {
	h := lisp.NewHash()
	h.SetString("seq", lisp.Int(int64(e.Seq)))
	h.SetString("at", timeOrNil(e.At))
	h.SetString("name", lisp.String(e.Name))
	from, to := lisp.String(e.From.String()), lisp.String(e.To.String())
	if e.Daemon {
		from, to = lisp.Nil, lisp.Nil
	}
	h.SetString("from", from)
	h.SetString("to", to)
	h.SetString("pid", numberOrNil(e.PID))
	h.SetString("exit", exitValue(e.Exit))
	h.SetString("who", textOrNil(e.Cause.Who))
	h.SetString("what", textOrNil(e.Cause.What))
	h.SetString("note", textOrNil(e.Note))
	h.SetString("text", textOrNil(story(e)))
	return lisp.HashValue(h)
}

// reportValue is a report as scripts see it.
func reportValue(report core.Report) lisp.Value {
	all := make([]lisp.Value, len(report))
	for i, o := range report {
		h := lisp.NewHash()
		h.SetString("name", lisp.String(o.Name))
		h.SetString("outcome", lisp.String(o.Did))
		h.SetString("state", lisp.String(o.State.String()))
		h.SetString("pid", numberOrNil(o.PID))
		if o.Err != nil {
			h.SetString("error", lisp.String(o.Err.Error()))
		}
		if len(o.Reasons) > 0 {
			h.SetString("reasons", textArray(o.Reasons))
		}
		all[i] = lisp.HashValue(h)
	}
	return lisp.Array(all...)
}

// reported is what a verb answers with when an operation ended: the report, or the error with the report as its value.
func reported(report core.Report, err error) (lisp.Value, error) {
	if err == nil {
		err = report.Err()
	}
	if err == nil {
		return reportValue(report), nil
	}
	if report == nil {
		return lisp.Nil, err
	}
	return lisp.Nil, lisp.Errorf(KindOf(err), "%w", err).WithValue(reportValue(report))
}

// planValue is a plan as scripts see it.
func planValue(p core.Plan, warnings []string) lisp.Value {
	steps := make([]lisp.Value, len(p.Steps))
	for i, step := range p.Steps {
		h := lisp.NewHash()
		h.SetString("op", lisp.String(step.Op.String()))
		h.SetString("name", lisp.String(step.Name))
		h.SetString("reasons", textArray(step.Reasons))
		h.SetString("warning", textOrNil(step.Warning))
		steps[i] = lisp.HashValue(h)
	}
	h := lisp.NewHash()
	h.SetString("steps", lisp.Array(steps...))
	h.SetString("warnings", textArray(warnings))
	return lisp.HashValue(h)
}

// exitValue is how a life ended: the code, or the name of the signal.
func exitValue(x *child.Exit) lisp.Value {
	switch {
	case x == nil:
		return lisp.Nil
	case x.Signal != 0:
		return lisp.String(child.SignalName(x.Signal))
	}
	return lisp.Int(int64(x.Code))
}

// timeLayout is RFC 3339 with milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

func timeOrNil(t time.Time) lisp.Value {
	if t.IsZero() {
		return lisp.Nil
	}
	return lisp.String(t.UTC().Format(timeLayout))
}

func textOrNil(text string) lisp.Value {
	if text == "" {
		return lisp.Nil
	}
	return lisp.String(text)
}

func numberOrNil(n int) lisp.Value {
	if n == 0 {
		return lisp.Nil
	}
	return lisp.Int(int64(n))
}

// seconds is a duration in seconds, to the millisecond.
func seconds(d time.Duration) lisp.Value {
	return lisp.Float(d.Round(time.Millisecond).Seconds())
}

func textArray(words []string) lisp.Value {
	out := make([]lisp.Value, len(words))
	for i, word := range words {
		out[i] = lisp.String(word)
	}
	return lisp.Array(out...)
}

// goValue is a value of the language as configuration understands it: string, int64, float64, bool, []any and
// map[string]any. where names it in errors.
func goValue(where string, v lisp.Value, depth int) (any, error) {
	if depth > maskDepth {
		return nil, lisp.Errorf(kindInvalid, "cannot use %s: nested too deep", where)
	}
	if text, ok := textOf(v); ok {
		return text, nil
	}
	if n, ok := v.AsInt(); ok {
		return n, nil
	}
	if f, ok := v.AsFloat(); ok {
		return f, nil
	}
	if b, ok := v.AsBool(); ok {
		return b, nil
	}
	if hash, ok := v.AsHash(); ok {
		return goHash(where, hash, depth)
	}
	if items, ok := v.Elements(); ok {
		out := make([]any, len(items))
		for i, item := range items {
			element, err := goValue(where, item, depth+1)
			if err != nil {
				return nil, err
			}
			out[i] = element
		}
		return out, nil
	}
	return nil, lisp.Errorf(kindType, "cannot use %s: it is %s", where, kindName(v))
}

func goHash(where string, hash *lisp.Hash, depth int) (map[string]any, error) {
	out := make(map[string]any, hash.Len())
	var problem error
	hash.Each(func(k, item lisp.Value) bool {
		key, ok := textOf(k)
		if !ok {
			problem = lisp.Errorf(kindType, "cannot use %s: a key is %s, want a string", where, kindName(k))
			return false
		}
		out[key], problem = goValue(key, item, depth+1)
		return problem == nil
	})
	return out, problem
}
