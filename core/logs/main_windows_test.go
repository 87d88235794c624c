package logs

import (
	"fmt"
	"os"
	"sync/atomic"

	"golang.org/x/sys/windows"
)

var pipes atomic.Int64

// pipe makes a pipe as core/child makes them: the poller reads it, which it cannot with an anonymous one.
func pipe() (r, w *os.File, err error) {
	name, err := windows.UTF16PtrFromString(fmt.Sprintf(`\\.\pipe\logs-test-%d-%d`, os.Getpid(), pipes.Add(1)))
	if err != nil {
		return nil, nil, err
	}
	reader, err := windows.CreateNamedPipe(name, windows.PIPE_ACCESS_INBOUND|windows.FILE_FLAG_OVERLAPPED, 0, 1, 0, 1<<16, 0, nil)
	if err != nil {
		return nil, nil, err
	}
	writer, err := windows.CreateFile(name, windows.GENERIC_WRITE, 0, nil, windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		windows.CloseHandle(reader)
		return nil, nil, err
	}
	return os.NewFile(uintptr(reader), "pipe"), os.NewFile(uintptr(writer), "pipe"), nil
}

// openToRead opens a file in a way that does not keep it from being renamed.
func openToRead(path string) (*os.File, error) {
	return openPath(path, windows.GENERIC_READ, windows.OPEN_EXISTING, shareAll)
}
