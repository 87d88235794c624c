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

const (
	progressAfter = 400 * time.Millisecond // how long a command may take before it shows what it waits for
	redrawn       = time.Second            // how often times that go on are written anew
	eventPause    = 100 * time.Millisecond // events that come faster are shown together
)

// happenings are the events of a daemon as far as a picture of it needs them: something has happened. The channel is
// closed when no more will be heard. Nothing is missed: it begins with what happened before.
func happenings(ctx context.Context, client *repl.Client) <-chan struct{} {
	events := &eventSignal{arrived: make(chan struct{}, 1)}
	follow := append1(append1(form("events"), lisp.Int(0)), lisp.String("follow"))
	go func() {
		defer close(events.arrived)
		_, _ = client.Eval(ctx, repl.Request{Form: lisp.Print(follow), Name: "cli"}, events)
	}()
	return events.arrived
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

// picture shows what a daemon says as it changes.
type picture struct {
	ask      func(context.Context) error // looks
	draw     func(since time.Duration) error
	happened <-chan struct{} // closed: no more is heard
	ageing   bool            // it shows times, which go on
}

// run draws until ctx ends, which is no error, or the daemon does not answer.
func (p *picture) run(ctx context.Context) error {
	tick := time.NewTicker(redrawn)
	defer tick.Stop()
	ticks := tick.C
	if !p.ageing {
		ticks = nil
	}
	for {
		looked := time.Now()
		if err := p.ask(ctx); err != nil {
			return unlessEnded(ctx, err)
		}
		for again := false; !again; {
			if err := p.draw(time.Since(looked)); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return nil
			case <-ticks:
			case _, more := <-p.happened:
				if !more {
					return unlessEnded(ctx, errDaemonEnded)
				}
				again = true
			}
		}
		if err := pause(ctx, eventPause-time.Since(looked)); err != nil {
			return nil
		}
	}
}

// errDaemonEnded is the end of what goes on as long as the daemon does.
var errDaemonEnded = fail(ExitUnreachable, "the daemon has ended")

// unlessEnded is the error of something that ctx did not end.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// progress begins to show on a terminal what a command waits for, in one line that is written over. end takes it away; it
// must be called before anything else is printed.
func (s *session) progress(c *call, client *repl.Client) (end func()) {
	verb := c.command.progress
	if verb == "" || c.has("json") || !isScreen(s.stdio.Err) {
		return func() {}
	}
	ctx, cancel := context.WithCancel(s.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if pause(ctx, progressAfter) != nil {
			return
		}
		defer io.WriteString(s.stdio.Err, "\r\x1b[K")
		var lines []statusLine
		line := &picture{happened: happenings(ctx, client), ageing: true,
			ask: func(ctx context.Context) (err error) {
				reply, err := client.Eval(ctx, repl.Request{Form: lisp.Print(form("status", c.args...)), Name: "cli"}, nil)
				if err == nil && reply.Error != nil {
					err = reply.Error
				}
				if err == nil {
					lines, err = statusLines(reply.Value)
				}
				return err
			},
			draw: func(time.Duration) error {
				_, err := io.WriteString(s.stdio.Err, "\r\x1b[K"+clipRunes(progressText(verb, lines, time.Now()), screenWidth()-1))
				return err
			},
		}
		_ = line.run(ctx) // without a picture the command goes on
	}()
	return func() {
		cancel()
		<-done
	}
}

// progressText says what is waited for: a stop names who is still there and what was sent, everything else counts.
func progressText(verb string, lines []statusLine, now time.Time) string {
	up := 0
	var rest []string
	for _, s := range lines {
		reason := s.reasonAt(now)
		switch {
		case verb == "stop" && s.PID == 0, verb != "stop" && s.State == "running":
			up++
		case reason != "":
			rest = append(rest, s.Name+" ("+s.State+", "+reason+")")
		default:
			rest = append(rest, s.Name+" ("+s.State+")")
		}
	}
	what := "running"
	if verb == "stop" {
		what = "stopped"
	}
	text := fmt.Sprintf("%d of %d %s", up, len(lines), what)
	if len(rest) > 0 {
		text += "; waiting for " + strings.Join(rest, ", ")
	}
	return printable(text)
}

// reasonAt is why the state is what it is, and what comes next if nothing else happens.
func (s statusLine) reasonAt(now time.Time) string {
	reason := s.Reason
	next := map[string]string{"stopping": "SIGKILL in ", "starting": "counts as up in ", "backoff": "next try in "}[s.State]
	if deadline, err := time.Parse(time.RFC3339, s.Deadline); err == nil && next != "" {
		left := max(0, deadline.Sub(now)).Round(time.Second)
		reason = strings.TrimPrefix(reason+", "+next+span(left.Seconds()), ", ")
	}
	return reason
}

// summary is one line on what a command did: how many of each outcome, and how long it took.
func summary(all []outcome, took time.Duration) string {
	var kinds []string
	count := map[string]int{}
	for _, o := range all {
		if count[o.Did]++; count[o.Did] == 1 {
			kinds = append(kinds, o.Did)
		}
	}
	for i, kind := range kinds {
		kinds[i] = fmt.Sprintf("%d %s", count[kind], kind)
	}
	if len(kinds) == 0 {
		kinds = []string{"nothing to do"}
	}
	return printable(strings.Join(kinds, ", ") + " in " + briefly(took))
}

// briefly writes how long something took.
func briefly(d time.Duration) string {
	switch {
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return span(d.Seconds())
}

func clipRunes(text string, width int) string {
	if runes := []rune(text); len(runes) > width && width > 1 {
		return string(runes[:width-1]) + "…"
	}
	return text
}
