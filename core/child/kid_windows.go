package child

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/windows"
)

// killedCode is the exit code of what this package ended, so that an end by KILL is told apart from an exit: a code of the
// customer's range (ntstatus.h), with KILL's number in it.
const killedCode uint32 = 0xE0000000 | killSignal

// brokenCode is STATUS_CONTROL_C_EXIT, the exit code of a program that CTRL_C or CTRL_BREAK ended.
const brokenCode uint32 = 0xC000013A

// kid is a Child of a Host: the leader, whose number is its own as long as its handle is open, and the job that holds it and
// what descends from it.
type kid struct {
	host           *Host
	key            uintptr
	scope          Scope
	pid            int
	job            job
	process        windows.Handle
	stdout, stderr *os.File
	exited         chan Exit
	gone           chan struct{}

	mu     sync.Mutex
	wait   windows.Handle // of the thread pool, for the leader's end
	asked  bool           // Stop was called: the rest may end by itself
	reaped bool           // the leader has ended
	ended  bool           // nothing is left and no handle is open
}

var _ Child = (*kid)(nil)

func (k *kid) PID() int              { return k.pid }
func (k *kid) Stdout() *os.File      { return k.stdout }
func (k *kid) Stderr() *os.File      { return k.stderr }
func (k *kid) Exited() <-chan Exit   { return k.exited }
func (k *kid) Gone() <-chan struct{} { return k.gone }

// Signal ends the leader with KILL. Any other signal is CTRL_BREAK, which the system sends to the whole group of the leader.
func (k *kid) Signal(number int) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.reaped {
		return os.ErrProcessDone
	}
	if number != killSignal {
		return k.sendBreak()
	}
	err := windows.TerminateProcess(k.process, killedCode)
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) && k.leaderDone() {
		return os.ErrProcessDone
	}
	return err
}

// Stop sends CTRL_BREAK to the leader's group, whatever the signal, but for KILL. Descendants in groups of their own and
// programs without a console do not hear it.
func (k *kid) Stop(number int) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked = true
	if k.ended {
		return nil
	}
	if number == killSignal {
		return k.terminate()
	}
	return k.sendBreak()
}

// sendBreak needs the process in this one's console; the group has the leader's number, which nobody else can have while the
// handle is open.
func (k *kid) sendBreak() error {
	if err := windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(k.pid)); err != nil {
		return fmt.Errorf("CTRL_BREAK: %w", err)
	}
	return nil
}

func (k *kid) Kill() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended {
		return nil
	}
	return k.terminate()
}

// terminate ends everything in the job at once. What is in it cannot start anything that is not.
func (k *kid) terminate() error {
	err := k.job.terminate()
	if n, failed := k.job.active(); err != nil && failed == nil && n == 0 {
		err = nil
	}
	k.finish() // a message of the job that was lost is made good here
	return err
}

func (k *kid) Left() (n int, why string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended {
		return 0, ""
	}
	n, err := k.job.active()
	if err != nil {
		return 1, err.Error()
	}
	return n, ""
}

// Rest is not counted: a job does not tell whether the leader is among its active processes at the moment of its end.
func (k *kid) Rest() int { return 0 }

// leaderDone tells whether the leader has ended.
func (k *kid) leaderDone() bool {
	event, err := windows.WaitForSingleObject(k.process, 0)
	return err == nil && event == windows.WAIT_OBJECT_0
}

// leaderEnded is called once, by the port's loop.
func (k *kid) leaderEnded() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.reaped {
		return
	}
	k.reaped = true
	unwatch(k.wait)
	k.exited <- exitOf(k.process)
	if !k.asked && k.scope != Process {
		if err := k.job.terminate(); err != nil {
			k.host.logf("pid %d: cannot end what it left behind: %v", k.pid, err)
		}
	}
	k.finish()
}

// look is called when the job may have become empty.
func (k *kid) look() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.finish()
}

// finish closes the handles when nothing is left. The caller holds mu.
func (k *kid) finish() {
	if !k.reaped || k.ended {
		return
	}
	if n, err := k.job.active(); err != nil || n > 0 {
		return
	}
	k.ended = true
	windows.CloseHandle(k.process)
	k.job.close()
	k.host.forget(k)
	close(k.gone)
}

// exitOf reads how a process ended of its handle.
func exitOf(process windows.Handle) Exit {
	e := Exit{At: time.Now()}
	var code uint32
	if err := windows.GetExitCodeProcess(process, &code); err != nil {
		e.Code = -1
		return e
	}
	switch code {
	case killedCode:
		e.Code, e.Signal = -1, killSignal
	case brokenCode:
		e.Code, e.Signal = -1, breakSignal
	default:
		e.Code = int(code)
	}
	var created, exited, kernel, user windows.Filetime
	if windows.GetProcessTimes(process, &created, &exited, &kernel, &user) == nil {
		e.User, e.System = span(user), span(kernel)
	}
	if memory, ok := memoryOf(process); ok {
		e.MaxRSS = int64(memory.peakWorkingSet)
	}
	return e
}

// span is a length of time as Windows counts it, in units of 100 ns.
func span(t windows.Filetime) time.Duration {
	return time.Duration(uint64(t.HighDateTime)<<32|uint64(t.LowDateTime)) * 100
}

// discard undoes a start that failed.
func (k *kid) discard() {
	for _, file := range []*os.File{k.stdout, k.stderr} {
		if file != nil {
			file.Close()
		}
	}
	k.host.forget(k)
	if k.job.handle != 0 {
		k.job.close()
	}
}
