package child

import (
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// reap is the loop of the only goroutine that waits for processes. It looks at a zombie without consuming it, so that pid and
// group cannot be reused while it decides, and consumes it then (man 2 waitid, WNOWAIT). No lock is held across a fork: an
// exit that comes before its start has returned waits in early.
func (h *Host) reap() {
	defer close(h.ended)
	runtime.LockOSThread()
	for {
		pid, err := peek()
		switch err {
		case nil:
			h.consume(pid)
		case unix.EINTR:
		case unix.ECHILD:
			// No children, so no orphans either: nothing happens before a start. Only PID 1 gets those of strangers too, of
			// what was started in its namespace from outside (man 7 pid_namespaces).
			select {
			case <-h.begun:
			case <-h.adopted:
			case <-h.closing:
				return
			}
		default:
			h.logf("cannot wait for children: %v", err)
			return
		}
	}
}

// peek waits until any child is a zombie and leaves it one.
func peek() (pid int, err error) {
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		return 0, err
	}
	return siginfoPID(&info), nil
}

// siginfoPID reads si_pid of a SIGCHLD siginfo: the first field of the union, which is aligned like a pointer (man 2
// sigaction; the kernel's asm-generic/siginfo.h).
func siginfoPID(info *unix.Siginfo) int {
	const header = unsafe.Sizeof(info.Signo) + unsafe.Sizeof(info.Errno) + unsafe.Sizeof(info.Code)
	const align = unsafe.Sizeof(uintptr(0))
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(info), (header+align-1)/align*align)))
}

// consume reaps one zombie and hands its end to its owner.
func (h *Host) consume(pid int) {
	h.mu.Lock()
	k := h.kids[pid]
	if k != nil {
		delete(h.kids, pid)
		k.leaderIsZombie()
	}
	var status unix.WaitStatus
	var usage unix.Rusage
	_, err := unix.Wait4(pid, &status, 0, &usage)
	for err == unix.EINTR {
		_, err = unix.Wait4(pid, &status, 0, &usage)
	}
	exit := exitOf(status, usage)
	if err != nil {
		exit.Code = -1 // somebody else was faster, and knows how it ended
	}
	switch {
	case k != nil:
	case err != nil: // a failed exec's child, which the fork itself has waited for
	case h.inFlight > 0:
		h.early[pid] = exit
		h.dropEarly(exit.At)
	default:
		h.orphans++
	}
	if k == nil {
		for _, poke := range h.leaving { // before anybody else can have the lock: whoever sees that it is gone has been told
			select {
			case poke <- true:
			default: // it will look anyway
			}
		}
	}
	h.mu.Unlock()
	if k != nil {
		k.leaderReaped(exit)
	}
}

func exitOf(status unix.WaitStatus, usage unix.Rusage) Exit {
	e := Exit{
		Code:   status.ExitStatus(),
		User:   time.Duration(usage.Utime.Nano()),
		System: time.Duration(usage.Stime.Nano()),
		MaxRSS: usage.Maxrss * 1024,
		At:     time.Now(),
	}
	if status.Signaled() {
		e.Code, e.Signal, e.Core = -1, int(status.Signal()), status.CoreDump()
	}
	return e
}

// register makes a forked child known. If the reaper was faster, the exit is waiting in early: ours if there is nothing to wait
// for any more, a stranger of the same number otherwise.
func (h *Host) register(k *kid, pidfd int) {
	h.mu.Lock()
	exit, gone := h.early[k.pid]
	if gone && reaped(k.pid, pidfd) {
		delete(h.early, k.pid)
		h.claimed++
	} else {
		gone = false
		h.kids[k.pid] = k
	}
	h.lifeBegins(k)
	h.forkEnded()
	h.mu.Unlock()
	// Only now: a reaper that looked between the announcement and the fork would have found no child and gone to sleep.
	h.poke()
	if gone {
		k.leaderReaped(exit)
	}
}

// reaped reports whether there is nothing to wait for any more behind a pidfd. Where that cannot be asked (before Linux 5.4, and
// without a pidfd) the number is asked about: it would have to go round within a fork to be another child's.
func reaped(pid, pidfd int) bool {
	const how = unix.WEXITED | unix.WNOHANG | unix.WNOWAIT
	err := unix.Waitid(unix.P_PIDFD, pidfd, nil, how, nil)
	if err == unix.EINVAL || err == unix.EBADF {
		err = unix.Waitid(unix.P_PID, pid, nil, how, nil)
	}
	return err == unix.ECHILD
}

// earlyFor is how long an unclaimed exit is kept while starts are under way: much longer than exec takes, so that what is
// older is a stranger's.
const earlyFor = 10 * time.Second

// dropEarly keeps early small while an exec hangs.
func (h *Host) dropEarly(now time.Time) {
	for pid, exit := range h.early {
		if now.Sub(exit.At) > earlyFor {
			delete(h.early, pid)
			h.orphans++
		}
	}
}

// forkBegins announces that a child may exist before it is registered.
func (h *Host) forkBegins() {
	h.mu.Lock()
	h.inFlight++
	h.mu.Unlock()
}

// forkFailed takes that back.
func (h *Host) forkFailed() {
	h.mu.Lock()
	h.forkEnded()
	h.mu.Unlock()
}

// forkEnded: exits that waited for a registration that cannot come any more were strangers'.
func (h *Host) forkEnded() {
	h.inFlight--
	if h.inFlight == 0 {
		h.orphans += uint64(len(h.early))
		clear(h.early)
		h.answer()
	}
}
