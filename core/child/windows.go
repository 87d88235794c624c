//go:build windows

package child

import (
	"fmt"
	"sync"
	"syscall"

	"golang.org/x/sys/windows"
)

// Options are what a Host is told once.
type Options struct {
	CgroupMode string // of no meaning here: every process has a job
	Instance   string // of no meaning here: jobs have no names
	Ledger     string // of no meaning here: jobs end with the daemon
	Logf       func(format string, args ...any)
}

// Host starts children, each in a job of its own, and hears of their ends: one thread for all of them waits on one completion
// port. It implements Starter.
type Host struct {
	logf  func(string, ...any)
	port  windows.Handle
	null  windows.Handle
	ended chan struct{} // closed when the port's loop has ended
	// callback is what the thread pool calls with the key of a kid whose leader has ended. The process can have few such
	// functions and never gives one back.
	callback uintptr
	close    sync.Once

	mu   sync.Mutex
	kids map[uintptr]*kid // by the key under which the port speaks of them
	last uintptr
}

// The port's keys of kids begin above these.
const portCloses uintptr = 0

// leaderHasEnded is the message of the thread pool that a leader's handle is signalled; those of jobs are smaller
// (JOB_OBJECT_MSG_* in winnt.h).
const leaderHasEnded uint32 = 0x1000

// NewHost makes the completion port, and a console if this process has none: CTRL_BREAK only reaches those that share one.
func NewHost(o Options) (*Host, error) {
	port, err := windows.CreateIoCompletionPort(windows.InvalidHandle, 0, 0, 1)
	if err != nil {
		return nil, fmt.Errorf("cannot make a completion port: %w", err)
	}
	name, _ := windows.UTF16PtrFromString("NUL")
	null, err := windows.CreateFile(name, windows.GENERIC_READ|windows.GENERIC_WRITE, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE,
		inheritable(), windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		windows.CloseHandle(port)
		return nil, fmt.Errorf("cannot open NUL: %w", err)
	}
	h := &Host{logf: o.Logf, port: port, null: null, ended: make(chan struct{}), kids: map[uintptr]*kid{}}
	if h.logf == nil {
		h.logf = func(string, ...any) {}
	}
	h.callback = syscall.NewCallback(func(key, _ uintptr) uintptr {
		_ = windows.PostQueuedCompletionStatus(port, leaderHasEnded, key, nil)
		return 0
	})
	if err := ownConsole(); err != nil {
		h.logf("cannot make a console: %v; stop_signal will not arrive, stop_command does", err)
	}
	go h.listen()
	return h, nil
}

// ownConsole makes a console where there is none, as in a service.
func ownConsole() error {
	if _, err := windows.GetConsoleCP(); err == nil {
		return nil
	}
	if ok, _, err := procAllocConsole.Call(); ok == 0 && err != syscall.Errno(windows.ERROR_ACCESS_DENIED) {
		return err
	}
	return nil
}

// listen hands what the port tells to the child it is about.
func (h *Host) listen() {
	defer close(h.ended)
	for {
		message, key, err := receive(h.port)
		if err != nil {
			h.logf("cannot wait for processes: %v", err)
			return
		}
		if key == portCloses {
			return
		}
		h.mu.Lock()
		k := h.kids[key]
		h.mu.Unlock()
		switch {
		case k == nil: // it is over
		case message == leaderHasEnded:
			k.leaderEnded()
		default:
			// Whatever a job says, how many it holds is asked of it: its messages are no promises (MSDN,
			// JOBOBJECT_ASSOCIATE_COMPLETION_PORT).
			k.look()
		}
	}
}

// admit gives a kid the key under which the port will speak of it.
func (h *Host) admit(k *kid) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last++
	k.key = h.last
	h.kids[k.key] = k
}

func (h *Host) forget(k *kid) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.kids, k.key)
}

// Close ends the port's loop. It kills nothing: the caller has seen to it that no child is left.
func (h *Host) Close() (err error) {
	h.close.Do(func() {
		if err = windows.PostQueuedCompletionStatus(h.port, 0, portCloses, nil); err != nil {
			return
		}
		<-h.ended
		windows.CloseHandle(h.null)
		err = windows.CloseHandle(h.port)
	})
	if err != nil {
		return fmt.Errorf("cannot close the completion port: %w", err)
	}
	return nil
}

// Features tells which means are in use, for people.
func (h *Host) Features() []string { return []string{"a job object for each process"} }

var _ Starter = (*Host)(nil)
