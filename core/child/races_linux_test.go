package child

import (
	"io"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The narrow races, made to happen: a thousand starts meet them now and then, a test has to meet them always.

// unregistered forks a program of its own beside Start, announced and not registered yet.
func unregistered(t *testing.T, h *Host, mode ...string) (k *kid, pidfd int) {
	t.Helper()
	k = &kid{host: h, name: "bare", unit: "bare#1", scope: Process, exited: make(chan Exit, 1), gone: make(chan struct{})}
	pidfd = -1
	h.forkBegins()
	pid, err := syscall.ForkExec("/proc/self/exe", append([]string{"bare", asChild}, mode...),
		&syscall.ProcAttr{Env: environ(), Files: []uintptr{0, h.null.Fd(), h.null.Fd()}, Sys: &syscall.SysProcAttr{Setsid: true, PidFD: &pidfd}})
	if err != nil {
		h.forkFailed()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0)
		unix.Close(pidfd)
	})
	k.pid, k.pinned = pid, true
	return k, pidfd
}

// A01: the exit that comes before the start is registered is told by the start that it belongs to.
func TestAnExitThatBeatsItsRegistrationIsTold(t *testing.T) {
	eachPidfd(t, exitBeatsItsRegistration)
}

// eachPidfd runs a test with the pidfd that a fork gives, and without one, as before Linux 5.2.
func eachPidfd(t *testing.T, test func(t *testing.T, or func(pidfd int) int)) {
	t.Run("pidfd", func(t *testing.T) { test(t, func(pidfd int) int { return pidfd }) })
	t.Run("none", func(t *testing.T) { test(t, func(int) int { return -1 }) })
}

func exitBeatsItsRegistration(t *testing.T, or func(pidfd int) int) {
	h := host(t)
	strangers, waiter := make(chan bool, 1), &kid{}
	h.mu.Lock()
	h.leaving[waiter] = strangers // poked whenever somebody unknown was reaped
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.leaving, waiter)
		h.mu.Unlock()
	}()
	claimed := h.claims()
	const nobody = 1<<22 + 1 // as below
	h.mu.Lock()
	h.early[nobody] = Exit{At: time.Now().Add(-2 * earlyFor)}
	h.mu.Unlock()
	k, pidfd := unregistered(t, h, "exit", "7")
	h.poke()
	old := false
	for beaten := false; !beaten; {
		await(t, "the reaper is faster than the registration", strangers)
		h.mu.Lock()
		_, beaten = h.early[k.pid]
		_, old = h.early[nobody]
		h.mu.Unlock()
	}
	h.register(k, or(pidfd))
	if exit := await(t, "the exit is told", k.exited); exit.Code != 7 || exit.Signal != 0 {
		t.Errorf("got %v, want exit code 7", exit)
	}
	await(t, "nothing of it is left", k.gone)
	if h.claims() != claimed+1 {
		t.Error("it is not counted as one that came early")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, kept := h.early[k.pid]; kept || h.kids[k.pid] != nil {
		t.Error("the life is over and still on the books")
	}
	if old {
		t.Error("an exit that nobody has claimed for long was kept beside a new one")
	}
}

