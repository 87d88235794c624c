package config

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// wholeFile is a lock of all of a file that belongs to its open description, as one of flock(2) does, but can also be asked
// for without being taken (man 2 fcntl, "Open file description locks").
func wholeFile() *unix.Flock_t { return &unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart} }

// tryLock takes the lock of an open file without waiting; false means that somebody else has it.
func tryLock(f *os.File) (bool, error) {
	err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, wholeFile())
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return false, nil
	}
	return err == nil, err
}

// takeLock waits for the lock of an open file.
func takeLock(f *os.File) error {
	for {
		if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLKW, wholeFile()); err != unix.EINTR {
			return err
		}
	}
}

// isLocked tells whether somebody has the lock of an open file. It only asks: a daemon that starts at the same moment gets it.
func isLocked(f *os.File) bool {
	lock := wholeFile()
	return unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, lock) == nil && lock.Type != unix.F_UNLCK
}
