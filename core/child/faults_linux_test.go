package child

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A tree of a hundred and twenty processes in sessions of their own is gone within a tenth of a second after KILL. The best of
// some runs counts: this machine does other things too.
func TestTreeIsGoneWithinATenthOfASecondAfterKill(t *testing.T) {
	bothWays(t, func(t *testing.T, h *Host) {
		best := time.Hour
		for range 5 {
			k := start(t, h, command("tree 40 3 stay"))
			ready(t, k)
			eventually(t, "the tree has grown", func() bool { n, _ := k.Left(); return n >= 121 })
			begun := time.Now()
			if err := k.Kill(); err != nil {
				t.Fatal(err)
			}
			await(t, "gone", k.Gone())
			best = min(best, time.Since(begun))
			if best < 100*time.Millisecond || raced() {
				break
			}
		}
		t.Logf("gone %v after KILL", best)
		if best > 100*time.Millisecond && !raced() {
			t.Errorf("it took %v at best, want at most 100ms", best)
		}
	})
}

// An exec that really hangs, as on a disk that is sick: the kernel asks this test before it lets a program be executed (man 7
// fanotify), and gets no answer until the end. It hangs before the fork, or in the shim, and neither is in the way of others.
func TestRealHungExecBlocksNobodyElse(t *testing.T) {
	for way, limits := range map[string]Limits{"direct": {}, "shim": {Umask: given(0o022)}} {
		for what, hangs := range map[string]uint64{"exec": unix.FAN_OPEN_EXEC_PERM, "open": unix.FAN_OPEN_PERM, "read": unix.FAN_ACCESS_PERM} {
			t.Run(way+", "+what, func(t *testing.T) { hangInExec(t, limits, hangs, false) })
		}
		t.Run(way+", interpreter", func(t *testing.T) { hangInExec(t, limits, unix.FAN_OPEN_EXEC_PERM, true) })
	}
}

