package cli

import (
	"fmt"
	"strings"
)

// synopsis is a command as it is typed, without the program's name.
func (c *command) synopsis() string {
	words := []string{c.title()}
	if c.flags && c.title() == "start" {
		words = append(words, "[-supvr.KEY VALUE ...] [NAME [-supvr.KEY VALUE ...] COMMAND ARGS...]")
	} else if c.flags {
		words = append(words, strings.Replace(c.args, " COMMAND", " [-supvr.KEY VALUE ...] COMMAND", 1))
	}
	for _, o := range c.options {
		words = append(words, "["+o.spelling()+"]")
	}
	if !c.flags && c.args != "" {
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

// helpFor is the call that explains the given words.
func helpFor(words []string) (*call, error) {
	command, _ := find([]string{"help"})
	return &call{command: command, given: map[string]string{}, args: words}, nil
}

func (s *session) help(c *call) error {
	if len(c.args) == 0 {
		return s.overview("")
	}
	command, more := find(c.args)
	switch {
	case command != nil:
		return s.explain(command)
	case more:
		return s.overview(strings.Join(c.args, " ") + " ")
	}
	return unknownCommand(c.args)
}

// overview lists the commands whose words begin with prefix.
func (s *session) overview(prefix string) error {
	if prefix == "" {
		fmt.Fprintf(s.stdio.Out, "supervisord starts programs, keeps them running and stops them, controlled by forms of a small Lisp.\n\n")
	}
	var t table
	for _, c := range commands() {
		if strings.HasPrefix(c.title(), prefix) {
			t.words("  "+strings.TrimSpace(c.title()+" "+c.args), c.doc)
		}
	}
	if err := t.write(s.stdio.Out); err != nil {
		return err
	}
	if prefix != "" {
		return nil
	}
	fmt.Fprint(s.stdio.Out, "\n-c FILE names the configuration, --form shows the form of a command and does nothing, --json prints the value.\n"+
		"supervisord help COMMAND explains one; supervisord exec -e '(help)' lists the forms of a daemon.\n"+
		"Exit codes: 0 done, 1 failed, 2 wrong input, 3 something is not up (status), 4 no such process, 5 not allowed,\n"+
		"6 no daemon, 7 too long, 8 conflict.\n")
	return nil
}

func (s *session) explain(c *command) error {
	fmt.Fprintf(s.stdio.Out, "supervisord %s\n\n  %s\n\n", c.synopsis(), c.doc)
	var t table
	for _, o := range c.allOptions() {
		t.words("  "+o.full(), o.doc)
	}
	if err := t.write(s.stdio.Out); err != nil {
		return err
	}
	fmt.Fprintf(s.stdio.Out, "\nexample: %s\n", c.example)
	if c.flags {
		return s.explainKeys(c)
	}
	return nil
}
