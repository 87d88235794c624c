package cli

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/qjpcpu/supervisord/builtins"
)

// programSuffix is what the names of programs end in.
const programSuffix = ".glisp"

// check reports everything that is wrong with each file: a program by its name or by --script, or on
// standard input, else a configuration.
func (s *session) check(c *call) error {
	if len(c.args) == 0 {
		if c.has("script") {
			return usage("cannot check: --script needs the FILE of a program, or - for standard input")
		}
		return s.checkConfiguration(c.configuration())
	}
	var wrong []error
	for _, name := range c.args {
		if c.has("script") || name == "-" || filepath.Ext(name) == programSuffix {
			wrong = append(wrong, s.checkProgram(name))
		} else {
			wrong = append(wrong, s.checkConfiguration(name))
		}
	}
	return errors.Join(wrong...)
}

// checkProgram compiles a program without running it. It knows the verbs of this program, whatever daemon runs.
func (s *session) checkProgram(name string) error {
	text, err := s.source(name)
	if err != nil {
		return err
	}
	if name == "-" {
		name = "stdin"
	}
	ctx, stop := s.interruptible()
	defer stop()
	problems := builtins.CheckProgram(ctx, s.options.Verbs, name, text)
	if len(problems) == 0 {
		_, err := fmt.Fprintf(s.stdio.Out, "%s: no problems\n", printable(name))
		return err
	}
	var wrong []error
	for _, problem := range problems {
		wrong = append(wrong, usage("%s", problem.Render()))
	}
	return errors.Join(wrong...)
}
