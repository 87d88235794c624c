package cli

import (
	"slices"
	"strings"

	"github.com/qjpcpu/supervisord/lisp"
)

// command is one line of the table: words on one side, a form and a renderer on the other. A command with local is
// done here instead of by a daemon.
type command struct {
	words   []string // how it is called
	args    string   // the words after it, as shown in help
	min     int      // at least so many words
	max     int      // at most so many, -1: any number
	doc     string   // one line
	example string   // a whole command line
	options []option
	flags   bool // takes -supvr. flags
	foreign int  // after so many words everything belongs to the program or script; 0: never

	form     func(*call) (lisp.Value, error)
	text     func(*session, *call) (program, error) // instead of form: a program as it was written
	render   renderer                               // nil: the value as the language prints it
	stream   bool                                   // the reply is output that goes on until it is interrupted
	named    bool                                   // its lines have the name of their process before them, but if one is named
	progress string                                 // what a live line says it waits for: "start" or "stop"; "" for none
	last     bool                                   // the daemon ends after it
	troubles bool                                   // say too what is wrong with the daemon itself
	judge    func([]byte) int                       // the exit code that a good reply means; nil: 0
	local    func(*session, *call) error
}

func (c *command) title() string { return strings.Join(c.words, " ") }

// allOptions are those of this command and those of all commands of its sort.
func (c *command) allOptions() []option {
	all := append(slices.Clone(c.options), everywhere()...)
	if c.local == nil {
		all = append(all, wireOptions()...)
	} else if c.title() == "repl" || c.title() == "completion" {
		all = append(all, wireOptions()[0])
	}
	return all
}

// arity checks the number of words.
func (c *command) arity(call *call) error {
	n := len(call.args)
	switch {
	case n < c.min:
		return usage("cannot run %s: it needs %s (supervisord %s)", c.title(), c.args, c.synopsis())
	case c.max >= 0 && n > c.max:
		return usage("cannot run %s: %q is one word too many (supervisord %s)", c.title(), call.args[c.max], c.synopsis())
	}
	return nil
}

