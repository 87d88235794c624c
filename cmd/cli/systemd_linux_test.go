package cli_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/qjpcpu/supervisord/cmd/cli"
)

// manager is a service manager: it listens where a unit of Type=notify tells its state.
type manager struct {
	t        *testing.T
	messages <-chan string
}

func newManager(t *testing.T, address string) *manager {
	t.Helper()
	return &manager{t: t, messages: cli.HearNotices(t, address)}
}

// await gives the next message that has all these lines, or the beginning of lines; what comes before it is passed over.
func (m *manager) await(lines ...string) string {
	m.t.Helper()
	late := time.After(patience)
	var passed []string
	for {
		select {
		case text := <-m.messages:
			found := true
			for _, line := range lines {
				found = found && strings.Contains("\n"+text, "\n"+line)
			}
			if found {
				return text
			}
			passed = append(passed, text)
		case <-late:
			m.t.Fatalf("never heard %q, but\n%s", lines, strings.Join(passed, "\n--\n"))
		}
	}
}

// TestServiceManagerIsToldTheWholeLife: READY, STATUS, WATCHDOG, RELOADING and READY again, STOPPING; over a socket with a path
// and over an abstract one. The processes hear nothing of the socket.
func TestServiceManagerIsToldTheWholeLife(t *testing.T) {
	for name, address := range map[string]string{"path": filepath.Join(t.TempDir(), "n"), "abstract": "@supervisord-test-" + strconv.Itoa(os.Getpid())} {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, address)
			o := operateWith(t, []string{"NOTIFY_SOCKET=" + address, "WATCHDOG_USEC=300000"},
				sleeper("web")+shellProcess("stubborn", "trap '' TERM; echo ready; while :; do sleep 1; done", "stop_wait_secs = 600")+shellProcess("curious", "env; exec sleep 1000", "")+shellProcess("sick", "exit 3", "max_restarts = 0"), "web", "curious", "stubborn")
			pid := strconv.Itoa(o.daemon.command.Process.Pid)
			m.await("READY=1", "MAINPID="+pid, "STATUS=")
			m.await("STATUS=3 of 4 processes run; sick fatal")
			m.await("WATCHDOG=1")
			m.await("WATCHDOG=1")

			if out, errs, code := o.run("", "reload"); code != 0 {
				t.Fatalf("reload: %d\n%s%s", code, out, errs)
			}
			told := m.await("RELOADING=1", "MONOTONIC_USEC=")
			_, after, _ := strings.Cut(told, "MONOTONIC_USEC=")
			number, _, _ := strings.Cut(after, "\n")
			if usec, err := strconv.ParseInt(number, 10, 64); err != nil || usec <= 0 {
				t.Errorf("told %q", told)
			}
			m.await("READY=1")
			o.write("supervisord.conf", "broken")
			if err := o.daemon.command.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			m.await("RELOADING=1")
			m.await("READY=1") // it goes on as it was

			env := o.value(`(filter #(regexp/match #` + "`NOTIFY_SOCKET|WATCHDOG`" + ` %) (logs "curious"))`)
			if env != "[]" {
				t.Errorf("a process has %s", env)
			}
			if got := o.value(`(:stdout (os/command ["sh" "-c" "env | grep -c 'NOTIFY_SOCKET\\|WATCHDOG'"]))`); got != `"0\n"` {
				t.Errorf("a command of a program has %s of them", got)
			}
			eventually(t, "stubborn heeds no TERM", func() error {
				if got := o.value(`(len (logs "stubborn"))`); got != "1" {
					return errors.New(got)
				}
				return nil
			})
			if err := o.daemon.command.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			m.await("STOPPING=1", "STATUS=stopping", "EXTEND_TIMEOUT_USEC=")
			m.await("STATUS=stopping; 1 of 4 processes are left: stubborn")
			m.await("WATCHDOG=1") // it is well while it waits
			if err := o.daemon.command.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			<-o.daemon.ended
			if code := o.daemon.command.ProcessState.ExitCode(); code != 0 {
				t.Errorf("it ended with %d", code)
			}
			for len(m.messages) > 0 {
				if text := <-m.messages; strings.Contains(text, "READY=1") {
					t.Errorf("after the stop it said %q", text)
				}
			}
		})
	}
}

// TestUnitIsRight lets systemd read the unit of scripts/, with the program's path put into it.
func TestUnitIsRight(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "scripts", "supervisord.service"))
	if err != nil {
		t.Fatal(err)
	}
	unit := string(text)
	for _, line := range []string{"Type=notify", "KillMode=mixed", "WatchdogSec=", "Delegate=yes", "ExecReload=", "Restart=on-failure"} {
		if !strings.Contains(unit, "\n"+line) {
			t.Errorf("the unit has no %s", line)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	program, err := exec.LookPath("supervisord")
	if err != nil {
		t.Fatal(err)
	}
	const installed = "/usr/local/bin/supervisord"
	if strings.Count(unit, installed) < 2 {
		t.Fatalf("the unit does not start %s", installed)
	}
	path := filepath.Join(t.TempDir(), "supervisord.service")
	verify := func(unit string) string {
		t.Helper()
		if err := os.WriteFile(path, []byte(unit), 0o600); err != nil {
			t.Fatal(err)
		}
		output, err := exec.Command(analyze, "verify", "--man=no", path).CombinedOutput()
		if err != nil {
			t.Logf("%v", err)
		}
		var about []string
		for line := range strings.Lines(string(output)) {
			if strings.Contains(line, "supervisord") {
				about = append(about, line)
			}
		}
		return strings.Join(about, "")
	}
	if said := verify(strings.ReplaceAll(unit, installed, program)); said != "" {
		t.Errorf("systemd-analyze verify says\n%s", said)
	}
	// That it would have said something:
	if said := verify(strings.ReplaceAll(strings.ReplaceAll(unit, installed, program), "Type=notify", "Type=notfy\nNoSuchKey=1")); said == "" {
		t.Error("systemd-analyze verify finds nothing in a unit that is wrong")
	}
}
