package builtins

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/qjpcpu/supervisord/core"
)

// story tells an event in words that follow the name of the process: what became of it, why, and who asked for it.
func story(e core.Event) string {
	asked := byWhom(e.Cause)
	var words []string
	switch {
	case e.Daemon:
		words = []string{e.Note, asked}
	case e.From == e.To && e.Note == "added" && e.Cause.What == "boot":
		words = []string{e.Note}
	case e.From == e.To && e.To == core.Stopping:
		words = []string{noted(e), asked} // what came after the wish, and whose wish it was
	case e.From == e.To:
		words = []string{asked, noted(e)}
	case e.To == core.Starting && e.From == core.Stopping:
		words = []string{"starting again", noted(e)} // the event before said who wanted it
	case e.To == core.Starting:
		words = []string{cmp.Or(asked, "starting"), noted(e)}
	case e.To == core.Running:
		words = []string{withPID("running", e.PID), noted(e)}
	case e.To == core.Stopping:
		words = []string{cmp.Or(asked, "stopping"), withPID(noted(e), e.PID)}
	case e.To == core.Stopped && e.From == core.Stopping:
		words = []string{"stopped", ending(e), noted(e)}
	case e.To == core.Stopped:
		words = []string{cmp.Or(asked, "stopped"), noted(e)}
	case e.To == core.Backoff && e.Exit != nil && e.Exit.Code == 0 && e.Exit.Signal == 0: // restart = "always": nothing has failed
		words = []string{"ended", ending(e), noted(e), "to be started again"}
	case e.To == core.Backoff:
		words = []string{"failed", ending(e), noted(e), "to be tried again"}
	case e.To == core.Exited:
		words = []string{"ended as expected", ending(e), noted(e)}
	case e.To == core.Fatal:
		words = []string{"given up", ending(e), noted(e)}
	default:
		words = []string{e.To.String(), noted(e)}
	}
	var said []string
	for _, word := range words {
		if word != "" {
			said = append(said, word)
		}
	}
	return oneLine(strings.Join(said, ", "))
}

func withPID(text string, pid int) string {
	if pid == 0 || text == "" {
		return text
	}
	return fmt.Sprintf("%s (pid %d)", text, pid)
}

// noted is the note of an event in the words of a story.
func noted(e core.Event) string {
	if e.Exit != nil && strings.HasPrefix(e.Note, e.Exit.String()) {
		return strings.TrimLeft(strings.TrimPrefix(e.Note, e.Exit.String()), ";, ")
	}
	if name, sent := strings.CutPrefix(e.Note, "signal "); sent && e.Exit == nil {
		return "SIG" + name + " sent"
	}
	return e.Note
}

// ending is how a life ended.
func ending(e core.Event) string {
	if e.Exit == nil {
		return ""
	}
	return e.Exit.String()
}

// byWhom says who asked, and with which words.
func byWhom(c core.Cause) string {
	who, what := withoutPID(c.Who), c.What
	form, isForm := strings.CutPrefix(what, "(")
	head, _, _ := strings.Cut(strings.TrimSuffix(form, ")"), " ")
	switch {
	case c == core.Cause{}:
		return ""
	case isForm:
		return done(head) + " by " + who + ": " + what
	case who == "supervisord" && what == "boot":
		return "started with the daemon"
	case who == "supervisord" && strings.HasPrefix(what, "restart "):
		return "started again by the daemon (restart = " + strings.TrimPrefix(what, "restart ") + ")"
	case what == "":
		return "by " + who
	}
	return "by " + who + ": " + what
}

// done is what a verb has done to a process.
func done(verb string) string {
	switch verb {
	case "start", "restart", "reload":
		return verb + "ed"
	case "reset":
		return verb
	case "stop":
		return "stopped"
	case "signal":
		return "signalled"
	case "shutdown":
		return "shut down"
	case "add-proc":
		return "added"
	case "remove-proc":
		return "removed"
	}
	return "changed"
}

// withoutPID leaves the pid of who asked, which is mostly gone when the story is read, to the event's "who".
func withoutPID(who string) string {
	if before, pid, found := strings.Cut(who, " pid "); found && strings.Trim(pid, "0123456789") == "" {
		return before
	}
	return who
}

// asker is who made a request, and with what: "cli uid 1000 pid 77". The name of the program is the caller's own word, so
// that only one that could not be taken for another caller is told.
func (j Job) asker() string {
	name := j.Name[strings.LastIndexAny(j.Name, `/\`)+1:]
	if strings.HasPrefix(j.Name, "-") {
		name = "exec" // a form after -e, or standard input
	}
	peer := strings.HasPrefix(j.Who, "uid ") || strings.HasPrefix(j.Who, "tcp ")
	strange := strings.ContainsFunc(name, func(r rune) bool {
		return r != '.' && r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if name == "" || strange || len(name) > longestAsker || !peer {
		return j.Who
	}
	return name + " " + j.Who
}

// longestAsker bounds the name of a program in the journal, in bytes.
const longestAsker = 40