// commands is the table of all commands, in the order of help.
func commands() []command {
	names := func(verb string) func(*call) (lisp.Value, error) {
		return func(c *call) (lisp.Value, error) { return form(verb, c.args...), nil }
	}
	return []command{
		{words: []string{"start"}, args: "[NAME COMMAND ARGS...]", max: -1, flags: true, foreign: 2,
			doc:     "start the daemon with the processes of its configuration, and one more named here",
			example: "supervisord start -supvr.daemonize false web -supvr.stop_signal INT ./server --port 80",
			local:   (*session).start},

		{words: []string{"service", "status"}, args: "[NAME...]", max: -1,
			doc:     "show the processes; exit code 3 when one that is wanted up is not",
			example: "supervisord service status 'web-*'",
			form:    names("status"), render: renderStatus, judge: judgeStatus, troubles: true},
		{words: []string{"service", "start"}, args: "[NAME...]", max: -1,
			doc:     "start processes and wait until they run",
			example: "supervisord service start web worker",
			form:    names("start"), render: renderReport, progress: "start"},
		{words: []string{"service", "stop"}, args: "[NAME...]", max: -1,
			doc:     "stop processes and wait until nothing of them is left",
			example: "supervisord service stop web",
			form:    names("stop"), render: renderReport, progress: "stop"},
		{words: []string{"service", "restart"}, args: "[NAME...]", max: -1,
			doc:     "stop processes and start them again",
			example: "supervisord service restart web",
			form:    names("restart"), render: renderReport, progress: "start"},
		{words: []string{"service", "env"}, args: "NAME", min: 1, max: 1,
			doc:     "show the environment of a process, secrets masked",
			example: "supervisord service env web --reveal",
			options: []option{{name: "reveal", doc: "show secrets too"}},
			form: func(c *call) (lisp.Value, error) {
				if c.has("reveal") {
					return form("env-reveal", c.args...), nil
				}
				return form("env", c.args...), nil
			}, render: renderEnv},
		{words: []string{"service", "signal"}, args: "NAME SIGNAL", min: 2, max: 2,
			doc:     "send a signal to a process",
			example: "supervisord service signal web HUP",
			form:    names("signal"), render: renderReport},
		{words: []string{"service", "logs"}, args: "[NAME...]", max: -1,
			doc:     "show the last lines of output, also across rotated files",
			example: "supervisord service logs -f web worker --since 10m",
			options: []option{
				{name: "follow", short: "f", doc: "go on with what is printed from now on, until interrupted"},
				{name: "stream", value: "STREAM", doc: "stdout or stderr (else both)", check: checkStream},
				{name: "lines", short: "n", value: "N", doc: "so many lines of each (else 100, or all with --since)", check: checkCount},
				{name: "since", value: "TIME", doc: "not older than this: 10m, 2d, or 2026-01-31T12:00:00Z"},
				{name: "match", value: "REGEXP", doc: "only lines that match"},
				{name: "times", short: "t", doc: "show when each line came, - where that is not known"},
			},
			form: logsForm, render: renderLines, named: true},
		{words: []string{"service", "wait"}, args: "NAME STATE [SECONDS]", min: 2, max: 3,
			doc:     "wait until a process is in a state, 60 seconds if not said otherwise",
			example: "supervisord service wait web running 10",
			form:    waitForm, render: renderStatus},
		{words: []string{"service", "omit-exit-code"}, args: "[NAME...]", max: -1,
			doc:     "take every exit code as expected until the process is started again by hand",
			example: "supervisord service omit-exit-code batch",
			form:    names("omit-exit-code"), render: renderReport},
		{words: []string{"service", "reset"}, args: "[NAME...]", max: -1,
			doc:     "leave fatal and backoff, forget failures",
			example: "supervisord service reset web",
			form:    names("reset"), render: renderReport},

		{words: []string{"reload"}, max: 0,
			doc:     "read the configuration again and carry out what changed, nothing else",
			example: "supervisord reload --dry-run",
			options: []option{{name: "dry-run", doc: "say what would be done"}},
			form: func(c *call) (lisp.Value, error) {
				if c.has("dry-run") {
					return form("plan"), nil
				}
				return form("reload"), nil
			}, render: renderPlan},
		{words: []string{"shutdown"}, max: 0,
			doc:     "stop all processes and the daemon",
			example: "supervisord shutdown --now --clear",
			options: []option{
				{name: "now", doc: "kill at once instead of asking first"},
				{name: "clear", doc: "then remove the log files and the declared purge_files"},
			},
			form: func(c *call) (lisp.Value, error) {
				var how []string
				for _, word := range []string{"now", "clear"} {
					if c.has(word) {
						how = append(how, word)
					}
				}
				return form("shutdown", how...), nil
			}, render: renderReport, progress: "stop", last: true},
		{words: []string{"add-proc"}, args: "NAME COMMAND ARGS...", min: 1, max: -1, flags: true, foreign: 2,
			doc:     "add a process and start it; it is kept in the state directory, not in the configuration",
			example: "supervisord add-proc my-worker -supvr.stop_wait_secs 30 /usr/bin/python worker.py",
			form:    addForm, render: renderReport},
		{words: []string{"remove-proc"}, args: "NAME", min: 1, max: 1,
			doc:     "stop and forget a process that add-proc or the command line brought",
			example: "supervisord remove-proc my-worker",
			form:    names("remove-proc"), render: renderReport},

		{words: []string{"exec"}, args: "FILE|- [ARGS...]", max: -1, foreign: 1,
			doc:     "run a glisp program in the daemon (-e: a form; --local: here, without daemon)",
			example: "supervisord exec deploy.glisp v2",
			options: []option{
				{name: "eval", short: "e", value: "FORM", doc: "run this form and print its value"},
				{name: "local", doc: "run it here, without daemon and without the verbs"},
			},
			text: execText, render: nil, stream: true},
		{words: []string{"repl"}, max: 0,
			doc:     "a prompt for forms",
			example: "supervisord repl -e '(status)'",
			options: []option{{name: "eval", short: "e", value: "FORM", doc: "run this form, print its value and leave"}},
			local:   (*session).repl},
		{words: []string{"events"}, args: "[SINCE]", max: 1,
			doc:     "show what happened, when, why and who asked",
			example: "supervisord events -f",
			options: []option{{name: "follow", short: "f", doc: "go on with what happens from now on, until interrupted"}},
			form:    eventsForm, render: renderEvents},
		{words: []string{"history"}, args: "NAME", min: 1, max: 1,
			doc:     "show what happened to one process",
			example: "supervisord history web",
			form:    names("history"), render: renderEvents},
		{words: []string{"why"}, args: "NAME", min: 1, max: 1,
			doc:     "explain the present state of a process",
			example: "supervisord why web",
			form:    names("why"), render: renderText},
		{words: []string{"hooks"}, max: 0,
			doc:     "show the hooks: what is called when something happens or a time has come, and how it went",
			example: "supervisord hooks",
			form:    names("hooks"), render: renderHooks},
		{words: []string{"maintail"}, args: "[LINES]", max: 1,
			doc:     "show the end of the daemon's own log",
			example: "supervisord maintail 50",
			form:    maintailForm, render: renderLines},

		{words: []string{"check"}, args: "[FILE|-...]", max: -1,
			doc:     "report everything that is wrong with a configuration, or with a program (.glisp), which is not run",
			example: "supervisord check supervisord.conf deploy.glisp",
			options: []option{{name: "script", doc: "the files are programs, whatever they are called"}},
			local:   (*session).check},
		{words: []string{"fmt"}, args: "[FILE|FOLDER|-...]", max: -1,
			doc:     "lay out glisp programs in place and name what changed; standard input goes to standard output",
			example: "supervisord fmt deploy.glisp scripts",
			options: []option{{name: "check", short: "l", doc: "change nothing, name what is not laid out so; exit code 1 if there is any"}},
			local:   (*session).format},
		{words: []string{"import"}, args: "FILE", min: 1, max: 1,
			doc:     "turn an INI file of Python's supervisor or ochinchina/supervisord, or a Procfile, into a configuration",
			example: "supervisord import /etc/supervisor/supervisord.conf -o supervisord.conf",
			options: []option{{name: "output", short: "o", value: "OUT", doc: "write it here, where nothing may be yet (else to standard output)"}},
			local:   (*session).importFile},
		{words: []string{"init"}, max: 0,
			doc:     "write a commented configuration to start from",
			example: "supervisord init",
			local:   (*session).init},
		{words: []string{"completion"}, args: "bash|zsh|fish", min: 1, max: 1,
			doc:     "print the completion of commands for a shell",
			example: "source <(supervisord completion bash)",
			local:   (*session).completion},
		{words: []string{"version"}, max: 0,
			doc:     "print the version of this program",
			example: "supervisord version",
			local:   (*session).version},
		{words: []string{"help"}, args: "[COMMAND]", max: -1,
			doc:     "explain a command",
			example: "supervisord help service logs",
			local:   (*session).help},
	}
}

