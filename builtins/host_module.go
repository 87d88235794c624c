package builtins

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/lisp"
)

// Modules are the primitives with which programs reach the machine: commands, environment, files, http, the clock, and
// what was piped to them. starter starts the commands (nil: none can be started), environ is the environment they get
// ("KEY=value"; nil: that of this process), input is what read-line reads when the evaluation brings nothing of its own
// (nil: nothing). Under disable_rce nothing of this can be reached.
func Modules(starter child.Starter, environ []string, input io.Reader) [][]lisp.Prim {
	if environ == nil {
		environ = os.Environ()
	}
	m := &machine{starter: starter, environ: environ}
	if input != nil {
		m.input = bufio.NewReader(input)
	}
	return [][]lisp.Prim{commandPrims(m), environPrims(m), filePrims(m), openPrims(m), clockPrims(), httpPrims(), inputPrims(m)}
}

// machine is what the primitives of one set of modules share. It does not change.
type machine struct {
	starter child.Starter
	environ []string
	input   *bufio.Reader
	count   atomic.Uint64 // of commands, so that each has a number of its own
}

// errand is what one evaluation has changed about its surroundings, and what was piped to it. Its programs run one after the
// other; a session keeps it for the next.
type errand struct {
	set   []string // what os/setenv set, "KEY=value"
	input *bufio.Reader
}

// errandKey is where a thread keeps its errand.
type errandKey struct{}

func errandOf(t *lisp.Thread) *errand {
	e, _ := t.Local(errandKey{}).(*errand)
	if e == nil {
		e = &errand{}
		t.SetLocal(errandKey{}, e)
	}
	return e
}

// variables is the environment of the commands of an evaluation, with more of "KEY=value" after it.
func (m *machine) variables(t *lisp.Thread, more ...string) []string {
	all := slices.Clone(m.environ)
	for _, pair := range slices.Concat(errandOf(t).set, more) {
		all = withVariable(all, pair)
	}
	return all
}

// withVariable sets one variable in an environment.
func withVariable(all []string, pair string) []string {
	key, _, _ := strings.Cut(pair, "=")
	all = slices.DeleteFunc(all, func(old string) bool { return strings.HasPrefix(old, key+"=") })
	return append(all, pair)
}

// lookup is the value of a variable as the commands of an evaluation see it.
func (m *machine) lookup(t *lisp.Thread, key string) string {
	for _, from := range [][]string{errandOf(t).set, m.environ} {
		for _, pair := range slices.Backward(from) {
			if value, found := strings.CutPrefix(pair, key+"="); found {
				return value
			}
		}
	}
	return ""
}

// over is the error of an evaluation that has ended while it waited, nil when it has not.
func over(t *lisp.Thread) error {
	switch err := t.Context().Err(); {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return lisp.Errorf(kindTimeout, "the evaluation took too long")
	default:
		return ended(t.Context(), lisp.Errorf(kindCancelled, "the evaluation was cancelled"))
	}
}
