package child

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// These tests need a daemon of their own: as PID 1, with something inherited, or with system calls refused. The test binary is
// re-executed as that daemon, plays one of the scenarios below and says "ok" or what is wrong.

// another starts such a daemon. Its exit is reaped by this process's Host, as a stranger's; what it says counts.
func another(t *testing.T, namespace bool, scenario ...string) (pid int, says *bufio.Reader) {
	t.Helper()
	if namespace && os.Getuid() != 0 {
		t.Skip("only root can make a pid namespace")
	}
	h := host(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	defer w.Close()
	instance := fmt.Sprintf("test-%d-%x", os.Getpid(), rand.Uint64())
	attr := &syscall.ProcAttr{Env: environ(), Files: []uintptr{0, w.Fd(), 2}, Sys: &syscall.SysProcAttr{Setsid: true}}
	if namespace {
		attr.Sys.Cloneflags = unix.CLONE_NEWPID | unix.CLONE_NEWNS
	}
	pid, err = syscall.ForkExec("/proc/self/exe", append([]string{"daemon", asChild, "inside", instance}, scenario...), attr)
	if namespace && err == unix.EPERM {
		t.Skip("this machine lets us make no pid namespace, as a container does that has not CAP_SYS_ADMIN")
	}
	if err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	h.foreign = true
	h.mu.Unlock()
	h.poke()           // it was not started through h, which is to reap it all the same
	t.Cleanup(func() { // what the end of PID 1 did not let it remove
		if namespace && h.cgroups != nil {
			root := filepath.Join(filepath.Dir(h.cgroups.root), "supervisord-"+instance)
			eventually(t, "its cgroups are gone", func() bool {
				folders, _ := filepath.Glob(root + "/*")
				for _, folder := range folders {
					_ = unix.Rmdir(folder)
				}
				err := unix.Rmdir(root)
				return err == nil || err == unix.ENOENT
			})
		}
	})
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err == nil {
		t.Cleanup(func() { _ = unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0); unix.Close(pidfd) })
	}
	if err := r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return pid, bufio.NewReader(r)
}

func wantOK(t *testing.T, says io.Reader) {
	t.Helper()
	text, err := io.ReadAll(says)
	if err != nil || string(text) != "ok\n" {
		t.Errorf("it said %q, %v; want ok", text, err)
	}
}

// plays has such a daemon play a scenario to its end, which must be "ok".
func plays(t *testing.T, namespace bool, scenario ...string) {
	t.Helper()
	_, says := another(t, namespace, scenario...)
	wantOK(t, says)
}

// inside is the daemon's side.
func inside(instance, scenario string, args []string) {
	if os.Getpid() == 1 {
		try(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
		try(unix.Mount("proc", "/proc", "proc", 0, ""))
	}
	switch scenario {
	case "number-is-reused":
		numberIsReused(instance, args[0])
	case "number-is-reused-early":
		numberIsReusedEarly(instance)
	case "reaps":
		reaps(instance)
	case "inherits":
		inherits(instance)
	case "killed":
		killed(instance, args[0], args[1])
	case "successor":
		successor(instance, args[0], args[1], args[2])
	case "divides":
		divides(instance, args[0])
	case "starts-clean":
		startsClean(instance)
	case "without-clone3":
		if args[0] == "hidden" {
			refuse(unix.SYS_CLONE3, unix.ENOSYS)
		} else {
			refuseOurselves(unix.SYS_CLONE3, unix.EPERM)
		}
		withoutClone3(instance)
	case "without-pidfds":
		refuse(unix.SYS_PIDFD_OPEN, unix.EPERM)
		refuse(unix.SYS_PIDFD_SEND_SIGNAL, unix.EPERM)
		withoutPidfds(instance)
	case "without-descriptors":
		withoutDescriptors(instance, args[0])
	case "survivors-out-of-reach":
		refuse(unix.SYS_PIDFD_OPEN, unix.EPERM)
		survivorsOutOfReach(instance)
	case "strays":
		strays(instance)
	case "without-proc":
		withoutProc(instance)
	case "stops-its-user":
		stopsItsUser(instance)
	case "herd":
		herd(instance, args[0])
	case "without-setuid":
		refuse(unix.SYS_SETUID, unix.EPERM)
		refuse(unix.SYS_SETRESUID, unix.EPERM)
		withoutSetuid(instance)
	}
	fmt.Println("ok")
}

func try(err error) {
	if err != nil {
		complain("%v", err)
	}
}

func complain(format string, args ...any) {
	fmt.Printf(format+"\n", args...)
	os.Exit(1)
}

func newHost(instance, mode string) *Host {
	h, err := NewHost(Options{CgroupMode: mode, Instance: instance,
		Logf: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }})
	try(err)
	return h
}

