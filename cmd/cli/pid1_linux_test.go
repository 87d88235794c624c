package cli_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestFirstProcessOfANamespace: as PID 1 the daemon takes in orphans, leaves no zombie, and ends in order with 0 at TERM.
func TestFirstProcessOfANamespace(t *testing.T) {
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		t.Skip("unshare is not installed")
	}
	if err := exec.Command(unshare, "-fp", "--mount-proc", "true").Run(); err != nil {
		t.Skipf("a pid namespace cannot be made here: %v", err)
	}
	program, err := exec.LookPath("supervisord")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	conf := `state_dir = "state"
[[process]]
name = "maker"
command = "/bin/sh"
args = ["-c", "i=0; while [ $i -lt 50 ]; do (setsid true &); i=$((i+1)); done"]
stop_mode = "process"
[[process]]
name = "web"
command = "/bin/sleep"
args = ["1000"]
`
	if err := os.WriteFile(filepath.Join(folder, "supervisord.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "SUPERVISORD_RUNTIME_DIR="+filepath.Join(folder, "run"))
	daemon := exec.Command(unshare, "-fp", "--mount-proc", program, "start")
	daemon.Dir, daemon.Env = folder, env
	d := &foreground{command: daemon, ended: make(chan struct{}), more: make(chan struct{})}
	d.begin(t)
	first := 0 // the daemon's pid outside
	t.Cleanup(func() {
		if first > 1 {
			syscall.Kill(first, syscall.SIGKILL) // the kernel ends the whole namespace with it
		}
		daemon.Process.Kill()
		<-d.ended
	})
	if !d.await(func(log string) bool { return strings.Contains(log, " listens on ") }) {
		t.Fatalf("the daemon does not listen:\n%s", d.text())
	}
	children, err := os.ReadFile("/proc/" + strconv.Itoa(daemon.Process.Pid) + "/task/" + strconv.Itoa(daemon.Process.Pid) + "/children")
	if err != nil {
		t.Fatal(err)
	}
	if first, err = strconv.Atoi(strings.TrimSpace(string(children))); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(d.text(), "(pid 1)") {
		t.Errorf("the daemon is not the first process:\n%s", d.text())
	}
	command := func(args ...string) {
		t.Helper()
		c := exec.Command(program, args...)
		c.Dir, c.Env = folder, env
		if output, err := c.CombinedOutput(); err != nil {
			t.Fatalf("supervisord %s: %v\n%s", strings.Join(args, " "), err, output)
		}
	}
	command("service", "wait", "maker", "exited", "30")
	command("service", "wait", "web", "running", "30")
	eventually(t, "zombies are left", func() error { return zombiesOf(first) })
	if err := syscall.Kill(first, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-d.ended
	if code := daemon.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the daemon ended with %s, want 0:\n%s", daemon.ProcessState, d.text())
	}
}

// zombiesOf is an error that names the ended children nobody waited for.
func zombiesOf(parent int) error {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return err
	}
	var found []string
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it ended while we looked
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if fields[0] == "Z" && fields[1] == strconv.Itoa(parent) {
			found = append(found, filepath.Base(filepath.Dir(path)))
		}
	}
	if len(found) > 0 {
		return errors.New("pids " + strings.Join(found, " "))
	}
	return nil
}
