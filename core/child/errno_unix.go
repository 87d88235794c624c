//go:build unix

package child

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// errnoName is the constant's name of a system's error ("ENOENT"), "" for others.
func errnoName(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return unix.ErrnoName(errno)
	}
	return ""
}
