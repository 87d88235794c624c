package child

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// UnitKey is the variable that marks every process of a tree that did not throw its environment away.
const UnitKey = "SUPERVISORD_UNIT"

// DaemonKey is the variable that says which daemon, and which run of it, has started a tree.
const DaemonKey = "SUPERVISORD_DAEMON"

// Command is one program to start. It is plain data but for GiveUp.
type Command struct {
	Name       string   // the process's name, for its cgroup and its marker
	Generation uint64   // number of this life; Name and Generation together are unique in a daemon
	Path       string   // the program; without a slash it is looked up in the PATH of Env
	Args       []string // what follows argv[0]; argv[0] is Path as given
	Env        []string // the whole environment, "KEY=value"
	Dir        string   // working directory, absolute; "" is the daemon's
	User       string   // name or number; "" is the daemon's
	Group      string   // name or number; "" is the primary group of User
	Stdout     Stream   // Null or Pipe
	Stderr     Stream   // Null, Pipe, or Same as stdout
	Scope      Scope    // what Stop and Kill reach and what Gone waits for
	Limits     Limits   // what it may take
	// GiveUp is closed when nobody wants the program any more: what has been forked and has not become it is sent KILL, so that
	// Start returns, unless the kernel itself is stuck. nil is never. Where the fork itself waits for exec it is of no meaning.
	GiveUp <-chan struct{}
}

// unit is what this life is called: "web#3".
func (c Command) unit() string { return c.Name + "#" + strconv.FormatUint(c.Generation, 10) }

// Stream says where an output of a child goes.
type Stream int

// Null discards, Pipe hands the read end to the caller, Same (stderr only) shares the pipe of stdout.
const (
	Null Stream = iota
	Pipe
	Same
)

// Scope says how much of a process tree belongs to a child.
type Scope int

// Tree is the leader and all its descendants, those in other sessions too; Group its process group; Process itself alone.
const (
	Tree Scope = iota
	Group
	Process
)

var scopeNames = [...]string{"tree", "group", "process"}

// Scopes are the names of all scopes in the configuration, in the order of their values.
func Scopes() []string { return slices.Clone(scopeNames[:]) }

// String is the scope's name in the configuration: "tree", "group" or "process".
func (s Scope) String() string {
	if s < 0 || int(s) >= len(scopeNames) {
		return fmt.Sprintf("scope(%d)", int(s))
	}
	return scopeNames[s]
}

// Exit is how a leader ended.
type Exit struct {
	Code         int  // exit code, -1 when a signal ended it, and without a signal when nobody can know: somebody else waited for it
	Signal       int  // number of that signal, else 0
	Core         bool // it left a core dump
	User, System time.Duration
	MaxRSS       int64 // bytes
	OOMKills     int   // processes of the tree that the kernel's OOM killer ended; counted where the tree's memory is limited
	ByOOM        bool  // the leader was one of them: KILL, and not by this program
	At           time.Time
}

// Word is the exit code, or the name of the signal: "3", "KILL".
func (e Exit) Word() string {
	if e.Signal != 0 {
		return SignalName(e.Signal)
	}
	return strconv.Itoa(e.Code)
}

// String is for people: "exit code 3", "exit code 3221225477 (0xC0000005)", "signal SEGV (core dumped)", "signal KILL (by the kernel's OOM killer)".
func (e Exit) String() string {
	text := fmt.Sprintf("exit code %d", e.Code)
	switch {
	case e.Signal != 0:
		text = "signal " + SignalName(e.Signal)
	case e.Code < 0:
		text = "an end that somebody else waited for"
	}
	switch {
	case e.Code > 0xffff: // of Windows, where crashes are known by these
		text += fmt.Sprintf(" (0x%X)", e.Code)
	case e.Core:
		text += " (core dumped)"
	case e.ByOOM:
		text += " (by the kernel's OOM killer)"
	case e.OOMKills > 0:
		text += fmt.Sprintf(" (the kernel's OOM killer ended %d of its processes)", e.OOMKills)
	}
	return text
}

// LaunchError says why nothing was started.
type LaunchError struct {
	Step      string // "exec", "user", "group", "cwd", "fork", "pipe", "cgroup", "job" or the key of a limit
	Path      string // what Step was about
	Err       error
	Temporary bool   // the same start may succeed later: EAGAIN, ENOMEM, EMFILE and their like
	User, Dir string // as whom and where it was to run, as the Command says
}

// Error is one line: "exec /bin/wbe: no such file or directory (ENOENT; user www, cwd /srv)".
func (e *LaunchError) Error() string {
	text := e.Step
	if e.Path != "" {
		text += " " + e.Path
	}
	text += ": " + e.Err.Error()
	var more []string
	if name := errnoName(e.Err); name != "" {
		more = append(more, name)
	}
	var place []string
	if e.User != "" && e.Step != "user" {
		place = append(place, "user "+e.User)
	}
	if e.Dir != "" && e.Step != "cwd" {
		place = append(place, "cwd "+e.Dir)
	}
	if len(place) > 0 {
		more = append(more, strings.Join(place, ", "))
	}
	if len(more) > 0 {
		text += " (" + strings.Join(more, "; ") + ")"
	}
	return text
}

// Unwrap gives the system's own error.
func (e *LaunchError) Unwrap() error { return e.Err }

// ofCommand adds to the error of a start as whom and where it was to run.
func ofCommand(c Command, err error) error {
	if failed, ok := errors.AsType[*LaunchError](err); ok {
		failed.User, failed.Dir = c.User, c.Dir
	}
	return err
}

// errNotInPath names no folder: PATH may be long, and whoever looks at the process's environment sees it.
var errNotInPath error = notInPath{}

type notInPath struct{}

func (notInPath) Error() string { return "not found in PATH" }
func (notInPath) Unwrap() error { return syscall.ENOENT }

// Starter starts children. Start returns when exec has succeeded or failed, its error is a *LaunchError; it may be called
// concurrently.
type Starter interface {
	Start(Command) (Child, error)
}

// Child is a started program: its leader, and what the Scope of its Command adds to that. All methods may be called
// concurrently.
type Child interface {
	// PID is the leader's number.
	PID() int
	// Stdout and Stderr are the read ends of the pipes, non-blocking and known to the poller; nil where there is none.
	// The receiver closes them.
	Stdout() *os.File
	Stderr() *os.File
	// Exited delivers one value, when the leader has been reaped.
	Exited() <-chan Exit
	// Gone is closed when the leader has been reaped and nothing of the scope is left.
	Gone() <-chan struct{}
	// Signal sends to the leader, as long as it has not been reaped: os.ErrProcessDone afterwards.
	Signal(sig int) error
	// Stop asks politely: the signal and then CONT to the leader (to the group with the scope Group). If the leader ends
	// before the rest, the rest gets the same. Without a Stop the rest is killed when the leader ends.
	Stop(sig int) error
	// Kill sends KILL to everything in the scope until nothing is left. It may be repeated, and come after the leader's end.
	Kill() error
	// Left counts what is left of the scope; why says what keeps it, where that can be known.
	Left() (n int, why string)
	// Rest is how many processes of the scope a leader left behind that ended without a Stop, and that were killed for it: of a
	// program that put itself into the background, all of it. Known when Gone is closed. 0 where they are not counted; without a
	// cgroup some may be missing that were of the leader's group.
	Rest() int
}
