package builtins

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/lisp"
)

func events(h *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	q, err := eventsAsked(arguments{"events", args})
	if err != nil {
		return lisp.Nil, err
	}
	journal := h.Sup.Journal()
	if !q.following {
		found, _ := journal.Since(q.since, 0)
		return eventValues(q.cut(found)), nil
	}
	switch {
	case q.lines > 0:
		// Where to begin is the number of an event, so that nothing is lost or doubled between what was and what comes.
		if found, _ := journal.Since(q.since, 0); len(found) > 0 {
			q.since = q.cut(found)[0].Seq - 1
		}
	case q.lines == 0 || !q.given:
		q.since = max(q.since, journal.Last())
	}
	return lisp.Nil, followEvents(journal, t, q.since, q.line)
}

// eventQuery is what events was asked for.
type eventQuery struct {
	since     uint64
	given     bool // since was said
	lines     int  // only so many of the last ones; -1: all
	following bool
	line      func(core.Event) string
}

// eventsAsked reads the arguments of events: a number, then words in their order.
func eventsAsked(a arguments) (eventQuery, error) {
	q := eventQuery{lines: -1, line: eventLine}
	if err := a.count(0, 4); err != nil {
		return q, err
	}
	for i, arg := range a.args {
		word, isText := textOf(arg)
		count, isCount := strings.CutPrefix(word, "lines=")
		switch {
		case isText && isCount && q.lines < 0 && !q.following:
			n, ok := smallNumber(count)
			if !ok {
				return q, lisp.Errorf(kindInvalid, "cannot call events: lines is %q, want a number of events up to %d", cut(count, 64), mostLines)
			}
			q.lines = n
		case isText && word == "follow" && !q.following:
			q.following = true
		case isText && word == "json" && q.following && i == len(a.args)-1:
			q.line = eventJSON
		case isText:
			want := "follow"
			switch {
			case q.following:
				want = "json"
			case q.lines < 0:
				want = "follow or lines=N"
			}
			return q, lisp.Errorf(kindInvalid, "cannot call events: argument %d is %q, want %s", i+1, cut(word, 64), want)
		case i > 0:
			return q, a.wrong(i, `"follow"`)
		default:
			n, err := a.integer(i, 0, math.MaxInt64)
			if err != nil {
				return q, err
			}
			q.since, q.given = uint64(n), true
		}
	}
	return q, nil
}

// cut leaves the last ones that were asked for.
func (q eventQuery) cut(found []core.Event) []core.Event {
	if q.lines >= 0 && len(found) > q.lines {
		return found[len(found)-q.lines:]
	}
	return found
}

// followEvents prints the events after a number, a line for each, until the context ends.
func followEvents(journal *core.Journal, t *lisp.Thread, since uint64, line func(core.Event) string) error {
	const atOnce = 256
	out := rawOut(t)
	for {
		found, missed := journal.Since(since, atOnce)
		if missed > 0 {
			lost := core.Event{Daemon: true, At: time.Now(), Name: "events", Note: fmt.Sprintf("%d events before this one are not kept any more", missed)}
			if err := writeLine(out, line(lost)); err != nil {
				return err
			}
		}
		for _, e := range found {
			if err := writeLine(out, line(e)); err != nil {
				return err
			}
			since = e.Seq
		}
		if len(found) > 0 {
			continue
		}
		if err := journal.Wait(t.Context(), since); err != nil {
			return err
		}
	}
}

func eventValues(all []core.Event) lisp.Value {
	out := make([]lisp.Value, len(all))
	for i, e := range all {
		out[i] = eventValue(e)
	}
	return lisp.Array(out...)
}

// eventLine is an event as a line of text: when, who, what became of it, why, and who asked.
func eventLine(e core.Event) string {
	return oneLine(e.At.UTC().Format(timeLayout) + "  " + e.Name + "  " + story(e))
}

// eventJSON is an event as an object of JSON, with the keys that (events) gives.
func eventJSON(e core.Event) string {
	text, err := lisp.AppendJSON(nil, eventValue(e))
	if err != nil {
		return eventLine(e) // an event holds nothing that JSON has no word for
	}
	return string(text)
}

