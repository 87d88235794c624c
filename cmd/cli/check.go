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
		if c.has("json") {
			f := &findings{s: s}
			f.configuration(c.configuration())
			return f.print()
		}
		return s.checkConfiguration(c.configuration())
	}
	if c.has("json") {
		return s.checkForPrograms(c)
	}
	var wrong []error
	for _, name := range c.args {
		if c.programs(name) {
			wrong = append(wrong, s.checkProgram(name))
		} else {
			wrong = append(wrong, s.checkConfiguration(name))
		}
	}
	return errors.Join(wrong...)
}

// programs tells whether a file that check is given is a program.
func (c *call) programs(name string) bool {
	return c.has("script") || name == "-" || filepath.Ext(name) == programSuffix
}

// checkForPrograms prints what is wrong as JSON.
func (s *session) checkForPrograms(c *call) error {
	f := &findings{s: s}
	for _, name := range c.args {
		if !c.programs(name) {
			f.configuration(name)
			continue
		}
		text, err := s.source(name)
		if err != nil {
			f.refuse(name, err)
			continue
		}
		if name == "-" {
			name = "stdin"
		}
		f.program(name, text)
	}
	return f.print()
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
