package cli

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/qjpcpu/supervisord/lisp"
)

// flagPrefix marks the flags that are keys of the configuration.
const flagPrefix = "-supvr."

// option is one switch of a command. All spellings are accepted with one dash and with two.
type option struct {
	name  string // long name without dashes
	short string // one letter, or ""
	value string // what the value is called in help; "" for a switch that takes none
	doc   string
	check func(string) error
}

// pair is one -supvr. flag as it was written.
type pair struct{ name, value string }

// call is a command line that was understood.
type call struct {
	command *command
	given   map[string]string // options by long name; a switch is "true"
	args    []string          // the words that are no options
	flags   []pair            // -supvr. flags before the first word
	more    []pair            // -supvr. flags between the first and the second word
}

func (c *call) has(name string) bool { return c.given[name] != "" }

// timeout is the --timeout given, 0 if none.
func (c *call) timeout() time.Duration {
	d, _ := duration(c.given["timeout"])
	return d
}

func checkTimeout(text string) error {
	if d, ok := duration(text); !ok || d <= 0 {
		return usage("cannot use --timeout %s: want seconds, or a time such as 30s or 2m", text)
	}
	return nil
}

// duration reads a time as a person writes it: a number of seconds, or with units.
func duration(text string) (time.Duration, bool) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(seconds) < 1e9 {
		return time.Duration(seconds * float64(time.Second)), true
	}
	d, err := time.ParseDuration(text)
	return d, err == nil
}

// everywhere are the options of every command; wireOptions those of commands that send a form.
func everywhere() []option {
	return []option{{name: "config", short: "c", value: "FILE", doc: "the configuration (else SUPERVISORD_CONF, ./supervisord.conf, ...)"}}
}

func wireOptions() []option {
	return []option{
		{name: "server", value: "ADDRESS", doc: "a daemon by its address: unix:PATH or HOST:PORT (else SUPERVISORD_SERVER)"},
		{name: "form", doc: "print the form and do nothing"},
		{name: "json", doc: "print the reply's value as JSON"},
		{name: "timeout", value: "TIME", doc: "give up waiting after this time, such as 30s", check: checkTimeout},
	}
}

// parse understands a command line. Options may stand before, between and after the words, up to the point where a
// command's words belong to somebody else (start NAME COMMAND ..., exec FILE ...).
func parse(args []string) (*call, error) {
	c := &call{given: map[string]string{}}
	var words []string
	i := 0
	for ; i < len(args) && c.command == nil; i++ {
		word := args[i]
		if strings.HasPrefix(word, "-") && len(word) > 1 {
			if isHelp(word) {
				return helpFor(words, word)
			}
			if isVersion(word) && len(words) == 0 {
				words = []string{"version"}
				c.command, _ = find(words)
				continue
			}
			used, err := c.option(args[i:], append(everywhere(), wireOptions()...))
			if err != nil {
				return nil, err
			}
			i += used - 1
			continue
		}
		words = append(words, word)
		command, more := find(words)
		if command == nil && !more {
			return nil, unknownCommand(words)
		}
		c.command = command
	}
	if c.command == nil {
		return nil, incomplete(words)
	}
	for name := range c.given {
		if !slices.ContainsFunc(c.command.allOptions(), func(o option) bool { return o.name == name }) {
			return nil, usage("cannot use --%s with %s: it sends no form", name, c.command.title())
		}
	}
	return c, c.rest(args[i:])
}

// rest reads what follows the command's words.
func (c *call) rest(args []string) error {
	options := c.command.allOptions()
	for i := 0; i < len(args); i++ {
		word := args[i]
		if c.command.foreign > 0 && len(c.args) >= c.command.foreign {
			c.args = append(c.args, args[i:]...)
			break
		}
		switch {
		case word == "--":
			c.args = append(c.args, args[i+1:]...)
			return c.command.arity(c)
		case strings.HasPrefix(strings.TrimPrefix(word, "-"), flagPrefix), strings.HasPrefix(word, flagPrefix):
			used, err := c.flag(args[i:])
			if err != nil {
				return err
			}
			i += used - 1
		case strings.HasPrefix(word, "-") && len(word) > 1:
			if isHelp(word) {
				help, err := helpFor(c.command.words, word)
				if err == nil {
					*c = *help
				}
				return err
			}
			used, err := c.option(args[i:], options)
			if err != nil {
				return err
			}
			i += used - 1
		default:
			c.args = append(c.args, word)
		}
	}
	return c.command.arity(c)
}

// option reads one option at the head of args and says how many words it took.
func (c *call) option(args []string, options []option) (int, error) {
	text, value, joined := strings.Cut(args[0], "=")
	name := strings.TrimLeft(text, "-")
	at := slices.IndexFunc(options, func(o option) bool { return o.name == name || o.short != "" && o.short == name })
	if at < 0 || strings.HasPrefix(text, "---") {
		return 0, unknownOption(text, options, c.command)
	}
	o := options[at]
	used := 1
	switch {
	case o.value == "" && joined:
		return 0, usage("cannot use %s: --%s takes no value", args[0], o.name)
	case o.value == "":
		value = "true"
	case !joined:
		if len(args) < 2 {
			return 0, usage("cannot use %s: it needs a value (%s)", text, o.value)
		}
		value, used = args[1], 2
	}
	if o.value != "" && value == "" {
		return 0, usage("cannot use %s: the value (%s) is empty", text, o.value)
	}
	if o.check != nil {
		if err := o.check(value); err != nil {
			return 0, err
		}
	}
	c.given[o.name] = value
	return used, nil
}

// flag reads one -supvr. flag at the head of args and says how many words it took.
func (c *call) flag(args []string) (int, error) {
	if !c.command.flags {
		return 0, usage("cannot use %s with %s: only start and add-proc take keys as flags", args[0], c.command.title())
	}
	text := strings.TrimPrefix(args[0], "-")
	if !strings.HasPrefix(text, "-") {
		text = "-" + text
	}
	name, value, joined := strings.Cut(strings.TrimPrefix(text, flagPrefix), "=")
	used := 1
	if !joined {
		if len(args) < 2 {
			return 0, usage("cannot use %s: it needs a value", args[0])
		}
		value, used = args[1], 2
	}
	if len(c.args) == 0 {
		c.flags = append(c.flags, pair{name, value})
	} else {
		c.more = append(c.more, pair{name, value})
	}
	return used, nil
}

func isHelp(word string) bool {
	return word == "-h" || word == "--help" || word == "-help"
}

// isVersion tells whether a word asks, as an option, what the version command tells.
func isVersion(word string) bool {
	return word == "--version" || word == "-version" || word == "-V" || word == "-v"
}

// unknownOption names the nearest of the options that would have been understood.
func unknownOption(text string, options []option, command *command) error {
	var names []string
	for _, o := range options {
		names = append(names, o.name)
	}
	hint := ""
	if near := lisp.Nearest(strings.TrimLeft(text, "-"), names); near != "" {
		hint = " (did you mean --" + near + "?)"
	}
	if command == nil {
		if hint == "" {
			hint = " (supervisord help lists them)"
		}
		return usage("unknown option %s%s", text, hint)
	}
	if hint == "" {
		hint = " (supervisord " + command.title() + " -h lists them)"
	}
	return usage("unknown option %s of %s%s", text, command.title(), hint)
}
