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
// stands there is replaced, never followed; a file that holds something else than a number is left alone, that is an error.
// Missing folders are made.
func writePIDFile(path string, pid int) error {
	if err := replaceable(path); err != nil {
		return err
	}
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

// replaceable refuses to replace a file that was never a pid file: a slip of the finger must not cost somebody his data.
func replaceable(path string) error {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil // a new one, or the rename will tell
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil // what cannot be read cannot be judged
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, longestPID))
	if err != nil || int64(len(text)) < min(info.Size(), longestPID) {
		return nil
	}
	words := bytes.Fields(text)
	if len(words) == 0 {
		return nil
	}
	if _, err := strconv.ParseUint(string(words[0]), 10, 64); err != nil {
		return errors.New("a file stands there that holds something else than a pid")
	}
	return nil
}

// longestPID is more than any number and a newline.
const longestPID = 32

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
	text, err := io.ReadAll(io.LimitReader(f, longestPID))
	if err != nil || string(bytes.TrimSpace(text)) != strconv.Itoa(pid) {
		return err
	}
	_ = f.Close() // Windows removes nothing that is open
	return os.Remove(path)
}
