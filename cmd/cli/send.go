package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/qjpcpu/supervisord/lisp"
	"github.com/qjpcpu/supervisord/repl"
)

// replyGrace is how much longer than its own time limit a request is waited for.
const replyGrace = 2 * time.Second

// silence is how long a daemon that answers at once is waited for before the person is told.
const silence = 2 * time.Second

// farewellTime bounds how long a shutdown waits for the daemon's own end, after everything else has ended.
const farewellTime = 10 * time.Second

// program is what a command asks a daemon to evaluate.
type program struct {
	form      string
	name      string // where errors say they are
	argv      []string
	stdin     string
	showNil   bool
	showValue bool
}

// send is the life of a command that is a form: build it, show it or post it, render the reply, say what it means.
func (s *session) send(c *call) error {
	if c.command.text != nil && c.has("local") {
		return s.execLocal(c)
	}
	p, err := s.program(c)
	if err != nil {
		return err
	}
	if c.has("form") {
		_, err := fmt.Fprintln(s.stdio.Out, strings.TrimRight(p.form, "\n"))
		return err
	}
	client, pid, err := s.dial(c)
	if err != nil {
		return err
	}
	if c.has("watch") {
		return s.watch(c, client)
	}
	ends := false // the daemon is about to
	if c.command.last {
		wait := farewell(pid)
		defer func() {
			patience := farewellTime
			if !ends {
				patience = 0
			}
			bounded, cancel := context.WithTimeout(s.ctx, patience)
			defer cancel()
			wait(bounded)
		}()
	}
	ctx, stop := s.interruptible()
	defer stop()
	if d := c.timeout(); d > 0 {
		// The daemon's own reply to the time limit says more than ours, so it gets a moment to arrive.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d+replyGrace)
		defer cancel()
	}
	began := time.Now()
	endProgress := s.progress(c, client)
	answered := s.awaitAnswer(c, pid)
	reply, err := client.Eval(ctx, repl.Request{
		Form: p.form, Name: p.name, Argv: p.argv, Stdin: p.stdin, Timeout: c.timeout(),
	}, c.printer(s.stdio.Out))
	endProgress()
	answered()
	ends = parting(reply, err)
	if err != nil {
		if ctx.Err() != nil && s.ctx.Err() == nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return s.interrupted(c)
		}
		if errors.Is(ctx.Err(), context.DeadlineExceeded) && s.ctx.Err() == nil {
			return fail(ExitTimeout, "gave up waiting for the daemon%s: it has not answered within %s", withPID(pid), c.timeout())
		}
		return c.unreachable(err)
	}
	err = s.show(c, p, reply)
	if reply.Error == nil && c.command.troubles && !c.has("json") {
		s.warnOf(ctx, client, reply.Trouble)
	}
	if reply.Error == nil && c.command.warned && !c.has("dry-run") && !c.has("json") {
		s.warnOfReload(ctx, c)
	}
	if err == nil {
		err = s.sumUp(c, reply, time.Since(began))
	}
	return err
}

// parting reports that a daemon which was asked to end is about to: it says that it is done, be it with something left over, or it
// was lost. One that refuses, that did not hear of it, or whom nobody waits for any longer may live on for as long as it likes.
func parting(reply repl.Reply, err error) bool {
	if err != nil {
		lost, ok := errors.AsType[*repl.UnreachableError](err)
		return ok && lost.Sent
	}
	return reply.Error == nil || repl.ExitCode(reply.Error.Kind) == ExitFailed
}

// awaitAnswer tells the person when a daemon that answers at once does not. The function that it returns ends that.
func (s *session) awaitAnswer(c *call, pid int) (answered func()) {
	if !c.command.atOnce || c.has("follow") {
		return func() {}
	}
	told := make(chan struct{})
	timer := time.AfterFunc(silence, func() {
		defer close(told)
		fmt.Fprintf(s.stdio.Err, "supervisord: the daemon%s has not answered for %s, still waiting (Ctrl-C ends that)\n", withPID(pid), silence)
	})
	return func() {
		if !timer.Stop() {
			<-told
		}
	}
}

// withPID names a process, if it is known.
func withPID(pid int) string {
	if pid <= 0 {
		return ""
	}
	return fmt.Sprintf(" (pid %d)", pid)
}

// sumUp ends what was done to several processes, or before a person's eyes, with one line.
func (s *session) sumUp(c *call, reply repl.Reply, took time.Duration) error {
	if c.command.progress == "" || c.has("json") {
		return nil
	}
	all, err := outcomes(reply.Value)
	if err != nil || len(all) < 2 && !isTerminal(s.stdio.Out) {
		return nil
	}
	_, err = fmt.Fprintln(s.stdio.Out, summary(all, took))
	return err
}

// interrupted says what an interrupt means: the end of what goes on for ever, else that the waiting was given up.
func (s *session) interrupted(c *call) error {
	if c.has("follow") {
		return nil
	}
	return fail(ExitTimeout, "interrupted: what was asked for may still go on")
}

// program makes the text that is sent.
func (s *session) program(c *call) (program, error) {
	if c.command.text != nil {
		return c.command.text(s, c)
	}
	value, err := c.command.form(c)
	if err != nil {
		return program{}, err
	}
	return program{form: lisp.Print(value), name: "cli", showValue: true}, nil
}

