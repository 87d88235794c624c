package cli_test

import (
	"os"
	"strings"
	"testing"
)

// TestAServicesUserKeepsNoOtherServiceFromStarting: what somebody puts in the place of his own service's log or pid file, in a
// directory of his, costs at most that service its start and no other one: neither when the daemon starts nor at a reload.
func TestAServicesUserKeepsNoOtherServiceFromStarting(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root's daemon can be misled")
	}
	theirs := "[[process]]\nname = \"theirs\"\ncommand = \"sleep\"\nargs = [\"1000\"]\nstdout = [\"logs/theirs.log\"]\nstderr = []\npid_file = \"logs/pid\"\n"
	ours := "[[process]]\nname = \"ours\"\ncommand = \"sleep\"\nargs = [\"1000\"]\nstdout = []\nstderr = []\n"
	o := operatePrepared(t, func(o *operated) {
		o.write("victim", "intact")
		for _, err := range []error{os.Mkdir(o.path("logs"), 0o755), os.Symlink("../victim", o.path("logs/theirs.log")), os.Mkdir(o.path("logs/pid"), 0o755),
			os.Chown(o.path("logs"), 65534, 65534)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		o.write("supervisord.conf", "state_dir = \"state\"\n"+theirs+ours)
	})
	o.wait("ours", "running")
	o.wait("theirs", "fatal")
	if st := o.statusOf()["theirs"]; !strings.Contains(st.Reason, "theirs.log: is a symbolic link") {
		t.Errorf("theirs: %+v", st)
	}
	if out, errs, code := o.run("", "check"); code != 0 || !strings.Contains(errs, "supervisord.conf:6:1: theirs: stdout: cannot log to ") {
		t.Errorf("check: exit code %d\n%s%s", code, out, errs)
	}
	o.write("supervisord.conf", "state_dir = \"state\"\n"+theirs+ours+strings.Replace(ours, "ours", "fresh", 1))
	if out, errs, code := o.run("", "reload"); !strings.Contains(out, "added") {
		t.Errorf("reload: exit code %d\n%s%s", code, out, errs)
	}
	o.wait("fresh", "running")
	if text := readText(t, o.path("victim")); text != "intact" {
		t.Errorf("the victim holds %q", text)
	}
	if err := os.Remove(o.path("logs/theirs.log")); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := o.run("", "service", "reset", "theirs"); code != 0 {
		t.Errorf("reset: exit code %d\n%s", code, errs)
	}
	o.wait("theirs", "running")
}
