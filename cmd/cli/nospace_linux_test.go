package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestAStateDirectoryThatHoldsNothingIsToldAndNothingIsStarted: where the state directory cannot be written, or has no room, start
// says what could not be done to what and why, ends with 1, in the foreground and in the background, and has started nothing.
func TestAStateDirectoryThatHoldsNothingIsToldAndNothingIsStarted(t *testing.T) {
	unshare, err := exec.LookPath("unshare")
	if err != nil || os.Geteuid() != 0 {
		t.Skip("only root mounts a small file system for itself alone")
	}
	for what, one := range map[string]struct{ mount, fill, want string }{
		"read-only":     {"ro", "true", `cannot create the directory \S+/state/logs: read-only file system$`},
		"no room":       {"size=4k", "echo > state/filler", `cannot write the lock \S+/state/lock: .*no space left on device$`},
		"room for some": {"size=8k", "true", `cannot write \S+/state/daemon.json: no space left on device$`},
		"no file more":  {"nr_inodes=2", "true", `cannot open the lock: open \S+/state/lock: no space left on device$`},
	} {
		for _, option := range []string{"--foreground", "-d"} {
			t.Run(what+" "+option, func(t *testing.T) {
				o := newOperated(t)
				o.write("supervisord.conf", "state_dir = \"state\"\n"+shellProcess("web", "touch started; exec sleep 1000", ""))
				if err := os.Mkdir(o.path("state"), 0o700); err != nil {
					t.Fatal(err)
				}
				mount := "mount -t tmpfs -o mode=700," + one.mount + " tmpfs state && " + one.fill
				command := exec.Command(unshare, "-m", "sh", "-c", mount+` && exec "$0" start `+option, o.program)
				command.Dir, command.Env = o.dir, o.env
				if exec.Command(unshare, "-m", "sh", "-c", "cd "+o.dir+" && "+mount).Run() != nil {
					t.Skip("nothing can be mounted here")
				}
				out, _ := command.CombinedOutput()
				lines := strings.Split(strings.TrimSpace(string(out)), "\n")
				if code := command.ProcessState.ExitCode(); code != 1 || len(lines) != 1 || !regexp.MustCompile(`^supervisord: `+one.want).MatchString(lines[0]) {
					t.Errorf("exit code %d, it said\n%swant %s", code, out, one.want)
				}
				if left, _ := filepath.Glob(o.path("started")); left != nil {
					t.Error("a process was started")
				}
			})
		}
	}
}

// TestAnAuditThatCannotBeWrittenIsAnError: it is told in the daemon's log also where that tells of nothing less than errors; what
// runs no programs is done all the same.
func TestAnAuditThatCannotBeWrittenIsAnError(t *testing.T) {
	o := operatePrepared(t, func(o *operated) {
		o.write("supervisord.conf", "state_dir = \"state\"\n"+shellProcess("web", "exec sleep 1000", ""))
	})
	o.wait("web", "running")
	o.write("supervisord.conf", "state_dir = \"state\"\nlog_level = \"error\"\n"+shellProcess("web", "exec sleep 1000", ""))
	if out, errs, code := o.run("", "reload"); code != 0 {
		t.Fatalf("reload: exit code %d\n%s%s", code, out, errs)
	}
	var limit unix.Rlimit
	daemon := o.daemon.command.Process.Pid
	if err := unix.Prlimit(daemon, unix.RLIMIT_FSIZE, nil, &limit); err != nil {
		t.Skipf("cannot limit the daemon's files: %v", err)
	}
	limit.Cur = 0
	if err := unix.Prlimit(daemon, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		t.Fatal(err)
	}
	before := o.pids()["web"]
	if out, errs, code := o.run("", "service", "restart", "web"); code != 0 || o.pids()["web"] == before {
		t.Errorf("restart: exit code %d\n%s%s", code, out, errs)
	}
	if !o.daemon.await(func(log string) bool { return strings.Contains(log, " ERROR cannot write the audit log: ") }) {
		t.Errorf("the daemon's log:\n%s", o.daemon.text())
	}
	if out, errs, code := o.run("", "add-proc", "more", "/bin/sleep", "1000"); code != 1 || !strings.Contains(errs, "the audit log cannot be written") {
		t.Errorf("add-proc: exit code %d\n%s%s", code, out, errs)
	}
}