func startIn(h *Host, c Command) Child {
	k, err := h.Start(c)
	try(err)
	return k
}

// hear takes the first line of a child, which tells that it has come as far as the scenario wants it.
func hear(k Child, want string) {
	if line, err := bufio.NewReader(k.Stdout()).ReadString('\n'); err != nil || line != want+"\n" {
		complain("pid %d said %q, %v; want %s", k.PID(), line, err, want)
	}
}

func until(what string, holds func() bool) {
	if !soon(holds) {
		complain("waited %v in vain: %s", patience, what)
	}
}

func endOf(k Child) Exit {
	select {
	case exit := <-k.Exited():
		<-k.Gone()
		return exit
	case <-time.After(patience):
		complain("pid %d does not end", k.PID())
		panic("unreachable")
	}
}

// goneOf waits until nothing of it is said to be left.
func goneOf(k Child, when string) {
	select {
	case <-k.Gone():
	case <-time.After(patience):
		n, why := k.Left()
		complain("%s: %d are left %s", when, n, why)
	}
}

func TestNoSignalReachesAStranger(t *testing.T) {
	for _, mode := range []string{"auto", "off"} {
		for _, scope := range []Scope{Tree, Group, Process} {
			t.Run(mode+" "+scope.String(), func(t *testing.T) {
				plays(t, true, "number-is-reused", mode+" "+strconv.Itoa(int(scope)))
			})
		}
	}
}

// numberIsReused ends a child, has its number given to another one, and aims everything at the first.
func numberIsReused(instance string, how string) {
	var mode string
	var scope Scope
	_, err := fmt.Sscan(how, &mode, (*int)(&scope))
	try(err)
	h := newHost(instance, mode)
	for range 100 {
		c := command("exit 0")
		c.Stdout, c.Scope = Null, scope
		first := startIn(h, c)
		endOf(first)
		try(os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(strconv.Itoa(first.PID()-1)), 0))
		c = command("group") // with two children
		c.Scope = scope
		stranger := startIn(h, c)
		if stranger.PID() == first.PID() {
			hear(stranger, "ready")
			if err := first.Signal(9); !errors.Is(err, os.ErrProcessDone) {
				complain("Signal: %v", err)
			}
			try(first.Stop(9))
			try(first.Kill())
			try(first.Kill())
			if n, why := first.Left(); n != 0 {
				complain("%d left of the dead %s", n, why)
			}
			// A wrong KILL has been delivered when its call returned: the environment of a dying process cannot be read.
			if n := membersOf(stranger); n != 3 {
				complain("%d of 3 strangers are left", n)
			}
			try(stranger.Signal(15))
			if exit := endOf(stranger); exit.Signal != 15 {
				complain("the stranger ended by %v", exit)
			}
			return // the end of PID 1 is the end of all
		}
		try(stranger.Kill())
		endOf(stranger)
	}
	complain("the number was never reused")
}

// The same while something of the first is left: a session of the leader's number is then a stranger's, even where its members
// have no environment that would say so.
func TestNoSignalReachesAStrangerWhileTheRestLives(t *testing.T) {
	plays(t, true, "number-is-reused-early")
}

func numberIsReusedEarly(instance string) {
	h := newHost(instance, "off")
	for range 100 {
		first := startIn(h, command("leaves-a-stubborn-one"))
		hear(first, "ready")
		try(first.Stop(15))
		<-first.Exited()
		try(os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(strconv.Itoa(first.PID()-1)), 0))
		stranger := startIn(h, command("forks 2"))
		hear(stranger, "forked 2")
		if n, why := first.Left(); n != 1 {
			complain("%d left %s; want the stubborn one", n, why)
		}
		try(first.Kill())
		<-first.Gone()
		if stranger.PID() == first.PID() {
			n := 0
			for _, p := range readProcs() {
				if p.session == stranger.PID() && p.state != 'Z' {
					n++
				}
			}
			if n != 3 {
				complain("%d of 3 strangers are left", n)
			}
			return // the end of PID 1 is the end of all
		}
		try(stranger.Kill())
		endOf(stranger)
	}
	complain("the number was never reused")
}

