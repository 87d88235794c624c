//go:build unix

package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
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

// programFile is the file that a program's path means.
func programFile(path string) string { return path }

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

// stateBase is the folder of the state directories of all instances.
func (h host) stateBase() (string, error) {
	switch state, _ := h.lookup("XDG_STATE_HOME"); {
	case h.uid == 0:
		return filepath.Join(h.lib, own), nil
	case filepath.IsAbs(state):
		return filepath.Join(state, own), nil
	}
	home, _ := h.lookup("HOME")
	if !filepath.IsAbs(home) {
		return "", errors.New("cannot find the state directory: HOME is not set (set state_dir)")
	}
	return filepath.Join(home, ".local", "state", own), nil
}

// runtimeBase is the system's folder for what does not outlive a boot; "" if there is none of the user's own.
func (h host) runtimeBase() string {
	switch run, _ := h.lookup("XDG_RUNTIME_DIR"); {
	case h.uid == 0:
		return filepath.Join(h.run, own)
	case filepath.IsAbs(run) && ownDir(run, h.uid):
		return filepath.Join(run, own)
	}
	return ""
}

// ownDir reports whether the path is a directory that belongs to the user.
func ownDir(path string, uid int) bool {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return false
	}
	owner, _, known := ownerOf(info)
	return !known || owner == uid
}

// makeDir makes a directory, and those above it that are missing, for this user alone.
func makeDir(dir string) error { return os.MkdirAll(dir, 0o700) }

// foreign: owner and mode have said it all.
func foreign(string) string { return "" }

// unixSockets: there are.
func unixSockets() bool { return true }

// variable is how a variable of the environment is looked up.
func variable(name string) string { return name }

// folded is the spelling that all names of one file share: here a file has as many names as there are spellings.
func folded(path string) string { return path }

// null reports whether a path is the system's own name for nothing; /dev/null is known everywhere.
func null(string) bool { return false }

// reserved is the last name of a path if it is none of a file, whatever folder it stands in.
func reserved(string) string { return "" }

// unavailable says why a key cannot be used on this system, "" if it can.
func unavailable(key string) string {
	if key == "hide_args" && runtime.GOOS != "linux" {
		return "is not possible on " + runtime.GOOS
	}
	return ""
}

// hasEnded reports whether there is no process of this number any more.
func hasEnded(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
