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

	"golang.org/x/sys/unix"
)

// A program of a service's user that sends SIGSTOP to all it may, all the time, stops programs of that user and nothing else:
// what is between the change of user and exec is no part of the daemon then.
func TestAServicesUserCannotHaltTheDaemon(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root starts programs of another user")
	}
	_, says := another(t, false, "stops-its-user")
	wantOK(t, says)
}

// Where /proc is not mounted, as in a bare chroot, programs of another user are started as well.
func TestWithoutProcAnotherUsersProgramIsStarted(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root starts programs of another user")
	}
	_, says := another(t, true, "without-proc")
	wantOK(t, says)
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
	fmt.Println("ok")
	os.Exit(0)
}
