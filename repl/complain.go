package repl

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/qjpcpu/supervisord/lisp"
)

// style is an SGR sequence.
type style string

const (
	bold style = "\x1b[1m"
	red  style = "\x1b[31m"
)

// paint adds a style where colours are wanted.
func (t *Terminal) paint(s style, text string) string {
	if !t.Colour || text == "" {
		return text
	}
	return string(s) + text + "\x1b[0m"
}

// complain prints a failure in one line, with its kind if there is one.
func (t *Terminal) complain(kind, message string) {
	if kind != "" && !strings.HasPrefix(message, kind) {
		message = kind + ": " + message
	}
	fmt.Fprintln(t.Err, t.paint(red, Plain(message)))
}

// fail prints a failure, the line of src where it happened with a caret, and who called whom. first is the number of
// src's first line within the input, from 0.
func (t *Terminal) fail(src string, first int, f *Failure) {
	if len(f.Value) > 0 && string(f.Value) != "null" && t.Show != nil {
		t.Show(t.Out, Reply{Value: f.Value, Text: string(f.Value)})
	}
	line, column, ok := place(f.Where)
	message, text := f.Message, f.Line
	if lines := strings.Split(src, "\n"); ok && line <= len(lines) && (text == "" || text == strings.TrimSuffix(lines[line-1], "\r")) {
		text = lines[line-1]
		if first > 0 { // of this input, not of an earlier one
			message = fmt.Sprintf("line %d: %s", first+line, message)
		}
	}
	t.complain(f.Kind, message)
	if text != "" && ok {
		text, column := lisp.ClipLine(text, column)
		fmt.Fprintf(t.Err, "  %s\n  %s^\n", Plain(text), margin(text, column-1))
	}
	for _, caller := range f.Trace {
		fmt.Fprintf(t.Err, "  %s\n", Plain(caller))
	}
}

// place reads "name:line:column" or "line:column" where the name is this terminal's.
func place(where string) (line, column int, ok bool) {
	where = strings.TrimPrefix(where, sourceName+":")
	l, c, found := strings.Cut(where, ":")
	line, err1 := strconv.Atoi(l)
	column, err2 := strconv.Atoi(c)
	return line, column, found && err1 == nil && err2 == nil && line > 0 && column > 0
}

// margin is as wide as the first n characters of text, tabs included.
func margin(text string, n int) string {
	var b strings.Builder
	for _, r := range text {
		if n == 0 {
			break
		}
		n--
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}
