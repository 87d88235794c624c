package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// container is a daemon that is the first process of a pid namespace of its own, as in a container.
type container struct {
	*foreground
	t     *testing.T
	dir   string
	first int // the daemon's pid outside
}

// contain starts a daemon with a configuration in a namespace, or skips where there can be none.
func contain(t *testing.T, conf string, environment ...string) *container {
	t.Helper()
	return containIn(t, "", conf, environment...)
}

// containIn is contain with mounts of its own and without a network, where a shell prepares first.
func containIn(t *testing.T, prepare, conf string, environment ...string) *container {
	t.Helper()
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
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	state := "state"
	if prepare != "" {
		state = "/run/state"
	}
	if err := os.WriteFile(filepath.Join(dir, "supervisord.conf"), []byte("state_dir = "+strconv.Quote(state)+"\n"+conf), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(unshare, "-fp", "--mount-proc", program, "start")
	if prepare != "" {
		command = exec.Command(unshare, "-fpmn", "--mount-proc", "sh", "-c", prepare+` && exec "$0" start`, program)
	}
	command.Dir = dir
	command.Env = append(append(os.Environ(), "SUPERVISORD_RUNTIME_DIR="+filepath.Join(dir, "run")), environment...)
	if prepare != "" && exec.Command(unshare, "-fpmn", "--mount-proc", "sh", "-c", prepare).Run() != nil {
		t.Skipf("%s: not possible here", prepare)
	}
	c := &container{t: t, dir: dir, foreground: &foreground{command: command, ended: make(chan struct{}), more: make(chan struct{})}}
	c.begin(t)
	t.Cleanup(func() {
		select {
		case <-c.ended: // its number may be another's by now
			return
		default:
		}
		if c.first > 1 {
			syscall.Kill(c.first, syscall.SIGKILL) // the kernel ends the whole namespace with it
		}
		command.Process.Kill()
		<-c.ended
	})
	return c
}

// up waits until the daemon listens and finds its pid outside.
func (c *container) up() {
	c.t.Helper()
	if !c.await(func(log string) bool { return strings.Contains(log, " listens on ") }) {
		c.t.Fatalf("the daemon does not listen:\n%s", c.text())
	}
	if !strings.Contains(c.text(), "(pid 1)") {
		c.t.Errorf("the daemon is not the first process:\n%s", c.text())
	}
	pid := strconv.Itoa(c.command.Process.Pid)
	children, err := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	if err == nil {
		c.first, err = strconv.Atoi(strings.TrimSpace(string(children)))
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// send sends the daemon a signal from outside.
func (c *container) send(s syscall.Signal) {
	c.t.Helper()
	if err := syscall.Kill(c.first, s); err != nil {
		c.t.Fatal(err)
	}
}

// code waits for the end and gives the exit code of the container.
func (c *container) code() int {
	c.t.Helper()
	<-c.ended
	return c.command.ProcessState.ExitCode()
}

func (c *container) says(text string) {
	c.t.Helper()
	if !c.await(func(log string) bool { return strings.Contains(log, text) }) {
		c.t.Fatalf("%q is not in the log:\n%s", text, c.text())
	}
}

const stays = "\n[[process]]\nname = \"helper\"\ncommand = \"/bin/sleep\"\nargs = [\"1000\"]\n"

// TestContainerEndsWithItsMainProcess: by exit_code_from the container ends with the exit code of its main process, 128+n for
// signal n; everything else is stopped first.
func TestContainerEndsWithItsMainProcess(t *testing.T) {
	main := func(command, more string) string {
		return "exit_code_from = \"web\"\n" + shellProcess("web", command, more) + stays
	}
	for name, c := range map[string]struct {
		conf string
		want int
		says string
	}{
		"ends well":                {main("exit 0", ""), 0, "web has ended (exit code 0): the daemon ends with exit code 0"},
		"fails":                    {main("exit 7", ""), 7, "web has ended (exit code 7): the daemon ends with exit code 7"},
		"is killed":                {main("kill -KILL $$", ""), 137, "the daemon ends with exit code 137"},
		"is terminated":            {main("kill -TERM $$", ""), 143, "the daemon ends with exit code 143"},
		"cannot be started":        {"exit_code_from = \"web\"\n[[process]]\nname = \"web\"\ncommand = \"/no/such/program\"\n" + stays, 1, "no such file"},
		"is given up":              {main("exit 9", "restart = \"on-failure\"\nmax_restarts = 2\n"), 9, "the daemon ends with exit code 9"},
		"is done, as all are":      {"exit_when_all_done = true\n" + main("exit 5", "") + "autostart = false\n", 5, "exit code 5"},
		"without it, all are done": {"exit_when_all_done = true\n" + shellProcess("web", "exit 0", ""), 0, "all processes are done"},
	} {
		t.Run(name, func(t *testing.T) {
			d := contain(t, c.conf)
			if got := d.code(); got != c.want {
				t.Errorf("exit code %d, want %d\n%s", got, c.want, d.text())
			}
			if !strings.Contains(d.text(), c.says) {
				t.Errorf("%q is not in the log:\n%s", c.says, d.text())
			}
		})
	}
}

// TestContainerHeedsSignals: what the first process is sent from outside does what the README's table says, and nothing of it
// is lost to the kernel's rule that signals without a handler do not reach the first process.
func TestContainerHeedsSignals(t *testing.T) {
	for _, stop := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGPWR} {
		t.Run(stop.String(), func(t *testing.T) {
			d := contain(t, "exit_code_from = \"web\"\n"+shellProcess("web", "exec sleep 1000", "")+stays)
			d.up()
			d.says("web: running")
			d.send(stop)
			if got := d.code(); got != 0 || !strings.Contains(d.text(), ": stopping") {
				t.Errorf("exit code %d\n%s", got, d.text())
			}
		})
	}
	t.Run("the others", func(t *testing.T) {
		stubborn := shellProcess("stubborn", "trap '' TERM; echo ready; while :; do sleep 1; done", "stop_wait_secs = 600")
		d := contain(t, stubborn+shellProcess("web", "exec sleep 1000", ""))
		d.up()
		d.says("web: running")
		d.send(syscall.SIGHUP)
		d.says(": reloading")
		d.says("reloaded")
		d.send(syscall.SIGUSR2)
		d.says(": opening the log files anew")
		d.send(syscall.SIGUSR1)
		d.send(syscall.SIGWINCH)
		d.send(syscall.SIGPIPE)
		eventually(t, "stubborn heeds no TERM", func() error {
			_, err := os.Stat(filepath.Join(d.dir, "stubborn.log"))
			return err
		})
		d.send(syscall.SIGTERM)
		d.says(": stopping")
		d.send(syscall.SIGHUP)
		d.says("not reloading, the daemon is shutting down")
		d.send(syscall.SIGTERM)
		d.says("stopping at once")
		if got := d.code(); got != 0 {
			t.Errorf("exit code %d\n%s", got, d.text())
		}
	})
}

// TestContainerOutlivesKillAll: kill -9 -1 from inside reaches every process but the first; what it killed is started again.
func TestContainerOutlivesKillAll(t *testing.T) {
	d := contain(t, shellProcess("web", "exec sleep 1000", "")+shellProcess("killer", "test -e once && exec sleep 1000; touch once; kill -KILL -1; exec sleep 1000", "priority = 1\n")) // web is running by then
	d.up()
	d.says("web: backoff, ")
	if !d.await(func(log string) bool { return strings.Count(log, "web: running") >= 2 }) {
		t.Errorf("web was not started again:\n%s", d.text())
	}
	d.send(syscall.SIGTERM)
	if got := d.code(); got != 0 {
		t.Errorf("exit code %d\n%s", got, d.text())
	}
}

// TestContainerWithLittleAroundIt: without /proc, without a network and with nothing that can be written but /run, the daemon
// works all the same: exit codes are right, trees are stopped.
func TestContainerWithLittleAroundIt(t *testing.T) {
	d := containIn(t, "mount -t tmpfs none /run && mount -o remount,ro,bind / && mount -t tmpfs none /proc",
		"exit_code_from = \"web\"\nadmin_sock = \"/run/supervisord.sock\"\n"+
			"[[process]]\nname = \"web\"\ncommand = \"/bin/sh\"\nargs = [\"-c\", \"sleep 0.3; exit 4\"]\n"+
			"[[process]]\nname = \"tree\"\ncommand = \"/bin/sh\"\nargs = [\"-c\", \"setsid sleep 1000 & setsid sleep 1001 & exec sleep 1002\"]\n",
		"SUPERVISORD_RUNTIME_DIR=/run/supervisord")
	if got := d.code(); got != 4 || !strings.Contains(d.text(), "tree: stopped") {
		t.Errorf("exit code %d, want 4\n%s", got, d.text())
	}
}
