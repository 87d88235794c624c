package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/qjpcpu/supervisord/builtins"
	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/config"
	"github.com/qjpcpu/supervisord/lisp"
	"github.com/qjpcpu/supervisord/repl"
)

// completionPatience bounds how long the person waits for the names that a daemon knows.
const completionPatience = time.Second

// suggestion is a word that may stand somewhere. The text filesFollow means that the name of a file does.
type suggestion struct{ text, doc string }

const filesFollow = ":files"

// complete prints what may stand where the last of the words does, for a shell. It never fails: where nothing is known
// nothing is printed.
func (s *session) complete(c *call) error {
	words := c.args
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	for _, one := range s.suggestions(words[:len(words)-1], last) {
		if one.text != filesFollow && !strings.HasPrefix(one.text, last) {
			continue
		}
		line := strings.TrimSuffix(printable(one.text)+"\t"+printable(one.doc), "\t")
		if _, err := fmt.Fprintln(s.stdio.Out, line); err != nil {
			return err
		}
	}
	return nil
}

// suggestions are what may follow the words before, whatever the word that was begun is; last is that word.
func (s *session) suggestions(before []string, last string) []suggestion {
	c := &call{given: map[string]string{}}
	var words []string
	i := 0
	for ; i < len(before) && c.command == nil; i++ {
		if strings.HasPrefix(before[i], "-") {
			used, err := c.option(before[i:], append(everywhere(), wireOptions()...))
			if err != nil {
				return valueOf(before[i], append(everywhere(), wireOptions()...))
			}
			i += used - 1
			continue
		}
		words = append(words, before[i])
		c.command, _ = find(words)
	}
	if c.command == nil {
		if strings.HasPrefix(last, "-") {
			return spellings(append(everywhere(), wireOptions()...))
		}
		return nextWords(words)
	}
	for options := c.command.allOptions(); i < len(before); i++ {
		word := before[i]
		switch {
		case c.command.foreign > 0 && len(c.args) >= c.command.foreign:
			return []suggestion{{filesFollow, ""}}
		case strings.HasPrefix(word, flagPrefix):
			if !strings.Contains(word, "=") {
				if i++; i == len(before) {
					return keyValues(strings.TrimPrefix(word, flagPrefix))
				}
			}
		case strings.HasPrefix(word, "-") && len(word) > 1:
			used, err := c.option(before[i:], options)
			if err != nil {
				return valueOf(word, options)
			}
			i += used - 1
		default:
			c.args = append(c.args, word)
		}
	}
	switch {
	case c.command.foreign > 0 && len(c.args) >= c.command.foreign:
		return []suggestion{{filesFollow, ""}}
	case strings.HasPrefix(last, flagPrefix[:2]) && c.command.flags:
		return append(keys(c.command, len(c.args)), spellings(c.command.allOptions())...)
	case strings.HasPrefix(last, "-"):
		all := spellings(c.command.allOptions())
		if c.command.flags {
			all = append(all, keys(c.command, len(c.args))...)
		}
		return all
	}
	return s.argument(c)
}

// nextWords are the words that follow the beginning of a command.
func nextWords(before []string) (all []suggestion) {
	for _, c := range shownCommands() {
		if len(c.words) <= len(before) || !slices.Equal(c.words[:len(before)], before) {
			continue
		}
		word, doc := c.words[len(before)], c.doc
		if len(c.words) > len(before)+1 {
			doc = "commands on processes"
		}
		if !slices.ContainsFunc(all, func(s suggestion) bool { return s.text == word }) {
			all = append(all, suggestion{word, doc})
		}
	}
	if len(before) > 0 {
		return all
	}
	for _, c := range shownCommands() {
		if found, _ := find(c.words[len(c.words)-1:]); len(c.words) == 2 && found != nil && slices.Equal(found.words, c.words) {
			all = append(all, suggestion{c.words[1], c.doc})
		}
	}
	return all
}

