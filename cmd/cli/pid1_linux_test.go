package cli_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestFirstProcessOfANamespace: as PID 1 the daemon takes in orphans, leaves no zombie, and ends in order with 0 at TERM.
func TestFirstProcessOfANamespace(t *testing.T) {
	d := contain(t, `[[process]]
name = "maker"
command = "/bin/sh"
args = ["-c", "i=0; while [ $i -lt 50 ]; do (setsid true &); i=$((i+1)); done"]
stop_mode = "process"
[[process]]
name = "web"
command = "/bin/sleep"
args = ["1000"]
`)
	d.up()
	d.run("service", "wait", "maker", "exited", "30")
	d.run("service", "wait", "web", "running", "30")
	eventually(t, "zombies are left", func() error { return zombiesOf(d.first) })
	d.send(syscall.SIGTERM)
	if code := d.code(); code != 0 {
		t.Errorf("the daemon ended with %d, want 0:\n%s", code, d.text())
	}
}

// Everything else in the namespace is killed at once: the daemon, whom the kernel spares, starts again what is wanted.
func TestFirstProcessSurvivesTheEndOfAllOthers(t *testing.T) {
	d := contain(t, `
[[process]]
name = "web"
command = "/bin/sleep"
args = ["1000"]
[[process]]
name = "bomb"
command = "/bin/sh"
args = ["-c", "kill -9 -1; sleep 0.1"]
autostart = false
restart = "never"
`)
	d.up()
	d.run("service", "wait", "web", "running", "30")
	d.run("service", "start", "bomb")
	d.run("service", "wait", "bomb", "exited", "30")
	eventually(t, "web is not back", func() error {
		if text := d.run("service", "status", "web"); !strings.Contains(text, "running") || !regexp.MustCompile(`s +1\b`).MatchString(text) {
			return errors.New(text)
		}
		return nil
	})
	d.send(syscall.SIGTERM)
	if code := d.code(); code != 0 {
		t.Errorf("the daemon ended with %d, want 0:\n%s", code, d.text())
	}
}

// The kernel drops what PID 1 has no handler for. Every signal that the documentation names does what it says; the others
// change nothing.
func TestFirstProcessObeysItsSignals(t *testing.T) {
	d := contain(t, `
[[process]]
name = "web"
command = "/bin/sleep"
args = ["1000"]
`)
	d.up()
	d.run("service", "wait", "web", "running", "30")
	for _, one := range []struct {
		signal syscall.Signal
		says   string
	}{
		{syscall.SIGHUP, "reloaded"}, {syscall.SIGUSR1, "got user defined signal 1: opening the log files anew"},
		{syscall.SIGUSR2, "got user defined signal 2: opening the log files anew"}, {syscall.SIGWINCH, ""}, {syscall.SIGPWR, ""},
		{syscall.SIGPIPE, ""}, {syscall.SIGALRM, ""}, {syscall.SIGCHLD, ""},
	} {
		d.send(one.signal)
		if !d.await(func(log string) bool { return strings.Contains(log, one.says) }) {
			t.Errorf("%s: the daemon does not say %q:\n%s", one.signal, one.says, d.text())
		}
		if text := d.run("service", "status", "web"); !strings.Contains(text, "running") || !strings.Contains(text, " 0\n") {
			t.Errorf("after %s: %s", one.signal, text)
		}
	}
	d.send(syscall.SIGINT)
	if code := d.code(); code != 0 {
		t.Errorf("after INT the daemon ended with %d, want 0:\n%s", code, d.text())
	}
}

// run runs a command for the daemon and gives what it printed.
func (c *container) run(args ...string) string {
	c.t.Helper()
	program, err := exec.LookPath("supervisord")
	if err != nil {
		c.t.Fatal(err)
	}
	command := exec.Command(program, args...)
	command.Dir, command.Env = c.dir, c.foreground.command.Env
	output, err := command.CombinedOutput()
	if err != nil {
		c.t.Fatalf("supervisord %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return string(output)
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
