package core

import (
	"fmt"
	"strings"
	"time"

	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/spelling"
)

// State is where a process stands. What is wanted of it is a second fact: Status.Want.
type State int

// The states of the machine; see the package comment for the diagram.
const (
	Stopped  State = iota // down, meant to be
	Starting              // launched, its start grace is not over
	Running               // up
	Stopping              // asked to end; something of it is left
	Backoff               // failed; the deadline says when it is tried again
	Exited                // left by itself, as expected
	Fatal                 // given up, or cannot be launched; Status.Reason says why
)

var stateNames = [...]string{"stopped", "starting", "running", "stopping", "backoff", "exited", "fatal"}

// String is the state's name in lower case.
func (s State) String() string {
	if s < 0 || int(s) >= len(stateNames) {
		return fmt.Sprintf("state(%d)", int(s))
	}
	return stateNames[s]
}

// ParseState is the inverse of String; an unknown name is ErrInvalid with the nearest one.
func ParseState(name string) (State, error) {
	for i, n := range stateNames {
		if n == name {
			return State(i), nil
		}
	}
	msg := fmt.Sprintf("unknown state %q", name)
	if near := spelling.Nearest(name, stateNames[:]); near != "" {
		msg += " (did you mean " + near + "?)"
	} else {
		msg += " (want " + strings.Join(stateNames[:], ", ") + ")"
	}
	return 0, failf(ErrInvalid, "%s", msg)
}

// HasChild reports whether an operating system process exists, or is being made, in this state.
func (s State) HasChild() bool { return s == Starting || s == Running || s == Stopping }

// Armed reports whether a deadline runs in this state.
func (s State) Armed() bool { return s == Starting || s == Stopping || s == Backoff }

// Settled reports whether the process is at rest: no child, and none will come unless somebody asks.
func (s State) Settled() bool { return s == Stopped || s == Exited || s == Fatal }

// MarshalText makes a State its name in JSON.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (s *State) UnmarshalText(text []byte) error {
	v, err := ParseState(string(text))
	if err == nil {
		*s = v
	}
	return err
}

// Status is the last published picture of a process: a value, never changed afterwards. Times are for display.
type Status struct {
	Name       string
	State      State
	Want       bool        // wanted up; a fatal process still is, one that exited as expected is not
	PID        int         // 0 without a child, and while exec has not returned
	StartedAt  time.Time   // of the present or last life; zero when there was none
	StoppedAt  time.Time   // when the last life ended; zero while one goes on
	Restarts   int         // starts that nobody asked for, since the last one that somebody did
	Exit       *child.Exit // how the last life ended; nil while there was none
	Reason     string      // why it is so, one line, "" when there is nothing to explain
	Origin     Origin
	Priority   int
	NextTry    time.Time // in backoff: when it is tried again
	Deadline   time.Time // when the present state ends at the latest: next try, end of start_secs, KILL; else zero
	Log        string    // "" or "degraded(...)": its output could not be written somewhere
	LogBytes   int64     // bytes of output taken from it, since it is registered
	LogLost    int64     // bytes of these that could not be written, over all files
	Generation uint64    // number of the present or last life, 0 before the first
}

// Uptime is how long the present life has lasted, by the monotonic clock; 0 without a child.
func (s Status) Uptime() time.Duration {
	if !s.State.HasChild() || s.PID == 0 || s.StartedAt.IsZero() {
		return 0
	}
	return max(0, time.Since(s.StartedAt))
}
