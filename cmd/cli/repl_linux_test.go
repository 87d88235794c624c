package cli_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// TestThePromptIsPleasant types what an operator types, at a real daemon, and reads what appears.
func TestThePromptIsPleasant(t *testing.T) {
	o := operate(t, sleeper("web-1")+sleeper("web-2")+sleeper("idle")+"autostart = false\n", "web-1", "web-2")
	p := o.terminal("repl")
	const ready = "glisp> "
	p.wait("try (status), (help), (doc restart) or Tab; Ctrl-C ends a form, Ctrl-D leaves\r\n")
	p.wait(ready)

	// Statuses, reports and events look like those of the commands, coloured.
	p.keys("(status)", enter)
	p.wait("NAME   STATE    PID")
	p.wait("web-1  \x1b[32mrunning\x1b[0m  ")
	p.wait("idle   \x1b[2mstopped\x1b[0m")
	p.wait(ready)
	p.keys(`(restart "web-1")`, enter)
	p.wait("web-1  restarted  pid ")
	p.wait(ready)
	p.keys(`(history "idle")`, enter)
	p.wait("idle")
	p.wait(ready)

	// Help is a table, documentation is text.
	p.keys("(help)", enter)
	p.wait("\n(restart NAME...)")
	p.wait("Gives processes a new life")
	p.wait("(remove-proc NAME)")
	p.wait(ready)
	p.keys(`(doc restart)`, enter)
	p.wait("\r\n(restart NAME...)   (operate)\r\nGives processes a new life; a stopped one is started.\r\n")
	p.wait("Example: (restart \"web-1\")\r\n")
	p.wait(ready)
	p.keys(`(apropos "reload")`, enter)
	p.wait("\r\n[\"plan\" \"reload\"")
	p.wait(ready)

	// Definitions are completed, with a line on each at the second Tab; so are the language and live names.
	p.keys("(defn roll-all [names]", enter)
	p.wait("  ...> \x1b[0m  ")
	p.keys(`"Restarts one by one."`, enter)
	p.wait("  ...> \x1b[0m  ")
	p.keys("(map restart names))", enter)
	p.wait("()\r\n")
	p.wait(ready)
	p.keys("(ro", tabKey, tabKey)
	p.wait("roll-all  Restarts one by one.\r\n")
	p.wait("round     ")
	p.wait("(ro")
	p.keys("l", tabKey)
	p.wait("roll-all ")
	p.keys(`["we`, tabKey, tabKey)
	p.wait("\"web-1\"  running\r\n\"web-2\"  running\r\n")
	p.keys(`1"])`, enter)
	p.wait("restarted")
	p.wait(ready)
	p.keys("(apply conc", tabKey)
	p.wait("concat")
	p.keys(ctrlC)
	p.wait(ready)

	// The form of three lines is recalled as one.
	p.keys(ctrlR, "roll-all [na")
	p.wait(`(defn roll-all [names] "Restarts one by one." (map restart names))`)
	p.keys(ctrlC)
	p.wait(ready)

	// *1, *2 and *e; completion in between does not count.
	p.keys("(+ 40 2)", enter)
	p.wait("\r\n42\r\n")
	p.wait(ready)
	p.keys(`"one"`, enter)
	p.wait("\r\n\"one\"\r\n")
	p.wait(ready)
	p.keys(`[*1 "we`, tabKey, tabKey)
	p.wait(`"web-2"  running`)
	p.keys(`" *2]`, enter)
	p.wait("\r\n[\"one\" \"web-\" 42]\r\n")
	p.wait(ready)
	p.keys("(+ 1 (cra [2]))", enter)
	p.wait("unbound: cannot find cra: no such name (did you mean car?)")
	p.wait("\r\n  (+ 1 (cra [2]))\r\n        ^\r\n")
	p.wait(ready)
	p.keys("(error-kind *e)", enter)
	p.wait("\r\n\"unbound\"\r\n")
	p.wait(ready)

	// Long values are laid out and cut with a hint; what may have no end is shown as such.
	p.keys("(map (fn [i] {\"number\" i \"text\" \"some words to fill a line with\"}) (realize (range 3000)))", enter)
	p.wait("bytes more: (println *1) prints it all")
	p.wait(ready)

	p.keys("(range 3)", enter)
	p.wait("\r\n(stream …)  its elements are made when they are read: (realize (take 10 *1))\r\n")
	p.wait(ready)
	p.keys("(realize (take 10 *1))", enter)
	p.wait("\r\n(0 1 2)\r\n")
	p.wait(ready)
	p.keys("(usage)", enter)
	p.wait("NAME   MEMORY")
	p.wait(ready)

	// Ctrl-C ends the form and not the prompt.
	for _, form := range []string{"(while true 1)", `(wait "web-1" "stopped" 1000)`} {
		p.keys("(begin (println (+ 1 233)) ", form, ")", enter)
		p.wait("\r\n234\r\n")
		p.keys(ctrlC)
		p.wait("interrupted")
		p.wait(ready)
	}
	p.keys(ctrlD)
	p.leave(0)
	if out, _, code := o.run("(defn f [x]\n  (+ x 1))\n(f 1)\n(status \"idle\")\n", "repl"); code != 0 || !strings.HasPrefix(out, "2\nNAME  STATE") || strings.Contains(out, "\x1b") {
		t.Errorf("piped: %d %q", code, out)
	}
}

// TestCtrlCEndsTheFormOnTheServer within 100 ms, by the daemon's own record. A machine that is busy with other things may
// spoil a try, not all of them.
func TestCtrlCEndsTheFormOnTheServer(t *testing.T) {
	o := operate(t, sleeper("web"), "web")
	p := o.terminal("repl")
	p.wait("glisp> ")
	for _, form := range []string{"(while true 1)", `(wait "web" "stopped" 1000)`, `(os/exec "sleep 1000")`} {
		best := time.Hour
		for try := 0; try < 5 && best > 100*time.Millisecond; try++ {
			p.keys("(begin (println (+ 1 233)) ", form, ")", enter)
			p.wait("\r\n234\r\n")
			pressed := time.Now()
			p.keys(ctrlC)
			p.wait("interrupted")
			p.keys("(+ 1 4710)", enter) // has its turn when the form before has ended
			p.wait("\r\n4711\r\n")
			best = min(best, o.lastCancelled().Sub(pressed))
		}
		if best > 100*time.Millisecond {
			t.Errorf("%s goes on for %v", form, best)
		}
	}
	p.keys("(exit 7)", enter)
	p.leave(7)
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
