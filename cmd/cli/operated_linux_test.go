package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// operated is a daemon in a folder of its own, for the tests of the operators' scripts.
type operated struct {
	t       *testing.T
	dir     string
	program string
	env     []string
	daemon  *foreground

	daemonEnv  []string            // more of it for the daemon alone
	credential *syscall.Credential // whom the daemon runs as; nil: who runs the test
}

// operate starts a daemon with these processes and waits until they run.
func operate(t *testing.T, processes string, running ...string) *operated {
	t.Helper()
	return operateWith(t, nil, processes, running...)
}

// operateWith is operate with more in the daemon's environment.
func operateWith(t *testing.T, environment []string, processes string, running ...string) *operated {
	t.Helper()
	o := operatePrepared(t, func(o *operated) {
		o.write("supervisord.conf", "state_dir = \"state\"\n"+processes)
		o.daemonEnv = environment
	})
	for _, name := range running {
		o.wait(name, "running")
	}
	return o
}

// newOperated is a folder for a daemon, and the environment of one.
func newOperated(t *testing.T) *operated {
	t.Helper()
	dir, err := os.MkdirTemp("", "sv") // short, because the path of a socket has to be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	program, err := exec.LookPath("supervisord")
	if err != nil {
		t.Fatal(err)
	}
	return &operated{t: t, dir: dir, program: program, env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "SUPERVISORD_RUNTIME_DIR=" + dir, "XDG_STATE_HOME=" + dir,
		"NO_COLOR=1", "GORACE=atexit_sleep_ms=0",
	}}
}

// operatePrepared starts a daemon in a folder that prepare has filled.
func operatePrepared(t *testing.T, prepare func(*operated)) *operated {
	t.Helper()
	o := newOperated(t)
	prepare(o)
	if o.credential != nil {
		err := filepath.WalkDir(o.dir, func(path string, _ os.DirEntry, err error) error {
			return errors.Join(err, os.Chown(path, int(o.credential.Uid), int(o.credential.Gid)))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	o.begin()
	return o
}

// begin starts the daemon, for the first time or again.
func (o *operated) begin() {
	o.t.Helper()
	o.daemon = &foreground{ended: make(chan struct{}), more: make(chan struct{})}
	o.daemon.command = exec.Command(o.program, "start")
	o.daemon.command.Dir, o.daemon.command.Env = o.dir, slices.Concat(o.env, o.daemonEnv)
	if o.credential != nil {
		o.daemon.command.SysProcAttr = &syscall.SysProcAttr{Credential: o.credential}
	}
	o.t.Cleanup(o.daemon.end)
	o.daemon.begin(o.t)
	if !o.daemon.await(func(log string) bool { return strings.Contains(log, " listens on ") }) {
		o.t.Fatalf("the daemon does not listen:\n%s", o.daemon.text())
	}
}

// shellProcess is the configuration of a process that is a shell command.
func shellProcess(name, command, keys string) string {
	return fmt.Sprintf("\n[[process]]\nname = %q\ncommand = \"/bin/sh\"\nargs = [\"-c\", %q]\nstdout = [%q]\nstderr = []\n%s\n", name, command, name+".log", keys)
}

func (o *operated) path(name string) string { return filepath.Join(o.dir, name) }

func (o *operated) write(name, text string) {
	o.t.Helper()
	if err := os.WriteFile(o.path(name), []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

// run runs a command of supervisord: its output, its errors, and its exit code.
func (o *operated) run(stdin string, args ...string) (string, string, int) {
	o.t.Helper()
	var out, errs bytes.Buffer
	command := exec.Command(o.program, args...)
	command.Dir, command.Env = o.dir, o.env
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(stdin), &out, &errs
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		o.t.Fatal(err)
	}
	return out.String(), errs.String(), command.ProcessState.ExitCode()
}

// value evaluates a form and gives its value as it is printed.
func (o *operated) value(form string) string {
	o.t.Helper()
	out, errs, code := o.run("", "exec", "-e", form)
	if code != 0 {
		o.t.Fatalf("%s: exit code %d\n%s%s", form, code, out, errs)
	}
	return strings.TrimSpace(out)
}

func (o *operated) wait(name, state string) {
	o.t.Helper()
	o.value(fmt.Sprintf("(begin (wait %q %q 30) nil)", name, state))
}

func (o *operated) pid(name string) string {
	o.t.Helper()
	return o.value(fmt.Sprintf("(:pid (first (status %q)))", name))
}

// says fails unless every text is in the output.
func (o *operated) says(output string, texts ...string) {
	o.t.Helper()
	for _, text := range texts {
		if !strings.Contains(output, text) {
			o.t.Errorf("%q is not in\n%s", text, output)
		}
	}
}

// address is the path of the daemon's socket.
func (o *operated) address() string {
	_, after, _ := strings.Cut(o.daemon.text(), " listens on unix:")
	path, _, _ := strings.Cut(after, "\n")
	return path
}

// sleeper is a process that stays, but for the shell's own time while a file of its name with .sick is there.
func sleeper(name string) string {
	return shellProcess(name, "test -e "+name+".sick && exit 3; echo up; exec sleep 1000", "max_restarts = 0\nstart_secs = 0.2")
}