// find looks a command up by its words. more: the words are the beginning of a longer command.
func find(words []string) (found *command, more bool) {
	if len(words) == 1 && words[0] == "h" {
		words = []string{"help"}
	}
	all := commands()
	for i := range all {
		switch c := &all[i]; {
		case slices.Equal(c.words, words):
			return c, false
		case len(c.words) > len(words) && slices.Equal(c.words[:len(words)], words):
			more = true
		}
	}
	return nil, more
}

// unknownCommand names the nearest command.
func unknownCommand(words []string) error {
	before := words[:len(words)-1]
	var names []string
	for _, c := range commands() {
		if len(c.words) >= len(words) && slices.Equal(c.words[:len(before)], before) {
			names = append(names, c.words[len(before)])
		}
	}
	hint := "supervisord help lists them"
	if near := lisp.Nearest(words[len(words)-1], names); near != "" {
		hint = "did you mean " + strings.Join(append(slices.Clone(before), near), " ") + "?"
	} else if len(before) == 0 {
		for _, c := range commands() {
			if len(c.words) == 2 && c.words[1] == words[0] {
				hint = "did you mean " + c.title() + "?"
			}
		}
	}
	return usage("unknown command %s (%s)", strings.Join(words, " "), hint)
}

// incomplete is the answer to no command, or to the first half of one.
func incomplete(words []string) error {
	if len(words) == 0 {
		return usage("no command given (supervisord help lists them)")
	}
	var names []string
	for _, c := range commands() {
		if len(c.words) > len(words) && slices.Equal(c.words[:len(words)], words) {
			names = append(names, c.words[len(words)])
		}
	}
	return usage("%s what? one of: %s", strings.Join(words, " "), strings.Join(names, ", "))
}