// oneLine makes control characters harmless.
func oneLine(text string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f && c < 0xa0 || c == 0x2028 || c == 0x2029 {
			return '?'
		}
		return c
	}, text)
}

func history(h *Host, _ *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	a := arguments{"history", args}
	if err := a.count(1, 1); err != nil {
		return lisp.Nil, err
	}
	name, err := a.process(0)
	if err != nil {
		return lisp.Nil, err
	}
	found, err := historyOf(h, name)
	if err != nil {
		return lisp.Nil, err
	}
	return eventValues(found), nil
}

// historyOf are the events of one process; of one that was removed too, as long as they are kept.
func historyOf(h *Host, name string) ([]core.Event, error) {
	all, _ := h.Sup.Journal().Since(0, 0)
	var found []core.Event
	for _, e := range all {
		if e.Name == name && !e.Daemon {
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		if _, err := h.Sup.Spec(name); err != nil {
			return nil, shown(err)
		}
	}
	return found, nil
}

// toldEvents is how many of the last events why tells.
const toldEvents = 5

func why(h *Host, _ *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	a := arguments{"why", args}
	if err := a.count(1, 1); err != nil {
		return lisp.Nil, err
	}
	name, err := a.process(0)
	if err != nil {
		return lisp.Nil, err
	}
	if _, err := h.Sup.Spec(name); err != nil {
		return lisp.Nil, shown(err)
	}
	all, err := h.Sup.Status(name)
	if err != nil {
		return lisp.Nil, shown(err)
	}
	found, err := historyOf(h, name)
	if err != nil {
		return lisp.Nil, err
	}
	return lisp.String(explain(all[0], found)), nil
}

// explain is the present state of a process in words, and the last events that led to it.
func explain(s core.Status, past []core.Event) string {
	var b strings.Builder
	in := ""
	if s.State == core.Backoff {
		in = "in "
	}
	fmt.Fprintf(&b, "%s is %s%s", s.Name, in, s.State)
	switch {
	case s.PID != 0 && s.State == core.Running:
		fmt.Fprintf(&b, " (pid %d), for %s", s.PID, s.Uptime().Truncate(time.Second))
	case s.PID != 0:
		fmt.Fprintf(&b, " (pid %d)", s.PID)
	case s.Want && s.State != core.Starting:
		b.WriteString(", although it is wanted up")
	}
	if s.Reason != "" {
		b.WriteString(": " + oneLine(s.Reason))
	}
	b.WriteString(".")
	if by := lastAsked(past); by != "" {
		b.WriteString("\nIt was " + oneLine(by) + ".")
	}
	if s.Exit != nil {
		fmt.Fprintf(&b, "\nIts last life ended with %s.", s.Exit)
	}
	if s.State == core.Backoff && !s.NextTry.IsZero() {
		fmt.Fprintf(&b, "\nIt is tried again at %s, in %s.", s.NextTry.UTC().Format(timeLayout), max(0, time.Until(s.NextTry).Round(time.Second)))
	}
	switch {
	case s.Restarts == 1:
		b.WriteString("\nIt was restarted by itself once since somebody last asked for it.")
	case s.Restarts > 1:
		fmt.Fprintf(&b, "\nIt was restarted by itself %d times since somebody last asked for it.", s.Restarts)
	}
	if s.Log != "" {
		b.WriteString("\nIts output cannot be kept: " + oneLine(s.Log) + ".")
	}
	if len(past) > toldEvents {
		past = past[len(past)-toldEvents:]
	}
	for _, e := range past {
		b.WriteString("\n  " + e.At.UTC().Format(timeLayout) + "  " + story(e))
	}
	return b.String()
}

// lastAsked says who last wanted the process to be another way than it was, and when; "" when that is no longer known.
func lastAsked(past []core.Event) string {
	for _, e := range slices.Backward(past) {
		moved := e.To == core.Starting && e.From != core.Stopping || e.To == core.Stopping || e.To == core.Stopped && e.From != core.Stopping
		if by := byWhom(e.Cause); moved && e.From != e.To && by != "" && !strings.HasPrefix(by, "started again by the daemon") {
			return by + ", at " + e.At.UTC().Format(timeLayout)
		}
	}
	return ""
}
