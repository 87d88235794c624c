//go:build unix

package child

import (
	"fmt"
	"os"
	"syscall"
)

// Detached is a daemon to be started by a command that will end: plain data but for the files.
type Detached struct {
	Path  string
	Args  []string // after argv[0], which is Path
	Env   []string
	Dir   string
	Files []*os.File // become the descriptors 0, 1, 2, ...
}

// Detach starts a program in a session of its own, without a terminal, and does not wait for it. It belongs to commands, not
// to a process with a Host.
func Detach(d Detached) (pid int, err error) {
	attr := &syscall.ProcAttr{Dir: d.Dir, Env: d.Env, Sys: &syscall.SysProcAttr{Setsid: true}}
	for _, file := range d.Files {
		attr.Files = append(attr.Files, file.Fd())
	}
	pid, err = syscall.ForkExec(d.Path, append([]string{d.Path}, d.Args...), attr)
	if err != nil {
		return 0, fmt.Errorf("cannot start %s: %w", d.Path, err)
	}
	return pid, nil
}
