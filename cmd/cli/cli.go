package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/qjpcpu/supervisord/builtins"
)

// Stdio is what a command reads and writes. Terminals are recognised when a stream is an *os.File.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
}

// Options are what an embedder adds.
type Options struct {
	// Verbs are added after the built-in ones: in scripts, at the prompt, in help and, by their power, under
	// disable_rce. A name that is already taken makes start fail.
	Verbs []builtins.Verb
}

// Run runs the command line of this process and ends it with the command's exit code. An interrupt cancels the
// command; the daemon handles its signals itself.
func Run() {
	os.Exit(Main(context.Background(), os.Args[1:], Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, Options{}))
}

// Main runs one command. args are the words after the program's name; the result is the exit code (see the Exit
// constants). It never calls os.Exit. When ctx ends, however it does, a command that waits is given up with ExitTimeout and
// a daemon stops in order, as it would by a signal.
//
// At most one daemon may live in a process at a time, because a process has only one owner of its children.
func Main(ctx context.Context, args []string, stdio Stdio, options Options) int {
	s := &session{ctx: ctx, stdio: stdio, options: options, args: args}
	err := s.run()
	var quiet exitCode
	if errors.As(err, &quiet) {
		return int(quiet)
	}
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			before := "supervisord: "
			if strings.HasPrefix(line, " ") {
				before = "" // it belongs to the line above
			}
			text := before + printable(strings.TrimSuffix(line, "\n"))
			if width := widthFor(stdio.Err); width > 0 && before != "" { // what belongs to a line above has its columns
				text = wrap(text, width)
			}
			fmt.Fprintln(stdio.Err, text)
		}
	}
	return codeOf(err)
}

// session is one run of the command line.
type session struct {
	ctx     context.Context
	stdio   Stdio
	options Options
	args    []string // as they were given, visibly or not
	hidden  bool     // the arguments came from a descriptor
}

func (s *session) run() error {
	hidden, err := inherited(argsVariable)
	if err != nil {
		return err
	}
	if hidden != nil {
		if s.args, err = hiddenArgs(hidden); err != nil {
			return err
		}
		s.hidden = true
	}
	call, err := parse(s.args)
	if err != nil {
		return err
	}
	if call.command.local != nil {
		return call.command.local(s, call)
	}
	return s.send(call)
}

// interruptible ends its context at the first interrupt; the second one ends the program as usual.
func (s *session) interruptible() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(s.ctx, os.Interrupt)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
