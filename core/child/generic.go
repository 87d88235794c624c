//go:build unix && !linux

package child

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Unix that is not Linux: enough to run processes, without what only Linux has. Lacks says what that is.

// Options are what a Host is told once.
type Options struct {
	CgroupMode string // of no meaning here
	Instance   string // of no meaning here
	Ledger     string // of no meaning here
	Logf       func(format string, args ...any)
}

// Host starts children, each the leader of a session of its own, with one thread that waits for each.
type Host struct {
	null *os.File
}

// NewHost opens what children read.
func NewHost(Options) (*Host, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return &Host{null: null}, nil
}

// Close has nothing to end: the caller has seen to it that no child is left.
func (h *Host) Close() error { return h.null.Close() }

// Alive is nil: every child has somebody who waits for it.
func (h *Host) Alive() error { return nil }

// Features tells which means are in use, for people.
func (h *Host) Features() []string { return []string{"process groups"} }

// Start starts a program in a session of its own. See Starter.
func (h *Host) Start(c Command) (Child, error) {
	k, err := h.start(c)
	if err != nil {
		return nil, ofCommand(c, err)
	}
	return k, nil
}

func (h *Host) start(c Command) (*kid, error) {
	id, err := LookupUser(c.User, c.Group)
	if err != nil {
		return nil, identityFailure(c, err)
	}
	if problems := LimitProblems(c.Limits, ""); len(problems) > 0 {
		return nil, failure(problems[0].Key, "", problems[0].Err)
	}
	env := append(slices.Clip(slices.Clone(c.Env)), UnitKey+"="+c.unit())
	path, err := lookPath(c.Path, c.Dir, env)
	if err != nil {
		return nil, failure("exec", c.Path, err)
	}
	k := &kid{scope: c.Scope, exited: make(chan Exit, 1), gone: make(chan struct{})}
	attr := &os.ProcAttr{Dir: c.Dir, Env: env, Files: []*os.File{h.null, h.null, h.null}, Sys: &syscall.SysProcAttr{Setsid: true}}
	if id.Set {
		attr.Sys.Credential = &syscall.Credential{Uid: id.UID, Gid: id.GID, Groups: id.Groups}
	}
	var ours []*os.File // the write ends
	defer func() {
		for _, w := range ours {
			w.Close()
		}
	}()
	for i, stream := range []Stream{c.Stdout, c.Stderr} {
		switch stream {
		case Same:
			attr.Files[i+1] = attr.Files[i]
		case Pipe:
			r, w, err := os.Pipe()
			if err != nil {
				k.discard()
				return nil, failure("pipe", c.Name, err)
			}
			ours, attr.Files[i+1] = append(ours, w), w
			if i == 0 {
				k.stdout = r
			} else {
				k.stderr = r
			}
		}
	}
	k.leader, err = os.StartProcess(path, append([]string{c.Path}, c.Args...), attr)
	if err != nil {
		k.discard()
		return nil, launchFailure(c, id, path, plain(err))
	}
	go k.wait()
	return k, nil
}

// kid is a Child: the leader and its group.
type kid struct {
	scope          Scope
	leader         *os.Process
	stdout, stderr *os.File
	exited         chan Exit
	gone           chan struct{}

	mu    sync.Mutex
	ended bool // the leader was reaped, and the group's number may be another's
}

func (k *kid) PID() int              { return k.leader.Pid }
func (k *kid) Stdout() *os.File      { return k.stdout }
func (k *kid) Stderr() *os.File      { return k.stderr }
func (k *kid) Exited() <-chan Exit   { return k.exited }
func (k *kid) Gone() <-chan struct{} { return k.gone }
func (k *kid) Kill() error           { return ignoreDone(k.toGroup(unix.SIGKILL)) }

// Signal sends to the leader.
func (k *kid) Signal(number int) error { return k.leader.Signal(unix.Signal(number)) }

// Stop sends the signal and then CONT to the leader, or to its group.
func (k *kid) Stop(number int) error {
	send := func(sig unix.Signal) error { return k.leader.Signal(sig) }
	if k.scope == Group {
		send = k.toGroup
	}
	err := send(unix.Signal(number))
	if err == nil {
		_ = send(unix.SIGCONT)
	}
	return ignoreDone(err)
}

// Left is the leader: how many the group has cannot be told.
func (k *kid) Left() (int, string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended {
		return 0, ""
	}
	return 1, ""
}

// Rest is not counted: how many the group has cannot be told.
func (k *kid) Rest() int { return 0 }

func ignoreDone(err error) error {
	if errors.Is(err, os.ErrProcessDone) || errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

func (k *kid) toGroup(sig unix.Signal) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.ended:
		return os.ErrProcessDone
	case k.scope == Process:
		return k.leader.Signal(sig)
	}
	return unix.Kill(-k.leader.Pid, sig)
}

// wait ends when the leader has ended and the rest of its group was killed.
func (k *kid) wait() {
	state, err := k.leader.Wait()
	k.mu.Lock()
	if k.scope != Process {
		_ = unix.Kill(-k.leader.Pid, unix.SIGKILL) // as long as one of them is left the number is theirs
	}
	k.ended = true
	k.mu.Unlock()
	e := Exit{Code: -1, At: time.Now()}
	if err == nil {
		e.User, e.System = state.UserTime(), state.SystemTime()
		e.Code = state.ExitCode()
		if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			e.Signal, e.Core = int(status.Signal()), status.CoreDump()
		}
		if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
			e.MaxRSS = int64(usage.Maxrss)
			if runtime.GOOS != "darwin" { // which alone counts bytes
				e.MaxRSS *= 1024
			}
		}
	}
	k.exited <- e
	close(k.gone)
}

func (k *kid) discard() {
	for _, file := range []*os.File{k.stdout, k.stderr} {
		if file != nil {
			file.Close()
		}
	}
}

// signals are those that every Unix has.
var signals = unixSignals
