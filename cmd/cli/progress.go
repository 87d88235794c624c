package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/qjpcpu/supervisord/lisp"
	"github.com/qjpcpu/supervisord/repl"
)

// progressAfter is how long a command may take before it shows what it waits for.
const progressAfter = 400 * time.Millisecond

// liveLine shows on a terminal what a long command waits for, in one line that is written over and taken away at the end.
type liveLine struct {
	w    io.Writer
	verb string // "stop", "start", ...
	ask  func(ctx context.Context) ([]statusLine, error)
	next func(ctx context.Context) error // returns at the next event
}

// run shows the line until ctx ends.
func (l *liveLine) run(ctx context.Context) {
	wait := time.NewTimer(progressAfter)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
		return
	}
	defer io.WriteString(l.w, "\r\x1b[K")
	for {
		lines, err := l.ask(ctx)
		if err != nil {
			return
		}
		if _, err := io.WriteString(l.w, "\r\x1b[K"+clipRunes(progressText(l.verb, lines), screenWidth()-1)); err != nil {
			return
		}
		if l.next(ctx) != nil {
			return
		}
	}
}

// progressText says what is waited for: a stop names who is still there and why, everything else counts.
func progressText(verb string, lines []statusLine) string {
	up := 0
	var rest []string
	for _, s := range lines {
		switch {
		case verb == "stop" && s.PID == 0, verb != "stop" && s.State == "running":
			up++
		case s.Reason != "":
			rest = append(rest, s.Name+" ("+s.State+", "+s.Reason+")")
		default:
			rest = append(rest, s.Name+" ("+s.State+")")
		}
	}
	what := "running"
	if verb == "stop" {
		what = "stopped"
	}
	return printable(fmt.Sprintf("%d of %d %s; waiting for %s", up, len(lines), what, strings.Join(rest, ", ")))
}

func clipRunes(text string, width int) string {
	if runes := []rune(text); len(runes) > width && width > 1 {
		return string(runes[:width-1]) + "…"
	}
	return text
}

// progress begins to show a live line for a command that may take long, if there is a terminal to show it on. end must be
// called before anything else is printed.
func (s *session) progress(c *call, client *repl.Client) (end func()) {
	verb := c.command.progress
	if verb == "" || c.has("json") || !isTerminal(s.stdio.Err) {
		return func() {}
	}
	ctx, cancel := context.WithCancel(s.ctx)
	events := &eventSignal{arrived: make(chan struct{}, 1)}
	go func() {
		defer close(events.arrived)
		// What this hears is only that something happened; when it ends, the line stays as it is.
		_, _ = client.Eval(ctx, repl.Request{Form: lisp.Print(form("events", "follow")), Name: "progress"}, events)
	}()
	line := &liveLine{w: s.stdio.Err, verb: verb,
		ask: func(ctx context.Context) ([]statusLine, error) {
			reply, err := client.Eval(ctx, repl.Request{Form: lisp.Print(form("status", c.args...)), Name: "progress"}, nil)
			if err != nil {
				return nil, err
			}
			if reply.Error != nil {
				return nil, reply.Error
			}
			return statusLines(reply.Value)
		},
		next: func(ctx context.Context) error {
			select {
			case _, more := <-events.arrived:
				if more {
					return nil
				}
				return context.Canceled
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		line.run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// eventSignal turns written events into one pending signal.
type eventSignal struct{ arrived chan struct{} }

func (e *eventSignal) Write(p []byte) (int, error) {
	select {
	case e.arrived <- struct{}{}:
	default: // one is pending already
	}
	return len(p), nil
}
