package child

import (
	"crypto/rand"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// pipeSize is how much a program may write before it has to wait for the daemon.
const pipeSize = 64 << 10

// pipe makes a pipe whose read end is the poller's and whose write end is an ordinary handle for a child. An anonymous pipe
// has no overlapped reads and would cost a thread, so it is a named one with a single instance, closed to other machines. Its name
// cannot be guessed, or whoever made a pipe of that name first would keep a program from being started.
func pipe(name string) (r *os.File, w windows.Handle, err error) {
	path, err := windows.UTF16PtrFromString(`\\.\pipe\supervisord-` + rand.Text())
	if err != nil {
		return nil, 0, err
	}
	reader, err := windows.CreateNamedPipe(path,
		windows.PIPE_ACCESS_INBOUND|windows.FILE_FLAG_OVERLAPPED|windows.FILE_FLAG_FIRST_PIPE_INSTANCE,
		windows.PIPE_TYPE_BYTE|windows.PIPE_READMODE_BYTE|windows.PIPE_WAIT|windows.PIPE_REJECT_REMOTE_CLIENTS,
		1, 0, pipeSize, 0, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("cannot make a pipe: %w", err)
	}
	writer, err := windows.CreateFile(path, windows.GENERIC_WRITE, 0, inheritable(), windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		windows.CloseHandle(reader)
		return nil, 0, fmt.Errorf("cannot open the pipe just made: %w", err)
	}
	return os.NewFile(uintptr(reader), "output of "+name), writer, nil
}

// inheritable lets a child have a handle, if it is on the list of those that the child gets.
func inheritable() *windows.SecurityAttributes {
	sa := &windows.SecurityAttributes{InheritHandle: 1}
	sa.Length = uint32(unsafe.Sizeof(*sa))
	return sa
}