func hangInExec(t *testing.T, limits Limits, hangs uint64, interpreter bool) {
	if os.Getuid() != 0 {
		t.Skip("only root is asked by the kernel")
	}
	h := host(t)
	program := copyOfSelf(t)
	named := program
	args := []string{asChild, "exit", "0"}
	if interpreter {
		named = filepath.Join(t.TempDir(), "script")
		if err := os.WriteFile(named, []byte("#! "+program+" "+asChild+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		args = nil
	}
	asks, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK, unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		t.Skipf("no fanotify here: %v", err)
	}
	asking := os.NewFile(uintptr(asks), "fanotify") // its end lets everything through
	defer asking.Close()
	if err := asking.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if err := unix.FanotifyMark(asks, unix.FAN_MARK_ADD, hangs, unix.AT_FDCWD, program); err != nil {
		t.Skipf("the kernel does not ask before exec: %v", err)
	}
	if hangs == unix.FAN_OPEN_EXEC_PERM && limits.Umask == (Setting{}) && !h.rehearsals.mayAsk {
		t.Skip("this kernel (before Linux 6.14) cannot be asked about an exec beforehand")
	}
	hung := make(chan error, 2*spawners)
	for i := range cap(hung) {
		c := Command{Name: "hung", Generation: uint64(i), Path: named, Args: args, Dir: "/", Limits: limits}
		go func() {
			k, err := h.Start(c)
			if err == nil {
				<-k.Gone()
			}
			hung <- err
		}()
	}
	// The first questions say that execs hang.
	question := make([]byte, 4096)
	for asked := 0; asked < cap(hung); {
		n, err := asking.Read(question)
		if err != nil {
			t.Fatalf("%d questions, then none: %v; %d have ended", asked, err, len(hung))
		}
		for at := 0; at < n; asked++ {
			one := (*unix.FanotifyEventMetadata)(unsafe.Pointer(&question[at]))
			defer unix.Close(int(one.Fd))
			at += int(one.Event_len)
		}
	}
	begun := time.Now()
	for range 10 {
		runtime.GC() // which waits for a fork whose exec hangs
		k := start(t, h, command("exit 5"))
		if exit := await(t, "another's exit", k.Exited()); exit.Code != 5 {
			t.Errorf("got %v", exit)
		}
	}
	if took := time.Since(begun); took > spawnPatience {
		t.Errorf("ten others took %v", took)
	}
	select {
	case err := <-hung:
		t.Errorf("what hangs has ended: %v", err)
	default:
	}
	asking.Close()
	for range cap(hung) {
		if err := await(t, "the hung start's end", hung); err != nil {
			t.Errorf("a start that hung failed afterwards: %v", err)
		}
	}
}

func TestWhatMayHangGoesThroughTheShim(t *testing.T) {
	for path, want := range map[string]bool{"/proc/self/exe": false, "/dev/shm": false, "/sys/kernel": true, "/no/such/file": false, t.TempDir(): false} {
		if got := mayHang(path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	h := host(t)
	c := Command{Name: "far", Generation: rand.Uint64(), Path: "/bin/pwd", Dir: "/sys/kernel", Stdout: Pipe} // a file system that is no disk
	k := start(t, h, c)
	if text, err := io.ReadAll(k.Stdout()); err != nil || string(text) != "/sys/kernel\n" {
		t.Errorf("it said %q, %v", text, err)
	}
}

// A process that the kernel does not let die stands in for one in state D: its stop is not answered with "gone", and what is
// left is told with the reason. Once it may, it ends.
func TestFrozenTreeIsLeftWithTheReason(t *testing.T) {
	bothWays(t, func(t *testing.T, h *Host) {
		own, err := ownFolder("freezer")
		if err != nil {
			t.Skipf("no freezer of cgroup v1 here, the only one that keeps KILL off: %v", err)
		}
		folder := filepath.Join(own, fmt.Sprintf("supervisord-test-%d", os.Getpid()))
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Skipf("the freezer is not ours: %v", err)
		}
		k := start(t, h, command("stay"))
		defer func() { // before the cleanup of start, which waits for its end
			if err := write(folder+"/freezer.state", "THAWED"); err != nil {
				t.Error(err)
			}
			await(t, "it ends when it may", k.Gone())
			eventually(t, "its cgroup is gone", func() bool { return unix.Rmdir(folder) == nil })
		}()
		ready(t, k)
		if err := write(folder+"/cgroup.procs", fmt.Sprint(k.PID())); err != nil {
			t.Fatal(err)
		}
		if err := write(folder+"/freezer.state", "FROZEN"); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is frozen", func() bool {
			text, _ := os.ReadFile(folder + "/freezer.state")
			return string(text) == "FROZEN\n"
		})
		if err := k.Stop(15); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := k.Kill(); err != nil {
				t.Fatal(err)
			}
			select {
			case <-k.Gone():
				t.Fatal("it is called gone")
			case <-time.After(50 * time.Millisecond):
			}
			n, why := k.Left()
			if n != 1 || !strings.Contains(why, fmt.Sprintf("pid %d", k.PID())) || !strings.Contains(why, "in the kernel (state D") {
				t.Errorf("%d left, %q", n, why)
			}
		}
		// Others are not held up.
		other := start(t, h, command("exit 3"))
		if exit := await(t, "another's exit", other.Exited()); exit.Code != 3 {
			t.Errorf("got %v", exit)
		}
	})
}

// What the system refuses now and may grant later is temporary, and names its errno.
func TestRefusedForkIsTemporaryAndNamesItsErrno(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	h := host(t)
	c := command("stay")
	c.User, c.Path = "nobody", copyOfSelf(t)
	keeper := start(t, h, c) // an account that has one process already
	ready(t, keeper)
	second := c
	second.Generation++
	second.Limits.Rlimits = []Rlimit{{"nproc", 1, 1}}
	_, err := h.Start(second)
	var launch *LaunchError
	if !errors.As(err, &launch) || !launch.Temporary || launch.Step != "fork" || !strings.Contains(err.Error(), "EAGAIN") {
		t.Errorf("got %v, want a temporary fork error with EAGAIN", err)
	}
}

