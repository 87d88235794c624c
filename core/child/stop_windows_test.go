package child

import (
	"bufio"
	"errors"
	"net"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/windows"
)

func TestKillEndsTheWholeTreeAtOnce(t *testing.T) {
	k := start(t, program("tree", "4", "stay"))
	all := handles(t, bufio.NewReader(k.Stdout()), 4)
	if n, why := k.Left(); n != 4 {
		t.Errorf("%d left (%s), want 4", n, why)
	}
	if err := k.Kill(); err != nil {
		t.Fatal(err)
	}
	if e := end(t, k); e.Signal != killSignal || e.Code != -1 || e.String() != "signal KILL" {
		t.Errorf("told as %+v", e)
	}
	gone(t, k)
	if slices.ContainsFunc(all, isAlive) {
		t.Error("gone, and one lives")
	}
	if n, _ := k.Left(); n != 0 {
		t.Errorf("%d left", n)
	}
	if err := errors.Join(k.Kill(), k.Stop(15)); err != nil {
		t.Errorf("after the end: %v", err)
	}
	if err := k.Signal(15); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("a signal after the end: %v", err)
	}
}

func TestTheRestOfATreeEndsWithItsLeader(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	k := start(t, program("tree", "3", listener.Addr().String()))
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	all := handles(t, bufio.NewReader(k.Stdout()), 3)
	conn.Close()
	if e := end(t, k); e.Code != 0 {
		t.Errorf("told as %+v", e)
	}
	gone(t, k)
	if slices.ContainsFunc(all, isAlive) {
		t.Error("gone, and one lives")
	}
}

func TestTheScopeProcessIsTheLeaderAlone(t *testing.T) {
	c := program("tree", "2", "stay")
	c.Scope = Process
	k := start(t, c)
	all := handles(t, bufio.NewReader(k.Stdout()), 2)
	if err := k.Kill(); err != nil {
		t.Fatal(err)
	}
	gone(t, k)
	if isAlive(all[0]) || !isAlive(all[1]) {
		t.Errorf("alive: %v %v, want false true", isAlive(all[0]), isAlive(all[1]))
	}
	if err := windows.TerminateProcess(all[1], 0); err != nil {
		t.Error(err)
	}
}

// TestNothingSurvivesTheDaemon: G15. The daemon is ended as TerminateProcess does it, without a chance to clean up.
func TestNothingSurvivesTheDaemon(t *testing.T) {
	cmd := exec.Command(os.Args[0], asChild, "daemon")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	all := handles(t, bufio.NewReader(out), 3)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	for i, h := range all {
		if event, err := windows.WaitForSingleObject(h, uint32(patience.Milliseconds())); event != windows.WAIT_OBJECT_0 {
			t.Errorf("process %d of the tree survived: %d %v", i, event, err)
		}
	}
}

func TestBreakIsThePoliteStop(t *testing.T) {
	k := start(t, program("polite"))
	r := bufio.NewReader(k.Stdout())
	line(t, r)
	if err := k.Stop(15); err != nil {
		if isWine() {
			t.Skipf("Wine refuses CTRL_BREAK: %v", err)
		}
		t.Fatal(err)
	}
	select {
	case e := <-k.Exited():
		if e.Code != 3 {
			t.Errorf("told as %+v", e)
		}
		if got := line(t, r); got != "got interrupt" {
			t.Errorf("it %s", got)
		}
	case <-time.After(patience):
		if isWine() {
			t.Skip("Wine does not deliver CTRL_BREAK")
		}
		t.Error("it did not end")
	}
}

func TestAStopThatIsIgnoredLeavesEverythingToKill(t *testing.T) {
	k := start(t, program("deaf"))
	line(t, bufio.NewReader(k.Stdout()))
	if err := k.Stop(15); err != nil && !isWine() {
		t.Fatal(err)
	}
	if n, _ := k.Left(); n != 1 {
		t.Errorf("%d left", n)
	}
	if err := k.Kill(); err != nil {
		t.Fatal(err)
	}
	if e := end(t, k); e.Signal != killSignal {
		t.Errorf("told as %+v", e)
	}
}

// TestANumberThatBecameAnothersIsLeftAlone: what is said to a child that is gone reaches nobody, though the system may have given
// its number to another.
func TestANumberThatBecameAnothersIsLeftAlone(t *testing.T) {
	old := start(t, program("stay"))
	if err := old.Signal(killSignal); err != nil {
		t.Fatal(err)
	}
	end(t, old)
	gone(t, old)
	for tries := 1; ; tries++ {
		k := start(t, program("stay"))
		if k.PID() != old.PID() && tries < 20 { // Windows gives a number to another soon, Wine after some hundreds
			k.Kill()
			gone(t, k)
			continue
		}
		t.Logf("start %d has pid %d, that of old was %d", tries, k.PID(), old.PID())
		if err := old.Signal(killSignal); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("KILL to the leader that has ended: %v", err)
		}
		if err := errors.Join(old.Stop(killSignal), old.Stop(15), old.Kill()); err != nil {
			t.Error(err)
		}
		if n, why := k.Left(); n != 1 {
			t.Errorf("%d left of the other %s", n, why)
		}
		return
	}
}
