package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/qjpcpu/supervisord/builtins"
	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/lisp"
)

// localDepth bounds the recursion of a program that runs here; it has no other budget.
const localDepth = 20000

// execLocal runs a program in this process: the language and the host, no verbs, no daemon.
func (s *session) execLocal(c *call) (err error) {
	for _, name := range []string{"form", "json", "server"} {
		if c.has(name) {
			return usage("cannot use --%s with exec --local: it talks to no daemon", name)
		}
	}
	p, err := execText(s, c)
	if err != nil {
		return err
	}
	ctx, stop := s.interruptible()
	defer stop()
	if d := c.timeout(); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	starter := &lazyStarter{}
	defer func() { err = errors.Join(err, starter.close()) }()
	env := lisp.NewBase(builtins.Modules(starter, nil, s.stdio.In)...).Child()
	var argv []lisp.Value
	for _, arg := range p.argv {
		argv = append(argv, lisp.String(arg))
	}
	env.Define("ARGV", lisp.Array(argv...))
	thread := lisp.NewThread(ctx, s.stdio.Out, lisp.Budget{Depth: localDepth})
	thread.KindOf = builtins.KindOf
	thread.Load = func(name, from string) (string, string, error) {
		text, path, err := builtins.LoadFile(name, from)
		return dropShebang(text), path, err
	}
	builtins.SetArgs(thread, append([]string{p.name}, p.argv...))
	value, err := thread.Eval(env, p.name, p.form)
	if err == nil && c.has("eval") {
		return s.show(c, p, replyOf(builtins.Result{Value: value}))
	}
	return localEnd(err)
}

// localEnd is what the end of a local program means for the command.
func localEnd(result error) error {
	var leave lisp.Exit
	var failure *lisp.Error
	switch {
	case result == nil:
		return nil
	case errors.As(result, &leave):
		return exitCode(leave.Code)
	case errors.As(result, &failure):
		told := *failure
		told.Msg += needsDaemon(failure)
		return fail(ExitFailed, "%s", told.Render())
	}
	return fail(ExitFailed, "%w", result)
}

// needsDaemon is what to do about a name that only a daemon knows.
func needsDaemon(failure *lisp.Error) string {
	for _, verb := range builtins.Verbs() {
		if failure.Kind == "unbound" && strings.HasPrefix(failure.Msg, "cannot find "+verb.Name+":") {
			return " here: it is a verb of the daemon, which --local leaves out"
		}
	}
	return ""
}

// lazyStarter becomes the owner of this process's children when the first is started.
type lazyStarter struct {
	mu   sync.Mutex
	host *child.Host
}

// Start starts a command.
func (l *lazyStarter) Start(command child.Command) (child.Child, error) {
	host, err := l.become()
	if err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", command.Path, err)
	}
	return host.Start(command)
}

func (l *lazyStarter) become() (*child.Host, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.host == nil {
		host, err := child.NewHost(child.Options{CgroupMode: "off", Instance: "local", Logf: func(string, ...any) {}})
		if err != nil {
			return nil, err
		}
		l.host = host
	}
	return l.host, nil
}

func (l *lazyStarter) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.host == nil {
		return nil
	}
	return l.host.Close()
}
