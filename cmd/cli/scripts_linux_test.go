package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// script runs a script of scripts/, compares its exit code, and gives what it printed.
func (o *operated) script(code int, name string, args ...string) string {
	o.t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "scripts", name))
	if err != nil {
		o.t.Fatal(err)
	}
	out, errs, got := o.run("", append([]string{"exec", path}, args...)...)
	if got != code {
		o.t.Fatalf("%s %q: exit code %d, want %d\n%s%s\n%s", name, args, got, code, out, errs, o.daemon.text())
	}
	if strings.Contains(out, "()") {
		o.t.Errorf("%s %q prints its value:\n%s", name, args, out)
	}
	return out + errs
}

// refusesWrongArguments holds that a script explains itself, with exit code 2, whenever its arguments are wrong.
func (o *operated) refusesWrongArguments(script string, wrong ...[]string) {
	o.t.Helper()
	for _, args := range wrong {
		if out := o.script(2, script, args...); !strings.HasPrefix(out, "usage: "+script+" ") {
			o.t.Errorf("%s %q says %q", script, args, out)
		}
	}
}

func TestRollingRestartStopsAtTheFirstFailure(t *testing.T) {
	o := operate(t, sleeper("web-1")+sleeper("web-2")+sleeper("web-3")+sleeper("idle")+"autostart = false\n", "web-1", "web-2", "web-3")
	o.refusesWrongArguments("rolling-restart.glisp", nil, []string{"5"}, []string{"soon", "web-1"})
	o.script(4, "rolling-restart.glisp", "5", "wbe-1")

	before := []string{o.pid("web-1"), o.pid("web-2"), o.pid("web-3")}
	out := o.script(0, "rolling-restart.glisp", "5", "*")
	o.says(out, "web-1 is back\nweb-2 is back\nweb-3 is back\n", "restarted 3 of 3")
	for i, name := range []string{"web-1", "web-2", "web-3"} {
		if now := o.pid(name); now == before[i] {
			t.Errorf("%s still has pid %s", name, now)
		}
	}
	if state := o.value(`(:state (first (status "idle")))`); state != `"stopped"` {
		t.Errorf("what was stopped is %s", state)
	}

	o.write("web-2.sick", "")
	third := o.pid("web-3")
	out = o.script(1, "rolling-restart.glisp", "5", "web-*")
	o.says(out, "web-1 is back\n", "web-2 is not back: ", "exit code 3", "restarted 1 of 3", "untouched: web-3")
	if now := o.pid("web-3"); now != third {
		t.Errorf("web-3 was touched: pid %s, was %s", now, third)
	}
}

