package repl

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
)

// Terminal is the loop that a person talks to. Client, In, Out and Err are needed; the zero value of the rest will do.
type Terminal struct {
	Client      *Client
	In          io.Reader
	Out, Err    io.Writer // values and output; errors
	Interactive bool      // In is a terminal: prompts, editing and a banner. Else forms are read and evaluated to the end of In
	Colour      bool
	History     string // the file of the person's earlier forms; "" keeps none
	Banner      string // printed first when interactive
	Session     string // name of the server-side session; "" makes one up

	// Show prints a reply's value. nil prints its text, cut when it is very long.
	Show func(w io.Writer, r Reply)
	// Complete returns completions of the word before the cursor: a symbol, or a string from its opening quote on. head: the
	// word stands where a verb does. It is called with a ctx that ends soon.
	Complete func(ctx context.Context, word string, head bool) []Candidate
}

// Candidate is one way to complete a word.
type Candidate struct {
	Text string // the whole word
	Doc  string // one line on it
}

// Run talks until the input ends, (exit N) or ctx does. It returns the exit code: that of (exit N), else 0 when
// interactive, where an error ends nothing; when not interactive the first failure ends the loop with its code. While
// an interactive loop runs, SIGINT ends the running evaluation and nothing else.
func (t *Terminal) Run(ctx context.Context) int {
	if t.Session == "" {
		t.Session = "repl-" + rand.Text()
	}
	if !t.Interactive {
		return t.piped(ctx)
	}
	return t.talk(ctx)
}

// talk is the loop with a person.
func (t *Terminal) talk(ctx context.Context) int {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	e, err := newEditor(ctx, t, interrupts)
	if err != nil {
		fmt.Fprintln(t.Err, err)
		return ExitCode(kindFailed)
	}
	defer e.close()
	if t.Banner != "" {
		fmt.Fprintln(t.Out, t.Banner)
	}
	for ctx.Err() == nil {
		src, err := e.form()
		switch {
		case errors.Is(err, errAbandoned):
			continue
		case err != nil || ctx.Err() != nil:
			return 0
		case !scanText(src).content:
			continue
		}
		switch strings.TrimSpace(src) {
		case "(exit)", "(quit)", "exit", "quit":
			return 0
		}
		reply, err := t.interruptible(ctx, interrupts, src)
		switch {
		case err != nil:
			t.complain("", err.Error())
		case reply.Exit != 0:
			return reply.Exit
		case reply.Error != nil:
			t.fail(src, 0, reply.Error)
		default:
			t.show(reply)
		}
	}
	return 0
}

// errInterrupted is what an evaluation means that Ctrl-C ended.
var errInterrupted = errors.New("interrupted (an operation that was under way goes on)")

// interruptible evaluates src until it is done or the person has enough.
func (t *Terminal) interruptible(ctx context.Context, interrupts <-chan os.Signal, src string) (Reply, error) {
	select {
	case <-interrupts: // of before
	default:
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-interrupts:
			cancel(errInterrupted)
		case <-done:
		}
	}()
	reply, err := t.eval(ctx, src)
	close(done)
	<-watched
	if err != nil && errors.Is(context.Cause(ctx), errInterrupted) {
		err = errInterrupted
	}
	return reply, err
}

// eval sends src and passes its output on as it arrives.
func (t *Terminal) eval(ctx context.Context, src string) (Reply, error) {
	out := &lineKeeper{out: t.Out}
	reply, err := t.Client.Eval(ctx, Request{Form: src, Name: sourceName, Session: t.Session}, out)
	out.freshLine()
	return reply, err
}

// sourceName is what errors call the text of a terminal.
const sourceName = "repl"

// lineKeeper passes safe text on and knows whether the cursor is at the beginning of a line.
type lineKeeper struct {
	out    io.Writer
	midway bool
}

func (l *lineKeeper) Write(p []byte) (int, error) {
	if len(p) > 0 {
		l.midway = p[len(p)-1] != '\n'
	}
	if _, err := io.WriteString(l.out, Plain(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (l *lineKeeper) freshLine() {
	if l.midway {
		fmt.Fprintln(l.out)
		l.midway = false
	}
}

func (t *Terminal) show(r Reply) {
	if t.Show != nil {
		t.Show(t.Out, r)
		return
	}
	fmt.Fprintln(t.Out, Abridge(r.Text, defaultWidth))
}
