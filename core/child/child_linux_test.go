package child

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience bounds every wait of these tests; what they wait for comes much sooner.
const patience = 20 * time.Second

// times cuts a figure to a tenth unless the full figures are asked for.
func times(full int) int {
	if os.Getenv("SUPERVISORD_FULL") != "" {
		return full
	}
	return full / 10
}

// theHost is the one Host of this process, with cgroups; hosts of the other kind share its reaper.
var theHost = sync.OnceValues(func() (*Host, error) {
	return NewHost(Options{Instance: "test-" + strconv.Itoa(os.Getpid())})
})

func host(t testing.TB) *Host {
	t.Helper()
	h, err := theHost()
	if err != nil {
		t.Fatal(err)
	}
	if h.cgroups == nil {
		t.Fatal("this machine lets us make no cgroup: run as root or in a delegated one")
	}
	return h
}

// bothWays runs the test once with cgroups and once with the walk through /proc.
func bothWays(t *testing.T, test func(t *testing.T, h *Host)) {
	h := host(t)
	t.Run("cgroup", func(t *testing.T) { test(t, h) })
	t.Run("walk", func(t *testing.T) {
		kept := h.cgroups
		h.cgroups = nil
		defer func() { h.cgroups = kept }()
		test(t, h)
	})
}

func command(mode string) Command {
	return Command{Name: "test", Generation: rand.Uint64(), Path: "/proc/self/exe", Args: append([]string{asChild}, strings.Fields(mode)...),
		Dir: "/", Stdout: Pipe, Stderr: Null, Env: environ()}
}

// environ is ours; a child that is built with the race detector need not wait a second for late reports.
func environ() []string { return append(os.Environ(), "GORACE=atexit_sleep_ms=0") }

func start(t *testing.T, h *Host, c Command) Child {
	t.Helper()
	k, err := h.Start(c)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() {
		_ = k.Kill()
		if k.Stdout() != nil {
			k.Stdout().Close()
		}
		await(t, "nothing of it is left", k.Gone())
	})
	return k
}

func await[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(patience):
		t.Fatalf("waited %v in vain: %s", patience, what)
		panic("unreachable")
	}
}

// ready waits for the child's word that it has come as far as the test wants it.
func ready(t *testing.T, k Child) *bufio.Reader {
	t.Helper()
	lines := bufio.NewReader(k.Stdout())
	if err := k.Stdout().SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if line, err := lines.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("child said %q, %v; want ready", line, err)
	}
	return lines
}

func TestNoExitStatusIsLostOrMistaken(t *testing.T) {
	h := host(t)
	before, claimed := h.Orphans(), h.claims()
	starts, wrong, orphans := times(10000), make(chan string, 10000), 0
	var all sync.WaitGroup
	slots := make(chan bool, 16)
	for i := range starts {
		code, mode := i%200, ""
		mode = fmt.Sprintf("exit %d", code)
		if i%10 == 0 {
			code, mode = 7, "orphan"
			orphans++
		}
		slots <- true
		all.Go(func() {
			defer func() { <-slots }()
			c := command(mode)
			c.Stdout, c.Scope = Null, Process // the orphan is to outlive its parent
			k, err := h.Start(c)
			if err != nil {
				wrong <- err.Error()
				return
			}
			select {
			case exit := <-k.Exited():
				if exit.Code != code || exit.Signal != 0 {
					wrong <- fmt.Sprintf("%s: got %v", mode, exit)
				}
			case <-time.After(patience):
				wrong <- mode + ": no exit"
			}
		})
	}
	all.Wait()
	close(wrong)
	for text := range wrong {
		t.Error(text)
	}
	if n := h.claims() - claimed; n == 0 && starts == 10000 {
		t.Error("no exit came before its start had returned, so that was not tested here")
	}
	eventually(t, "all orphans are reaped", func() bool { return h.Orphans()-before >= uint64(orphans) })
	for pid, p := range readProcs() {
		if p.state == 'Z' && p.parent == os.Getpid() {
			t.Errorf("pid %d is a zombie of ours", pid)
		}
	}
}

// An exit that is reaped before its start has returned finds its owner; that of a stranger who had the same number does not.
func TestAnExitBeforeItsRegistrationFindsItsOwner(t *testing.T) {
	h := host(t)
	null := []uintptr{h.null.Fd(), h.null.Fd(), h.null.Fd()}
	fork := func(mode string) (k *kid, pidfd int) {
		k = &kid{host: h, scope: Process, unit: "early", exited: make(chan Exit, 1), gone: make(chan struct{}), pinned: true}
		var err error
		h.forkBegins()
		closed := h.onSpawner(func() {
			k.pid, err = syscall.ForkExec("/proc/self/exe", append([]string{"child", asChild}, strings.Fields(mode)...),
				&syscall.ProcAttr{Env: []string{}, Files: null, Sys: &syscall.SysProcAttr{Setsid: true, PidFD: &pidfd}})
		})
		if err := errors.Join(closed, err); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(pidfd) })
		h.poke() // the reaper may have found no child
		return k, pidfd
	}
	early := func(pid int) bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		_, there := h.early[pid]
		return there
	}
	claimed := h.claims()
	k, pidfd := fork("exit 7")
	eventually(t, "it is reaped", func() bool { return early(k.pid) })
	h.register(k, pidfd)
	if exit := await(t, "its exit", k.Exited()); exit.Code != 7 {
		t.Errorf("got %v, want exit code 7", exit)
	}
	if h.claims() != claimed+1 {
		t.Error("it is not counted")
	}
	k, pidfd = fork("stay")
	h.mu.Lock()
	h.early[k.pid] = Exit{Code: 99, At: time.Now()}
	h.mu.Unlock()
	h.register(k, pidfd)
	if err := k.Kill(); err != nil {
		t.Fatal(err)
	}
	if exit := await(t, "its exit", k.Exited()); exit.Signal != 9 || h.claims() != claimed+1 {
		t.Errorf("got %v, which is a stranger's", exit)
	}
	await(t, "gone", k.Gone())
}

