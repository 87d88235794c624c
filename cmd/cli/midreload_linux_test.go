package cli_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestADaemonKilledInTheMiddleOfAReloadBecomesWhatTheFileSays: the reload has stopped one process, waits for another that heeds no
// TERM, and has not yet come to the new ones when the daemon is killed. The next one is what the file says then, the new text or
// the old one that was put back, and no mixture: nothing of a life before is left, what add-proc added is there.
func TestADaemonKilledInTheMiddleOfAReloadBecomesWhatTheFileSays(t *testing.T) {
	stubborn := "trap '' TERM; echo ready; while :; do sleep 1000 & wait; done"
	stays, gone, fresh := shellProcess("stays", "exec sleep 1000", ""), shellProcess("gone", "exec sleep 1000", "priority = 9"), shellProcess("fresh", "exec sleep 1000", "")
	slow := func(life string) string {
		return shellProcess("slow", stubborn, "stop_wait_secs = 600\nenv = { LIFE = \""+life+"\" }")
	}
	before, after := "state_dir = \"state\"\n"+stays+slow("1")+gone, "state_dir = \"state\"\n"+stays+slow("2")+fresh
	for what, back := range map[string]bool{"the new text": false, "the old text": true} {
		t.Run(what, func(t *testing.T) {
			o := operatePrepared(t, func(o *operated) { o.write("supervisord.conf", before) })
			o.wait("stays", "running")
			if out, errs, code := o.run("", "add-proc", "added", "/bin/sleep", "1000"); code != 0 {
				t.Fatalf("add-proc: exit code %d\n%s%s", code, out, errs)
			}
			eventually(t, "slow heeds no TERM", func() error {
				if got := o.value(`(len (logs "slow"))`); got != "1" {
					return fmt.Errorf("%s lines", got)
				}
				return nil
			})
			old, born := o.pids(), map[string]int{}
			for name, pid := range old {
				born[name] = startTime(pid)
			}
			o.write("supervisord.conf", after)
			reloaded := make(chan int, 1)
			go func() {
				_, _, code := o.run("", "reload")
				reloaded <- code
			}()
			if !o.daemon.await(func(log string) bool {
				return strings.Contains(log, "gone: stopped") && strings.Contains(log, "slow: stopping")
			}) {
				t.Fatalf("the reload has not come so far:\n%s", o.daemon.text())
			}
			if err := o.daemon.command.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			<-o.daemon.ended
			if code := <-reloaded; code == 0 {
				t.Error("the reload is called done")
			}
			if strings.Contains(o.daemon.text(), "fresh: running") {
				t.Error("the reload was over, which shows nothing")
			}
			want, life := []string{"added", "fresh", "slow", "stays"}, "2"
			if back {
				o.write("supervisord.conf", before)
				want, life = []string{"added", "gone", "slow", "stays"}, "1"
			}
			o.begin()
			for _, name := range want {
				o.wait(name, "running")
			}
			if names := slices.Sorted(maps.Keys(o.statusOf())); !slices.Equal(names, want) {
				t.Errorf("there are %v, want %v", names, want)
			}
			if got := o.value(`(hget (env "slow") "LIFE")`); got != strconv.Quote(life) {
				t.Errorf("slow is of the text %s, want %q", got, life)
			}
			for name, pid := range old {
				if startTime(pid) != born[name] {
					continue
				}
				if stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); len(stat) > 0 && !strings.Contains(string(stat), ") Z ") {
					t.Errorf("%s (pid %d) of the life before is left", name, pid)
				}
			}
			if _, errs, code := o.run("", "shutdown", "--now"); code != 0 {
				t.Errorf("shutdown: exit code %d\n%s", code, errs)
			}
		})
	}
}
