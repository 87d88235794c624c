package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestADaemonThatMayHaveTooFewThreadsSaysSo in one line, where the runtime would end it with pages; a check warns of it.
func TestADaemonThatMayHaveTooFewThreadsSaysSo(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be another user, one that has no processes")
	}
	const stranger = 61234
	o := newOperated(t)
	program, err := os.ReadFile(o.program) // where the tests keep it, others do not get
	if err != nil {
		t.Fatal(err)
	}
	o.program = o.path("supervisord")
	if err := os.WriteFile(o.program, program, 0o755); err != nil {
		t.Fatal(err)
	}
	o.write("supervisord.conf", "state_dir = \"state\"\n"+sleeper("web"))
	for _, path := range []string{o.dir, o.program, o.path("supervisord.conf")} {
		if err := os.Chown(path, stranger, stranger); err != nil {
			t.Fatal(err)
		}
	}
	limited := func(args ...string) (string, error) {
		var errs bytes.Buffer
		command := exec.Command("prlimit", append([]string{"--nproc=9", o.program}, args...)...)
		command.Dir, command.Env, command.Stderr = o.dir, append(o.env, "GOMAXPROCS=1"), &errs
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stranger, Gid: stranger}}
		err := command.Run()
		return errs.String(), err
	}
	const said = "cannot start: this user may have 9 processes and threads (ulimit -u) and has 0 besides this one; the daemon alone needs 10: raise the limit\n"
	for _, how := range []string{"--foreground", "--daemonize"} {
		if text, err := limited("start", how); err == nil || text != "supervisord: "+said {
			t.Errorf("start %s: %v, %s", how, err, text)
		}
	}
	if text, err := limited("check"); err != nil || strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, said) {
		t.Errorf("check: %v, %s", err, text)
	}
}