func TestCanaryRestartRollsBack(t *testing.T) {
	// A service tells everyone who reads its fifo which release it was started with.
	service := func(name string) string {
		return shellProcess(name, "release=$(cat release); while :; do (echo $release >"+name+".fifo); done", "")
	}
	o := operate(t, service("web-1")+service("web-2")+service("web-3"))
	for _, name := range []string{"web-1", "web-2", "web-3"} {
		if err := syscall.Mkfifo(o.path(name+".fifo"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	release := func(n string) {
		o.write("release", n+"\n")
	}
	release("1")
	o.refusesWrongArguments("canary-restart.glisp", nil, []string{"5", "true", "true", "web-1"}, []string{"soon", "true", "true", "web-1", "web-2"})
	o.script(4, "canary-restart.glisp", "5", "true", "true", "wbe-1", "web-2")
	o.script(4, "canary-restart.glisp", "5", "true", "true", "web-1", "wbe-2")
	// A reader that comes while the writer for the one before dies of having nobody left reads nothing, and asks again.
	runs := func(name string) string {
		out, err := exec.Command("/bin/sh", "-c", `until read release <"$1"; do :; done; echo $release`, "sh", o.path(name+".fifo")).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	verify := func(n string) string {
		return fmt.Sprintf("until read release <%s; do :; done; test $release = %s", o.path("web-1.fifo"), n)
	}
	rollback := fmt.Sprintf("echo 2 >%s", o.path("release"))

	release("2")
	out := o.script(0, "canary-restart.glisp", "5", verify("2"), rollback, "web-1", "web-*")
	o.says(out, "web-1 runs\nweb-1 is well\nweb-2 runs\nweb-3 runs\nweb-1 is well\nreleased\n")
	if got := runs("web-1") + runs("web-2") + runs("web-3"); got != "222" {
		t.Errorf("the releases that run are %s", got)
	}

	// What is to be verified is release 2 once more: release 3 is found to be sick.
	release("3")
	second := o.pid("web-2")
	out = o.script(1, "canary-restart.glisp", "0", verify("2"), rollback, "web-1", "web-*")
	o.says(out, "web-1 runs\nweb-1 is not well\nrolling back\nweb-1 runs\nweb-1 is well\nthe old release is back\n")
	if now := o.pid("web-2"); runs("web-1") != "2" || now != second {
		t.Errorf("web-1 runs release %s, web-2 has pid %s and had %s", runs("web-1"), now, second)
	}

	release("4")
	out = o.script(3, "canary-restart.glisp", "0", verify("2"), "echo no disk >&2; exit 1", "web-1", "web-2")
	o.says(out, "web-1 is not well\nrolling back\n", "cannot roll back", "no disk")
}

func TestWorstRestartersAreReported(t *testing.T) {
	crashing := func(name string, times int) string {
		return shellProcess(name, "exit 3", fmt.Sprintf("max_restarts = %d\nrestart_delay = 0", times))
	}
	o := operate(t, sleeper("calm")+crashing("nervous", 1)+crashing("sick", 4), "calm")
	o.wait("nervous", "fatal")
	o.wait("sick", "fatal")
	o.refusesWrongArguments("worst-restarters.glisp", []string{"many"}, []string{"1", "2", "3"}, []string{"-1"})
	out := o.script(0, "worst-restarters.glisp")
	if strings.Contains(out, "calm") || strings.Index(out, "sick") > strings.Index(out, "nervous") {
		t.Errorf("the order is wrong:\n%s", out)
	}
	o.says(out, "exit code 3", "fatal")
	if out = o.script(0, "worst-restarters.glisp", "1"); strings.Contains(out, "nervous") || !strings.Contains(out, "sick") {
		t.Errorf("not the worst one:\n%s", out)
	}
	o.script(1, "worst-restarters.glisp", "10", "3")
	o.script(0, "worst-restarters.glisp", "10", "4")
	o.value(`(begin (stop) (shutdown))`)
}

func TestWorstRestartersOfAQuietDaemon(t *testing.T) {
	o := operate(t, sleeper("calm"), "calm")
	o.says(o.script(0, "worst-restarters.glisp", "5", "0"), "nothing was restarted")
}

func TestHealthWatchRestartsWhatDoesNotAnswer(t *testing.T) {
	o := operate(t, sleeper("web"), "web")
	o.refusesWrongArguments("health-watch.glisp", nil, []string{"web", "http://127.0.0.1:1", "1s"}, []string{"web", "http://127.0.0.1:1", "1s", "often"},
		[]string{"web", "http://127.0.0.1:1", "1s", "0"}, []string{"web", "http://127.0.0.1:1", "soon", "3"}, []string{"web", "x", "1s", "3", "4", "5"})
	o.script(4, "health-watch.glisp", "wbe", "http://127.0.0.1:1", "1s", "3")

	var asked, sick atomic.Int32
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) <= sick.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer service.Close()
	before := o.pid("web")
	if out := o.script(0, "health-watch.glisp", "web", service.URL, "1ms", "2", "3"); out != "" || asked.Load() != 3 {
		t.Errorf("asked %d times, it says\n%s", asked.Load(), out)
	}
	asked.Store(0)
	sick.Store(1) // once is not enough
	o.says(o.script(0, "health-watch.glisp", "web", service.URL, "1ms", "2", "3"), "web is not well: it answers 503\n")
	if now := o.pid("web"); now != before {
		t.Errorf("a healthy process was restarted")
	}
	asked.Store(0)
	sick.Store(2)
	o.says(o.script(1, "health-watch.glisp", "web", service.URL, "1ms", "2", "4"), "restarting web\n")
	if now := o.pid("web"); now == before {
		t.Errorf("web still has pid %s", now)
	}
	service.Close()
	o.write("web.sick", "")
	o.says(o.script(1, "health-watch.glisp", "web", service.URL, "1ms", "1"), "web is not well", "cannot restart it")
}

func TestLogAlertReportsLines(t *testing.T) {
	o := operate(t, shellProcess("web", "echo all is well; echo ERROR: disk full; echo panic: no; exec sleep 1000", "")+sleeper("db"), "db")
	o.refusesWrongArguments("log-alert.glisp", nil, []string{"5m", "ERROR", "-"})
	o.script(4, "log-alert.glisp", "5m", "ERROR", "-", "wbe")
	o.says(o.script(2, "log-alert.glisp", "5m", "[", "-", "web"), "missing closing ]")
	o.says(o.script(2, "log-alert.glisp", "soon", "ERROR", "-", "web"), "want a duration")
	eventually(t, "web has printed", func() error {
		if o.value(`(len (logs "web"))`) != "3" {
			return errors.New("not yet")
		}
		return nil
	})
	if out := o.script(0, "log-alert.glisp", "5m", "FATAL", "-", "*"); out != "" {
		t.Errorf("nothing is wrong, but it says\n%s", out)
	}
	o.says(o.script(1, "log-alert.glisp", "5m", "ERROR|panic", "-", "*"), "web: ", "ERROR: disk full", "panic: no")

	posted := make(chan string, 2)
	var code atomic.Int32
	code.Store(http.StatusOK)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		body.ReadFrom(r.Body)
		w.WriteHeader(int(code.Load()))
		posted <- r.Method + " " + body.String()
	}))
	defer hook.Close()
	o.script(1, "log-alert.glisp", "5m", "ERROR", hook.URL, "web")
	if got := <-posted; !strings.HasPrefix(got, "POST ") || !strings.Contains(got, "disk full") || !strings.Contains(got, `"process":"web"`) {
		t.Errorf("the hook got %s", got)
	}
	code.Store(http.StatusBadGateway)
	o.says(o.script(1, "log-alert.glisp", "5m", "ERROR", hook.URL, "web"), "cannot deliver the alert", "502")
}