// The orphans are not told while somebody is being forked, who is none and no leader either, but right after.
func TestWhoAsksForTheOrphansDuringAForkHearsAfterIt(t *testing.T) {
	h := host(t)
	k, pidfd := unregistered(t, h, "stay")
	list, asked := h.orphansNow()
	if list.sound || asked == nil {
		t.Fatalf("answered %+v at once", list)
	}
	select {
	case list = <-asked:
		t.Errorf("answered %+v during the fork", list)
	default:
	}
	h.register(k, pidfd)
	if list := await(t, "the answer", asked); !list.sound || slices.Contains(list.pids, k.pid) {
		t.Errorf("a leader is taken for an orphan: %+v", list)
	}
	leaves, _ := startScoped(t, Process, "tree 1 1 exit")
	await(t, "gone", leaves.Gone())
	orphan := 0
	eventually(t, "there is an orphan", func() bool {
		for pid, p := range readProcs() {
			if p.parent == os.Getpid() && unitOf(pid) == leaves.(*kid).unit {
				orphan = pid
			}
		}
		return orphan != 0
	})
	if list, asked := h.orphansNow(); !list.sound || !slices.Contains(list.pids, orphan) || asked != nil {
		t.Errorf("with an orphan: %+v, to be asked %v", list, asked != nil)
	}
	h.forkBegins()
	_, asked = h.orphansNow()
	h.forkFailed()
	if list := await(t, "the answer", asked); !list.sound || !slices.Contains(list.pids, orphan) {
		t.Errorf("with an orphan, after a fork: %+v", list)
	}
	h.forkBegins() // one that hangs keeps nobody from an answer
	if list := h.orphansSoon(); list.sound {
		t.Errorf("answered %+v during a fork", list)
	}
	h.forkFailed()
	endLeft(leaves)
	if err := k.Kill(); err != nil {
		t.Error(err)
	}
	await(t, "gone", k.Gone())
}

// A stranger of the same number that ended before is not taken for the child that has it now.
func TestAnEarlierExitOfTheSameNumberIsAStrangers(t *testing.T) {
	eachPidfd(t, earlierExitOfTheSameNumber)
}

func earlierExitOfTheSameNumber(t *testing.T, or func(pidfd int) int) {
	h := host(t)
	k, pidfd := unregistered(t, h, "stay")
	h.mu.Lock()
	h.early[k.pid] = Exit{Code: 99}
	h.mu.Unlock()
	h.register(k, or(pidfd))
	select {
	case exit := <-k.exited:
		t.Errorf("it runs, and was told to have ended: %v", exit)
	default:
	}
	if err := k.Kill(); err != nil {
		t.Errorf("kill: %v", err)
	}
	if exit := await(t, "the exit is told", k.exited); exit.Signal != int(unix.SIGKILL) {
		t.Errorf("got %v, want signal KILL", exit)
	}
}

// Between a look at all processes and the signal a number may change hands: the time of its start tells, with a pidfd and
// without.
func TestAStaleLookHitsNobody(t *testing.T) {
	h := host(t)
	k, lines := startScoped(t, Process, "polite")
	now, err := readProc(k.PID())
	if err != nil {
		t.Fatal(err)
	}
	before := now
	before.start--
	if sent, _ := h.signal([]proc{before}, unix.SIGTERM); sent != 0 {
		t.Error("through a pidfd: sent to who has the number now")
	}
	if h.toOrphan(before, unix.SIGTERM) {
		t.Error("by number: sent to who has the number now")
	}
	if sent, _ := h.signal([]proc{now}, unix.SIGHUP); sent != 1 {
		t.Error("what was really seen is not reached")
	}
	// It heard that one and the CONT that goes with it, in whatever order, and nothing before.
	var heard []string
	for range 2 {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		heard = append(heard, line)
	}
	slices.Sort(heard)
	if !slices.Equal(heard, []string{"got continued\n", "got hangup\n"}) {
		t.Errorf("it heard %q, want the hangup and no more", heard)
	}
}

// Without a pidfd a number is sure only of a child of this process, which nobody else can reap.
func TestWithoutAPidfdOnlyOwnChildrenAreSignalled(t *testing.T) {
	h := host(t)
	k := start(t, h, command("leaves-a-stubborn-one"))
	ready(t, k)
	for pid, p := range readProcs() {
		if p.parent == k.PID() && h.toOrphan(p, unix.SIGKILL) {
			t.Errorf("pid %d, whose parent lives, was signalled by its number", pid)
		}
	}
}

