package repl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/chzyer/readline"
)

// errAbandoned is the error of a form that was given up with Ctrl-C.
var errAbandoned = errors.New("abandoned")

// editor reads forms from a person at a terminal.
type editor struct {
	t       *Terminal
	line    *readline.Instance
	pending string // lines of the form before the one being edited
	asked   string // the text at the last Tab: a second one at the same place lists the candidates
	warned  bool   // that the history cannot be written was said
}

const (
	prompt       = "glisp> "
	continuation = "  ...> "
)

// newEditor takes the terminal over. Its close gives it back. interrupts are those that come while a line is read; the
// input ends with ctx.
func newEditor(ctx context.Context, t *Terminal, interrupts <-chan os.Signal) (*editor, error) {
	e := &editor{t: t}
	config := &readline.Config{
		Prompt:                 t.paint(bold, prompt),
		DisableAutoSaveHistory: true,
		HistoryLimit:           maxHistory,
		HistorySearchFold:      true,
		AutoComplete:           e,
		InterruptPrompt:        "^C",
		EOFPrompt:              "\n", // which readline takes for none
		Stdin:                  newKeyboard(t.In, interrupts, ctx.Done()),
		Stdout:                 t.Out,
		Stderr:                 t.Err,
	}
	if t.In != os.Stdin { // readline sets only standard input to raw mode
		nothing := func() error { return nil }
		config.FuncIsTerminal = func() bool { return true }
		config.FuncMakeRaw, config.FuncExitRaw = nothing, nothing
	}
	line, err := readline.NewEx(config)
	if err != nil {
		return nil, fmt.Errorf("cannot edit lines: %w", err)
	}
	e.line = line
	if t.History != "" {
		for _, form := range loadHistory(t.History) {
			_ = line.SaveHistory(form) // in memory only, where nothing fails
		}
	}
	return e, nil
}

func (e *editor) close() { e.line.Close() }

// form reads lines until they are a whole form. Errors: io.EOF (Ctrl-D), errAbandoned (Ctrl-C).
func (e *editor) form() (string, error) {
	e.pending = ""
	e.line.SetPrompt(e.t.paint(bold, prompt))
	line, err := e.line.Readline()
	for {
		switch {
		case errors.Is(err, readline.ErrInterrupt):
			return "", errAbandoned
		case err != nil:
			return "", io.EOF
		}
		src := e.pending + line
		s := scanText(src)
		if !s.incomplete() {
			e.remember(src)
			return src, nil
		}
		e.pending = src + "\n"
		e.line.SetPrompt(e.t.paint(bold, continuation))
		line, err = e.line.ReadlineWithDefault(strings.Repeat(" ", s.indent()))
	}
}

// remember keeps a form for this session and later ones.
func (e *editor) remember(src string) {
	form, ok := oneLine(src)
	if !ok || form == "" {
		return
	}
	_ = e.line.SaveHistory(form)
	if e.t.History == "" {
		return
	}
	if err := appendHistory(e.t.History, form); err != nil && !e.warned {
		e.warned = true
		fmt.Fprintf(e.t.Err, "cannot keep the history: %s\n", err)
	}
}
