package core

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// writePIDFile puts pid and a newline into path, readable by all. The file appears whole or not at all, and a link that
// stands there is replaced, never followed. Missing folders are made.
func writePIDFile(path string, pid int) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*") // O_EXCL: never an existing file, never through a link
	if err != nil {
		return err
	}
	_, err = f.WriteString(strconv.Itoa(pid) + "\n")
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// removePIDFile removes path if it is a regular file that still holds pid: another program may have taken it over.
func removePIDFile(path string, pid int) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return nil
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a fifo put there meanwhile must not hold us up
	if err != nil {
		return err
	}
	defer f.Close()
	if opened, err := f.Stat(); err != nil || !os.SameFile(info, opened) {
		return err // exchanged meanwhile: not ours
	}
	const longest = 32 // more than any number and a newline
	text, err := io.ReadAll(io.LimitReader(f, longest))
	if err != nil || string(bytes.TrimSpace(text)) != strconv.Itoa(pid) {
		return err
	}
	return os.Remove(path)
}
