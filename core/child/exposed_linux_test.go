package child

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A program of a service's user that sends SIGSTOP to all it may, all the time, stops programs of that user and nothing else:
// what is between the change of user and exec is no part of the daemon then.
func TestAServicesUserCannotHaltTheDaemon(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root starts programs of another user")
	}
	plays(t, false, "stops-its-user")
}

// What its new user has stopped before the exec returns ends when nobody wants the start any more, and nothing is left of it:
// no process, no cgroup.
func TestAStartThatItsUserHasStoppedIsGivenUp(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root starts programs of another user, and is asked by the kernel")
	}
	h := host(t)
	program := copyOfSelf(t)
	// The kernel asks before the exec and is answered no when the stop is on its way: so the shim has it before it can say a word.
	asks, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK, unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		t.Skipf("no fanotify here: %v", err)
	}
	asking := os.NewFile(uintptr(asks), "fanotify")
	defer asking.Close()
	if err := asking.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if err := unix.FanotifyMark(asks, unix.FAN_MARK_ADD, unix.FAN_OPEN_EXEC_PERM, unix.AT_FDCWD, program); err != nil {
		t.Skipf("the kernel does not ask before exec: %v", err)
	}
	for _, scope := range []Scope{Tree, Group, Process} {
		user := fmt.Sprint(1<<20 + os.Getpid()) // nobody else's
		giveUp := make(chan struct{})
		c := Command{Name: "halted", Generation: uint64(scope) + 1, Path: program, Args: []string{asChild, "exit", "0"}, Dir: "/", User: user, Group: user,
			Scope: scope, Stdout: Pipe, GiveUp: giveUp}
		started := make(chan Child, 1)
		go func() {
			k, err := h.Start(c)
			if err != nil {
				t.Error(err)
			}
			started <- k
		}()
		question := make([]byte, unix.FAN_EVENT_METADATA_LEN)
		if _, err := asking.Read(question); err != nil {
			t.Fatal(err)
		}
		asked := (*unix.FanotifyEventMetadata)(unsafe.Pointer(&question[0]))
		pid := int(asked.Pid)
		stop := Command{Name: "attacker", Generation: uint64(scope) + 1, Path: "/bin/sh", Args: []string{"-c", fmt.Sprintf("kill -STOP %d", pid)}, Dir: "/",
			User: user, Group: user}
		if exit := await(t, "the stop", start(t, h, stop).Exited()); exit.Code != 0 {
			t.Fatalf("its user cannot stop it: %v", exit)
		}
		answer := unix.FanotifyResponse{Fd: asked.Fd, Response: unix.FAN_DENY}
		if _, err := asking.Write(unsafe.Slice((*byte)(unsafe.Pointer(&answer)), unsafe.Sizeof(answer))); err != nil {
			t.Fatal(err)
		}
		unix.Close(int(asked.Fd))
		eventually(t, "it is stopped", func() bool {
			p, err := readProc(pid)
			return err == nil && p.state == 'T'
		})
		if len(started) != 0 {
			t.Fatal("the start has returned, so nothing is tested")
		}
		close(giveUp)
		k := await(t, "the start", started)
		if k == nil {
			t.Fatal("no child, so no exit")
		}
		if exit := await(t, "its exit", k.Exited()); k.PID() != pid || exit.Signal != int(unix.SIGKILL) {
			t.Errorf("pid %d, want %d; it ended with %v", k.PID(), pid, exit)
		}
		await(t, "nothing left", k.Gone())
		if p, err := readProc(pid); err == nil {
			t.Errorf("scope %v: it is left in state %c", scope, p.state)
		}
		if err := k.Kill(); err != nil { // which comes after it
			t.Error(err)
		}
		k.Stdout().Close()
	}
}

// Where /proc is not mounted, as in a bare chroot, programs of another user are started as well.
func TestWithoutProcAnotherUsersProgramIsStarted(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root starts programs of another user")
	}
	plays(t, true, "without-proc")
}

func withoutProc(instance string) {
	h := newHost(instance, "off")
	try(unix.Mount("none", "/proc", "tmpfs", 0, ""))
	k := startIn(h, Command{Name: "bare", Generation: 1, Path: "/bin/sh", Args: []string{"-c", "exit $(id -u)"}, Dir: "/", User: "77", Group: "77", Scope: Process})
	if exit := endOf(k); exit.Code != 77 {
		complain("it ended with %v", exit)
	}
}

// stopsItsUser starts programs of a user who has such a program.
func stopsItsUser(instance string) {
	h := newHost(instance, "off")
	user := uint32(1<<20 + os.Getpid()) // nobody else's
	attacker := exec.Command("/bin/sh", "-c", "while :; do kill -STOP -1; done")
	attacker.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}, Pdeathsig: unix.SIGKILL}
	try(attacker.Start())
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			c := Command{Name: "target", Generation: uint64(i) + 1, Path: "/bin/true", Dir: "/", User: fmt.Sprint(user), Group: fmt.Sprint(user), Scope: Tree}
			k, err := h.Start(c) // it may be stopped before or after its exec: then this call, or its end, waits
			if err == nil {
				endOf(k)
			}
		})
	}
	started := make(chan bool)
	go func() { all.Wait(); close(started) }()
	end := time.After(2 * time.Second)
	for going := true; going; {
		k := startIn(h, Command{Name: "own", Generation: 1, Path: "/bin/true", Dir: "/", Scope: Tree})
		endOf(k)
		runtime.GC()
		select {
		case <-started:
			going = false
		case <-end:
			going = false
		default:
		}
	}
	try(attacker.Process.Kill())
	endChildrenUntil(started) // those that were stopped would stay
	fmt.Println("ok")
	os.Exit(0)
}

// endChildrenUntil kills this process's children until something is done, new ones included.
func endChildrenUntil(done <-chan bool) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		for pid, p := range readProcs() {
			if p.parent == os.Getpid() {
				_ = unix.Kill(pid, unix.SIGKILL)
			}
		}
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}
