package builtins

import (
	"errors"
	"strings"

	"github.com/qjpcpu/supervisord/lisp"
)

// What the daemon can do is the table of this file: help, completion, the reference, the policy and the environment of programs
// are views of it. A form comes to the engine (engine.go), which calls its verbs one by one (evaluation.go), each with the Host
// (host.go) on which it acts. The functions of the table stand in observe.go, operate.go and execute.go, larger ones in files of
// their own names.

// Power is how far the effects of a verb reach. disable_rce leaves Observe and Operate.
type Power int

const (
	Observe Power = iota // looks
	Operate              // changes what the configured processes do
	Execute              // runs commands of the caller's choice, or shows secrets
)

// String is "observe", "operate" or "execute".
func (p Power) String() string {
	switch p {
	case Observe:
		return "observe"
	case Operate:
		return "operate"
	}
	return "execute"
}

// Verb is one operation of the daemon.
type Verb struct {
	Name    string // [a-z-]+
	Args    string // as help shows them: "NAME...", "[N]"; "" for none
	Doc     string // what it does and returns; the first line stands alone
	Example string // one form that works, run by a test
	Power   Power

	// Call does it. The arguments are evaluated; the thread has the context, the output and the cause. It may wait
	// until the thread's context ends.
	Call func(*Host, *lisp.Thread, []lisp.Value) (lisp.Value, error)

	waits     bool // may take long: a program gives its turn to others meanwhile
	registers bool // what it does counts when its program has ended well
	unasked   bool // a prompt asks it on its own behalf
}

// Form is how the verb is written: "(stop NAME...)".
func (v Verb) Form() string {
	if v.Args == "" {
		return "(" + v.Name + ")"
	}
	return "(" + v.Name + " " + v.Args + ")"
}

// do calls the verb. An error about what its arguments are shows how it is written.
func (v Verb) do(host *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	value, err := v.Call(host, t, args)
	var wrong *lisp.Error
	if errors.As(err, &wrong) && (wrong.Kind == kindArity || wrong.Kind == kindType) &&
		wrong.Pos.Line == 0 && strings.HasPrefix(wrong.Msg, "cannot call "+v.Name+": ") {
		err = lisp.Errorf(wrong.Kind, "%s: %s", wrong.Msg, v.Form())
	}
	return value, err
}

