package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/qjpcpu/supervisord/core/config"
	"github.com/qjpcpu/supervisord/repl"
)

// start is the command that becomes a daemon, or starts one and waits until it answers.
func (s *session) start(c *call) error {
	if len(c.args) == 1 && len(c.flags)+len(c.more) == 0 && !c.has("daemonize") && !c.has("foreground") {
		return s.startOne(c)
	}
	ready, err := inherited(readyVariable)
	if err != nil {
		return err
	}
	scarce, err := fitting()
	var from origin
	var loaded config.Config
	if err == nil {
		from, loaded, err = s.load(c)
	}
	loaded.Warn(scarce...)
	if err != nil {
		tell(ready, tidings{Error: err.Error(), Code: codeOf(err)})
		return err
	}
	settings := loaded.Settings
	switch {
	case ready != nil:
	case settings.Daemonize:
		return s.background(settings.HideArgs)
	case settings.HideArgs && !s.hidden:
		return hideArgs(s.args)
	}
	return s.serve(from, loaded, ready)
}

// startOne is service start: a name without a command can only be that of a process that the daemon has.
func (s *session) startOne(c *call) error {
	service, _ := exactly([]string{spared, "start"})
	err := s.send(&call{command: service, given: c.given, args: c.args})
	if err != nil && codeOf(err) == ExitUnreachable {
		return usage("cannot start %s: no daemon of this configuration runs, and it has no command (supervisord start starts the daemon, "+
			"supervisord start NAME COMMAND ... the daemon with one more process)", c.args[0])
	}
	return err
}

// load finds and reads the configuration that the words of start describe.
func (s *session) load(c *call) (origin, config.Config, error) {
	if c.has("daemonize") && c.has("foreground") {
		return origin{}, config.Config{}, usage("cannot use --daemonize with --foreground")
	}
	if len(c.args) == 1 {
		return origin{}, config.Config{}, usage("cannot start %s: it has no command (want NAME COMMAND ARGS...)", c.args[0])
	}
	words, err := config.ParseStart(c.words())
	if err != nil {
		return origin{}, config.Config{}, err
	}
	path, err := config.Find(c.configuration())
	if err != nil {
		return origin{}, config.Config{}, err
	}
	if path == "" && words.Process == nil {
		return origin{}, config.Config{}, usage("cannot start: there is neither a configuration nor a process to start " +
			"(supervisord init writes one, -c FILE names one, supervisord start NAME COMMAND needs none)")
	}
	folder, err := os.Getwd()
	if err != nil {
		return origin{}, config.Config{}, fmt.Errorf("cannot find the current folder: %w", err)
	}
	from := origin{path: path, over: config.Overrides{
		Flags: words.Flags, Process: words.Process, Cwd: folder, Environ: os.Environ(),
	}}
	loaded, err := config.Load(path, from.over)
	if err != nil && words.Process != nil && strings.Contains(err.Error(), "a second process is called "+c.args[0]+" ") {
		err = fmt.Errorf("%w (supervisord service start %s starts what the configuration has)", err, c.args[0])
	}
	from.path = loaded.Path
	return from, loaded, err
}

// words are the flags and words of start and add-proc as the configuration reads them.
func (c *call) words() []string {
	var all []string
	switch {
	case c.has("daemonize"):
		all = append(all, flagPrefix+"daemonize=true")
	case c.has("foreground"):
		all = append(all, flagPrefix+"daemonize=false")
	}
	for _, f := range c.flags {
		all = append(all, flagPrefix+f.name+"="+f.value)
	}
	if len(c.args) > 0 {
		all = append(all, c.args[0])
	}
	for _, f := range c.more {
		all = append(all, flagPrefix+f.name+"="+f.value)
	}
	if len(c.args) > 1 {
		all = append(all, c.args[1:]...)
	}
	return all
}

// background starts the daemon as a process of its own and returns when it answers.
func (s *session) background(hide bool) error {
	pipe, err := detach(s.args, hide)
	if err != nil {
		return err
	}
	defer pipe.Close()
	news, err := listen(pipe)
	if err != nil {
		return fmt.Errorf("cannot start the daemon: %w", err)
	}
	s.warn(news.Warnings)
	if news.Error != "" {
		return &coded{code: news.Code, err: errors.New(news.Error)}
	}
	if err := s.answers(news); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.stdio.Out, "supervisord runs (pid %d)\n", news.PID)
	return err
}

// warn shows whoever starts a daemon what its log, which this terminal does not see, says too.
func (s *session) warn(warnings []string) {
	for _, warning := range warnings {
		fmt.Fprintf(s.stdio.Err, "warning: %s\n", printable(warning))
	}
}

// answers asks the daemon just started whether it answers.
func (s *session) answers(news tidings) error {
	if strings.HasPrefix(news.Address, "https://") {
		return nil // this program may not trust the certificate, which says nothing about the daemon
	}
	client, err := repl.NewClient(news.Address, "")
	if err != nil {
		return err
	}
	_, err = client.Health(s.ctx)
	// Over TCP the daemon wants its token even for this; that it refuses is an answer too.
	var refused *repl.Failure
	if err != nil && !errors.As(err, &refused) {
		return fmt.Errorf("cannot reach the daemon just started (pid %d): %w", news.PID, err)
	}
	return nil
}
