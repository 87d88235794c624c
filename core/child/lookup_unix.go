//go:build unix

package child

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

func lookupEnv(env []string, key string) (string, bool) {
	for _, kv := range slices.Backward(env) {
		if value, found := strings.CutPrefix(kv, key+"="); found {
			return value, true
		}
	}
	return "", false
}

// lookPath finds a program without a slash in the PATH that the process gets, as execvp(3) does.
func lookPath(program, dir string, env []string) (string, error) {
	if program == "" {
		return "", unix.ENOENT
	}
	if strings.Contains(program, "/") {
		return program, nil
	}
	path, given := lookupEnv(env, "PATH")
	if !given {
		path = "/usr/local/bin:/usr/bin:/bin"
	}
	var denied error
	for _, folder := range filepath.SplitList(path) {
		candidate := filepath.Join(folder, program)
		if !filepath.IsAbs(candidate) {
			candidate = filepath.Join(dir, candidate)
		}
		info, err := os.Stat(candidate)
		switch {
		case err != nil || info.IsDir():
		case info.Mode()&0o111 == 0:
			denied = fmt.Errorf("%s: %w", candidate, unix.EACCES)
		default:
			return candidate, nil
		}
	}
	if denied != nil {
		return "", denied
	}
	return "", errNotInPath
}

func failure(step, path string, err error) *LaunchError {
	return &LaunchError{Step: step, Path: path, Err: err, Temporary: passing(err)}
}

// passing reports whether the same start may succeed later without anybody changing anything.
func passing(err error) bool {
	for _, errno := range []error{unix.EAGAIN, unix.ENOMEM, unix.EMFILE, unix.ENFILE, unix.ETXTBSY, unix.ENOSPC, unix.EINTR, unix.EBUSY} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

func identityFailure(c Command, err error) error {
	var missing *identityError
	if errors.As(err, &missing) {
		failed := failure(missing.step, missing.name, missing.err)
		failed.Temporary = !missing.final
		return failed
	}
	return failure("user", c.User, err)
}

// launchFailure names what exec's bare errno is about.
func launchFailure(c Command, id Identity, path string, err error) error {
	switch {
	case errors.Is(err, unix.EPERM) && (c.User != "" || c.Group != ""):
		who := c.User
		if who == "" {
			who = c.Group
		}
		return failure("user", who, fmt.Errorf("cannot become it: %w", err))
	case errors.Is(err, unix.EAGAIN):
		return failure("fork", path, err)
	case errors.Is(err, unix.EACCES) && c.Dir != "" && !id.mayEnter(c.Dir):
		return failure("cwd", c.Dir, err)
	case errors.Is(err, unix.ENOENT):
		if _, statErr := os.Stat(abs(path, c.Dir)); statErr == nil {
			return failure("exec", path, fmt.Errorf("the interpreter it names does not exist: %w", err))
		}
	case errors.Is(err, unix.ENOEXEC):
		return failure("exec", path, fmt.Errorf("neither a program nor a script with #!: %w", err))
	}
	return failure("exec", path, err)
}

// mayEnter reports whether the permissions of a folder and of all above it let the identity go there (man 7 path_resolution).
func (id Identity) mayEnter(dir string) bool {
	if !id.Set {
		return unix.Access(dir, unix.X_OK) == nil
	}
	for ; id.UID != 0; dir = filepath.Dir(dir) {
		var info unix.Stat_t
		if err := unix.Stat(dir, &info); err != nil {
			return true // not what was asked
		}
		bit := uint32(0o001)
		switch {
		case info.Uid == id.UID:
			bit = 0o100
		case info.Gid == id.GID || slices.Contains(id.Groups, info.Gid):
			bit = 0o010
		}
		if uint32(info.Mode)&bit == 0 {
			return false
		}
		if dir == "/" || dir == "." {
			break
		}
	}
	return true
}

func abs(path, dir string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// plain takes the errno out of a *PathError, whose path the LaunchError names already.
func plain(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
