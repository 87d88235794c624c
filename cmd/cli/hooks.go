package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/qjpcpu/supervisord/lisp"
	"github.com/qjpcpu/supervisord/repl"
)

// hookLine is one element of the value of (hooks).
type hookLine struct {
	ID                      int64
	Kind, What, From        string
	Calls, Failures, Missed int64
	Failing, Running        bool
	NextRun                 string `json:"next_run"`
	LastError               string `json:"last_error"`
}

// title is what people know a hook by.
func (h hookLine) title() string {
	if h.ID == 0 {
		return "init_script"
	}
	return fmt.Sprintf("hook %d (%s %s, %s)", h.ID, h.Kind, h.What, shorter(h.From))
}

func renderHooks(v *view) error {
	var all []hookLine
	if json.Unmarshal(v.value, &all) != nil {
		return renderText(v)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(v.out, "no hooks: the program that init_script names in the configuration may register some")
		return err
	}
	t := table{colour: v.colour, width: widthFor(v.out)}
	t.words("ID", "KIND", "WHAT", "CALLS", "FAILED", "MISSED", "NEXT", "FROM", "LAST ERROR")
	for _, h := range all {
		wrong := dim
		if h.Failing {
			wrong = red
		}
		what := h.What
		if h.ID == 0 {
			what = shorter(what)
		}
		t.add(cell{text: strconv.FormatInt(h.ID, 10)}, cell{text: h.Kind}, cell{text: what}, cell{text: strconv.FormatInt(h.Calls, 10)},
			cell{text: strconv.FormatInt(h.Failures, 10)}, cell{text: strconv.FormatInt(h.Missed, 10)}, cell{text: h.next(time.Now())},
			cell{shorter(h.From), dim}, cell{h.LastError, wrong})
	}
	return t.write(v.out)
}

// next says when a hook is called again.
func (h hookLine) next(now time.Time) string {
	switch at, err := time.Parse(time.RFC3339Nano, h.NextRun); {
	case h.Running:
		return "now"
	case err == nil:
		return "in " + span(max(0, at.Sub(now)).Seconds())
	}
	return "-"
}

// warnOf says what is wrong with the daemon itself: a log that cannot be written, a broken init script, hooks that fail.
func (s *session) warnOf(ctx context.Context, client *repl.Client, wrong *repl.Trouble) {
	if wrong == nil {
		return
	}
	if wrong.LogLinesLost > 0 {
		fmt.Fprintf(s.stdio.Err, "warning: %d lines of the daemon's own log could not be written\n", wrong.LogLinesLost)
	}
	if wrong.HooksFailing == 0 {
		return
	}
	var hooks []hookLine
	reply, err := client.Eval(ctx, repl.Request{Form: lisp.Print(form("hooks")), Name: "status"}, nil)
	if err != nil || reply.Error != nil || json.Unmarshal(reply.Value, &hooks) != nil {
		fmt.Fprintf(s.stdio.Err, "warning: %d hooks fail\n", wrong.HooksFailing)
		return
	}
	for _, h := range hooks {
		if !h.Failing {
			continue
		}
		often := ""
		if h.ID > 0 {
			often = fmt.Sprintf(" (%d of %d calls failed)", h.Failures, h.Calls)
		}
		fmt.Fprintf(s.stdio.Err, "warning: %s: %s%s\n", printable(h.title()), printable(h.LastError), often)
	}
}