func spellings(options []option) (all []suggestion) {
	for _, o := range options {
		all = append(all, suggestion{"--" + o.name, o.doc})
	}
	return append(all, suggestion{"--help", "explain the command"})
}

// valueOf is what may follow an option that needs a value.
func valueOf(word string, options []option) []suggestion {
	for _, o := range options {
		if name := strings.TrimLeft(word, "-"); name != o.name && name != o.short {
			continue
		}
		switch o.value {
		case "FILE", "OUT":
			return []suggestion{{filesFollow, ""}}
		case "STREAM":
			return []suggestion{{"stdout", ""}, {"stderr", ""}}
		}
	}
	return nil
}

// keys are the flags that stand for keys: those of the daemon before the name, those of the process after it.
func keys(c *command, words int) (all []suggestion) {
	ofProcess := words > 0 || c.title() != "start"
	for _, key := range config.Keys() {
		if key.Process == ofProcess && key.Name != "name" {
			all = append(all, suggestion{flagPrefix + key.Name, key.Doc})
		}
	}
	return all
}

// keyValues are what a key may be, as far as that can be listed.
func keyValues(name string) []suggestion {
	for _, key := range config.Keys() {
		switch {
		case key.Name != name && key.Alias != name:
		case key.Type.String() == "boolean":
			return []suggestion{{"true", ""}, {"false", ""}}
		case key.Type.String() == "path":
			return []suggestion{{filesFollow, ""}}
		}
	}
	return nil
}

// argument is what may stand as the next word of a command, by what help calls it.
func (s *session) argument(c *call) (all []suggestion) {
	places := strings.Fields(c.command.args)
	if len(places) == 0 {
		return nil
	}
	at := len(c.args)
	if at >= len(places) {
		if at = len(places) - 1; !strings.Contains(places[at], "...") {
			return nil
		}
	}
	if c.command.flags && c.command.title() == "start" || c.command.title() == "add-proc" {
		if at == 0 && c.command.title() == "start" {
			return s.liveNames(c) // or a new name
		}
		if at == 0 {
			return nil // a new name
		}
		return []suggestion{{filesFollow, ""}}
	}
	for place := range strings.SplitSeq(strings.Trim(strings.ReplaceAll(places[at], "...", ""), "[]"), "|") {
		switch place {
		case "NAME":
			all = append(all, s.liveNames(c)...)
		case "STATE":
			for state := core.Stopped; state <= core.Fatal; state++ {
				all = append(all, suggestion{state.String(), ""})
			}
		case "SIGNAL":
			for _, name := range []string{"HUP", "INT", "QUIT", "KILL", "USR1", "USR2", "TERM", "CONT", "STOP", "WINCH"} {
				all = append(all, suggestion{name, ""})
			}
		case "COMMAND":
			all = append(all, nextWords(c.args)...)
			if len(c.args) == 0 {
				for _, verb := range append(builtins.Verbs(), s.options.Verbs...) {
					if !slices.ContainsFunc(all, func(s suggestion) bool { return s.text == verb.Name }) {
						line, _, _ := strings.Cut(verb.Doc, "\n")
						all = append(all, suggestion{verb.Name, "form: " + line})
					}
				}
			}
		case "FILE", "FOLDER":
			return []suggestion{{filesFollow, ""}}
		case "bash", "zsh", "fish":
			all = append(all, suggestion{place, ""})
		}
	}
	return all
}

// liveNames are the processes that the daemon has now and that the words do not name yet.
func (s *session) liveNames(c *call) (all []suggestion) {
	client, _, err := s.dial(c)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, completionPatience)
	defer cancel()
	reply, err := client.Eval(ctx, repl.Request{Form: lisp.Print(form("status")), Name: "completion"}, nil)
	if err != nil || reply.Error != nil {
		return nil
	}
	lines, _ := statusLines(reply.Value)
	for _, line := range lines {
		if !slices.Contains(c.args, line.Name) {
			all = append(all, suggestion{line.Name, line.State})
		}
	}
	return all
}