// A start for which there is no descriptor says so, hurts nobody, and succeeds when there is one.
func TestNoDescriptorIsTemporaryAndNamesItsErrno(t *testing.T) {
	h := host(t)
	running := start(t, h, command("polite"))
	lines := ready(t, running)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	highest := 0
	for _, entry := range open {
		var fd int
		fmt.Sscan(entry.Name(), &fd)
		highest = max(highest, fd)
	}
	// Only the soft limit of this process is lowered, and given back.
	low := before
	low.Cur = uint64(highest + 1)
	var spare []int
	if err := unix.Prlimit(0, unix.RLIMIT_NOFILE, &low, nil); err != nil {
		t.Fatal(err)
	}
	for {
		fd, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			break
		}
		spare = append(spare, fd)
	}
	_, err = h.Start(command("exit 0"))
	_, shimErr := h.Start(Command{Name: "shim", Generation: 1, Path: "/bin/true", Limits: Limits{Umask: given(0)}})
	signalErr := running.Signal(1)
	for _, fd := range spare {
		unix.Close(fd)
	}
	if err := unix.Prlimit(0, unix.RLIMIT_NOFILE, &before, nil); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{err, shimErr} {
		var launch *LaunchError
		if !errors.As(err, &launch) || !launch.Temporary || !strings.Contains(err.Error(), "EMFILE") {
			t.Errorf("got %v, want a temporary error with EMFILE", err)
		}
	}
	if line, err := lines.ReadString('\n'); signalErr != nil || err != nil || line != "got hangup\n" {
		t.Errorf("a signal to what runs: %v, it said %q %v", signalErr, line, err)
	}
	k := start(t, h, command("exit 4"))
	if exit := await(t, "exit", k.Exited()); exit.Code != 4 {
		t.Errorf("%v", exit)
	}
}

// An environment that is too large is refused by name; what is in it is nobody's business.
func TestTooLargeEnvironmentIsRefusedWithoutItsValue(t *testing.T) {
	h := host(t)
	for _, limits := range []Limits{{}, {Umask: given(0)}} {
		c := command("exit 0")
		c.Limits = limits
		c.Env = append(slices.Clone(c.Env), "BIG="+strings.Repeat("canary", 1<<19))
		_, err := h.Start(c)
		var launch *LaunchError
		if !errors.As(err, &launch) || launch.Temporary || !strings.Contains(err.Error(), "E2BIG") || strings.Contains(err.Error(), "canary") {
			t.Errorf("got %.200v, want E2BIG", err)
		}
	}
}

// The folders of lives that are over do not gather, though they are not removed while there is more important work.
func TestTheCgroupOfALifeThatIsOverIsRemoved(t *testing.T) {
	h := host(t)
	var folders []string
	for range 10 {
		k := start(t, h, command("exit 0"))
		await(t, "gone", k.Gone())
		folders = append(folders, cgroupOf(t, h, k).path)
	}
	eventually(t, "the folders are gone", func() bool {
		return !slices.ContainsFunc(folders, func(path string) bool { _, err := os.Stat(path); return err == nil })
	})
}

// A process that was removed and added again counts its lives anew; what is cleared away after the old one is not the new one's.
func TestALifeOfTheSameNameHasACgroupOfItsOwn(t *testing.T) {
	h := host(t)
	c := command("exit 0")
	old := start(t, h, c)
	await(t, "gone", old.Gone())
	c.Args = []string{asChild, "stay"}
	fresh := start(t, h, c)
	ready(t, fresh)
	was, is := cgroupOf(t, h, old), cgroupOf(t, h, fresh)
	if was.path == is.path {
		t.Fatalf("both are in %s", is.path)
	}
	eventually(t, "the old folder is gone", func() bool { _, err := os.Stat(was.path); return err != nil })
	populated, err := is.populated()
	if n, _ := fresh.Left(); n != 1 || !populated || err != nil {
		t.Errorf("%d are left in %s", n, is.path)
	}
}

// A service may divide its cgroup, as one does that is itself a supervisor: what is in the parts is of its tree, hears of a stop,
// and the folders go with the life.
func TestWhatIsInAPartOfItsCgroupBelongsToALife(t *testing.T) {
	h := host(t)
	cgroupOf(t, h, start(t, h, command("exit 0"))) // whether children get one is known after a start
	for _, end := range []string{"stop", "kill"} {
		k := start(t, h, command("divides-its-cgroup"))
		ready(t, k)
		if n, _ := k.Left(); n != 2 {
			t.Errorf("%d are left, want the leader and its child", n)
		}
		if end == "stop" {
			if err := k.Stop(15); err != nil {
				t.Error(err)
			}
		} else if err := k.Kill(); err != nil {
			t.Error(err)
		}
		await(t, end+": gone", k.Gone())
		folder := cgroupOf(t, h, k).path
		eventually(t, "its folder is gone", func() bool { _, err := os.Stat(folder); return err != nil })
	}
}
