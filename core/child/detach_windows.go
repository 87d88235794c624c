package child

import (
	"fmt"
	"os"

	"golang.org/x/sys/windows"
)

// Detached is a daemon to be started by a command that will end: plain data but for the files.
type Detached struct {
	Path  string
	Args  []string // after argv[0], which is Path
	Env   []string
	Dir   string
	Files []*os.File // become the handles 0, 1 and 2; a further one is inherited under its own number
}

// Detach starts a program with a console of its own that nobody sees, and does not wait for it: without one it could not send
// CTRL_BREAK, and the closing of the caller's would end it. It leaves the caller's job where that lets it.
func Detach(d Detached) (pid int, err error) {
	i := image{path: d.Path, line: windows.ComposeCommandLine(append([]string{d.Path}, d.Args...)), dir: d.Dir, env: d.Env}
	for _, file := range d.Files {
		handle := windows.Handle(file.Fd())
		if err := windows.SetHandleInformation(handle, windows.HANDLE_FLAG_INHERIT, windows.HANDLE_FLAG_INHERIT); err != nil {
			return 0, fmt.Errorf("cannot pass on %s: %w", file.Name(), err)
		}
		i.handles = append(i.handles, handle)
	}
	const flags = windows.CREATE_NO_WINDOW | windows.CREATE_NEW_PROCESS_GROUP
	process, err := createProcess(i, flags|windows.CREATE_BREAKAWAY_FROM_JOB)
	if err == windows.ERROR_ACCESS_DENIED { // a job that keeps what is in it
		process, err = createProcess(i, flags)
	}
	if err != nil {
		return 0, fmt.Errorf("cannot start %s: %w", d.Path, err)
	}
	windows.CloseHandle(process.Thread)
	windows.CloseHandle(process.Process)
	return int(process.ProcessId), nil
}
