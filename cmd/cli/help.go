package cli

import (
	"fmt"
	"strings"

	"github.com/qjpcpu/supervisord/builtins"
)

// synopsis is a command as it is typed, without the program's name.
func (c *command) synopsis() string {
	words := []string{c.title()}
	for _, o := range c.options {
		words = append(words, "["+o.spelling()+"]")
	}
	switch {
	case c.flags && c.title() == "start":
		words = append(words, "[-supvr.KEY VALUE ...] [NAME [-supvr.KEY VALUE ...] COMMAND ARGS...]")
	case c.flags:
		words = append(words, strings.Replace(c.args, " COMMAND", " [-supvr.KEY VALUE ...] COMMAND", 1))
	case c.args != "":
		words = append(words, c.args)
	}
	return strings.Join(words, " ")
}

// spelling is the shortest way to write an option.
func (o option) spelling() string {
	text := "--" + o.name
	if o.short != "" {
		text = "-" + o.short
	}
	if o.value != "" {
		text += " " + o.value
	}
	return text
}

// full is all ways to write an option.
func (o option) full() string {
	text := "--" + o.name
	if o.short != "" {
		text = "-" + o.short + ", " + text
	}
	if o.value != "" {
		text += " " + o.value
	}
	return text
}

// helpFor is the call that explains the given words: -h in short, --help at length.
func helpFor(words []string, spelling string) (*call, error) {
	command, _ := find([]string{"help"})
	c := &call{command: command, given: map[string]string{}, args: words}
	if spelling == "-h" {
		c.given[brief] = "true"
	}
	return c, nil
}

// brief is the key under which a call remembers that the short help was asked for. No option has this name.
const brief = "-h"

func (s *session) help(c *call) error {
	if c.has("man") {
		return s.manual()
	}
	if len(c.args) == 0 {
		return s.overview("")
	}
	command, more := find(c.args)
	if more {
		return s.overview(strings.Join(c.args, " ") + " ")
	}
	form, ofForm := "", false
	if len(c.args) == 1 {
		form, ofForm = builtins.Manual(c.args[0], s.options.Verbs...)
	}
	switch {
	case command == nil && !ofForm:
		return unknownCommand(c.args)
	case command != nil:
		if err := s.explain(command, c.has(brief)); err != nil || !ofForm || len(command.words) == 1 {
			return err
		}
		fmt.Fprint(s.stdio.Out, "\nas a form:\n\n")
	}
	return s.tell(form)
}

// tell prints a text as the screen is wide.
func (s *session) tell(text string) error {
	return printLines(s.stdio.Out, fitted(text, widthFor(s.stdio.Out)))
}

// overview lists the commands whose words begin with prefix.
func (s *session) overview(prefix string) error {
	if prefix == "" {
		fmt.Fprintf(s.stdio.Out, "supervisord starts programs, keeps them running and stops them, controlled by forms of a small Lisp.\n")
	}
	width := 0 // of the longest synopsis, so that all chapters have the same columns
	for _, c := range shownCommands() {
		if strings.HasPrefix(c.title(), prefix) {
			width = max(width, len(c.listed()))
		}
	}
	t := table{width: widthFor(s.stdio.Out)}
	chapter := func() error {
		err := t.write(s.stdio.Out)
		t.rows = nil
		return err
	}
	for _, c := range shownCommands() {
		if c.chapter != "" && prefix == "" {
			if err := chapter(); err != nil {
				return err
			}
			fmt.Fprintf(s.stdio.Out, "\n%s:\n", c.chapter)
		}
		if strings.HasPrefix(c.title(), prefix) {
			t.words(fmt.Sprintf("  %-*s", width, c.listed()), c.doc)
		}
	}
	if err := chapter(); err != nil {
		return err
	}
	if prefix != "" {
		_, err := fmt.Fprintf(s.stdio.Out, "\nsupervisord %sCOMMAND --help explains one.\n", prefix)
		return err
	}
	if len(s.options.Verbs) > 0 {
		fmt.Fprint(s.stdio.Out, "\nforms that this program adds, for exec and the prompt:\n")
		added := table{width: widthFor(s.stdio.Out)}
		for _, verb := range s.options.Verbs {
			line, _, _ := strings.Cut(verb.Doc, "\n")
			added.words("  "+verb.Form(), line)
		}
		if err := added.write(s.stdio.Out); err != nil {
			return err
		}
	}
	return s.tell("\nThe word service may be left out: supervisord status, supervisord restart web (start alone starts the daemon).\n" +
		"Where [NAME...] is left out it means every process; a NAME may be a glob: supervisord restart 'web-*'.\n" +
		"-c FILE names the configuration, --form shows the form of a command and does nothing, --json prints the value.\n" +
		"COMMAND --help explains one, -h in short; supervisord exec -e '(help)' lists the forms of a daemon.\n" +
		"First steps: supervisord init, supervisord check, supervisord start, supervisord service status.\n" +
		strings.Join(exitCodes(), "\n"))
}

// listed is a command with the words after it, as the overview shows it.
func (c *command) listed() string { return strings.TrimSpace(c.title() + " " + c.args) }

// exitCodes explains what commands exit with.
func exitCodes() []string {
	return []string{
		"Exit codes: 0 done, 1 failed, 2 wrong input, 3 something is not up (status), 4 no such process, 5 not allowed,",
		"6 no daemon, 7 too long, 8 conflict.",
	}
}

// explain tells all about a command, or in short how it is called.
func (s *session) explain(c *command, short bool) error {
	const indent = "  "
	fmt.Fprintf(s.stdio.Out, "supervisord %s\n\n  %s\n", c.synopsis(), c.doc)
	if c.about != "" && !short {
		fmt.Fprintln(s.stdio.Out)
		about := fitted(c.about, max(0, widthFor(s.stdio.Out)-len(indent)))
		if err := printLines(s.stdio.Out, indent+strings.ReplaceAll(about, "\n", "\n"+indent)); err != nil {
			return err
		}
	}
	fmt.Fprintln(s.stdio.Out)
	t := table{width: widthFor(s.stdio.Out)}
	for _, o := range c.allOptions() {
		t.words("  "+o.full(), o.doc)
	}
	if err := t.write(s.stdio.Out); err != nil {
		return err
	}
	fmt.Fprintf(s.stdio.Out, "\nexample: %s\n", c.example)
	switch {
	case short:
		_, err := fmt.Fprintf(s.stdio.Out, "more: supervisord %s --help\n", c.title())
		return err
	case c.flags:
		return s.explainKeys(c)
	}
	return nil
}
