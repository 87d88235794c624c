//go:build unix && !linux

package cli

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/qjpcpu/supervisord/core/child"
)

// daemonUmask is the umask of a daemon in the background.
const daemonUmask = 0o027

var errNoHiding = errors.New("hide_args is not possible on this system")

// detach starts this program again as a daemon: a session of its own, nothing of the terminal. What it writes into the
// returned pipe are its tidings.
func detach(args []string, hide bool) (*os.File, error) {
	if hide {
		return nil, errNoHiding
	}
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
	_, err = child.Detach(child.Detached{
		Path: self, Args: args, Env: append(os.Environ(), readyVariable+"=3"), Dir: folder, Files: []*os.File{null, null, null, writer},
	})
	if err != nil {
		reader.Close()
		return nil, fmt.Errorf("cannot start %s in the background: %w", self, err)
	}
	return reader, nil
}

// hideArgs refuses; the configuration has done so before.
func hideArgs([]string) error { return errNoHiding }

func closeOnExec(file *os.File) { syscall.CloseOnExec(int(file.Fd())) }

// settle leaves the caller's folder and umask.
func settle() error {
	unix.Umask(daemonUmask)
	return os.Chdir("/")
}
