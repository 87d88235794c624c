package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// The sizes the daemon accepts; more is refused here, before anything is sent.
const (
	maxForm  = 256 << 10
	maxStdin = 1 << 20
)

// execText is the program of exec: a file, standard input or the form after -e.
func execText(s *session, c *call) (p program, err error) {
	if c.has("eval") {
		p := program{form: c.given["eval"], name: "-e", argv: c.args, showValue: true, showNil: true}
		if c.has("form") || c.has("local") || !readsInput(p.form) {
			return p, nil
		}
		p.stdin, err = s.piped()
		return p, err
	}
	if len(c.args) == 0 {
		return program{}, usage("cannot run exec: it needs a FILE, - for standard input, or -e FORM")
	}
	name := c.args[0]
	text, err := s.source(name)
	if err != nil {
		return program{}, err
	}
	p = program{form: dropShebang(text), name: name, argv: c.args[1:], showValue: true}
	if name != "-" && !c.has("form") && !c.has("local") {
		p.stdin, err = s.piped()
	}
	return p, err
}

// readsInput tells whether a form after -e may ask for what was piped. One that does not leaves standard input alone: it may
// belong to the loop of a shell around the command, or never end.
func readsInput(form string) bool {
	return strings.Contains(form, "read-line") || strings.Contains(form, "read-all")
}

// source reads a program.
func (s *session) source(name string) (string, error) {
	in := s.stdio.In
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return "", fail(ExitUsage, "cannot read the program: %w", err)
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxForm+1))
	if err != nil {
		return "", fail(ExitUsage, "cannot read the program %s: %w", name, err)
	}
	if len(text) > maxForm {
		return "", usage("cannot read the program %s: it is longer than the %d KiB that one may have", name, maxForm>>10)
	}
	return string(text), nil
}

// dropShebang empties a first line that begins with #!, and keeps its end so that line numbers stay right.
func dropShebang(text string) string {
	if !strings.HasPrefix(text, "#!") {
		return text
	}
	if end := strings.IndexByte(text, '\n'); end >= 0 {
		return text[end:]
	}
	return ""
}

// piped reads standard input when something was piped or redirected into it; a terminal and /dev/null are left alone.
func (s *session) piped() (string, error) {
	if file, ok := s.stdio.In.(*os.File); ok {
		info, err := file.Stat()
		if err != nil || info.Mode()&os.ModeNamedPipe == 0 && !info.Mode().IsRegular() {
			return "", nil
		}
	} else if s.stdio.In == nil {
		return "", nil
	}
	text, err := io.ReadAll(io.LimitReader(s.stdio.In, maxStdin+1))
	if err != nil {
		return "", fmt.Errorf("cannot read standard input: %w", err)
	}
	if len(text) > maxStdin {
		return "", usage("cannot send standard input: more than %d MiB", maxStdin>>20)
	}
	if !utf8.Valid(text) {
		return "", usage("cannot send standard input: it is not UTF-8 (convert it, with iconv for example, or let the program open the file)")
	}
	return string(text), nil
}
