//go:build unix

package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// maxExitCode is the largest exit code there is.
const maxExitCode = 255

// noFollow makes an open fail on a symlink.
const noFollow = syscall.O_NOFOLLOW

// ownerOf is the user and group a file belongs to.
func ownerOf(info fs.FileInfo) (uid, gid int, known bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(st.Uid), int(st.Gid), true
}

func mayExecute(info fs.FileInfo) bool { return info.Mode().Perm()&0o111 != 0 }

// checkFile refuses a file (what it is) that somebody else could have written, when its commands would run as root.
func (h host) checkFile(path, what string) error {
	if h.uid != 0 {
		return nil
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil // the reading will say why
	}
	info, err := os.Stat(real)
	if err != nil || info.IsDir() {
		return nil
	}
	const why = "the commands in it would run as root"
	if who := writable(info, true); who != "" {
		return fmt.Errorf("cannot trust %s: it %s; %s", what, who, why)
	}
	for dir := filepath.Dir(real); ; dir = filepath.Dir(dir) {
		info, err := os.Lstat(dir)
		if err != nil {
			return fmt.Errorf("cannot trust %s: %w", what, err)
		}
		if who := writable(info, true); who != "" {
			return fmt.Errorf("cannot trust %s: the directory %s %s; %s", what, dir, who, why)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// tryLock takes the lock of an open file without waiting; false means that somebody else has it.
func tryLock(f *os.File) (bool, error) {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		default:
			return false, err
		}
	}
}

// syncDir makes a rename in the directory last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}
