package cli

import (
	"math"
	"strconv"

	"github.com/qjpcpu/supervisord/lisp"
)

// defaultWait bounds service wait when no time is given, in seconds.
const defaultWait = 60

// form is a call of a verb with strings. Forms are values from the beginning; nothing pastes text together.
func form(verb string, args ...string) lisp.Value {
	items := []lisp.Value{lisp.Sym(verb)}
	for _, arg := range args {
		items = append(items, lisp.String(arg))
	}
	return lisp.List(items...)
}

// append1 is a form with one more argument.
func append1(form lisp.Value, arg lisp.Value) lisp.Value {
	items, _ := form.Elements()
	return lisp.List(append(append([]lisp.Value(nil), items...), arg)...)
}

func checkStream(text string) error {
	if text != "stdout" && text != "stderr" {
		return usage("cannot use --stream %s: want stdout or stderr", text)
	}
	return nil
}

func checkCount(text string) error {
	if n, err := strconv.Atoi(text); err != nil || n < 0 {
		return usage("cannot use %s as a number of lines: want 0 or more", text)
	}
	return nil
}

func checkLast(text string) error {
	if n, err := strconv.Atoi(text); err != nil || n < 1 {
		return usage("cannot use %s as a number of events: want 1 or more", text)
	}
	return nil
}

func logsForm(c *call) (lisp.Value, error) {
	words := append([]string(nil), c.args...)
	for _, name := range []string{"stream", "lines", "since", "match"} {
		if value := c.given[name]; value != "" {
			words = append(words, name+"="+value)
		}
	}
	if c.has("times") {
		words = append(words, "times=true")
	}
	if c.has("follow") {
		if c.has("json") {
			words = append(words, "json=true")
		}
		return form("follow", words...), nil
	}
	return form("logs", words...), nil
}

func waitForm(c *call) (lisp.Value, error) {
	name, state, seconds := c.args[0], "running", int64(defaultWait)
	if len(c.args) > 1 {
		state = c.args[1]
	}
	if len(c.args) > 2 {
		d, ok := duration(c.args[2])
		if !ok || d < 0 {
			return lisp.Nil, usage("cannot wait %q: want seconds, or a time such as 30s or 2m", c.args[2])
		}
		seconds = int64(math.Ceil(d.Seconds())) // whole ones, rather too long than too short
	}
	return append1(form("wait", name, state), lisp.Int(seconds)), nil
}

func eventsForm(c *call) (lisp.Value, error) {
	events := form("events")
	if len(c.args) == 1 {
		n, err := strconv.ParseInt(c.args[0], 10, 64)
		if err != nil || n < 0 {
			return lisp.Nil, usage("cannot show events since %s: want the number of an event", c.args[0])
		}
		events = append1(events, lisp.Int(n))
	}
	if c.has("follow") {
		if lines := c.given["lines"]; lines != "" {
			events = append1(events, lisp.String("lines="+lines))
		}
		events = append1(append1(events, lisp.String("follow")), lisp.String("json"))
	}
	return events, nil
}

func maintailForm(c *call) (lisp.Value, error) {
	tail := form("maintail")
	lines := c.given["lines"]
	if len(c.args) == 1 {
		if lines != "" {
			return lisp.Nil, usage("cannot use LINES with --lines: both are the number of lines")
		}
		lines = c.args[0]
	}
	if lines != "" {
		if err := checkCount(lines); err != nil {
			return lisp.Nil, err
		}
		n, _ := strconv.ParseInt(lines, 10, 64)
		tail = append1(tail, lisp.Int(n))
	}
	if c.has("follow") {
		tail = append1(tail, lisp.String("follow"))
		if c.has("json") {
			tail = append1(tail, lisp.String("json"))
		}
	}
	return tail, nil
}
