package cli_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// TestThePromptSaysAtOnceThatThereIsNoDaemon, as every other command does, and greets with the version of the one that is there.
func TestThePromptSaysAtOnceThatThereIsNoDaemon(t *testing.T) {
	o := operate(t, sleeper("web"), "web")
	version, _, _ := o.run("", "exec", "-r", "-e", `(:version (version))`)
	p := o.terminal("repl")
	p.Wait("supervisord " + strings.TrimSpace(version) + " at unix:")
	p.Wait("glisp> ")
	p.Keys(ctrlD)
	p.Leave(0)
	o.run("", "shutdown")
	p = o.terminal("repl")
	p.Wait("supervisord: cannot reach the daemon at unix:")
	p.Leave(6)
	if strings.Contains(p.Screen(), "glisp>") {
		t.Errorf("there was a prompt: %q", p.Screen())
	}
}

// TestThePromptIsPleasant types what an operator types, at a real daemon, and reads what appears.
func TestThePromptIsPleasant(t *testing.T) {
	o := operate(t, sleeper("web-1")+sleeper("web-2")+sleeper("idle")+"autostart = false\n", "web-1", "web-2")
	p := o.terminal("repl")
	const ready = "glisp> "
	p.Wait("try (status), (help), (doc restart) or Tab; Ctrl-C ends a form, Ctrl-D leaves\r\n")
	p.Wait(ready)
	// enters types the rest of a line and reads all of this, in this order, before the next prompt.
	enters := func(rest string, reads ...string) {
		t.Helper()
		p.Keys(rest, enter)
		for _, want := range reads {
			p.Wait(want)
		}
		p.Wait(ready)
	}

	// Statuses, reports and events look like those of the commands, coloured.
	enters("(status)", "NAME   STATE    PID", "web-1  \x1b[32mrunning\x1b[0m  ", "idle   \x1b[2mstopped\x1b[0m")
	enters(`(restart "web-1")`, "web-1  restarted  pid ")
	enters(`(history "idle")`, "idle")

	// Help is a table, documentation is text.
	enters("(help)", "\n(restart NAME...)", "Gives processes a new life", "(remove-proc NAME)")
	enters(`(doc restart)`,
		"\r\n(restart NAME...)   (operate)\r\nGives processes a new life; a stopped one is started.\r\n",
		"Example: (restart \"web-1\")\r\n")
	enters(`(apropos "reload")`, "\r\n[\"plan\" \"reload\"")

	// Definitions are completed, with a line on each at the second Tab; so are the language and live names.
	p.Keys("(defn roll-all [names]", enter)
	p.Wait("  ...> \x1b[0m  ")
	p.Keys(`"Restarts one by one."`, enter)
	p.Wait("  ...> \x1b[0m  ")
	enters("(map restart names))", "()\r\n")
	p.Keys("(ro", tabKey, tabKey)
	p.Wait("roll-all  Restarts one by one.\r\n")
	p.Wait("round     ")
	p.Wait("(ro")
	p.Keys("l", tabKey)
	p.Wait("roll-all ")
	p.Keys(`["we`, tabKey, tabKey)
	p.Wait("\"web-1\"  running\r\n\"web-2\"  running\r\n")
	enters(`1"])`, "restarted")
	p.Keys("(apply conc", tabKey)
	p.Wait("concat")
	p.Keys(ctrlC)
	p.Wait(ready)

	// The form of three lines is recalled as one.
	p.Keys(ctrlR, "roll-all [na")
	p.Wait(`(defn roll-all [names] "Restarts one by one." (map restart names))`)
	p.Keys(ctrlC)
	p.Wait(ready)

	// *1, *2 and *e; completion in between does not count.
	enters("(+ 40 2)", "\r\n42\r\n")
	enters(`"one"`, "\r\n\"one\"\r\n")
	p.Keys(`[*1 "we`, tabKey, tabKey)
	p.Wait(`"web-2"  running`)
	enters(`" *2]`, "\r\n[\"one\" \"web-\" 42]\r\n")
	enters("(+ 1 (cra [2]))", "unbound: cannot find cra: no such name (did you mean car?)", "\r\n  (+ 1 (cra [2]))\r\n        ^\r\n")
	enters("(error-kind *e)", "\r\n\"unbound\"\r\n")

	// Long values are laid out and cut with a hint; what may have no end is shown as such.
	enters("(map (fn [i] {\"number\" i \"text\" \"some words to fill a line with\"}) (realize (range 3000)))", "bytes more: (println *1) prints it all")

	enters("(range 3)", "\r\n(stream …)  its elements are made when they are read: (realize (take 10 *1))\r\n")
	enters("(realize (take 10 *1))", "\r\n(0 1 2)\r\n")
	enters("(usage)", "NAME   MEMORY")

	// Ctrl-C ends the form and not the prompt.
	for _, form := range []string{"(while true 1)", `(wait "web-1" "stopped" 1000)`} {
		p.Keys("(begin (println (+ 1 233)) ", form, ")", enter)
		p.Wait("\r\n234\r\n")
		p.Keys(ctrlC)
		p.Wait("interrupted")
		p.Wait(ready)
	}
	p.Keys(ctrlD)
	p.Leave(0)
	if out, _, code := o.run("(defn f [x]\n  (+ x 1))\n(f 1)\n(status \"idle\")\n", "repl"); code != 0 || !strings.HasPrefix(out, "2\nNAME  STATE") || strings.Contains(out, "\x1b") {
		t.Errorf("piped: %d %q", code, out)
	}
	o.run("", "service", "stop", "web-2")
	command, _, _ := o.run("", "why", "web-2")
	if prompt, _, _ := o.run(`(why "web-2")`, "repl"); prompt != command || !strings.HasPrefix(command, "web-2 is stopped") || strings.Contains(prompt, "Z  ") {
		t.Errorf("(why) shows\n%s\nwhy shows\n%s", prompt, command)
	}
}

