package cli

import (
	"fmt"
	"os"

	"github.com/qjpcpu/supervisord/core/child"
)

// detach starts this program again as a daemon: a session of its own, nothing of the terminal, args either on its
// command line or, hidden, where only a descriptor leads. What it writes into the returned file are its tidings.
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
		return nil, fmt.Errorf("cannot start %s in the background: %w", self, err)
	}
	defer null.Close()
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("cannot start %s in the background: %w", self, err)
	}
	defer writer.Close()
	how := child.Detached{Path: self, Args: args, Env: os.Environ(), Dir: folder, Files: []*os.File{null, null, null}}
	bequeath(&how, readyVariable, writer)
	if hide {
		hidden, err := hiddenFile(args)
		if err != nil {
			reader.Close()
			return nil, err
		}
		defer hidden.Close()
		how.Args = nil
		bequeath(&how, argsVariable, hidden)
	}
	if _, err := child.Detach(how); err != nil {
		reader.Close()
		return nil, fmt.Errorf("cannot start %s in the background: %w", self, err)
	}
	return reader, nil
}

// bequeath gives the daemon one more file, and the variable that says where it has it.
func bequeath(how *child.Detached, variable string, file *os.File) {
	how.Env = append(how.Env, variable+"="+descriptor(file, len(how.Files)))
	how.Files = append(how.Files, file)
}
