package child

import (
	"errors"
	"fmt"
	"os/user"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A daemon that has no descriptor left sees nothing of what is left of a life. It does not take that for nothing: the life is
// over when the rest has been seen to be gone, and the rest is reached as soon as there is a descriptor again.
func TestWhatIsUnseenIsNotTakenForGone(t *testing.T) {
	for _, mode := range []string{"auto", "off"} {
		t.Run(mode, func(t *testing.T) {
			if mode == "auto" {
				needsCgroups(t, host(t))
			}
			plays(t, false, "without-descriptors", mode)
		})
	}
}

func withoutDescriptors(instance, mode string) {
	h := newHost(instance, mode)
	if mode == "auto" && h.cgroups == nil {
		complain("no cgroups here")
	}
	var before unix.Rlimit
	try(unix.Prlimit(0, unix.RLIMIT_NOFILE, nil, &before))
	for _, end := range []string{"by itself", "stop", "kill"} {
		k := startIn(h, command("tree 5 3 stay"))
		hear(k, "ready")
		until("the tree has grown", func() bool { n, _ := k.Left(); return n >= 16 })
		try(unix.Prlimit(0, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: before.Max}, nil)) // those that are open stay
		switch end {
		case "by itself":
			try(unix.Kill(k.PID(), unix.SIGKILL))
		case "stop":
			try(k.Stop(15))
		case "kill":
			_ = k.Kill() // says that it did not get far
			if err := unix.Kill(k.PID(), unix.SIGKILL); err != unix.ESRCH {
				try(err)
			}
		}
		<-k.Exited()
		n, why := k.Left()
		if n == 0 || !strings.Contains(why, "cannot be seen") {
			complain("%s: %d are left, %s", end, n, why)
		}
		select {
		case <-k.Gone():
			complain("%s: told to be gone, and nobody can have seen it", end)
		case <-time.After(2 * lookAgain):
		}
		try(unix.Prlimit(0, unix.RLIMIT_NOFILE, &before, nil))
		goneOf(k, end)
		if n := endLeft(k); n != 0 {
			complain("%s: told to be gone, and %d are left", end, n)
		}
	}
	try(h.Close())
}

// What a killed daemon has left and this one may not signal is told of, and not tried for five seconds without a pause.
func TestSurvivorsOutOfReachDoNotDelayTheStart(t *testing.T) {
	plays(t, false, "survivors-out-of-reach")
}

func survivorsOutOfReach(instance string) {
	var said []string
	h, err := NewHost(Options{CgroupMode: "off", Instance: instance,
		Logf: func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }})
	try(err)
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"left", asChild, "stay"},
		&syscall.ProcAttr{Env: append(environ(), DaemonKey+"=before", UnitKey+"=web#1"), Files: []uintptr{h.null.Fd(), h.null.Fd(), 2},
			Sys: &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}})
	try(err)
	begun := time.Now()
	h.endSurvivors("before", map[string]life{"web#1": {unit: "web#1"}})
	if took := time.Since(begun); took > sweepPatience/2 {
		complain("it took %v", took)
	}
	if len(said) != 1 || !strings.Contains(said[0], fmt.Sprintf("pid %d ", pid)) || !strings.Contains(said[0], "operation not permitted") {
		complain("said %q", said)
	}
	try(unix.Kill(pid, unix.SIGKILL))
}

// A user that cannot be looked up for want of a descriptor is not one that does not exist: the start is tried again, and a number
// does not run in another group than its account's.
func TestAUserThatCannotBeLookedUpIsNotUnknown(t *testing.T) {
	h := host(t)
	account, err := user.Lookup("nobody")
	if err != nil {
		t.Skip(err)
	}
	var before unix.Rlimit
	if err := unix.Prlimit(0, unix.RLIMIT_NOFILE, nil, &before); err != nil {
		t.Fatal(err)
	}
	for _, who := range [][2]string{{account.Username, ""}, {account.Uid, ""}, {"", "nogroup"}, {"no-such-user", ""}} {
		c := command("exit 0")
		c.User, c.Group = who[0], who[1]
		if err := unix.Prlimit(0, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: before.Max}, nil); err != nil {
			t.Fatal(err)
		}
		_, err := h.Start(c)
		id, idErr := LookupUser(account.Uid, "")
		if err := unix.Prlimit(0, unix.RLIMIT_NOFILE, &before, nil); err != nil {
			t.Fatal(err)
		}
		if idErr == nil && id.Name == "" {
			t.Errorf("%s is taken for a number without an account", account.Uid)
		}
		var failed *LaunchError
		if !errors.As(err, &failed) || !failed.Temporary || strings.Contains(err.Error(), "no such") {
			t.Errorf("%q: got %v, want to be tried again", who, err)
		}
	}
	c := command("exit 0")
	c.User = "no-such-user"
	var failed *LaunchError
	if _, err := h.Start(c); !errors.As(err, &failed) || failed.Temporary {
		t.Errorf("a user that does not exist: %v", err)
	}
}
