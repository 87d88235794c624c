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
	program, err := exec.LookPath("supervisord")
	if err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) {
		t.Helper()
		c := exec.Command(program, args...)
		c.Dir, c.Env = d.dir, d.foreground.command.Env
		if output, err := c.CombinedOutput(); err != nil {
			t.Fatalf("supervisord %s: %v\n%s", strings.Join(args, " "), err, output)
		}
	}
	command("service", "wait", "maker", "exited", "30")
	command("service", "wait", "web", "running", "30")
	eventually(t, "zombies are left", func() error { return zombiesOf(d.first) })
	d.send(syscall.SIGTERM)
	if code := d.code(); code != 0 {
		t.Errorf("the daemon ended with %d, want 0:\n%s", code, d.text())
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