func membersOf(k Child) (n int) {
	for pid, p := range readProcs() {
		if p.state != 'Z' && unitOf(pid) == k.(*kid).unit {
			n++
		}
	}
	return n
}

func TestPID1LeavesNoZombie(t *testing.T) {
	pid, says := another(t, true, "reaps")
	if line, err := says.ReadString('\n'); err != nil || line != "idle\n" {
		t.Fatalf("it said %q, %v; want idle", line, err)
	}
	// Now it has no child. Somebody outside starts something in its namespace, as container tools do, whose child it inherits.
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread is spoilt and ends here
		failed <- func() error {
			fd, err := unix.Open(fmt.Sprintf("/proc/%d/ns/pid", pid), unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			if err := unix.Setns(fd, unix.CLONE_NEWPID); err != nil {
				return err
			}
			_, err = syscall.ForkExec("/proc/self/exe", []string{"visitor", asChild, "orphan"}, &syscall.ProcAttr{Env: environ(), Files: []uintptr{0, 1, 2}})
			return err
		}()
	}()
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	host(t).poke()
	wantOK(t, says)
}

func reaps(instance string) {
	h := newHost(instance, "auto")
	const herd = 300
	zombies := func() (n int) {
		for _, p := range readProcs() {
			if p.state == 'Z' {
				n++
			}
		}
		return n
	}
	for range 3 {
		before := h.strangers()
		c := command("orphans " + strconv.Itoa(herd))
		c.Stdout, c.Scope = Null, Process
		endOf(startIn(h, c))
		// Some end before their parent does, and are its own zombies until then; all come here.
		until("all orphans are reaped", func() bool { return h.strangers()-before == herd })
		until("no zombie is left", func() bool { return zombies() == 0 })
	}
	before := h.strangers()
	fmt.Println("idle")
	until("the visitor's orphan is reaped", func() bool { return h.strangers()-before == 1 })
	until("no zombie is left", func() bool { return zombies() == 0 })
	try(h.Close())
}

func TestNothingInheritedReachesAProcess(t *testing.T) {
	plays(t, false, "inherits")
}

// inherits spoils what a process hands down across exec, as nohup, login shells and badly written parents do.
func inherits(instance string) {
	runtime.LockOSThread()
	signal.Ignore(unix.SIGHUP, unix.SIGINT, unix.SIGUSR1, unix.SIGTTOU, unix.SIGPIPE, unix.SIGCHLD)
	var mask unix.Sigset_t
	mask.Val[0] = 1<<(unix.SIGUSR2-1) | 1<<(unix.SIGWINCH-1) | 1<<(unix.SIGTERM-1)
	try(unix.PthreadSigmask(unix.SIG_BLOCK, &mask, nil))
	for _, fd := range []int{107, 251} {
		try(unix.Dup3(2, fd, 0))
	}
	try(syscall.Exec("/proc/self/exe", []string{"daemon", asChild, "inside", instance, "starts-clean"}, environ()))
}

func startsClean(instance string) {
	h := newHost(instance, "auto")
	if _, err := unix.FcntlInt(251, unix.F_GETFD, 0); err != nil {
		complain("the daemon itself inherited nothing: %v", err)
	}
	k := startIn(h, command("dump"))
	var d dumped
	try(json.NewDecoder(k.Stdout()).Decode(&d))
	endOf(k)
	if strings.Join(d.FDs, " ") != "0 1 2" {
		complain("descriptors %v", d.FDs)
	}
	if strings.Trim(d.Ignored, "0") != "" || strings.Trim(d.Masked, "0") != "" {
		complain("ignored %s, blocked %s", d.Ignored, d.Masked)
	}
	try(h.Close())
}

func TestContainersWithoutClone3StillStopTrees(t *testing.T) {
	for _, how := range []string{"hidden", "forbidden"} {
		t.Run(how, func(t *testing.T) { plays(t, false, "without-clone3", how) })
	}
}

func withoutClone3(instance string) {
	h := newHost(instance, "auto")
	for range 2 {
		k := startIn(h, command("tree 3 1 stay"))
		hear(k, "ready")
		try(k.Kill())
		endOf(k)
		for pid := range readProcs() {
			if unitOf(pid) == k.(*kid).unit {
				complain("pid %d is left", pid)
			}
		}
	}
	if features := strings.Join(h.Features(), " "); !strings.Contains(features, "/proc") {
		complain("features: %s", features)
	}
	try(h.Close())
}

