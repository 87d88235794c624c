package core

import (
	"errors"
	"fmt"
	"strings"
)

// The sentinels. Every error this package returns wraps at least one of them; test with errors.Is. The text of an error is
// for people and may change.
var (
	ErrNotFound   = errors.New("no such process")                // a name or pattern that means nothing here
	ErrConflict   = errors.New("conflict")                       // right wish, wrong moment: not running, taken, overtaken, closing
	ErrInvalid    = errors.New("invalid")                        // a Spec or argument that can never work
	ErrFailed     = errors.New("failed")                         // it was tried and did not succeed
	ErrTimeout    = errors.New("timeout")                        // the caller's patience ended first; the operation goes on
	ErrSpawn      = fmt.Errorf("cannot launch: %w", ErrFailed)   // nothing was started: missing program, user, folder...
	ErrSuperseded = fmt.Errorf("overtaken: %w", ErrConflict)     // a later wish of somebody else won
	ErrClosing    = fmt.Errorf("shutting down: %w", ErrConflict) // the supervisor takes no further wishes
	errUnkillable = fmt.Errorf("unkillable: %w", ErrFailed)      // KILL was sent, kill_wait is over, something is left
	errGone       = fmt.Errorf("the process was removed: %w", ErrNotFound)
)

// failure is an error with a text of its own and a sentinel to test for.
type failure struct {
	kind error
	msg  string
}

func (f *failure) Error() string { return f.msg }
func (f *failure) Unwrap() error { return f.kind }

func failf(kind error, format string, args ...any) error {
	return &failure{kind, fmt.Sprintf(format, args...)}
}

// NotFoundError says which name meant nothing and which one may have been meant. It wraps ErrNotFound.
type NotFoundError struct {
	Name string // as it was given: a name or a pattern
	Near string // the most similar name there is, or ""
}

func (e *NotFoundError) Error() string {
	what := "no such process"
	if isPattern(e.Name) {
		what = "matches no process"
	}
	if e.Near == "" {
		return told(e.Name) + ": " + what
	}
	return told(e.Name) + ": " + what + " (did you mean " + e.Near + "?)"
}

func (e *NotFoundError) Unwrap() error { return ErrNotFound }

// PatternError says which word is a pattern that can match nothing, as it is malformed. It wraps ErrInvalid.
type PatternError struct{ Pattern string }

func (e *PatternError) Error() string { return told(e.Pattern) + ": bad pattern" }
func (e *PatternError) Unwrap() error { return ErrInvalid }

// told is a user's word as a message repeats it: visible, and no longer than it takes to know it again.
func told(word string) string {
	const most = 2 * maxName
	switch {
	case word == "":
		return `""`
	case len(word) > most:
		return strings.ToValidUTF8(word[:most], "") + "…"
	}
	return word
}

// ReportError is what Report.Err returns: some of the processes an operation was about did not get there.
type ReportError struct{ Report Report }

// Error names the failed ones, each with its reason, on one line.
func (e *ReportError) Error() string {
	var b strings.Builder
	for _, o := range e.Report {
		if o.Err == nil {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(o.Err.Error())
	}
	return b.String()
}

// Unwrap gives the error of the one process when the operation was about one (a conflict stays a conflict), else ErrFailed.
func (e *ReportError) Unwrap() error {
	if len(e.Report) == 1 {
		return e.Report[0].Err
	}
	return ErrFailed
}
