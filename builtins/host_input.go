package builtins

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"github.com/qjpcpu/supervisord/lisp"
)

// longestLine bounds what read-line and read-all return, in bytes.
const longestLine = 1 << 20

// inputPrims read what was piped to the program.
func inputPrims(m *machine) []lisp.Prim {
	return []lisp.Prim{
		{Name: "read-line", Doc: "The next line of what was piped to the program, without its end; nil when there is none.",
			Example: "(read-line) => ()", Fn: m.readLine},
		{Name: "os/args", Doc: "The name of the program and the words after it, as an array. ARGV has the words alone.",
			Example: "(type (os/args)) => \"array\"",
			Fn: func(t *lisp.Thread, _ []lisp.Value) (lisp.Value, error) {
				words, _ := t.Local(argsKey{}).([]string)
				return textArray(words), t.Alloc(int64(64 * len(words)))
			}},
		{Name: "read-all", Doc: "The rest of what was piped to the program, as text.", Example: "(read-all) => \"\"", Fn: m.readAll},
	}
}

// argsKey is where a thread keeps what (os/args) answers.
type argsKey struct{}

// SetArgs says what (os/args) answers in a program: its name and the words after it.
func SetArgs(t *lisp.Thread, words []string) { t.SetLocal(argsKey{}, words) }

// from is where a program reads.
func (m *machine) from(t *lisp.Thread) *bufio.Reader {
	if e := errandOf(t); e.input != nil {
		return e.input
	}
	return m.input
}

func (m *machine) readLine(t *lisp.Thread, _ []lisp.Value) (lisp.Value, error) {
	in := m.from(t)
	if in == nil {
		return lisp.Nil, nil
	}
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) > longestLine {
			return lisp.Nil, lisp.Errorf(kindTooLarge, "cannot read the line: it has more than %d bytes", longestLine)
		}
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return lisp.Nil, err
		case err != nil && len(line) == 0:
			return lisp.Nil, nil
		}
		text := strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r")
		return lisp.String(text), t.Alloc(int64(len(text) + 32))
	}
}

func (m *machine) readAll(t *lisp.Thread, _ []lisp.Value) (lisp.Value, error) {
	in := m.from(t)
	if in == nil {
		return lisp.String(""), nil
	}
	text, err := io.ReadAll(io.LimitReader(in, longestLine+1))
	if err != nil {
		return lisp.Nil, err
	}
	if len(text) > longestLine {
		return lisp.Nil, lisp.Errorf(kindTooLarge, "cannot read the input: it has more than %d bytes", longestLine)
	}
	return lisp.String(string(text)), t.Alloc(int64(len(text) + 32))
}