func TestContainersWithoutPidfdsStillStopTrees(t *testing.T) {
	plays(t, false, "without-pidfds")
}

func withoutPidfds(instance string) {
	if _, err := unix.PidfdOpen(os.Getpid(), 0); err != unix.EPERM {
		complain("pidfd_open: %v", err)
	}
	h := newHost(instance, "off")
	for _, end := range []string{"kill", "stop", "exit"} {
		how := "stay"
		if end == "exit" {
			how = end
		}
		k := startIn(h, command("tree 5 3 "+how))
		hear(k, "ready")
		switch end {
		case "kill":
			try(k.Kill())
		case "stop":
			try(k.Stop(15))
			<-k.Exited()
			try(k.Kill())
		}
		goneOf(k, end)
		if n := membersOf(k); n != 0 {
			complain("%s: %d are left", end, n)
		}
	}
	try(h.Close())
}

// No zombie is older than a second while orphans come by the hundred per second, nor is one after a thousand double forks at
// once; as PID 1 too.
func TestNoZombieIsOlderThanASecond(t *testing.T) {
	for _, first := range []bool{true, false} {
		t.Run(map[bool]string{true: "as PID 1", false: "as a subreaper"}[first], func(t *testing.T) {
			plays(t, first, "herd", strconv.Itoa(times(50)))
		})
	}
}

// herd makes orphans: so many turns of a hundred each, ten turns a second, then a thousand at once. It looks at all zombies of
// this process each time.
func herd(instance, turns string) {
	n, err := strconv.Atoi(turns)
	try(err)
	h := newHost(instance, "auto")
	since := map[int]time.Time{} // when a zombie was first seen
	look := func() {
		seen := map[int]bool{}
		for pid, p := range readProcs() {
			if p.state != 'Z' || p.parent != os.Getpid() {
				continue
			}
			seen[pid] = true
			if since[pid].IsZero() {
				since[pid] = time.Now()
			} else if age := time.Since(since[pid]); age > time.Second {
				complain("pid %d has been a zombie for %v", pid, age)
			}
		}
		for pid := range since {
			if !seen[pid] {
				delete(since, pid)
			}
		}
	}
	before, made := h.strangers(), 0
	tick := time.NewTicker(100 * time.Millisecond)
	var running []Child
	for range n {
		c := command("orphans 100")
		c.Stdout, c.Scope = Null, Process
		running = append(running, startIn(h, c))
		made += 100
		<-tick.C
		look()
	}
	for range 10 {
		c := command("orphans 100")
		c.Stdout, c.Scope = Null, Process
		running = append(running, startIn(h, c))
		made += 100
	}
	for _, k := range running {
		if exit := endOf(k); exit.Code != 0 {
			complain("a maker of orphans ended by %v", exit)
		}
	}
	deadline := time.After(patience)
	for h.strangers()-before < uint64(made) {
		select {
		case <-tick.C:
			look()
		case <-deadline:
			complain("%d of %d orphans were reaped", h.strangers()-before, made)
		}
	}
	try(h.Close())
}

func TestNothingRunsAsRootWhenItsUserIsRefused(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	plays(t, false, "without-setuid")
}

func withoutSetuid(instance string) {
	h := newHost(instance, "auto")
	c := command("dump")
	c.User = "nobody"
	k, err := h.Start(c)
	var launch *LaunchError
	if !errors.As(err, &launch) || launch.Step != "user" || k != nil {
		complain("started %v, error %v", k, err)
	}
	if h.noClone3.Load() {
		complain("the EPERM of another call is taken for that of clone3")
	}
	try(h.Close())
}

// refuse makes a system call fail in this process and all it starts (man 2 seccomp), as container runtimes do.
func refuse(call uint32, errno syscall.Errno) {
	filter([]unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the call's number
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: call},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	})
}

// refuseOurselves refuses a call of this program's own code, which lies below 4 GiB, and not of the C library, which with the race
// detector makes the threads and takes no EPERM of clone3 for an answer.
func refuseOurselves(call uint32, errno syscall.Errno) {
	filter([]unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the call's number
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 3, K: call},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 12}, // the upper half of the caller's address
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: 0},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	})
}

// filter puts the whole program under a filter of system calls (man 2 seccomp).
func filter(filter []unix.SockFilter) {
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread()
	try(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	if _, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program))); e != 0 {
		complain("seccomp: %v", e)
	}
}