// TestCtrlCEndsTheFormOnTheServer within 100 ms, by the daemon's own record. A machine that is busy with other things may
// spoil a try, not all of them.
func TestCtrlCEndsTheFormOnTheServer(t *testing.T) {
	o := operate(t, sleeper("web"), "web")
	p := o.terminal("repl")
	p.Wait("glisp> ")
	for _, form := range []string{"(while true 1)", `(wait "web" "stopped" 1000)`, `(os/exec "sleep 1000")`} {
		best := time.Hour
		for try := 0; try < 5 && best > 100*time.Millisecond; try++ {
			p.Keys("(begin (println (+ 1 233)) ", form, ")", enter)
			p.Wait("\r\n234\r\n")
			pressed := time.Now()
			p.Keys(ctrlC)
			p.Wait("interrupted")
			p.Keys("(+ 1 4710)", enter) // has its turn when the form before has ended
			p.Wait("\r\n4711\r\n")
			best = min(best, o.lastCancelled().Sub(pressed))
		}
		if best > 100*time.Millisecond {
			t.Errorf("%s goes on for %v", form, best)
		}
	}
	p.Keys("(exit 7)", enter)
	p.Leave(7)
}

// lastCancelled is when the audit log says that the last cancelled form ended.
func (o *operated) lastCancelled() (at time.Time) {
	o.t.Helper()
	text, err := os.ReadFile(o.path("state/audit.log"))
	if err != nil {
		o.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var record struct {
			At                   time.Time
			Phase, Head, Outcome string
		}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			o.t.Fatal(err)
		}
		if record.Phase == "end" && record.Head == "program" && record.Outcome == "cancelled" {
			at = record.At
		}
	}
	if at.IsZero() {
		o.t.Fatalf("nothing was cancelled: %s", text)
	}
	return at
}
