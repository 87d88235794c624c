package builtins

import (
	"errors"
	"strings"

	"github.com/qjpcpu/supervisord/lisp"
)

// Advice to whoever exceeded a budget. No key and no option raises one, so it says what does help. It must hold none of the words
// of budgetWords.
const (
	programAdvice = "no key raises it; do the work in several programs, or run what needs no verbs outside the daemon: supervisord exec --local"
	hookAdvice    = "no key raises it; let a hook do little, and a process or supervisord exec the long work"
	scriptAdvice  = "no key raises it; let an init script register hooks only, and one of (after 0 (fn [] ...)) do the work"
	depthAdvice   = "call the function last in its body, which takes no room, or write a loop"
)

// advised is the error with what to do about it, when it says that the budget of steps, memory, output, depth or time is exceeded.
// Any other error comes back as it is.
func advised(err error, advice string) error {
	var raised *lisp.Error
	if !errors.As(err, &raised) || raised.Kind != kindBudget || strings.HasSuffix(raised.Msg, ")") {
		return err
	}
	switch budgetOf(raised) {
	case "steps", "memory", "output", "time":
	case "depth":
		advice = depthAdvice
	default:
		return err
	}
	raised.Msg += " (" + advice + ")"
	return err
}