// show prints a reply and turns it into the command's end.
func (s *session) show(c *call, p program, reply repl.Reply) error {
	if reply.Output != "" {
		if _, err := io.WriteString(c.printer(s.stdio.Out), reply.Output); err != nil {
			return err
		}
	}
	if reply.Error != nil {
		return s.failed(c, p, reply.Error)
	}
	if reply.Exit != 0 {
		return exitCode(reply.Exit)
	}
	value := []byte(reply.Value)
	if len(value) == 0 {
		value = []byte("null")
	}
	if err := s.render(c, p, value, reply.Text); err != nil {
		return err
	}
	if c.command.judge != nil {
		if code := c.command.judge(value); code != ExitOK {
			return exitCode(code)
		}
	}
	return nil
}

func (s *session) render(c *call, p program, value []byte, text string) error {
	switch {
	case c.has("json"):
		if c.has("follow") && string(value) == "null" {
			return nil
		}
		if c.has("lines") {
			value = lastOf(value, c.last())
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, value); err != nil {
			return fmt.Errorf("cannot print the reply as JSON: %w", err)
		}
		compact.WriteByte('\n')
		_, err := s.stdio.Out.Write(compact.Bytes())
		return err
	case c.has("raw") && p.showValue:
		return renderRaw(&view{out: s.stdio.Out, value: value, text: text})
	case !p.showValue || string(value) == "null" && !p.showNil:
		return nil
	case p.showNil && isTerminal(s.stdio.Out) && showKnown(s.stdio.Out, repl.Reply{Value: value, Text: text}):
		return nil
	case c.command.render == nil:
		_, err := fmt.Fprintln(s.stdio.Out, text)
		return err
	}
	return c.command.render(&view{out: s.stdio.Out, value: value, text: text, colour: colourful(s.stdio.Out), painter: c.painter(s.stdio.Out),
		last: c.last(), notes: s.stdio.Err})
}

// failed turns the daemon's refusal into an error with its exit code. A report that came with it is printed first, so
// that what did succeed is seen.
func (s *session) failed(c *call, p program, failure *repl.Failure) error {
	if len(failure.Value) > 0 && string(failure.Value) != "null" {
		if c.has("json") {
			fmt.Fprintf(s.stdio.Out, "%s\n", failure.Value)
		} else if c.command.render != nil {
			if err := c.command.render(&view{out: s.stdio.Out, value: failure.Value, colour: colourful(s.stdio.Out)}); err != nil {
				return err
			}
		}
	}
	if c.has("follow") && failure.Kind == "cancelled" {
		fmt.Fprintln(s.stdio.Err, "supervisord: the daemon has ended")
		return nil
	}
	message := failure.Message
	if c.command.text != nil {
		message = p.explain(failure)
	} else {
		message += c.nextStep(failure.Kind, message)
	}
	return fail(repl.ExitCode(failure.Kind), "%s", message)
}

// nextStep is what a person may want to do after a failure whose message does not say it yet.
func (c *call) nextStep(kind, message string) string {
	switch {
	case strings.HasSuffix(message, ")") && (strings.Contains(message, "did you mean ") || strings.Contains(message, "(supervisord ")):
		return ""
	case kind == "not-found" && slices.Contains(c.args, "all"): // as in supervisorctl and pm2
		return " ('*' is every process)"
	case kind == "not-found":
		return " (supervisord service status lists the processes)"
	case kind == "failed" && c.command.progress == "start":
		name := "NAME"
		if len(c.args) == 1 && !strings.ContainsAny(c.args[0], "*?[") {
			name = c.args[0]
		}
		return " (supervisord why " + name + " tells what happened, supervisord service logs " + name + " what it printed)"
	}
	return ""
}

// explain shows where a program failed: the place, the line of its text with a caret, and the calls under way.
func (p program) explain(failure *repl.Failure) string {
	e := lisp.Error{Kind: failure.Kind, Msg: failure.Message, Trace: failure.Trace, Line: failure.Line}
	place, inside := strings.CutPrefix(failure.Where, p.name+":")
	if _, err := fmt.Sscanf(place, "%d:%d", &e.Pos.Line, &e.Pos.Col); !inside || err != nil {
		e.Pos = lisp.Pos{}
		if failure.Where != "" {
			e.Msg = failure.Where + ": " + e.Msg
		}
		return e.Render()
	}
	e.Pos.Name = p.name
	if lines := strings.Split(p.form, "\n"); e.Line == "" && e.Pos.Line > 0 && e.Pos.Line <= len(lines) {
		e.Line = strings.TrimSuffix(lines[e.Pos.Line-1], "\r")
	}
	return e.Render()
}

// printer is where output goes that arrives in pieces.
func (c *call) printer(out io.Writer) io.Writer {
	if p := c.painter(out); p != nil {
		return p
	}
	if c.command.dated && !c.has("json") {
		return &eventLines{out: out, colour: colourful(out)}
	}
	return &streamed{out: out, raw: !isTerminal(out)}
}

// streamed passes output on as it arrives. On a terminal, control characters are escaped.
type streamed struct {
	out io.Writer
	raw bool
}

func (w *streamed) Write(p []byte) (int, error) {
	if w.raw {
		return w.out.Write(p)
	}
	if _, err := io.WriteString(w.out, repl.Plain(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// environment is a variable of this process, "" when unset.
func environment(name string) string { return os.Getenv(name) }
