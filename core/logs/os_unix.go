//go:build unix

package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// moveNeedsClose: an open file can be renamed here.
const moveNeedsClose = false

// directory is an open directory. Everything that creates, renames or removes
// a log file goes through it, so that nobody who may write to a parent can
// turn us to another place between two steps.
type directory struct {
	fd int
	id fileID
}

// openDirectory opens the directory of a log file.
func openDirectory(path string) (*directory, error) {
	fd, err := enter(path, false)
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return nil, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return &directory{fd: fd, id: idOf(&st)}, nil
}

func (d *directory) close() { unix.Close(d.fd) }

// openLog opens or creates the log file base for appending. O_NOFOLLOW and
// O_NONBLOCK: neither a symlink nor a FIFO put in its place can lead us astray
// or hang us; what is opened must then be a regular file.
func (d *directory) openLog(base string) (*os.File, entry, error) {
	const flags = unix.O_APPEND | unix.O_CREAT | unix.O_WRONLY | unix.O_CLOEXEC |
		unix.O_NOFOLLOW | unix.O_NOCTTY | unix.O_NONBLOCK
	return d.open(base, flags, 0o640, true)
}

// openRead opens a log file for reading.
func (d *directory) openRead(base string) (*os.File, entry, error) {
	const flags = unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NOFOLLOW | unix.O_NOCTTY | unix.O_NONBLOCK
	return d.open(base, flags, 0, true)
}

// create makes a file that must not exist yet.
func (d *directory) create(base string) (*os.File, error) {
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_CLOEXEC | unix.O_NOFOLLOW
	fd, err := retry(func() (int, error) { return unix.Openat(d.fd, base, flags, 0o640) })
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), base), nil
}

// touch sets when the last byte of a file came, in unix nanoseconds.
func (d *directory) touch(base string, modified int64) error {
	at := unix.NsecToTimespec(modified)
	return unix.UtimesNanoAt(d.fd, base, []unix.Timespec{at, at}, unix.AT_SYMLINK_NOFOLLOW)
}

func (d *directory) open(base string, flags int, mode uint32, guarded bool) (*os.File, entry, error) {
	fd, err := retry(func() (int, error) { return unix.Openat(d.fd, base, flags, mode) })
	switch err {
	case nil:
	case unix.ELOOP:
		return nil, entry{}, errSymlink
	case unix.EISDIR:
		return nil, entry{}, errDirectory
	case unix.ENXIO:
		return nil, entry{}, errNotRegular
	default:
		return nil, entry{}, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return nil, entry{}, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		unix.Close(fd)
		return nil, entry{}, errNotRegular
	}
	if guarded {
		if err := d.trust(&st); err != nil {
			unix.Close(fd)
			return nil, entry{}, err
		}
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		unix.Close(fd)
		return nil, entry{}, err
	}
	return os.NewFile(uintptr(fd), base), entryOf(&st), nil
}

// trust refuses what others may have put there for a privileged daemon to write to: a second name of somebody's file, or a file
// of their own.
func (d *directory) trust(st *unix.Stat_t) error {
	if !suspect(st) {
		return nil
	}
	var dir unix.Stat_t
	if err := unix.Fstat(d.fd, &dir); err != nil {
		return err
	}
	return distrust(st, &dir)
}

// suspect: a privileged daemon has to look at who may write to the directory of this file.
func suspect(st *unix.Stat_t) bool {
	return os.Geteuid() == 0 && (st.Nlink > 1 || st.Uid != 0)
}

// distrust says what is wrong with a suspect file in this directory. That the sticky bit lets nobody replace a file of ours is no
// comfort: everybody may have been there first.
func distrust(st, dir *unix.Stat_t) error {
	switch {
	case dir.Uid == 0 && dir.Mode&0o022 == 0:
		return nil // root put it there itself
	case st.Nlink > 1:
		return fmt.Errorf("has %d names (hard links) in a directory that others may write to", st.Nlink)
	case st.Uid != 0 && st.Uid != dir.Uid:
		return fmt.Errorf("belongs to uid %d in a directory that others may write to", st.Uid)
	}
	return nil
}

// distrusted says why a privileged daemon will not write to the regular file at path, which info describes.
func distrusted(path string, info fs.FileInfo) error {
	at, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	st := unix.Stat_t{Uid: at.Uid, Nlink: at.Nlink}
	if !suspect(&st) {
		return nil
	}
	var dir unix.Stat_t
	if err := unix.Stat(filepath.Dir(path), &dir); err != nil {
		return nil // it went away meanwhile
	}
	return distrust(&st, &dir)
}

