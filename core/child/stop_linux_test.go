package child

import (
	"io"
	"testing"
	"time"
)

func TestStubbornChildIsKilled(t *testing.T) {
	bothWays(t, func(t *testing.T, h *Host) {
		k := start(t, h, command("ignore-term"))
		ready(t, k)
		if err := k.Stop(15); err != nil {
			t.Fatal(err)
		}
		if n, _ := k.Left(); n != 1 {
			t.Errorf("%d left after TERM, want 1", n)
		}
		if err := k.Kill(); err != nil {
			t.Fatal(err)
		}
		if exit := await(t, "exit", k.Exited()); exit.Signal != 9 {
			t.Errorf("got %v, want signal KILL", exit)
		}
		await(t, "gone", k.Gone())
	})
}

func TestStoppedChildHearsTheStopSignal(t *testing.T) {
	h := host(t)
	k := start(t, h, command("stopped"))
	ready(t, k)
	eventually(t, "it is stopped", func() bool { p, err := readProc(k.PID()); return err == nil && p.state == 'T' })
	if err := k.Stop(15); err != nil {
		t.Fatal(err)
	}
	if exit := await(t, "exit", k.Exited()); exit.Signal != 15 {
		t.Errorf("got %v, want signal TERM", exit)
	}
}

// TestWhatALeaderLeavesIsCounted: with and without a cgroup, and also what is only of its group where a cgroup tells; nothing where
// it was asked to stop, or leaves nothing.
func TestWhatALeaderLeavesIsCounted(t *testing.T) {
	bothWays(t, func(t *testing.T, h *Host) {
		over := func(mode string, act func(Child)) int {
			k := start(t, h, command(mode))
			if act != nil {
				ready(t, k)
				act(k)
			}
			await(t, "exit", k.Exited())
			await(t, "gone", k.Gone())
			return k.Rest()
		}
		if n := over("tree 3 1 exit", nil); n != 3 {
			t.Errorf("%d are counted of 3 in sessions of their own", n)
		}
		if n := over("exit 0", nil); n != 0 {
			t.Errorf("%d are counted of one that left nothing", n)
		}
		stop := func(k Child) {
			if err := k.Stop(15); err != nil {
				t.Error(err)
			}
		}
		if n := over("group", stop); n != 0 {
			t.Errorf("%d are counted of one that was asked to stop", n)
		}
		end := func(k Child) {
			if err := k.Signal(9); err != nil {
				t.Error(err)
			}
		}
		if n := over("group", end); h.cgroups != nil && n != 2 || n < 1 {
			t.Errorf("%d are counted of one in the group and one beside it", n)
		}
	})
}

func TestStopMeansGone(t *testing.T) {
	bothWays(t, func(t *testing.T, h *Host) {
		for _, end := range []string{"stay", "exit"} {
			k := start(t, h, command("tree 40 3 "+end))
			ready(t, k)
			if end == "stay" {
				eventually(t, "the tree has grown", func() bool { n, _ := k.Left(); return n >= 121 })
				if err := k.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			await(t, "exit", k.Exited())
			await(t, "the tree is gone", k.Gone())
			if n, why := k.Left(); n != 0 {
				t.Errorf("%s: %d left %s", end, n, why)
			}
			for pid, p := range readProcs() {
				if unitOf(pid) == k.(*kid).unit {
					t.Errorf("%s: pid %d (state %c) carries the marker of a tree that is gone", end, pid, p.state)
				}
			}
		}
	})
}

func TestRestOfAPoliteStopHearsItToo(t *testing.T) {
	bothWays(t, func(t *testing.T, h *Host) {
		k := start(t, h, command("tree 3 1 stay"))
		ready(t, k)
		eventually(t, "the tree has grown", func() bool { n, _ := k.Left(); return n >= 4 })
		if err := k.Stop(15); err != nil {
			t.Fatal(err)
		}
		if exit := await(t, "exit", k.Exited()); exit.Signal != 15 {
			t.Errorf("got %v, want signal TERM", exit)
		}
		await(t, "the rest ends at TERM, without a Kill", k.Gone())
	})
}

// A zombie that nobody in the tree waits for is nothing that is left.
func TestZombiesDoNotDelayAStop(t *testing.T) {
	bothWays(t, func(t *testing.T, h *Host) {
		k := start(t, h, command("zombie"))
		ready(t, k)
		eventually(t, "a zombie is there", func() bool {
			for _, p := range readProcs() {
				if p.parent == k.PID() && p.state == 'Z' {
					return true
				}
			}
			return false
		})
		begun := time.Now()
		if err := k.Stop(15); err != nil {
			t.Fatal(err)
		}
		await(t, "gone", k.Gone())
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("the stop took %v", took)
		}
	})
}

