package builtins

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/lisp"
)

// The bounds of a command.
const (
	commandPatience = time.Minute     // when nothing else is said
	longestCommand  = 24 * time.Hour  // that can be asked for
	commandOutput   = 1 << 20         // bytes of each output
	killPatience    = 2 * time.Second // after which what cannot be killed is left to the reaper
)

// command is a program that a script runs.
type command struct {
	argv    []string
	cwd     string
	env     []string // "KEY=value"
	stdin   string
	timeout time.Duration

	stdoutTo, stderrTo io.Writer // nil: the outcome has it
}

// outcome is how a command ended.
type outcome struct {
	exit           child.Exit
	stdout, stderr []byte
}

// errTooMuch is why a command was killed that prints without end.
var errTooMuch = errors.New("too much output")

// chunk is a piece of output; data is nil at its end.
type chunk struct {
	stderr bool
	data   []byte
}

// run runs a command to its end. Whatever the way it ends, nothing of its tree is left: what it leaves running is killed, and
// so is everything when the evaluation ends or the time is over. With pass its output goes there as it comes, else it is
// collected.
func (m *machine) run(t *lisp.Thread, c command, pass func([]byte) error) (o outcome, err error) {
	defer func() {
		if err != nil && t.Context().Err() != nil {
			err = over(t)
		}
	}()
	if m.starter == nil {
		return o, lisp.Errorf(kindFailed, "cannot run %s: no commands can be started here", c.name())
	}
	if err := over(t); err != nil {
		return o, err
	}
	ctx, cancel := context.WithTimeout(t.Context(), c.timeout)
	defer cancel()
	spec := child.Command{Name: "@command", Generation: m.count.Add(1), Path: c.argv[0], Args: c.argv[1:], Env: m.variables(t, c.env...), Dir: c.cwd,
		Stdout: child.Pipe, Stderr: child.Pipe}
	done, err := m.feed(t, &spec, c.stdin)
	if err != nil {
		return o, fmt.Errorf("cannot run %s: %w", c.name(), err)
	}
	defer done()
	var why error
	t.Wait(func() { o, why, err = watch(ctx, m.starter, spec, pass) })
	switch {
	case err != nil:
		return o, fmt.Errorf("cannot run %s: %w", c.name(), err)
	case why == nil:
		return o, nil
	case errors.Is(why, context.DeadlineExceeded):
		return o, lisp.Errorf(kindTimeout, "cannot finish %s: it was killed after %v", c.name(), c.timeout)
	case errors.Is(why, errTooMuch):
		return o, lisp.Errorf(kindTooLarge, "cannot finish %s: it was killed, its output has more than %d bytes", c.name(), commandOutput)
	}
	return o, why
}

// watch starts a command and stays with it to its end.
func watch(ctx context.Context, starter child.Starter, spec child.Command, pass func([]byte) error) (o outcome, why, err error) {
	started, err := starter.Start(spec)
	if err != nil {
		return o, nil, err
	}
	chunks := make(chan chunk)
	for i, r := range []*os.File{started.Stdout(), started.Stderr()} {
		go passOn(r, i == 1, chunks)
	}
	o, why = collect(ctx, started, chunks, pass)
	return o, why, nil
}

// name is the command in messages; its arguments may hold secrets.
func (c command) name() string { return cut(oneLine(c.argv[0]), 64) }

// passOn hands the output of a pipe on, its end last, and closes it.
func passOn(r *os.File, stderr bool, to chan<- chunk) {
	if r != nil {
		defer r.Close()
		for {
			part := make([]byte, 16<<10)
			n, err := r.Read(part)
			if n > 0 {
				to <- chunk{stderr, part[:n]}
			}
			if err != nil {
				break
			}
		}
	}
	to <- chunk{stderr: stderr}
}

// collect waits for the end of a command and of its output, and kills it when there is a reason. why is that reason.
func collect(ctx context.Context, c child.Child, chunks <-chan chunk, pass func([]byte) error) (o outcome, why error) {
	exited, gone, ended := c.Exited(), c.Gone(), ctx.Done()
	var late <-chan time.Time
	kill := func(reason error) {
		if why == nil {
			why = reason
			_ = c.Kill() // what cannot be killed shows by its not being gone
			late = time.After(killPatience)
		}
		ended = nil
	}
	for open := 2; open > 0 || exited != nil || gone != nil; {
		select {
		case part := <-chunks:
			switch {
			case part.data == nil:
				open--
			case why != nil:
			case pass != nil:
				if err := pass(part.data); err != nil {
					kill(err)
				}
			case part.stderr:
				o.stderr = append(o.stderr, part.data...)
			default:
				o.stdout = append(o.stdout, part.data...)
			}
			if len(o.stdout) > commandOutput || len(o.stderr) > commandOutput {
				kill(errTooMuch)
			}
		case o.exit = <-exited:
			exited = nil
		case <-gone:
			gone = nil
		case <-ended:
			kill(ctx.Err())
		case <-late:
			// Its reader's end comes with the closing of the pipe; what is left of it is the reaper's.
			for _, r := range []*os.File{c.Stdout(), c.Stderr()} {
				if r != nil {
					_ = r.Close()
				}
			}
			for ; open > 0; open-- {
				for part := range chunks {
					if part.data == nil {
						break
					}
				}
			}
			return o, why
		}
	}
	return o, why
}

// feed gives a command its standard input, and returns what to do when it has ended. It comes from a file, because one that
// reads nothing must not hold up anybody.
func (m *machine) feed(t *lisp.Thread, c *child.Command, text string) (done func(), err error) {
	if text == "" {
		return func() {}, nil
	}
	if runtime.GOOS == "windows" {
		return nil, errors.New("a standard input is not possible on Windows yet (write a file and name it)")
	}
	path, found := m.which(t, c.Path)
	if !found {
		return nil, errors.New("no such program")
	}
	file, err := os.CreateTemp("", "supervisord-stdin-")
	if err != nil {
		return nil, err
	}
	done = func() { _ = os.Remove(file.Name()) }
	if _, err := io.WriteString(file, text); err != nil {
		_ = file.Close()
		done()
		return nil, err
	}
	if err := file.Close(); err != nil {
		done()
		return nil, err
	}
	c.Args = append([]string{"-c", `exec "$@" <"$0"`, file.Name(), path}, c.Args...)
	c.Path = "/bin/sh"
	return done, nil
}

// which is the file of a program, by the PATH of an evaluation's commands.
func (m *machine) which(t *lisp.Thread, name string) (string, bool) {
	if filepath.Base(name) != name {
		return name, isProgram(name)
	}
	for _, dir := range filepath.SplitList(m.lookup(t, "PATH")) {
		for _, end := range programEnds() {
			if file := filepath.Join(dir, name+end); filepath.IsAbs(file) && isProgram(file) {
				return file, true
			}
		}
	}
	return "", false
}

// programEnds are what the name of a program's file may have behind what people call it.
func programEnds() []string {
	if runtime.GOOS == "windows" {
		return []string{".exe", ".com", ".bat", ".cmd", ""}
	}
	return []string{""}
}

func isProgram(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && (info.Mode()&0o111 != 0 || runtime.GOOS == "windows")
}