// A14: a zombie whose parent, outside of the scope, never waits for it is nothing that a stop has to wait for.
func TestAZombieOfSomebodyElseDoesNotDelayAStop(t *testing.T) {
	k, _ := startScoped(t, Group, "leaves-a-zombie")
	eventually(t, "a zombie of its group is there", func() bool {
		for _, p := range readProcs() {
			if p.group == k.PID() && p.state == 'Z' {
				return true
			}
		}
		return false
	})
	if err := k.Stop(15); err != nil {
		t.Fatal(err)
	}
	await(t, "exit", k.Exited())
	await(t, "gone, although its zombie is still there", k.Gone())
	endLeft(k) // the zombie's parent, which is out of scope
}

// A daemon that ended before the shim could ask for the parent-death signal is never heard of: the shim starts nothing then.
func TestAShimWhoseDaemonHasEndedStartsNothing(t *testing.T) {
	h := host(t)
	for _, alive := range []bool{true, false} {
		c := command("exit 5")
		k := &kid{host: h, name: c.Name, unit: "late#1", scope: Process, exited: make(chan Exit, 1), gone: make(chan struct{})}
		o := k.order(c, Identity{}, c.Path, append([]string{c.Path}, c.Args...), c.Env)
		if !alive {
			o.Parent++ // another's
		}
		attr := &syscall.ProcAttr{Sys: &syscall.SysProcAttr{Setsid: true}, Files: []uintptr{h.null.Fd(), h.null.Fd(), h.null.Fd()}}
		said, err := h.forkShim(k, o, attr)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(said); err != nil || len(text) > 0 {
			t.Errorf("it said %q, %v", text, err)
		}
		said.Close()
		want := 5
		if !alive {
			want = 127
		}
		if exit := await(t, "exit", k.exited); exit.Code != want {
			t.Errorf("daemon alive %v: got %v, want exit code %d", alive, exit, want)
		}
		await(t, "gone", k.gone)
	}
}

// Whoever waits for this process's children beside its Host takes their ends away: such an end is not taken for a success.
func TestAnEndThatSomebodyElseWaitedForIsNoSuccess(t *testing.T) {
	h := host(t)
	const nobody = 1 << 22 // beyond every number (man 5 proc_sys_kernel, pid_max)
	k := &kid{host: h, pid: nobody, pinned: true, unit: "stolen#1", scope: Process, exited: make(chan Exit, 1), gone: make(chan struct{})}
	h.mu.Lock()
	h.kids[k.pid] = k
	h.mu.Unlock()
	h.consume(k.pid)
	if exit := await(t, "the end is told", k.exited); exit.Code != -1 || exit.Signal != 0 || exit.String() != "an end that somebody else waited for" {
		t.Errorf("got %v (%+v)", exit, exit)
	}
	await(t, "gone", k.gone)
}

// A12: what is left in the group of a leader that was not asked to stop is killed while the leader is a zombie, the last moment at
// which the number is nobody else's. (That its tree is looked for afterwards does the same, a moment later.)
func TestTheGroupIsKilledWhileItsLeaderPinsIt(t *testing.T) {
	h := host(t)
	for _, c := range []struct {
		scope Scope
		stop  int
		kills bool
	}{{Group, 0, true}, {Tree, 0, true}, {Process, 0, false}, {Group, 15, false}} {
		k, pidfd := unregistered(t, h, "stay")
		k.scope, k.stop = c.scope, c.stop
		k.leaderIsZombie() // it is none, so it is one of those that are killed, and can tell
		if k.pinned {
			t.Errorf("%v, stop %d: its number is still taken for its own", c.scope, c.stop)
		}
		k.pinned, k.scope = true, Process
		h.register(k, pidfd)
		if !c.kills {
			if p, err := readProc(k.pid); err != nil || p.state == 'Z' {
				t.Errorf("%v, stop %d: it was killed", c.scope, c.stop)
			}
			_ = k.Signal(int(unix.SIGTERM))
		}
		exit := await(t, "exit", k.exited)
		if killed := exit.Signal == int(unix.SIGKILL); killed != c.kills {
			t.Errorf("%v, stop %d: %v", c.scope, c.stop, exit)
		}
	}
}
