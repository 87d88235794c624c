package cli_test

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestStatusIsWatchedInPlace: the table is drawn over itself at every event, with times that go on in between, and Ctrl-C
// gives the terminal back as it was.
func TestStatusIsWatchedInPlace(t *testing.T) {
	o := operate(t, sleeper("web-1")+sleeper("web-2")+sleeper("other"), "web-1", "web-2", "other")
	p := o.terminal("service", "status", "--watch", "web-*")
	p.Wait("\x1b[?25l")
	p.Wait("2 running  (Ctrl-C leaves)\r\nNAME ")
	p.Wait("web-1  \x1b[32mrunning\x1b[0m")
	p.Wait("web-2  \x1b[32mrunning\x1b[0m")
	o.run("", "service", "stop", "web-2")
	p.Wait("\x1b[4A\r\x1b[J") // over the four lines of before
	p.Wait("1 running, 1 stopped  (Ctrl-C leaves)\r\nNAME ")
	p.Wait("web-2  \x1b[2mstopped\x1b[0m")
	p.Wait("\x1b[4A\r\x1b[J") // nothing happens, the time goes on
	p.Wait("1 running, 1 stopped")
	o.run("", "service", "start", "web-2")
	p.Wait("2 running")
	p.Keys(ctrlC)
	p.Wait("\x1b[?7h\x1b[?25h")
	p.Leave(0)

	p = o.terminal("service", "status", "--watch")
	p.Wait("3 running")
	p.Program.Process.Signal(syscall.SIGTERM)
	p.Wait("\x1b[?7h\x1b[?25h")
	p.Leave(0)

	p = o.terminal("service", "status", "--watch")
	p.Wait("3 running")
	o.run("", "shutdown")
	p.Wait("\x1b[?7h\x1b[?25h")
	p.Wait("the daemon has ended")
	p.Leave(0)
}

// TestStatusIsWatchedThroughAPipe: a table after each change and nothing but tables; with --json a line.
func TestStatusIsWatchedThroughAPipe(t *testing.T) {
	o := operate(t, sleeper("web")+sleeper("other"), "web", "other")
	for _, args := range [][]string{{"web"}, {"--json", "web"}} {
		p := o.follow(append([]string{"service", "status", "--watch"}, args...)...)
		p.wait("running")
		o.run("", "service", "restart", "other") // is no news of web
		o.run("", "service", "stop", "web")
		p.wait("stopped")
		o.run("", "service", "start", "web")
		p.wait("running")
		p.end()
		text := p.text()
		if strings.Contains(text, "\x1b") || strings.Contains(text, "other") {
			t.Errorf("got %q", text)
		}
		tables, lines := strings.Count(text, "NAME"), strings.Count(text, "\n")
		if args[0] == "web" && (tables < 3 || lines != 3*tables-1) || args[0] == "--json" && (strings.Count(text, `[{"name":"web"`) != lines || lines > 8) {
			t.Errorf("%d tables, %d lines: %q", tables, lines, text)
		}
	}
	if _, errs, code := o.run("", "service", "status", "--watch", "wbe"); code != 4 || !strings.Contains(errs, "did you mean web?") {
		t.Errorf("got %d %q", code, errs)
	}
}

// TestLongWorkShowsWhoIsAwaited and what was sent, in one line that is gone at the end, and sums up in one.
func TestLongWorkShowsWhoIsAwaited(t *testing.T) {
	stubborn := shellProcess("stubborn", "trap '' TERM; echo up; while :; do sleep 0.1; done", "stop_wait_secs = 3\nkill_wait_secs = 5")
	slow := shellProcess("slow", "exec sleep 1000", "start_secs = 3")
	o := operate(t, sleeper("web")+stubborn+slow, "web", "stubborn")
	p := o.terminal("service", "stop", "web", "stubborn")
	p.Wait("1 of 2 stopped; waiting for stubborn (stopping, SIGTERM sent, SIGKILL in 3s)")
	p.Wait("SIGKILL in 1s)")
	p.Wait("\r\x1b[K")
	p.Wait("web       stopped\r\nstubborn  stopped\r\n2 stopped in ")
	p.Leave(0)

	p = o.terminal("service", "restart", "web", "slow")
	p.Wait("1 of 2 running; waiting for slow (starting, counts as up in ")
	p.Keys(ctrlC)
	p.Wait("supervisord: interrupted: what was asked for may still go on")
	p.Leave(7)

	p = o.terminal("service", "stop", "web")
	p.Wait("web  stopped\r\n1 stopped in ")
	p.Leave(0)
	if out, _, _ := o.run("", "service", "stop", "web"); out != "web  already stopped\n" {
		t.Errorf("without a terminal one process is one line: %q", out)
	}
	if out, _, _ := o.run("", "service", "start", "web", "stubborn"); !strings.Contains(out, "\n2 started in ") {
		t.Errorf("got %q", out)
	}
}

// TestAnInterruptedShutdownIsNotWaitedFor: the shutdown goes on, and the prompt is back at once.
func TestAnInterruptedShutdownIsNotWaitedFor(t *testing.T) {
	o := operate(t, shellProcess("stubborn", "trap '' TERM; echo up; while :; do sleep 0.1; done", "stop_wait_secs = 600"), "stubborn")
	p := o.terminal("shutdown")
	p.Wait("waiting for stubborn (stopping, SIGTERM sent")
	began := time.Now()
	p.Keys(ctrlC)
	p.Wait("supervisord: interrupted: what was asked for may still go on")
	p.Leave(7)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the end of the daemon was waited for all the same, for %v", took)
	}
	if out, _, code := o.run("", "shutdown", "--now"); code != 0 {
		t.Errorf("got %d %q", code, out)
	}
}

// follow runs a command of supervisord that goes on, without a terminal.
func (o *operated) follow(args ...string) *followed {
	o.t.Helper()
	f := &followed{foreground: &foreground{both: true, ended: make(chan struct{}), more: make(chan struct{})}, t: o.t}
	f.command = exec.Command(o.program, args...)
	f.command.Dir, f.command.Env = o.dir, o.env
	o.t.Cleanup(f.end)
	f.begin(o.t)
	return f
}

// followed is what a command that goes on has printed.
type followed struct {
	*foreground
	t    *testing.T
	mark int
}

// wait waits until text appears after what was waited for before.
func (f *followed) wait(text string) {
	f.t.Helper()
	if !f.await(func(log string) bool {
		i := strings.Index(log[f.mark:], text)
		if i >= 0 {
			f.mark += i + len(text)
		}
		return i >= 0
	}) {
		f.t.Fatalf("%q does not appear in %q", text, f.text()[f.mark:])
	}
}
