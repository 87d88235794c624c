package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// hiddenFile puts args where only a descriptor leads. It is memory rather than a pipe because nobody will be left to
// write into a pipe when this program has become the one that reads.
func hiddenFile(args []string) (*os.File, error) {
	fd, err := unix.MemfdCreate("arguments", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot hide the arguments: %w", err)
	}
	file := os.NewFile(uintptr(fd), "arguments")
	if err := json.NewEncoder(file).Encode(args); err != nil {
		file.Close()
		return nil, fmt.Errorf("cannot hide the arguments: %w", err)
	}
	if _, err := file.Seek(0, 0); err != nil {
		file.Close()
		return nil, fmt.Errorf("cannot hide the arguments: %w", err)
	}
	return file, nil
}

// hideArgs replaces this program by itself without arguments. It returns only when that fails.
func hideArgs(args []string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find this program: %w", err)
	}
	hidden, err := hiddenFile(args)
	if err != nil {
		return err
	}
	defer hidden.Close()
	if _, err := unix.FcntlInt(hidden.Fd(), unix.F_SETFD, 0); err != nil {
		return fmt.Errorf("cannot hide the arguments: %w", err)
	}
	err = syscall.Exec(self, []string{os.Args[0]}, append(os.Environ(), fmt.Sprintf("%s=%d", argsVariable, hidden.Fd())))
	return fmt.Errorf("cannot hide the arguments: %w", err)
}
