package cli

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/qjpcpu/supervisord/builtins"
	"github.com/qjpcpu/supervisord/core/config"
)

// finding is what check --json says about one place of a file. Line and Column are 0 when it is about the file as a whole.
type finding struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Level   string `json:"level"` // error or warning
	Message string `json:"message"`
}

// findings checks files for programs: editors, continuous integration.
type findings struct {
	s   *session
	all []finding
}

// configuration finds what is wrong with a configuration and with the init script that it names.
func (f *findings) configuration(name string) {
	path, err := config.Find(name)
	if err == nil && path == "" {
		err = noConfiguration()
	}
	if err != nil {
		f.refuse(name, err)
		return
	}
	loaded, err := config.Load(path, config.Overrides{})
	if err != nil {
		f.refuse(path, err)
		return
	}
	loaded.Warn(scarce()...)
	for _, p := range loaded.Warnings {
		f.all = append(f.all, finding{p.File, p.Line, p.Column, "warning", p.Msg})
	}
	script := loaded.Settings.InitScript
	if script == "" {
		return
	}
	text, err := config.ReadScript(script)
	if err != nil {
		f.refuse(script, err)
		return
	}
	f.program(script, text)
}

// program finds what is wrong with a program.
func (f *findings) program(name, text string) {
	ctx, stop := f.s.interruptible()
	defer stop()
	for _, problem := range builtins.CheckProgram(ctx, f.s.options.Verbs, name, text) {
		f.all = append(f.all, finding{name, problem.Pos.Line, problem.Pos.Col, "error", problem.Msg})
	}
}

// refuse takes an error apart into the places that it is about.
func (f *findings) refuse(file string, err error) {
	var problems config.Problems
	if !errors.As(err, &problems) {
		problems = config.Problems{{Msg: err.Error()}}
	}
	for _, p := range problems {
		if p.File == "" {
			p.File = file
		}
		f.all = append(f.all, finding{p.File, p.Line, p.Column, "error", p.Msg})
	}
}

// print writes a list of one object for each place; its error is the exit code that a check without --json would have.
func (f *findings) print() error {
	code := ExitOK
	for _, one := range f.all {
		if one.Level == "error" {
			code = ExitUsage
		}
	}
	text, err := json.Marshal(append([]finding{}, f.all...))
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(f.s.stdio.Out, "%s\n", text); err != nil || code == ExitOK {
		return err
	}
	return exitCode(code)
}