func TestDrainStopLetsWorkFinish(t *testing.T) {
	worker := func(name, onQuit string) string {
		return shellProcess(name, "trap '"+onQuit+"' QUIT; echo ready; while :; do sleep 1000 & wait $!; done", "")
	}
	o := operate(t, worker("worker-1", "exit 7")+worker("worker-2", "exit 0")+worker("stubborn", ":"))
	eventually(t, "the workers are ready", func() error {
		if o.value(`(map len [(logs "worker-1") (logs "worker-2") (logs "stubborn")])`) != "[1 1 1]" {
			return errors.New("not yet")
		}
		return nil
	})
	o.refusesWrongArguments("drain-stop.glisp", nil, []string{"QUIT", "5"}, []string{"QUIT", "long", "worker-1"}, []string{"QIUT", "5", "worker-1"})
	o.script(4, "drain-stop.glisp", "QUIT", "5", "wroker-1")
	o.says(o.script(0, "drain-stop.glisp", "QUIT", "30", "worker-*"), "worker-1 ended by itself", "worker-2 ended by itself")
	if got := o.value(`(map #(:state %) (status))`); got != `["stopped" "stopped" "running"]` {
		t.Errorf("states are %s", got)
	}
	o.says(o.script(1, "drain-stop.glisp", "QUIT", "0", "stubborn"), "stubborn did not end within 0 seconds and is stopped")
	if got := o.value(`(:state (first (status "stubborn")))`); got != `"stopped"` {
		t.Errorf("stubborn is %s", got)
	}
}

// TestEveryScriptSaysWhatItIsFor holds that a script begins with what it does, its arguments and an example.
func TestEveryScriptSaysWhatItIsFor(t *testing.T) {
	all, err := filepath.Glob(filepath.Join("..", "..", "scripts", "*.glisp"))
	if err != nil || len(all) < 7 {
		t.Fatalf("found %d scripts, %v", len(all), err)
	}
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		header, _, _ := strings.Cut(string(text), "\n\n")
		name := filepath.Base(path)
		for _, part := range []string{"#!/usr/bin/env -S supervisord exec\n; " + strings.TrimSuffix(name, ".glisp") + ": ", "\n; arguments: ",
			"\n; example:   supervisord exec scripts/" + name + " "} {
			if !strings.Contains(header, part) {
				t.Errorf("the header of %s has no %q", name, part)
			}
		}
	}
}

