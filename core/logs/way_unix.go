//go:build unix

package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// mostLinks bounds the symbolic links on a way, as the kernel does.
const mostLinks = 40

// A privileged daemon goes to a log's directory step by step. Who owns a folder on the way, or may write to it, could otherwise
// put a symbolic link there that leads it to create and write files in places of the owner's choice: such links are refused.
// Links in folders that only root may change are root's own wish and are followed.

// enter opens a directory, and creates what is missing of it (0750) when asked to.
func enter(path string, create bool) (fd int, err error) {
	if os.Geteuid() != 0 {
		if create {
			if err := os.MkdirAll(path, 0o750); err != nil {
				return -1, err
			}
		}
		fd, err := retry(func() (int, error) {
			return unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		})
		if err != nil {
			return -1, &fs.PathError{Op: "open", Path: path, Err: err}
		}
		return fd, nil
	}
	fd, err = openStep(unix.AT_FDCWD, "/")
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: "/", Err: err}
	}
	names, links, at := split(path), 0, "/"
	for len(names) > 0 {
		name := names[0]
		names = names[1:]
		target, next, err := stride(fd, name, create)
		if err == nil && target != "" {
			if links++; links > mostLinks {
				err = unix.ELOOP
			}
		}
		if err != nil {
			unix.Close(fd)
			return -1, &fs.PathError{Op: "open", Path: filepath.Join(at, name), Err: err}
		}
		switch {
		case target == "":
			unix.Close(fd)
			fd, at = next, filepath.Join(at, name)
		case filepath.IsAbs(target):
			unix.Close(fd)
			if fd, err = openStep(unix.AT_FDCWD, "/"); err != nil {
				return -1, &fs.PathError{Op: "open", Path: "/", Err: err}
			}
			names, at = append(split(target), names...), "/"
		default:
			names = append(split(target), names...)
		}
	}
	return fd, nil
}

// split gives the names on a way; those that stay where they are are left out. ".." stays: behind a link it means the real parent.
func split(path string) []string {
	var names []string
	for _, name := range strings.Split(path, "/") {
		if name != "" && name != "." {
			names = append(names, name)
		}
	}
	return names
}

func openStep(dir int, name string) (int, error) {
	return retry(func() (int, error) {
		return unix.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
}

// stride goes from an open directory to a name in it: next is that directory, or target where a link leads that may be followed.
func stride(dir int, name string, create bool) (target string, next int, err error) {
	var st unix.Stat_t
	err = unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, unix.ENOENT) && create {
		if err = unix.Mkdirat(dir, name, 0o750); errors.Is(err, unix.EEXIST) {
			err = nil // somebody was faster
		}
	} else if err == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK {
		return beyond(dir, name, &st)
	}
	if err == nil {
		next, err = openStep(dir, name)
	}
	return "", next, err
}

// beyond is where a link leads that nobody but root can have made or can replace.
func beyond(dir int, name string, link *unix.Stat_t) (string, int, error) {
	var holder unix.Stat_t
	if err := unix.Fstat(dir, &holder); err != nil {
		return "", -1, err
	}
	if holder.Uid != 0 || holder.Mode&0o022 != 0 && (holder.Mode&unix.S_ISVTX == 0 || link.Uid != 0) {
		return "", -1, fmt.Errorf("%w in a directory that others may write to", errSymlink)
	}
	text := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dir, name, text)
	if err != nil {
		return "", -1, err
	}
	if n == 0 {
		return "", -1, unix.ENOENT
	}
	return string(text[:n]), -1, nil
}

// makeDirectory creates the directory of a log file and what is missing above it.
func makeDirectory(path string) error {
	fd, err := enter(path, true)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}
