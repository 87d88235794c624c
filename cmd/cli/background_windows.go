package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/qjpcpu/supervisord/core/child"
)

// detach starts this program again as a daemon without a window. What it writes into the returned pipe are its tidings. The
// name of a descriptor is the number of a handle here.
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
		Path:  self,
		Args:  args,
		Env:   append(os.Environ(), readyVariable+"="+strconv.FormatUint(uint64(writer.Fd()), 10)),
		Dir:   folder,
		Files: []*os.File{null, null, null, writer},
	})
	if err != nil {
		reader.Close()
		return nil, fmt.Errorf("cannot start %s in the background: %w", self, err)
	}
	return reader, nil
}

var errNoHiding = errors.New("hide_args is not possible on Windows")

// hideArgs refuses; the configuration has done so before.
func hideArgs([]string) error { return errNoHiding }

// closeOnExec: what a process inherits stands on a list.
func closeOnExec(*os.File) {}

// settle leaves the caller's folder, which could not be removed while a process is in it.
func settle() error {
	folder, err := os.Getwd()
	if err != nil {
		return err
	}
	return os.Chdir(filepath.VolumeName(folder) + `\`)
}
