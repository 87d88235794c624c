package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/qjpcpu/supervisord/core/config"
	"github.com/qjpcpu/supervisord/repl"
)

// The exit codes of every command. The kinds of errors are mapped to them in package repl.
const (
	ExitOK          = 0 // done
	ExitFailed      = 1 // something could not be done; a script raised an error
	ExitUsage       = 2 // the command, the form or the configuration is wrong
	ExitDegraded    = 3 // service status: something that is wanted up is not
	ExitNotFound    = 4 // no such process
	ExitForbidden   = 5 // not allowed
	ExitUnreachable = 6 // no daemon answers
	ExitTimeout     = 7 // timeout, budget, overload, cancelled
	ExitConflict    = 8 // a second daemon, a wish overtaken by another, a daemon that is shutting down
)

// exitCode is an error that has nothing more to say than its code.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// coded is an error with the exit code that it means.
type coded struct {
	code int
	err  error
}

func (e *coded) Error() string { return e.err.Error() }
func (e *coded) Unwrap() error { return e.err }

// fail makes an error with an exit code.
func fail(code int, format string, args ...any) error {
	return &coded{code: code, err: fmt.Errorf(format, args...)}
}

// refusal is an error of a kind of core whose text does not name the kind.
type refusal struct {
	kind error
	text string
}

func (e *refusal) Error() string { return e.text }
func (e *refusal) Unwrap() error { return e.kind }

// refuse makes an error of a kind of core.
func refuse(kind error, format string, args ...any) error {
	return &refusal{kind: kind, text: fmt.Sprintf(format, args...)}
}

func usage(format string, args ...any) error { return fail(ExitUsage, format, args...) }

// codeOf is the exit code of an error that ends a command.
func codeOf(err error) int {
	var (
		own         *coded
		held        *config.HeldError
		problems    config.Problems
		unreachable *repl.UnreachableError
	)
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &own):
		return own.code
	case errors.As(err, &held):
		return ExitConflict
	case errors.As(err, &problems):
		return ExitUsage
	case errors.As(err, &unreachable):
		return ExitUnreachable
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return ExitTimeout
	}
	return ExitFailed
}
