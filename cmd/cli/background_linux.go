package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/qjpcpu/supervisord/core/child"
)

// daemonUmask is the umask of a daemon in the background.
const daemonUmask = 0o027

// detach starts this program again as a daemon: a session of its own, nothing of the terminal, args either on its
// command line or, hidden, on a pipe. What it writes into the returned pipe are its tidings.
func detach(args []string, hide bool) (*os.File, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("cannot find this program: %w", err)
	}
	folder, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("cannot find the current folder: %w", err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer writer.Close()
	how := child.Detached{
		Path:  self,
		Args:  args,
		Env:   append(os.Environ(), readyVariable+"=3"),
		Dir:   folder,
		Files: []*os.File{null, null, null, writer},
	}
	if hide {
		hidden, err := hiddenFile(args)
		if err != nil {
			reader.Close()
			return nil, err
		}
		defer hidden.Close()
		how.Args = nil
		how.Env = append(how.Env, argsVariable+"=4")
		how.Files = append(how.Files, hidden)
	}
	if _, err := child.Detach(how); err != nil {
		reader.Close()
		return nil, fmt.Errorf("cannot start %s in the background: %w", self, err)
	}
	return reader, nil
}

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

func closeOnExec(file *os.File) { unix.CloseOnExec(int(file.Fd())) }

// settle leaves the caller's folder and umask.
func settle() error {
	unix.Umask(daemonUmask)
	return os.Chdir("/")
}
