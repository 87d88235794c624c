package cli_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestAStopReachesWhatStopModeSays: of a process with one child in its group and one in a session of its own, tree leaves nothing,
// group the one that has left the group, process both; with cgroups and without.
func TestAStopReachesWhatStopModeSays(t *testing.T) {
	for _, cgroup := range []string{"auto", "off"} {
		t.Run("cgroup "+cgroup, func(t *testing.T) {
			var conf strings.Builder
			fmt.Fprintf(&conf, "state_dir = \"state\"\ncgroup = %q\n", cgroup)
			modes := map[string][]string{"tree": nil, "group": {"away"}, "process": {"away", "near"}}
			for mode := range modes {
				command := fmt.Sprintf("sleep 1000 & echo $! > %[1]s.near; setsid sh -c 'echo $$ > %[1]s.new; mv %[1]s.new %[1]s.away; exec sleep 1000' & until [ -s %[1]s.away ]; do sleep 0.01; done; echo ready; exec sleep 1000", mode)
				conf.WriteString(shellProcess(mode, command, fmt.Sprintf("stop_mode = %q", mode)))
			}
			o := operatePrepared(t, func(o *operated) { o.write("supervisord.conf", conf.String()) })
			number := func(mode, which string) int {
				n, err := strconv.Atoi(strings.TrimSpace(readText(t, o.path(mode+"."+which))))
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
			for mode, stay := range modes {
				eventually(t, mode+" has its children", func() error {
					if got := o.value(fmt.Sprintf("(logs %q)", mode)); got != `["ready"]` {
						return fmt.Errorf("%s", got)
					}
					return nil
				})
				born := map[string]int{"away": startTime(number(mode, "away")), "near": startTime(number(mode, "near"))}
				if _, errs, code := o.run("", "service", "stop", mode); code != 0 {
					t.Errorf("%s: exit code %d\n%s", mode, code, errs)
				}
				var left []string
				for _, which := range []string{"away", "near"} {
					pid := number(mode, which)
					stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
					if startTime(pid) == born[which] && !strings.Contains(string(stat), ") Z ") {
						left = append(left, which)
						_ = syscall.Kill(pid, syscall.SIGKILL)
					}
				}
				if strings.Join(left, " ") != strings.Join(stay, " ") {
					t.Errorf("%s: a stop leaves %q, want %q", mode, left, stay)
				}
			}
		})
	}
}
