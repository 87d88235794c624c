package cli

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/child"
)

// noticeBatch bounds how many events are taken from the journal at once.
const noticeBatch = 256

// report writes one line into the daemon's log for every start and end of a process. It ends when no process is left.
func (d *daemon) report(context.Context) error {
	journal := d.sup.Journal()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-d.ending.done
		cancel()
	}()
	seq := uint64(0)
	for {
		ended := journal.Wait(ctx, seq) != nil
		for {
			events, missed := journal.Since(seq, noticeBatch)
			if missed > 0 {
				d.diary.Warnf("%d events were too fast to be noted here", missed)
			}
			for _, e := range events {
				d.note(e)
				seq = e.Seq
			}
			if len(events) < noticeBatch {
				break
			}
		}
		if ended {
			return nil
		}
	}
}

// note writes an event into the log: what an operator wants to know, and at the level of debug the rest.
func (d *daemon) note(e core.Event) {
	if e.Daemon {
		d.diary.log(slog.LevelError, notice(e), slog.String("part", e.Name), slog.String("note", e.Note), slog.String("who", e.Cause.Who), slog.String("what", e.Cause.What))
		return
	}
	text, level := notice(e), slog.LevelInfo
	switch {
	case text == "" && !d.diary.logs(slog.LevelDebug):
		return // most events, so nothing is made of them
	case text == "":
		text, level = fmt.Sprintf("%s: %s -> %s %s", e.Name, e.From, e.To, e.Note), slog.LevelDebug
	case e.From != e.To && e.To == core.Fatal:
		level = slog.LevelError
	case e.From != e.To && e.To == core.Backoff:
		level = slog.LevelWarn
	}
	if !d.diary.wantsAttrs() {
		d.diary.log(level, strings.TrimSpace(text))
		return
	}
	attrs := []slog.Attr{slog.String("process", e.Name), slog.String("from", e.From.String()), slog.String("to", e.To.String())}
	if e.PID > 0 {
		attrs = append(attrs, slog.Int("pid", e.PID))
	}
	if e.Exit != nil {
		attrs = append(attrs, slog.String("exit", e.Exit.String()))
	}
	if e.Note != "" {
		attrs = append(attrs, slog.String("note", e.Note))
	}
	if e.Cause != (core.Cause{}) {
		attrs = append(attrs, slog.String("who", e.Cause.Who), slog.String("what", e.Cause.What))
	}
	d.diary.log(level, strings.TrimSpace(text), attrs...)
}

// notice is one event as a line, "" if it says nothing to an operator.
func notice(e core.Event) string {
	switch {
	case e.Daemon:
		return strings.TrimSpace(e.Name + ": " + e.Note + " (" + strings.TrimSpace(e.Cause.Who+" "+e.Cause.What) + ")")
	case e.From == e.To && e.Note == "":
		return ""
	case e.From == e.To && e.Cause.What == bootCause, e.From != e.To && e.To == core.Starting:
		return "" // the next event of this process says more
	}
	var b strings.Builder
	b.WriteString(e.Name + ": ")
	if e.From != e.To {
		b.WriteString(e.To.String())
		if e.To == core.Running && e.PID > 0 {
			fmt.Fprintf(&b, " pid %d", e.PID)
		}
		if e.Note != "" {
			b.WriteString(", " + e.Note)
		}
	} else {
		b.WriteString(e.Note)
	}
	if e.Cause != (core.Cause{}) {
		b.WriteString(" (" + strings.TrimSpace(e.Cause.Who+" "+e.Cause.What) + ")")
	}
	return b.String()
}

// managedUsers are the users that processes run as; they may not control the daemon that controls them.
func managedUsers(specs []core.Spec) map[int]bool {
	users := map[int]bool{}
	for _, spec := range specs {
		if spec.Launch.User == "" {
			continue
		}
		// A user that does not exist cannot connect; the start says what is wrong.
		if identity, err := child.LookupUser(spec.Launch.User, spec.Launch.Group); err == nil {
			users[int(identity.UID)] = true
		}
	}
	return users
}