// TestMemoryGuardRestartsWhatTakesTooMuch lets a child of a process take what the process may not.
func TestMemoryGuardRestartsWhatTakesTooMuch(t *testing.T) {
	greedy := "if test -e web.greedy; then (hoard=$(head -c 60000000 /dev/zero | tr '\\0' x); echo full; sleep 1000; echo $hoard) & fi; sleep 1000 & wait"
	o := operate(t, shellProcess("web", "test -e web.sick && exit 3; "+greedy, "max_restarts = 0\nstart_secs = 0.2")+sleeper("db"), "web", "db")
	o.refusesWrongArguments("memory-guard.glisp", nil, []string{"30M", "once"}, []string{"much", "once", "web"}, []string{"30M", "soon", "web"},
		[]string{"30T", "once", "web"}, []string{"", "once", "web"})
	o.script(4, "memory-guard.glisp", "30M", "once", "wbe")

	if out := o.script(0, "memory-guard.glisp", "30M", "once", "*"); out != "" {
		t.Errorf("nothing takes too much, but it says\n%s", out)
	}
	o.write("web.greedy", "")
	o.value(`(begin (restart "web") nil)`)
	full := func() {
		t.Helper()
		eventually(t, "web has taken its memory", func() error {
			if o.value(`(> (:memory (first (usage "web"))) 50000000)`) != "true" {
				return errors.New("not yet")
			}
			return nil
		})
	}
	full()
	before, db := o.pid("web"), o.pid("db")
	o.script(0, "memory-guard.glisp", "1G", "once", "*")
	if err := os.Remove(o.path("web.greedy")); err != nil {
		t.Fatal(err)
	}
	o.says(o.script(1, "memory-guard.glisp", "30M", "once", "*"), "web takes ", " MB in ", "restarting it\n")
	if o.pid("web") == before || o.pid("db") != db {
		t.Errorf("pids are %s and %s, were %s and %s", o.pid("web"), o.pid("db"), before, db)
	}
	o.script(0, "memory-guard.glisp", "30M", "once", "*")

	o.write("web.greedy", "")
	o.value(`(begin (restart "web") nil)`)
	full()
	o.write("web.sick", "")
	o.says(o.script(1, "memory-guard.glisp", "30M", "10ms", "web"), "restarting it\n", "cannot restart it", "exit code 3")
}

// TestHealthWatchGoesOnUntilItIsInterrupted lets it ask without end, and interrupts it as Ctrl-C does.
func TestHealthWatchGoesOnUntilItIsInterrupted(t *testing.T) {
	o := operate(t, sleeper("web"), "web")
	asked := make(chan struct{})
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case asked <- struct{}{}:
		case <-r.Context().Done():
		}
	}))
	defer service.Close()
	script, err := filepath.Abs(filepath.Join("..", "..", "scripts", "health-watch.glisp"))
	if err != nil {
		t.Fatal(err)
	}
	watch := &foreground{ended: make(chan struct{}), more: make(chan struct{}), both: true}
	watch.command = exec.Command(o.program, "exec", script, "web", service.URL, "1ms", "3")
	watch.command.Dir, watch.command.Env = o.dir, o.env
	watch.begin(t)
	t.Cleanup(watch.end)
	for range 5 {
		select {
		case <-asked:
		case <-watch.ended:
			t.Fatalf("it ended by itself:\n%s", watch.text())
		}
	}
	if err := watch.command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for {
		select {
		case <-asked: // those on their way
			continue
		case <-watch.ended:
		}
		break
	}
	if code := watch.command.ProcessState.ExitCode(); code != 7 {
		t.Errorf("interrupted it ends with exit code %d\n%s", code, watch.text())
	}
	if state := o.value(`(:state (first (status "web")))`); state != `"running"` {
		t.Errorf("web is %s", state)
	}
}
