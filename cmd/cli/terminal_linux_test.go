package cli_test

import (
	"os/exec"
	"slices"
	"strings"

	"github.com/qjpcpu/supervisord/repl/ptytest"
)

// The keys of a person.
const (
	ctrlC, ctrlD, ctrlR, killLine, tabKey, upKey, enter = ptytest.CtrlC, ptytest.CtrlD, ptytest.CtrlR, ptytest.CtrlU, ptytest.Tab, ptytest.Up, ptytest.Enter
)

// terminal runs a command of supervisord at a terminal, coloured when it wants to be.
func (o *operated) terminal(args ...string) *ptytest.Terminal {
	o.t.Helper()
	return o.terminalOf(o.program, args...)
}

// terminalOf runs any program at such a terminal.
func (o *operated) terminalOf(program string, args ...string) *ptytest.Terminal {
	o.t.Helper()
	command := exec.Command(program, args...)
	command.Dir = o.dir
	command.Env = append(slices.DeleteFunc(slices.Clone(o.env), func(pair string) bool { return strings.HasPrefix(pair, "NO_COLOR=") }), "TERM=xterm")
	return ptytest.Start(o.t, command)
}
