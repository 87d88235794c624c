package cli_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestTheLimitsOfTheConfigurationHold: what stands in it is what the program has.
func TestTheLimitsOfTheConfigurationHold(t *testing.T) {
	o := operate(t, shellProcess("web", "umask; nice; ulimit -Sn; ulimit -Hn; cat /proc/self/oom_score_adj; echo end; exec sleep 1000",
		"umask = \"027\"\nnice = 7\noom_score_adj = 321\nrlimits = { nofile = \"100:200\" }"), "web")
	const want = `["0027" "7" "100" "200" "321" "end"]`
	eventually(t, "web has said all", func() error {
		if got := o.value(`(logs "web")`); got != want {
			return errorOf(got)
		}
		return nil
	})
}

// TestLimitsOfTheTreeHoldOrAreAnError: memory_max, pids_max and cpu_max hold where the machine has their controllers; where it has
// not, the configuration is refused with the place and the controller's name, and nothing is started.
func TestLimitsOfTheTreeHoldOrAreAnError(t *testing.T) {
	hungry := shellProcess("memory", `x=0123456789abcdef; i=0; while [ $i -lt 22 ]; do x=$x$x; i=$((i+1)); done; exit 7`, "memory_max = \"20M\"\nrestart = \"never\"")
	forking := shellProcess("pids", "i=0; while [ $i -lt 30 ]; do sleep 1000 & i=$((i+1)); done; wait", "pids_max = 10\nrestart = \"never\"")
	busy := shellProcess("cpu", "exec sleep 1000", "cpu_max = 0.5")
	o := newOperated(t)
	for controller, process := range map[string]string{"memory": hungry, "pids": forking, "cpu": busy} {
		o.write("check.conf", "state_dir = \"state\"\n"+process)
		if _, errs, code := o.run("", "check", "check.conf"); code != 0 {
			if code != 2 || !strings.Contains(errs, "check.conf:9:1: "+controller+"_max") || !strings.Contains(errs, controller) {
				t.Errorf("%s: exit code %d, %s", controller, code, errs)
			}
			t.Logf("this machine has no controller for %s: %s", controller, errs)
			continue
		}
		o.write("supervisord.conf", "state_dir = \"state\"\n"+process)
		o.begin()
		switch controller {
		case "memory":
			o.wait("memory", "fatal")
			if st := o.statusOf()["memory"]; !strings.Contains(st.Reason, "signal KILL (by the kernel's OOM killer)") {
				t.Errorf("memory: %+v", st)
			}
		case "pids":
			o.wait("pids", "fatal") // the shell gives up when it cannot fork
		case "cpu":
			o.wait("cpu", "running")
			if groups := readText(t, "/proc/"+o.pid("cpu")+"/cgroup"); !halfAProcessor(groups) {
				t.Errorf("cpu is limited by none of\n%s", groups)
			}
		}
		if _, errs, code := o.run("", "shutdown", "--now"); code != 0 {
			t.Errorf("shutdown: exit code %d\n%s", code, errs)
		}
		<-o.daemon.ended
	}
}

// halfAProcessor: one of a process's cgroups is ours and for cpu_max = 0.5, by v1, where it is in none without a limit, or by v2.
func halfAProcessor(groups string) bool {
	for line := range strings.Lines(groups) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) < 3 || !strings.Contains(parts[2], "supervisord-") {
			continue
		}
		if slices.Contains(strings.Split(parts[1], ","), "cpu") {
			return true
		}
		if limit, err := os.ReadFile("/sys/fs/cgroup" + parts[2] + "/cpu.max"); err == nil && strings.HasPrefix(string(limit), "50000 100000") {
			return true
		}
	}
	return false
}

type errorOf string

func (e errorOf) Error() string { return string(e) }
