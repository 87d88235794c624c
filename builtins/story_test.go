package builtins

import (
	"strings"
	"testing"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/child"
)

// TestTheJournalReadsLikeAStory tells what can happen to a process, with who asked and why.
func TestTheJournalReadsLikeAStory(t *testing.T) {
	cli := func(form string) core.Cause { return core.Cause{Who: "cli uid 1000 pid 77", What: form} }
	policy := core.Cause{Who: "supervisord", What: "restart on-failure"}
	for _, c := range []struct {
		e    core.Event
		want string
	}{
		{core.Event{Note: "added", Cause: core.Cause{Who: "supervisord", What: "boot"}}, "added"},
		{core.Event{To: core.Starting, Cause: core.Cause{Who: "supervisord", What: "boot"}}, "started with the daemon"},
		{core.Event{From: core.Starting, To: core.Running, PID: 5, Cause: policy}, "running (pid 5)"},
		{core.Event{From: core.Running, To: core.Stopping, PID: 5, Note: "signal TERM", Cause: cli(`(restart "web")`)},
			`restarted by cli uid 1000: (restart "web"), SIGTERM sent (pid 5)`},
		{core.Event{From: core.Stopping, To: core.Starting, Cause: cli(`(restart "web")`)}, "starting again"},
		{core.Event{From: core.Stopping, To: core.Stopping, PID: 5, Note: "signal KILL", Cause: cli(`(stop "web")`)}, `SIGKILL sent, stopped by cli uid 1000: (stop "web")`},
		{core.Event{From: core.Stopping, To: core.Stopped, Exit: &child.Exit{Signal: 9}, Note: "had to be killed", Cause: cli(`(stop "web")`)}, "stopped, signal KILL, had to be killed"},
		{core.Event{From: core.Running, To: core.Backoff, Exit: &child.Exit{Code: 3}, Note: "exit code 3"}, "failed, exit code 3, to be tried again"},
		{core.Event{From: core.Running, To: core.Backoff, Exit: &child.Exit{}, Note: "exit code 0"}, "ended, exit code 0, to be started again"},
		{core.Event{From: core.Running, To: core.Fatal, Exit: &child.Exit{Code: 3}, Note: "exit code 3; gave up after 2 restarts within 60s"}, "given up, exit code 3, gave up after 2 restarts within 60s"},
		{core.Event{From: core.Running, To: core.Exited, Exit: &child.Exit{}, Note: "exit code 0"}, "ended as expected, exit code 0"},
		{core.Event{From: core.Backoff, To: core.Starting, Cause: policy}, "started again by the daemon (restart = on-failure)"},
		{core.Event{From: core.Fatal, To: core.Stopped, Cause: cli(`(stop "web")`)}, `stopped by cli uid 1000: (stop "web")`},
		{core.Event{From: core.Fatal, To: core.Starting, Cause: core.Cause{Who: "tcp 127.0.0.1:5", What: `(reset "web")`}}, `reset by tcp 127.0.0.1:5: (reset "web")`},
		{core.Event{From: core.Running, To: core.Running, Note: "signal HUP", Cause: cli(`(signal "web" "HUP")`)}, `signalled by cli uid 1000: (signal "web" "HUP"), SIGHUP sent`},
		{core.Event{Daemon: true, Name: "hook:3", Note: "failed: x", Cause: core.Cause{Who: "init.glisp:3"}}, "failed: x, by init.glisp:3"},
		{core.Event{From: core.Running, To: core.Stopping, Cause: core.Cause{Who: "signal", What: "TERM\n"}}, "by signal: TERM?"},
	} {
		if got := story(c.e); got != c.want {
			t.Errorf("%+v\nreads %q\nwant  %q", c.e, got, c.want)
		}
	}
}

// TestWhoAsksCannotPassForAnother: the name of a program is told beside who sent it, and only when it is plainly a name.
func TestWhoAsksCannotPassForAnother(t *testing.T) {
	for name, want := range map[string]string{
		"cli":                      "cli uid 7 pid 9",
		"":                         "uid 7 pid 9",
		"/home/x/deploy.glisp":     "deploy.glisp uid 7 pid 9",
		`C:\x\deploy.glisp`:        "deploy.glisp uid 7 pid 9",
		"-e":                       "exec uid 7 pid 9",
		"uid 0 pid 1":              "uid 7 pid 9",
		"a\nb":                     "uid 7 pid 9",
		"uid\u00a00":               "uid 7 pid 9",
		strings.Repeat("long", 20): "uid 7 pid 9",
	} {
		if got := (Job{Name: name, Who: "uid 7 pid 9"}).asker(); got != want {
			t.Errorf("%q gives %q, want %q", name, got, want)
		}
	}
	if got := (Job{Name: "init.glisp", Who: "init_script"}).asker(); got != "init_script" {
		t.Errorf("got %q", got)
	}
}
