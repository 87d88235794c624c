package cli

import (
	"slices"
	"strings"

	"github.com/qjpcpu/supervisord/lisp"
)

// What can be typed is the table of this file. A command is a function from words to a form, which is sent to the daemon and
// evaluated there, and a renderer, which shows the value that comes back: words.go reads the words, send.go takes a form on its way
// and back, render.go and its like show values. The daemon itself is put together in daemon.go.

// command is one line of the table: words on one side, a form and a renderer on the other. A command with local is
// done here instead of by a daemon.
type command struct {
	chapter string   // of help, which begins with this command; "" for that of the command before
	words   []string // how it is called
	args    string   // the words after it, as shown in help
	min     int      // at least so many words
	max     int      // at most so many, -1: any number
	doc     string   // one line
	about   string   // what else there is to know, for --help and the manual; lines of at most 100 characters
	example string   // a whole command line
	options []option
	hidden  bool // asked by programs, not shown to people
	flags   bool // takes -supvr. flags
	foreign int  // after so many words everything belongs to the program or script; 0: never

	form     func(*call) (lisp.Value, error)
	text     func(*session, *call) (program, error) // instead of form: a program as it was written
	render   renderer                               // nil: the value as the language prints it
	stream   bool                                   // the reply is output that goes on until it is interrupted
	named    bool                                   // its lines have the name of their process before them, but if one is named
	dated    bool                                   // the lines that it prints as they come have their time before them
	progress string                                 // what a live line says it waits for: "start" or "stop"; "" for none
	last     bool                                   // the daemon ends after it
	atOnce   bool                                   // the daemon has nothing to wait for before it answers
	troubles bool                                   // say too what is wrong with the daemon itself
	warned   bool                                   // say too what of the configuration was not taken over, or is weak
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

// lastOption bounds how much of the past is told.
func lastOption() option {
	return option{name: "lines", short: "n", value: "N", doc: "so many of the last ones (else 100)", check: checkLast}
}

// commands is the table of all commands, in the order of help.
func commands() []command {
	names := func(verb string) func(*call) (lisp.Value, error) {
		return func(c *call) (lisp.Value, error) { return form(verb, c.args...), nil }
	}
	return []command{
		{chapter: "The daemon", words: []string{"start"}, args: "[NAME COMMAND ARGS...]", max: -1, flags: true, foreign: 2,
			doc: "start the daemon with the processes of its configuration, and one more named here",
			about: "Without a NAME it starts what the configuration says, with one it adds this process for this run. Flags win over the file for\n" +
				"this run and are never written into it. It stays in the foreground unless daemonize = true, when it returns as soon as the\n" +
				"daemon listens. A second daemon of the same configuration is refused (exit code 8). A NAME without COMMAND is a process of the\n" +
				"daemon that runs: it is started as by service start.",
			example: "supervisord start -supvr.daemonize false web -supvr.stop_signal INT ./server --port 80",
			options: []option{
				{name: "daemonize", short: "d", doc: "run in the background, as -supvr.daemonize true"},
				{name: "foreground", doc: "stay in the foreground, as -supvr.daemonize false"},
			},
			local: (*session).start},
		{words: []string{"reload"}, max: 0,
			doc: "read the configuration again and carry out what changed, nothing else",
			about: "A file with a mistake changes nothing. Processes whose definition is the same are not touched; --dry-run names each step and the\n" +
				"keys that differ. SIGHUP to the daemon does the same.",
			example: "supervisord reload --dry-run",
			options: []option{{name: "dry-run", doc: "say what would be done"}},
			form: func(c *call) (lisp.Value, error) {
				if c.has("dry-run") {
					return form("plan"), nil
				}
				return form("reload"), nil
			}, render: renderPlan, warned: true},
		{words: []string{"shutdown"}, max: 0,
			doc: "stop all processes and the daemon",
			about: "It returns when nothing is left of any process and of the daemon. SIGTERM to the daemon does the same in order, a second one at\n" +
				"once.",
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

		{chapter: "Its processes", words: []string{"service", "status"}, args: "[NAME...]", max: -1,
			doc: "show the processes; exit code 3 when one that is wanted up is not",
			about: anyNames + "Columns: name, state, pid, uptime, restarts by the daemon itself, and the reason of a state that needs one. --watch redraws\n" +
				"the table at every event until Ctrl-C.",
			example: "supervisord service status 'web-*'",
			options: []option{{name: "watch", short: "w", doc: "redraw the table whenever something happens, until Ctrl-C"}},
			form:    names("status"), render: renderStatus, atOnce: true, judge: judgeStatus, troubles: true},
		{words: []string{"service", "start"}, args: "[NAME...]", max: -1,
			doc: "start processes and wait until they run",
			about: anyNames + "A process that runs already is a success. On a terminal a line shows who is awaited; the last line sums up. Ctrl-C ends the\n" +
				"waiting, not the start.",
			example: "supervisord service start web worker",
			form:    names("start"), render: renderReport, progress: "start"},
		{words: []string{"service", "stop"}, args: "[NAME...]", max: -1,
			doc: "stop processes and wait until nothing of them is left",
			about: anyNames + "Each process gets its stop_signal, and SIGKILL when its stop_wait_secs are over; it counts as stopped when nothing of its whole\n" +
				"tree is left. On a terminal a line shows who is still there and what was sent. Ctrl-C ends the waiting, not the stop.",
			example: "supervisord service stop web",
			form:    names("stop"), render: renderReport, progress: "stop"},
		{words: []string{"service", "restart"}, args: "[NAME...]", max: -1,
			doc: "stop processes and start them again",
			about: anyNames + "Each process is stopped as by service stop and started again as soon as nothing of it is left; a stopped one is started. One by\n" +
				"one with a look after each: scripts/rolling-restart.glisp.",
			example: "supervisord service restart web",
			form:    names("restart"), render: renderReport, progress: "start"},
		{words: []string{"service", "env"}, args: "NAME", min: 1, max: 1,
			doc: "show the environment of a process, secrets masked",
			about: "What a process gets (or would get) as its environment, in the order of names. Values of variables whose name sounds like a\n" +
				"secret are masked; --reveal shows them and is refused under disable_rce.",
			example: "supervisord service env web --reveal",
			options: []option{{name: "reveal", doc: "show secrets too"}},
			form: func(c *call) (lisp.Value, error) {
				if c.has("reveal") {
					return form("env-reveal", c.args...), nil
				}
				return form("env", c.args...), nil
			}, render: renderEnv, atOnce: true},
		{words: []string{"service", "usage"}, args: "[NAME...]", max: -1,
			doc: "show what processes take: memory, processor time, descriptors of the whole tree",
			about: anyNames + "What each process takes together with everything that descends from it: resident memory (what several share counts once),\n" +
				"processor time, processes, threads and file descriptors.",
			example: "supervisord service usage 'web-*'",
			form:    names("usage"), render: renderUsage, atOnce: true},
		{words: []string{"service", "signal"}, args: "NAME SIGNAL", min: 2, max: 2,
			doc:     "send a signal to a process",
			about:   "SIGNAL is a name (HUP, SIGHUP) or a number. It goes to the leader of each process that NAME means, and to nobody else.",
			example: "supervisord service signal web HUP",
			form:    names("signal"), render: renderReport},
		{words: []string{"service", "logs"}, args: "[NAME...]", max: -1,
			doc: "show the last lines of output, also across rotated files",
			about: anyNames + "Options of one word may stand before and after the names. Lines of several processes have the name before them, in a colour of\n" +
				"its own on a terminal, and stand in the order of their times. What the configuration throws away is not shown. One answer\n" +
				"takes at most the last 8 MiB of each stream, and its first line says so when there was more. Follow with -f, with --json an\n" +
				"object a line (name, stream, time, line); Ctrl-C leaves. When a line came is known to the millisecond where log_format writes\n" +
				"it; else to about a tenth of how long ago it was, and of what came before this daemon began only whether a whole file is too\n" +
				"old.",
			example: "supervisord service logs -f web worker --since 10m",
			options: []option{
				{name: "follow", short: "f", doc: "go on with what is printed from now on, until interrupted"},
				{name: "stream", value: "STREAM", doc: "stdout or stderr (else both)", check: checkStream},
				{name: "lines", short: "n", value: "N", doc: "so many lines of each (else 100, with -f 10, or all with --since)", check: checkCount},
				{name: "since", value: "TIME", doc: "not older than this: 10m, 2d, or 2026-01-31T12:00:00Z"},
				{name: "match", value: "REGEXP", doc: "only lines that match"},
				{name: "times", short: "t", doc: "show when each line came, - where that is not known"},
			},
			form: logsForm, render: renderLines, named: true, atOnce: true},
		{words: []string{"service", "wait"}, args: "NAME [STATE [TIME]]", min: 1, max: 3,
			doc: "wait until a process is in a state (else running), for a time (else 60 seconds)",
			about: "STATE is running, stopped, exited, backoff, fatal, starting or stopping, TIME seconds or such as 2m. NAME may be a\n" +
				"glob: then all of them are waited for. Exit code 7 when the time is over.",
			example: "supervisord service wait web running 10",
			form:    waitForm, render: renderStatus},
		{words: []string{"service", "omit-exit-code"}, args: "[NAME...]", max: -1,
			doc:     "take every exit code as expected until the process is started again by hand",
			about:   anyNames + "Whatever the present life of the process exits with counts as expected, so that it is not restarted for it.",
			example: "supervisord service omit-exit-code batch",
			form:    names("omit-exit-code"), render: renderReport},
		{words: []string{"service", "reset"}, args: "[NAME...]", max: -1,
			doc:     "leave fatal and backoff, forget failures",
			about:   anyNames + "What was given up or waits for its next try is tried again at once, with no failures counted.",
			example: "supervisord service reset web",
			form:    names("reset"), render: renderReport},
		{words: []string{"add-proc"}, args: "NAME COMMAND ARGS...", min: 1, max: -1, flags: true, foreign: 2,
			doc: "add a process and start it; it is kept in the state directory, not in the configuration",
			about: "It survives a restart of the daemon. One that add-proc or the command line brought is replaced, a name of the configuration is\n" +
				"refused (exit code 8).",
			example: "supervisord add-proc my-worker -supvr.stop_wait_secs 30 /usr/bin/python worker.py",
			form:    addForm, render: renderReport},
		{words: []string{"remove-proc"}, args: "NAME", min: 1, max: 1,
			doc:     "stop and forget a process that add-proc or the command line brought",
			about:   "A process of the configuration is removed by removing it there and reloading.",
			example: "supervisord remove-proc my-worker",
			form:    names("remove-proc"), render: renderReport},

		{chapter: "What happened, and why", words: []string{"why"}, args: "NAME", min: 1, max: 1,
			doc:     "explain the present state of a process",
			about:   "Its state, how its last life ended, when it is tried again, and the last events that led to it with who caused them.",
			example: "supervisord why web",
			form:    names("why"), render: renderWhy, atOnce: true},
		{words: []string{"history"}, args: "NAME", min: 1, max: 1,
			doc:     "show what happened to one process",
			about:   "As events, of one process; also of one that was removed, as long as the events are kept.",
			example: "supervisord history web",
			options: []option{lastOption()},
			form:    names("history"), render: renderEvents, atOnce: true},
		{words: []string{"events"}, args: "[SINCE]", max: 1,
			doc: "show what happened, when, why and who asked",
			about: "Each line: when, which process, what became of it and why, and who asked. SINCE leaves out the events up to that number: 0 shows\n" +
				"all that are kept. Without it the last 100 are shown, or as many as --lines says; with --json all. -f alone shows what happens\n" +
				"from now on, with SINCE or --lines after those that were.",
			example: "supervisord events -f -n 20",
			options: []option{
				{name: "follow", short: "f", doc: "go on with what happens from now on, until interrupted"},
				lastOption(),
			},
			form: eventsForm, render: renderEvents, dated: true, atOnce: true},
		{words: []string{"hooks"}, max: 0,
			doc:     "show the hooks: what is called when something happens or a time has come, and how it went",
			about:   "They are made by (on ...), (every ...) and (after ...) in the file that init_script names, or in a session.",
			example: "supervisord hooks",
			form:    names("hooks"), render: renderHooks, atOnce: true},
		{words: []string{"maintail"}, args: "[LINES]", max: 1,
			doc: "show the end of the daemon's own log",
			about: "The last 100 lines if not said otherwise (10 with -f), also those of rotated files and of the daemon before this one. -f --json\n" +
				"prints an object a line, with name, time and line.",
			example: "supervisord maintail -f 50",
			options: []option{
				{name: "follow", short: "f", doc: "go on with what is logged from now on, until interrupted"},
				{name: "lines", short: "n", value: "N", doc: "as LINES", check: checkCount},
			},
			form: maintailForm, render: renderLines, atOnce: true},

		{chapter: "Forms and programs", words: []string{"exec"}, args: "FILE|- [ARGS...]", max: -1, foreign: 1,
			doc: "run a glisp program in the daemon (-e: a form; --local: here, without daemon)",
			about: "ARGS are the array ARGV of the program, CONFIG is the effective configuration. What is piped to it can be read with (read-line),\n" +
				"up to 1 MiB. (exit N) ends it with this exit code; an error shows its line with a caret. It may take 1 G steps and 256 MiB of\n" +
				"memory in all, --local as much as it likes. Examples are in scripts/. The language is explained in lisp/LANGUAGE.md.",
			example: "supervisord exec deploy.glisp v2",
			options: []option{
				{name: "eval", short: "e", value: "FORM", doc: "run this form and print its value"},
				{name: "raw", short: "r", doc: "print a text as it is, a list of texts a line each, nil not at all: for shells"},
				{name: "local", doc: "run it here, without daemon and without the verbs"},
			},
			text: execText, render: nil, stream: true},
		{words: []string{"repl"}, max: 0,
			doc: "a prompt for forms",
			about: "Lines are edited and kept per user; Tab completes, a second one lists; Ctrl-R searches. Definitions stay in the daemon until an\n" +
				"hour after the last use. *1 and *2 are the last values, *e the last error. (help), (doc NAME) and (apropos TEXT) explain. What is\n" +
				"piped to it is evaluated form by form, without prompts and colours.",
			example: "supervisord repl -e '(status)'",
			options: []option{{name: "eval", short: "e", value: "FORM", doc: "run this form, print its value and leave"}},
			local:   (*session).repl},
		{words: []string{"fmt"}, args: "[FILE|FOLDER|-...]", max: -1,
			doc: "lay out glisp programs in place and name what changed; standard input goes to standard output",
			about: "Only white space changes: indentation, spacing, runs of blank lines. Comments, line breaks and everything that is written stay.\n" +
				"A folder means all .glisp files below it. Without FILE standard input is laid out.",
			example: "supervisord fmt deploy.glisp scripts",
			options: []option{{name: "check", short: "l", doc: "change nothing, name what is not laid out so; exit code 1 if there is any"}},
			local:   (*session).format},

		{chapter: "Configuration", words: []string{"init"}, max: 0,
			doc:     "write a commented configuration to start from",
			about:   "It never overwrites a file (exit code 8).",
			example: "supervisord init",
			local:   (*session).init},
		{words: []string{"check"}, args: "[FILE|-...]", max: -1,
			doc: "report everything that is wrong with a configuration, or with a program (.glisp), which is not run",
			about: "Nothing is run and no daemon is needed. All problems are reported at once, each with its place: in a configuration unknown keys,\n" +
				"wrong values and weakened settings; in a program unknown names and wrong numbers of arguments. Exit code 2 when there is any.\n" +
				"What stands on standard input (-) is a program.",
			example: "supervisord check supervisord.conf deploy.glisp",
			options: []option{
				{name: "script", doc: "the files are programs, whatever they are called"},
				{name: "json", doc: "print a list of objects with file, line, column, level (error, warning) and message"},
			},
			local: (*session).check},
		{words: []string{"import"}, args: "FILE", min: 1, max: 1,
			doc:     "turn an INI file of Python's supervisor or ochinchina/supervisord, or a Procfile, into a configuration",
			about:   "What has no counterpart is told in comments beside what it was. Look it over, then supervisord check.",
			example: "supervisord import /etc/supervisor/supervisord.conf -o supervisord.conf",
			options: []option{{name: "output", short: "o", value: "OUT", doc: "write it here, where nothing may be yet (else to standard output)"}},
			local:   (*session).importFile},

		{chapter: "This program", words: []string{"completion"}, args: "bash|zsh|fish", min: 1, max: 1,
			doc: "print the completion of commands for a shell",
			about: "It completes commands, options, keys and the names of live processes, which it asks the daemon for. To have it in every shell:\n" +
				"  bash  supervisord completion bash > ~/.local/share/bash-completion/completions/supervisord\n" +
				"  zsh   supervisord completion zsh > \"${fpath[1]}/_supervisord\"\n" +
				"  fish  supervisord completion fish > ~/.config/fish/completions/supervisord.fish",
			example: "source <(supervisord completion bash)",
			local:   (*session).completion},
		{words: []string{"install"}, max: 0,
			doc: "make a Windows service of the configuration",
			about: "It starts with the system, under LocalSystem, keeps its state below %ProgramData%, and ends in order when it is stopped. Only an\n" +
				"administrator can do this. Elsewhere it is refused: systemd has scripts/supervisord.service.",
			example: "supervisord install -c C:/shop/supervisord.conf",
			options: []option{{name: "service", value: "NAME", doc: "what the service is called (else supervisord)"}},
			local:   (*session).install},
		{words: []string{"uninstall"}, max: 0,
			doc:     "stop and remove a Windows service that install made",
			about:   "The configuration, the logs and the state directory stay.",
			example: "supervisord uninstall",
			options: []option{{name: "service", value: "NAME", doc: "what the service is called (else supervisord)"}},
			local:   (*session).uninstall},
		{words: []string{"version"}, max: 0,
			doc:     "print the version of this program",
			about:   "The version, the commit it was built from, and the Go release.",
			example: "supervisord version",
			local:   (*session).version},
		{words: []string{"help"}, args: "[COMMAND]", max: -1,
			doc: "explain a command",
			about: "COMMAND -h is the short form of it. A name of a form (help env-reveal) is explained too. --man prints the manual page, to be read\n" +
				"by man -l - or installed as supervisord.1.",
			example: "supervisord help service logs",
			options: []option{{name: "man", doc: "print the manual page instead"}},
			local:   (*session).help},

		{words: []string{serviceWord}, max: 0, hidden: true,
			doc:     "be the daemon that the service manager of Windows started",
			example: "supervisord __service -c C:/shop/supervisord.conf",
			local:   (*session).runService},
		{words: []string{completeWord}, max: -1, hidden: true,
			doc:     "print what may stand where the last of the words after it does",
			example: "supervisord __complete -- service st",
			local:   (*session).complete},
	}
}

// shownCommands are the commands that people use.
func shownCommands() []command {
	return slices.DeleteFunc(commands(), func(c command) bool { return c.hidden })
}

// spared is the word that may be left out before the commands on processes: supervisord status is supervisord service status.
// Not so with start, which starts the daemon; but start NAME is service start NAME.
const spared = "service"

// find looks a command up by its words. more: the words are the beginning of a longer command.
func find(words []string) (found *command, more bool) {
	found, more = exactly(words)
	if found == nil && !more && len(words) == 1 {
		found, _ = exactly([]string{spared, words[0]})
	}
	return found, more
}

// exactly looks a command up by all of its words.
func exactly(words []string) (found *command, more bool) {
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

// anyNames explains NAME... where it may be left out, which is more than many expect.
const anyNames = "Without a NAME it means every process. NAME may be a glob such as 'web-*'.\n"

// unknownCommand names the nearest command.
func unknownCommand(words []string) error {
	before := words[:len(words)-1]
	var names []string
	for _, c := range shownCommands() {
		if len(c.words) >= len(words) && slices.Equal(c.words[:len(before)], before) {
			names = append(names, c.words[len(before)])
		}
	}
	hint := "supervisord help lists them"
	last := words[len(words)-1]
	if len(before) == 0 {
		for _, c := range shownCommands() {
			if c.words[0] == spared {
				names = append(names, c.words[1])
			}
		}
	}
	meant := otherNames()[last]
	if meant != "" && strings.HasPrefix(meant, strings.Join(before, " ")) {
		hint = "did you mean " + meant + "?"
	} else if near := lisp.Nearest(last, names); near != "" {
		hint = "did you mean " + strings.Join(append(slices.Clone(before), near), " ") + "?"
	}
	if last == "" {
		words = append(slices.Clone(before), `""`)
	}
	return usage("unknown command %s (%s)", strings.Join(words, " "), hint)
}

// incomplete is the answer to no command, or to the first half of one.
func incomplete(words []string) error {
	if len(words) == 0 {
		return usage("no command given (supervisord start starts the daemon, supervisord help lists the commands)")
	}
	var names []string
	for _, c := range shownCommands() {
		if len(c.words) > len(words) && slices.Equal(c.words[:len(words)], words) {
			names = append(names, c.words[len(words)])
		}
	}
	return usage("%s what? one of: %s", strings.Join(words, " "), strings.Join(names, ", "))
}