func (h *Host) claims() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.claimed
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %v in vain: %s", patience, what)
		}
	}
}

func TestExitTellsCodeAndSignal(t *testing.T) {
	h := host(t)
	for _, one := range []struct {
		mode string
		want string
	}{
		{"exit 0", "exit code 0"}, {"exit 1", "exit code 1"}, {"exit 255", "exit code 255"},
		{"signal 9", "signal KILL"}, {"signal 15", "signal TERM"}, {"signal 1", "signal HUP"},
	} {
		k := start(t, h, command(one.mode))
		if got := await(t, one.mode, k.Exited()).String(); got != one.want {
			t.Errorf("%s: got %q, want %q", one.mode, got, one.want)
		}
		await(t, one.mode+" is gone", k.Gone())
		if err := k.Signal(15); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("signal after the end: got %v, want os.ErrProcessDone", err)
		}
	}
}

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
	h := host(t)
	c := command("group")
	c.Scope = Group
	k := start(t, h, c)
	ready(t, k)
	if n, _ := k.Left(); n != 2 {
		t.Errorf("%d in the group, want the leader and one more", n)
	}
	if err := k.Stop(15); err != nil {
		t.Fatal(err)
	}
	await(t, "gone", k.Gone())
	left := 0
	for pid := range readProcs() {
		if unitOf(pid) == k.(*kid).unit {
			left++
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
	if left != 1 {
		t.Errorf("%d of it left, want the one that has a session of its own", left)
	}
}

func TestHungExecBlocksNobodyElse(t *testing.T) {
	h := host(t)
	var added atomic.Int32
	kept := h.logf
	h.logf = func(string, ...any) { added.Add(1) }
	defer func() { h.logf = kept }()
	release := make(chan bool)
	var all sync.WaitGroup
	hung := make(chan bool)
	for range spawners {
		all.Go(func() { _ = h.onSpawner(func() { hung <- true; <-release }) })
	}
	for range spawners {
		await(t, "the hanging execs", hung)
	}
	// Many wait behind it: one more thread serves them all.
	for range 50 {
		all.Go(func() {
			c := command("exit 0")
			c.Stdout = Null
			k, err := h.Start(c)
			if err != nil {
				t.Error(err)
				return
			}
			await(t, "exit", k.Exited())
		})
	}
	eventually(t, "the others have been started", func() bool { return added.Load() > 0 && h.done.Load() > 50 })
	close(release)
	all.Wait()
	if n := added.Load(); n != 1 {
		t.Errorf("%d threads were added when all hung, want 1", n)
	}
}

func TestProcessScopeLeavesTheRestAlone(t *testing.T) {
	h := host(t)
	c := command("tree 1 1 exit")
	c.Scope = Process
	k := start(t, h, c)
	ready(t, k)
	await(t, "exit", k.Exited())
	await(t, "gone", k.Gone())
	left := 0
	for pid := range readProcs() {
		if unitOf(pid) == k.(*kid).unit {
			left++
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
	if left != 1 {
		t.Errorf("%d processes outlived a leader of scope process, want 1", left)
	}
}

func TestLaunchErrorsSayWhatAndWhy(t *testing.T) {
	h := host(t)
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	closed := filepath.Join(dir, "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		path, dir, user, group string
		step, want             string
	}{
		{path: dir + "/missing", step: "exec", want: "no such file"},
		{path: "missing-program", step: "exec", want: "exec missing-program: not found in PATH (ENOENT)"},
		{path: write("plain", "#!/bin/sh\n", 0o644), step: "exec", want: "permission denied"},
		{path: write("junk", "\x00\x01junk", 0o755), step: "exec", want: "neither a program nor a script"},
		{path: write("empty", "", 0o755), step: "exec", want: "neither a program nor a script"},
		{path: write("strange", "#!"+dir+"/nobody-home\n", 0o755), step: "exec", want: "interpreter"},
		{path: loop, step: "exec", want: "too many levels of symbolic links"},
		{path: dir, step: "exec", want: "permission denied"},
		{path: "/bin/true", dir: dir + "/nowhere", step: "cwd", want: "no such file"},
		{path: "/bin/true", dir: write("file", "", 0o644), step: "cwd", want: "not a directory"},
		{path: "/bin/true", dir: closed, user: "nobody", step: "cwd", want: "permission denied"},
		{path: "/bin/true", user: "no-such-user", step: "user", want: "no such user"},
		{path: "/bin/true", group: "no-such-group", step: "group", want: "no such group"},
	} {
		if one.user == "nobody" && os.Getuid() != 0 {
			continue
		}
		c := Command{Name: "bad", Generation: rand.Uint64(), Path: one.path, Dir: one.dir, User: one.user, Group: one.group, Env: []string{"PATH=/bin"}}
		_, err := h.Start(c)
		var launch *LaunchError
		if !errors.As(err, &launch) {
			t.Errorf("%s: got %v, want a *LaunchError", one.path, err)
			continue
		}
		if launch.Step != one.step || !strings.Contains(err.Error(), one.want) || launch.Temporary {
			t.Errorf("%s: got %q (step %s, temporary %v), want step %s and %q", one.path, err, launch.Step, launch.Temporary, one.step, one.want)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.inFlight != 0 || len(h.kids) != 0 {
		t.Errorf("failed starts left %d forks in flight and %d kids", h.inFlight, len(h.kids))
	}
}

// read gives what a child of mode dump printed.
func read(t *testing.T, k Child) dumped {
	t.Helper()
	if err := k.Stdout().SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(k.Stdout())
	if err != nil {
		t.Fatal(err)
	}
	var d dumped
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return d
}

func TestProcessesStartClean(t *testing.T) {
	// Something to inherit: a descriptor without close-on-exec, as a login shell leaves them.
	fd, err := unix.Open("/dev/null", unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	h := host(t)
	if err := unix.CloseRange(uint(fd), uint(fd), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := command("dump")
	c.Dir = dir
	k := start(t, h, c)
	d := read(t, k)
	if !slices.Equal(d.FDs, []string{"0", "1", "2"}) {
		t.Errorf("descriptors %v, want 0, 1, 2", d.FDs)
	}
	if d.SID != k.PID() || d.PGID != k.PID() {
		t.Errorf("session %d, group %d, want its own pid %d", d.SID, d.PGID, k.PID())
	}
	if d.Dir != dir {
		t.Errorf("cwd %s, want %s", d.Dir, dir)
	}
	if strings.Trim(d.Masked, "0") != "" {
		t.Errorf("blocked signals %s, want none", d.Masked)
	}
	// SIGPIPE and SIGURG of the Go runtime are handled, not ignored.
	if strings.Trim(d.Ignored, "0") != "" {
		t.Errorf("ignored signals %s, want none", d.Ignored)
	}
	if d.OutFlags&unix.O_NONBLOCK != 0 {
		t.Error("stdout is non-blocking")
	}
	if !slices.Contains(d.Env, UnitKey+"="+k.(*kid).unit) {
		t.Error("the marker is missing in the environment")
	}
}

func TestServiceUserGetsItsOwnGroupsAndHome(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	h := host(t)
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	c := command("dump")
	c.User, c.Env = "nobody", nil
	// nobody cannot read the test binary below a private folder, so it gets a copy.
	c.Path = copyOfSelf(t)
	d := read(t, start(t, h, c))
	if strconv.Itoa(d.UID) != nobody.Uid || strconv.Itoa(d.GID) != nobody.Gid {
		t.Errorf("uid %d gid %d, want %s %s", d.UID, d.GID, nobody.Uid, nobody.Gid)
	}
	want, err := nobody.GroupIds()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range d.Groups {
		got = append(got, strconv.Itoa(g))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("groups %v, want %v", got, want)
	}
	for _, kv := range []string{"HOME=" + nobody.HomeDir, "USER=nobody", "LOGNAME=nobody"} {
		if !slices.Contains(d.Env, kv) {
			t.Errorf("%s is missing in %v", kv, d.Env)
		}
	}
}

func copyOfSelf(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "child")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "child")
	if err := os.WriteFile(path, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSignalNames(t *testing.T) {
	for text, want := range map[string]int{"TERM": 15, "SIGTERM": 15, "term": 15, "15": 15, "HUP": 1, "SIGUSR1": 10} {
		if got, err := ParseSignal(text); err != nil || got != want {
			t.Errorf("ParseSignal(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	if _, err := ParseSignal("TREM"); err == nil || !strings.Contains(err.Error(), "did you mean TERM?") {
		t.Errorf("ParseSignal(TREM): %v", err)
	}
	if _, err := ParseSignal("QIUT"); err == nil || !strings.Contains(err.Error(), "did you mean QUIT?") {
		t.Errorf("ParseSignal(QIUT): %v", err)
	}
	for _, text := range []string{"", "0", "-9", "65", "NOSUCHSIGNAL"} {
		if _, err := ParseSignal(text); err == nil {
			t.Errorf("ParseSignal(%q) is no error", text)
		}
	}
	if got := SignalName(9); got != "KILL" {
		t.Errorf("SignalName(9) = %q", got)
	}
}