func TestGroupScopeReachesTheGroupAndNoMore(t *testing.T) {
	k, _ := startScoped(t, Group, "group")
	if n, _ := k.Left(); n != 2 {
		t.Errorf("%d in the group, want the leader and one more", n)
	}
	if err := k.Stop(15); err != nil {
		t.Fatal(err)
	}
	await(t, "gone", k.Gone())
	if left := endLeft(k); left != 1 {
		t.Errorf("%d of it left, want the one that has a session of its own", left)
	}
}

func TestProcessScopeLeavesTheRestAlone(t *testing.T) {
	k, _ := startScoped(t, Process, "tree 1 1 exit")
	await(t, "exit", k.Exited())
	await(t, "gone", k.Gone())
	if left := endLeft(k); left != 1 {
		t.Errorf("%d processes outlived a leader of scope process, want 1", left)
	}
}

// What is left after the leader has heeded one stop hears of the next one.
func TestTheRestHearsOfASecondStop(t *testing.T) {
	bothWays(t, func(t *testing.T, h *Host) {
		k := start(t, h, command("leaves-a-stubborn-one"))
		ready(t, k)
		if err := k.Stop(15); err != nil {
			t.Fatal(err)
		}
		await(t, "the leader ends", k.Exited())
		if n, _ := k.Left(); n != 1 {
			t.Errorf("%d are left, want the one that ignores TERM", n)
		}
		if err := k.Stop(2); err != nil {
			t.Error(err)
		}
		await(t, "the rest ends at the second one", k.Gone())
	})
}

// Each of a walk's processes starts the next one and ends, so that a look at all processes may find none of them alive; the end of its
// output tells that the last one, which would stay, has ended or never was.
func TestWhatWalksAwayIsFound(t *testing.T) {
	bothWays(t, func(t *testing.T, h *Host) {
		for range times(100) {
			k := start(t, h, command("walks 50"))
			lines := ready(t, k)
			if err := k.Kill(); err != nil {
				t.Fatal(err)
			}
			await(t, "exit", k.Exited())
			await(t, "gone", k.Gone())
			if n := endLeft(k); n > 0 {
				t.Errorf("%d are left", n)
			}
			if _, err := lines.ReadString('\n'); err != io.EOF {
				t.Fatalf("somebody still holds its output: %v", err)
			}
		}
	})
}

// What is left of a program whose first thread has ended bears the state of a zombie and runs.
func TestAProgramWithoutItsFirstThreadIsStopped(t *testing.T) {
	bothWays(t, func(t *testing.T, h *Host) {
		k := start(t, h, command("threads"))
		lines := ready(t, k)
		if n, _ := k.Left(); n != 2 {
			t.Errorf("%d are there, want the leader and the one without its first thread", n)
		}
		if err := k.Stop(15); err != nil {
			t.Fatal(err)
		}
		await(t, "gone", k.Gone())
		if _, err := lines.ReadString('\n'); err != io.EOF {
			t.Errorf("somebody still holds its output: %v", err)
		}
	})
}
