package logs

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// rename gives old its new name; a file that already has that name is
// fs.ErrExist and stays.
func (d *directory) rename(old, name string) error {
	err := unix.Renameat2(d.fd, old, d.fd, name, unix.RENAME_NOREPLACE)
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSYS) {
		return err
	}
	return d.relink(old, name) // a file system without NOREPLACE (some network ones)
}

// lowPriority makes the goroutine run only when nobody else wants to, to its
// end: its thread ends with it. The first thread of a process cannot end, so
// that one keeps its priority.
func lowPriority() {
	runtime.LockOSThread()
	if unix.Gettid() == os.Getpid() {
		runtime.UnlockOSThread()
		return
	}
	const lowest = 19
	unix.Setpriority(unix.PRIO_PROCESS, 0, lowest) // without it the work is done all the same
}

// pendingBytes says how much lies in the pipe now.
func pendingBytes(fd uintptr) int {
	n, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return n
}

// widenPipe asks for a pipe of size bytes and returns what it got; 0 when it
// stayed as it was.
func widenPipe(fd uintptr, size int) int {
	if now, err := unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0); err != nil || now >= size {
		return 0
	}
	if _, err := unix.FcntlInt(fd, unix.F_SETPIPE_SZ, size); err != nil {
		return 0
	}
	got, err := unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0)
	if err != nil {
		return 0
	}
	return got
}

// nap sleeps in the kernel; a signal may end it early.
func nap(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	unix.Nanosleep(&t, nil) // the only other thing that it could say is that it ended early
}

// pipeAllowance is how many bytes of widened pipes a daemon may hold: less
// than half of what the kernel allows a user before every further pipe of
// that user becomes tiny, and never more than limit.
func pipeAllowance(limit int64) int64 {
	text, err := os.ReadFile(filepath.Join("/proc/sys/fs", "pipe-user-pages-soft"))
	if err != nil {
		return 0
	}
	pages, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0
	}
	if pages == 0 { // no limit
		return limit
	}
	return min(limit, pages*int64(os.Getpagesize())/4)
}