// Verbs is the table of all verbs, in the order of help and reference.
func Verbs() []Verb {
	return []Verb{
		{Name: "status", Args: "NAME...", Power: Observe, Call: status,
			Doc: "The processes as they are, in configuration order: an array of hashes.\n" +
				"Keys: name, state (stopped starting running stopping backoff exited fatal), want (is it wanted up), pid, uptime (seconds),\n" +
				"started_at, stopped_at, restarts, exit (code, or name of the signal), reason, origin (file flags added), priority,\n" +
				"next_try, deadline (of the present state: next try, end of start_secs, KILL), log (why output cannot be written now), log_bytes\n" +
				"(taken from it so far), log_lost (of these). What there is nothing to say about is nil. It never waits.",
			Example: `(status "web-*")`},
		{Name: "env", Args: "NAME", Power: Observe, Call: env,
			Doc:     "The environment a process gets, as a hash; secrets are masked.",
			Example: `(env "web-1")`},
		{Name: "usage", Args: "NAME...", Power: Observe, Call: usage,
			Doc: "What the processes take, each with everything that descends from it: an array of hashes.\n" +
				"Keys: name, memory (bytes; what several share counts once), cpu (seconds), processes, threads, fds (on Windows handles).\n" +
				"What does not run takes nothing.",
			Example: `(usage "web-*")`},
		{Name: "logs", Args: "NAME... OPTION...", Power: Observe, Call: showLogs,
			Doc: "The last lines of output, also across rotated files: an array of strings.\n" +
				"Options are \"key=value\" strings or one hash: stream (stdout or stderr, else both), lines (100 of each stream; all with since),\n" +
				"since (a duration such as 10m or 2d, or a time as in RFC 3339), match (a regular expression), times (true: each line has the time\n" +
				"when it came before it, - where that is not known). Unless exactly one process is named each line has its process's\n" +
				"name before it; the lines of several come in the order of their times. A line's time is known to the millisecond where\n" +
				"log_format writes it, else to about a tenth of how long ago it was for what came in this daemon's life, and before that not\n" +
				"at all: there since takes a file whole or leaves it out. Where stdout and stderr have the same file its lines are those of both.\n" +
				"One answer takes at most the last 8 MiB of each stream, and its first line says so when older ones were wanted too.",
			Example: `(logs "web-1" "lines=20" "stream=stderr")`},
		{Name: "follow", Args: "NAME... OPTION...", Power: Observe, Call: follow, waits: true,
			Doc: "Prints output as it arrives, until cancelled.\n" +
				"Options as for logs; lines (10) is how many older lines come first. With json (true) each line is a JSON object: name,\n" +
				"stream and time (null where that is not known), line, and missed where so many bytes were passed over.",
			Example: `(follow "job" "lines=5")`},
		{Name: "events", Args: `[SINCE-SEQ] ["lines=N"] ["follow"] ["json"]`, Power: Observe, Call: events, waits: true,
			Doc: "What happened, when, why, and who asked: an array of hashes, the oldest first.\n" +
				"Keys: seq, at, name, from, to, pid, exit, who, what, note, text (all that in words). SINCE-SEQ leaves out the events up to\n" +
				"that number, \"lines=N\" all but the last N of the others. With \"follow\" one line is printed for each as it happens (after\n" +
				"those that SINCE-SEQ or \"lines=N\" lets through), until cancelled; with \"json\" after it the line is a JSON object with these\n" +
				"keys.",
			Example: `(events 1)`},
		{Name: "history", Args: "NAME", Power: Observe, Call: history,
			Doc:     "The events of one process, as by events.",
			Example: `(history "web-1")`},
		{Name: "why", Args: "NAME", Power: Observe, Call: why,
			Doc:     "The present state of a process explained in a few lines of text.",
			Example: `(why "web-1")`},
		{Name: "maintail", Args: `[N] ["follow"] ["json"]`, Power: Observe, Call: maintail, waits: true,
			Doc: "The last N (100) lines of the daemon's own log, also across its rotated files: an array of strings.\n" +
				"With \"follow\" they (10) and what is logged from now on are printed, until cancelled; with \"json\" after it each as a JSON\n" +
				"object with the keys of follow's.",
			Example: `(maintail 5)`},
		{Name: "plan", Power: Observe, Call: plan, waits: true,
			Doc: "What a reload would do; nothing is done.\n" +
				"A hash: steps (an array of hashes: op (keep tune renew add remove), name, reasons (the keys that differ), warning) and\n" +
				"warnings.",
			Example: `(plan)`},
		{Name: "wait", Args: "NAME STATE SECONDS", Power: Observe, Call: wait, waits: true,
			Doc: "Waits until a process is in a state and returns its status; error kind timeout when SECONDS are over.\n" +
				"With a pattern for NAME it waits for all that there are of it and returns an array of statuses.",
			Example: `(wait "web-1" "running" 10)`},
		{Name: "hooks", Power: Observe, Call: showHooks,
			Doc: "The hooks: an array of hashes, the init script before them with the id 0.\n" +
				"Keys: id, kind (on every after init_script), what (the event or the time), from (where it was registered), calls, failures,\n" +
				"missed (events or times it was too slow for), failing (the last call did), running, last_run, next_run, last_error,\n" +
				"last_error_at. One of after stays when it failed.",
			Example: `(hooks)`},
		{Name: "config", Power: Observe, Call: configuration,
			Doc:     "The effective configuration as a hash with the keys of the file; secrets are masked.",
			Example: `(config)`},
		{Name: "version", Power: Observe, Call: version,
			Doc:     "What is running: a hash of version, commit, go, os, arch.",
			Example: `(version)`},
		{Name: "help", Args: "[NAME]", Power: Observe, Call: help,
			Doc: "The verbs: an array of hashes of name, args, power and doc (one line).\n" +
				"With a name the same as doc.",
			Example: `(help)`},
		{Name: "doc", Args: "NAME", Power: Observe, Call: doc,
			Doc:     "What a verb or a function does, as text. A name is a string or quoted.",
			Example: `(doc "restart")`},
		{Name: "apropos", Args: "TEXT", Power: Observe, Call: apropos,
			Doc:     "The names of the verbs and functions that contain TEXT or are about it: an array of strings.",
			Example: `(apropos "sta")`},
		{Name: "complete", Args: "PREFIX", Power: Observe, Call: complete, unasked: true,
			Doc: "What begins with PREFIX: an array of hashes of name and doc (one line).\n" +
				"The verbs, what the session has defined, and the language. For prompts: it is not remembered as *1.",
			Example: `(complete "res")`},

		{Name: "start", Args: "NAME...", Power: Operate, Call: start, waits: true,
			Doc:     "Starts processes and returns when they run; a running one is a success.\n" + reportDoc,
			Example: `(start "web-1" "web-2")`},
		{Name: "stop", Args: "NAME...", Power: Operate, Call: stop, waits: true,
			Doc:     "Stops processes and returns when nothing is left of them; a stopped one is a success.\n" + reportDoc,
			Example: `(stop "web-*")`},
		{Name: "restart", Args: "NAME...", Power: Operate, Call: restart, waits: true,
			Doc:     "Gives processes a new life; a stopped one is started.\n" + reportDoc,
			Example: `(restart "web-1")`},
		{Name: "signal", Args: "NAME SIGNAL", Power: Operate, Call: sendSignal,
			Doc:     "Sends a signal (\"HUP\", \"SIGHUP\", 1) to the leader of each process that NAME means; returns a report.",
			Example: `(signal "web-1" "HUP")`},
		{Name: "omit-exit-code", Args: "NAME...", Power: Operate, Call: omitExitCode,
			Doc:     "Makes the next exit of the present lives count as expected; returns a report.",
			Example: `(omit-exit-code "web-1")`},
		{Name: "reopen-logs", Power: Operate, Call: reopenLogs,
			Doc:     "Opens every log file anew, after something outside has moved them.",
			Example: `(reopen-logs)`},
		{Name: "reset", Args: "NAME...", Power: Operate, Call: reset,
			Doc:     "Forgets failures: what was given up or waits for its next try is tried again; returns a report.",
			Example: `(reset "broken")`},
		{Name: "reload", Power: Operate, Call: reload, waits: true,
			Doc:     "Reads the configuration again and carries out what changed: a report with one outcome for each step.",
			Example: `(reload)`},
		{Name: "shutdown", Args: `["now"] ["clear"]`, Power: Operate, Call: shutdown, waits: true,
			Doc: "Stops all processes and then the daemon; returns a report.\n" +
				"\"now\" kills at once; \"clear\" removes the log files and the declared purge_files afterwards.",
			Example: `(shutdown "now")`},

		{Name: "env-reveal", Args: "NAME", Power: Execute, Call: envReveal,
			Doc:     "The environment a process gets, as a hash, with its secrets.",
			Example: `(env-reveal "web-1")`},
		{Name: "add-proc", Args: "NAME COMMAND ARG... | HASH", Power: Execute, Call: addProc, waits: true,
			Doc: "Brings a process, keeps it for later starts of the daemon and starts it; returns a report.\n" +
				"HASH has the keys of [[process]]. One that add-proc or the command line brought is replaced, by the rule of reload; a\n" +
				"name of the file is refused (kind conflict).",
			Example: `(add-proc "extra" "/bin/sleep" "60")`},
		{Name: "remove-proc", Args: "NAME", Power: Execute, Call: removeProc, waits: true,
			Doc:     "Stops and forgets a process that add-proc or the command line brought; returns a report.",
			Example: `(remove-proc "extra")`},
		{Name: "on", Args: "EVENT FN", Power: Execute, Call: on, registers: true,
			Doc: "Calls (FN e) when something happens to a process; returns the hook's id.\n" +
				"EVENT is a state that it comes into (stopped starting running stopping backoff exited fatal), ended (a life is over, however), or\n" +
				"any (every entry of the journal). e is a hash with the keys of an event: seq, at, name, from, to, pid, exit, who, what, note, text.\n" +
				hookDoc,
			Example: `(on 'fatal (fn [e] (println (:name e) "was given up:" (:note e))))`},
		{Name: "every", Args: "TIME FN", Power: Execute, Call: every, registers: true,
			Doc: "Calls (FN) again and again, the first time when TIME is over (seconds, or a text such as \"30s\"); returns the hook's id.\n" +
				"Times that pass while it is still at work are left out.\n" + hookDoc,
			Example: `(every "30s" (fn [] (println (len (status)) "processes")))`},
		{Name: "after", Args: "TIME FN", Power: Execute, Call: after, registers: true,
			Doc:     "Calls (FN) once, when TIME is over (seconds, or a text such as \"5s\"); returns the hook's id.\n" + hookDoc,
			Example: `(after "5s" (fn [] (restart "web-1")))`},
		{Name: "remove-hook", Args: "ID", Power: Execute, Call: removeHook,
			Doc:     "Forgets a hook; a call of it that is under way goes on to its end.",
			Example: `(remove-hook (every "30s" (fn [] (status))))`},
	}
}

// hookDoc describes what all hooks have in common.
const hookDoc = "A hook counts once its program has ended well, and lasts as long as the daemon; those of the init script until it is\n" +
	"evaluated again. One call may take 1 M steps, 16 MiB and 5 s. Errors are in the journal, the log, status and (hooks). In a\n" +
	"hook, start, stop, restart, reload and shutdown answer \"under way\" instead of a report when they take longer than a second."

// reportDoc describes what most changing verbs return.
const reportDoc = "Returns a report: an array of hashes, one for each process, with name, outcome, state, pid and, where there are such, error\n" +
	"and reasons. An unknown name fails before anything is touched; when some of several fail, the error is of kind failed, names\n" +
	"them, and has the whole report as its value."
