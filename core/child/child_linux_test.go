package child

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
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
	return h
}

// needsCgroups leaves a test out where no cgroup can be made, as in a container whose cgroups are read-only.
func needsCgroups(t testing.TB, h *Host) {
	t.Helper()
	if h.cgroups == nil {
		mayWrite(t, "unified")
		t.Fatal("this machine has cgroups that we may write to, and the host makes none")
	}
}

// needsControllers leaves a test out where no limit of these controllers can be set.
func needsControllers(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		mayWrite(t, name)
	}
}

// mayWrite looks by itself, and not with the product's eyes, whether there is a hierarchy of cgroups that is ours to write to.
func mayWrite(t testing.TB, name string) {
	t.Helper()
	const top = "/sys/fs/cgroup/"
	for _, folder := range []string{top, top + name} {
		if unix.Access(filepath.Join(folder, "cgroup.procs"), unix.W_OK) == nil {
			return
		}
	}
	t.Skipf("there are no cgroups in %s and %s that are ours to write to: run as root, or in a container that has them", top, top+name)
}

// cgroupOf is the cgroup of a child; a test of it is left out where no child can be forked into one.
func cgroupOf(t testing.TB, h *Host, k Child) *cgroup {
	t.Helper()
	needsCgroups(t, h)
	if h.noClone3.Load() {
		t.Skip("this machine refuses clone3, which forks into a cgroup")
	}
	return k.(*kid).cgroup
}

// bothWays runs a test or a benchmark once with cgroups and once with the walk through /proc.
func bothWays[T interface {
	testing.TB
	Run(name string, f func(T)) bool
}](t T, test func(t T, h *Host)) {
	h := host(t)
	t.Run("cgroup", func(t T) {
		needsCgroups(t, h)
		test(t, h)
	})
	t.Run("walk", func(t T) {
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

// startScoped starts a program under a scope of its own choice, and returns when that is ready.
func startScoped(t *testing.T, scope Scope, mode string) (Child, *bufio.Reader) {
	t.Helper()
	c := command(mode)
	c.Scope = scope
	k := start(t, host(t), c)
	return k, ready(t, k)
}

// endLeft kills what still carries the marker of a life, in whatever group and session, and counts it.
func endLeft(k Child) (n int) {
	for pid := range readProcs() {
		if unitOf(pid) == k.(*kid).unit {
			n++
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
	return n
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
	before, claimed := h.strangers(), h.claims()
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
	eventually(t, "all orphans are reaped", func() bool { return h.strangers()-before >= uint64(orphans) })
	for pid, p := range readProcs() {
		if p.state == 'Z' && p.parent == os.Getpid() {
			t.Errorf("pid %d is a zombie of ours", pid)
		}
	}
}

func (h *Host) strangers() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.orphans
}

func (h *Host) claims() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.claimed
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	if !soon(holds) {
		t.Fatalf("waited %v in vain: %s", patience, what)
	}
}

// soon tells whether something comes to hold that nobody can tell of, such as what /proc shows.
func soon(holds func() bool) bool {
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			return false
		}
	}
	return true
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
