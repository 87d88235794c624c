package cli_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestNothingStartsAfterAStopWasAskedFor: TERM comes while fifty services start one after the other; from then on nothing is
// started, what runs is stopped, and the daemon ends with 0.
func TestNothingStartsAfterAStopWasAskedFor(t *testing.T) {
	var conf strings.Builder
	for i := range 50 {
		conf.WriteString(shellProcess(fmt.Sprintf("s%02d", i), "exec sleep 1000", fmt.Sprintf("start_secs = 0.2\npriority = %d", i)))
	}
	o := operate(t, conf.String())
	if !o.daemon.await(func(log string) bool { return strings.Contains(log, "s03: running") }) {
		t.Fatalf("s03 does not run:\n%s", o.daemon.text())
	}
	if err := o.daemon.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-o.daemon.ended
	if code := o.daemon.command.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	before, after, _ := strings.Cut(o.daemon.text(), ": stopping\n")
	// One launch may have been under way, which nobody can call back; its process is stopped as the others are.
	if strings.Contains(after, ": running pid") || strings.Count(after, "launched") > 1 {
		t.Errorf("something was started afterwards:\n%s", after)
	}
	if strings.Contains(before, "s49") {
		t.Errorf("all were started before the stop, which shows nothing:\n%s", before)
	}
}

// TestTheSecondTermDoesNotWait: services that heed no TERM and have ten minutes are gone two seconds after the second one.
func TestTheSecondTermDoesNotWait(t *testing.T) {
	stubborn := "trap '' TERM; echo ready; while :; do sleep 1; done"
	o := operate(t, shellProcess("a", stubborn, "stop_wait_secs = 600")+shellProcess("b", stubborn, "stop_wait_secs = 600\npriority = 5"), "a", "b")
	eventually(t, "both heed no TERM", func() error {
		if got := o.value(`(map len [(logs "a") (logs "b")])`); got != "[1 1]" {
			return fmt.Errorf("%s", got)
		}
		return nil
	})
	term := func() {
		t.Helper()
		if err := o.daemon.command.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	term()
	if !o.daemon.await(func(log string) bool { return strings.Contains(log, "b: stopping") }) {
		t.Fatalf("b is not stopped:\n%s", o.daemon.text())
	}
	began := time.Now()
	term()
	<-o.daemon.ended
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	if code := o.daemon.command.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d\n%s", code, o.daemon.text())
	}
}