// OthersMayWrite reports that what stands in dir may be there by the will of somebody who is neither root nor the user of this
// program. (The group of an ordinary user's directory is mostly the user's own.)
func OthersMayWrite(dir string) bool {
	others := uint32(0o002)
	if os.Geteuid() == 0 {
		others = 0o022
	}
	var st unix.Stat_t
	return unix.Stat(dir, &st) == nil && (uint32(st.Mode)&others != 0 || st.Uid != 0 && int(st.Uid) != os.Geteuid())
}

// stat describes what stands at base itself, never what a symlink points to.
func (d *directory) stat(base string) (entry, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(d.fd, base, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return entry{}, err
	}
	return entryOf(&st), nil
}

func (d *directory) unlink(base string) error { return unix.Unlinkat(d.fd, base, 0) }

// deleted: an open file has no name any more.
func deleted(f *os.File) bool {
	var st unix.Stat_t
	return unix.Fstat(int(f.Fd()), &st) == nil && st.Nlink == 0
}

// names lists the directory in no order.
func (d *directory) names() ([]string, error) {
	fd, err := retry(func() (int, error) {
		return unix.Openat(d.fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), ".")
	defer f.Close()
	return f.Readdirnames(-1)
}

func idOf(st *unix.Stat_t) fileID { return fileID{a: uint64(st.Dev), b: uint64(st.Ino)} }

func entryOf(st *unix.Stat_t) entry {
	return entry{
		id:       idOf(st),
		device:   uint64(st.Dev),
		regular:  st.Mode&unix.S_IFMT == unix.S_IFREG,
		links:    uint64(st.Nlink),
		size:     st.Size,
		modified: st.Mtim.Nano(),
	}
}

func retry(f func() (int, error)) (int, error) {
	for {
		n, err := f()
		if err != unix.EINTR {
			return n, err
		}
	}
}

// folded is the spelling that all names of one file share: here each spelling is a file of its own.
func folded(path string) string { return path }

// errnoName is the short name of an error number ("ENOSPC"), "" if there is none.
func errnoName(err error) string {
	var no syscall.Errno
	if !errors.As(err, &no) {
		return ""
	}
	return unix.ErrnoName(no)
}

// waiting is what a pump needs while it waits: nothing.
type waiting struct{}

// arrive waits in the poller until there is something to read, or the end, and takes it; or until the deadline.
func (waiting) arrive(_ *Pump, _ *os.File, raw syscall.RawConn, take func(fd uintptr) bool) error {
	return raw.Read(take)
}

// readNow reads what is there now, like readPipe, and says how much there was.
func (p *Pump) readNow(_ *os.File, raw syscall.RawConn, buf []byte) (n, there int, wait bool) {
	err := raw.Control(func(fd uintptr) {
		there = pendingBytes(fd)
		n, wait, _ = readPipe(fd, buf)
	})
	if err != nil {
		return 0, 0, false
	}
	return n, there, wait
}

// readPipe reads what is there now: n bytes, 0 at the end of the stream, or
// wait when there is nothing yet.
func readPipe(fd uintptr, buf []byte) (n int, wait bool, err error) {
	for {
		n, err = syscall.Read(int(fd), buf)
		switch err {
		case nil:
			return n, false, nil
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, true, nil
		case syscall.EIO: // the other side of a terminal is gone
			return 0, false, nil
		default:
			return 0, false, err
		}
	}
}

// unpoll takes a pipe away from the poller; repoll brings it back. f is closed.
func unpoll(f *os.File) (fd uintptr, ok bool) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, false
	}
	dup := -1
	raw.Control(func(old uintptr) { dup, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) })
	if err != nil || dup < 0 {
		return 0, false
	}
	f.Close()
	return uintptr(dup), true
}

func repoll(fd uintptr) *os.File { return os.NewFile(fd, "pipe") }

// relink is a rename that replaces nothing: a second link is refused when the
// name is taken.
func (d *directory) relink(old, name string) error {
	if err := unix.Linkat(d.fd, old, d.fd, name, 0); err != nil {
		return err
	}
	if err := unix.Unlinkat(d.fd, old, 0); err != nil {
		unix.Unlinkat(d.fd, name, 0) // one file, one name
		return err
	}
	return nil
}
