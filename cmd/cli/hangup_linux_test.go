package cli_test

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
	"testing"
)

// TestADaemonInTheBackgroundOutlivesItsTerminal: who starts the daemon from a shell and closes the window ends the shell by HUP. The
// daemon and what it runs hear nothing of it.
func TestADaemonInTheBackgroundOutlivesItsTerminal(t *testing.T) {
	hangUps := make(chan os.Signal, 1) // what has a handler has none in the shell; what nohup ignores would stay ignored there
	signal.Notify(hangUps, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(hangUps) })
	o := newOperated(t)
	o.write("supervisord.conf", "state_dir = \"state\"\n"+shellProcess("web", "trap 'echo hung up' HUP; echo up; while :; do sleep 1000 & wait; done", ""))
	window := o.terminalOf("/bin/sh", "-c", o.program+" start -d; read nothing")
	t.Cleanup(func() {
		if _, errs, code := o.run("", "shutdown", "--now"); code != 0 {
			t.Errorf("shutdown: exit code %d\n%s", code, errs)
		}
	})
	window.Wait("supervisord runs (pid ")
	o.wait("web", "running")
	eventually(t, "web is up", func() error {
		if got := o.value(`(logs "web")`); got != `["up"]` {
			return errors.New(got)
		}
		return nil
	})
	before, daemon := o.pids()["web"], readText(t, o.path("state/lock"))
	window.HangUp()
	if status, ok := window.Program.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGHUP {
		t.Fatalf("the shell ended by %v, which shows nothing; want HUP", window.Program.ProcessState)
	}
	if st := o.statusOf()["web"]; st.State != "running" || st.PID != before || st.Restarts != 0 {
		t.Errorf("web: %+v, was pid %d", st, before)
	}
	if now := readText(t, o.path("state/lock")); now != daemon {
		t.Errorf("the daemon is %s, was %s", now, daemon)
	}
	if got := o.value(`(logs "web")`); got != `["up"]` {
		t.Errorf("web said %s", got)
	}
}
