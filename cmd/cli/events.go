package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// eventLine is one element of the value of (events) and (history).
type eventLine struct{ At, Name, To, Text string }

// toldAtOnce is how much of the past is told when nobody says how much.
const toldAtOnce = 100

// last is how many of what happened are told; 0 means all.
func (c *call) last() int {
	title := c.command.title()
	switch n, err := strconv.Atoi(c.given["lines"]); {
	case title != "events" && title != "history":
		return 0
	case err == nil:
		return n
	case title == "events" && len(c.args) > 0:
		return 0
	}
	return toldAtOnce
}

// lastOf is the value of (events) or (history) with its last n elements only; 0 means all.
func lastOf(value []byte, n int) []byte {
	var events []json.RawMessage
	if json.Unmarshal(value, &events) != nil || n == 0 || len(events) <= n {
		return value
	}
	cut, err := json.Marshal(events[len(events)-n:])
	if err != nil {
		return value
	}
	return cut
}

// colour is that of the state that a process came to; what happened to the daemon itself stands out when it went wrong.
func (e eventLine) colour() string {
	switch {
	case e.To != "":
		return colourOf(e.To)
	case strings.HasPrefix(e.Text, "failed"):
		return red
	}
	return ""
}

// renderEvents tells what happened, in the time of this place.
func renderEvents(v *view) error {
	var events []eventLine
	if json.Unmarshal(v.value, &events) != nil {
		return renderText(v)
	}
	if earlier := len(events) - v.last; v.last > 0 && earlier > 0 {
		events = events[earlier:]
		if v.notes != nil {
			fmt.Fprintf(v.notes, "%d earlier ones are left out: -n %d shows them\n", earlier, earlier+v.last)
		}
	}
	t := table{colour: v.colour, width: widthFor(v.out)}
	for _, e := range events {
		t.add(cell{localTime(e.At), dim}, cell{text: e.Name}, cell{e.Text, e.colour()})
	}
	return t.write(v.out)
}

// eventLines shows followed events, which come as one JSON object a line, as events shows them; the column of names grows when a
// longer one comes. What is none is shown as it is. It belongs to one goroutine.
type eventLines struct {
	out    io.Writer
	colour bool
	width  int    // of the names so far
	part   []byte // the beginning of a line
}

// Write takes output as it arrives, and passes on whole lines.
func (w *eventLines) Write(p []byte) (int, error) {
	w.part = append(w.part, p...)
	for {
		line, rest, whole := bytes.Cut(w.part, []byte{'\n'})
		if !whole && len(line) < longestPart {
			return len(p), nil
		}
		w.part = rest
		if err := w.show(line); err != nil {
			return 0, err
		}
	}
}

func (w *eventLines) show(line []byte) error {
	var e eventLine
	if json.Unmarshal(line, &e) != nil || e.Text == "" {
		_, err := fmt.Fprintln(w.out, printable(string(line)))
		return err
	}
	t := table{colour: w.colour, width: widthFor(w.out)}
	w.width = max(w.width, utf8.RuneCountInString(printable(e.Name)))
	t.add(cell{localTime(e.At), dim}, cell{text: fmt.Sprintf("%-*s", w.width, e.Name)}, cell{e.Text, e.colour()})
	return t.write(w.out)
}

// renderWhy prints an explanation, its times those of this place.
func renderWhy(v *view) error {
	var text string
	if json.Unmarshal(v.value, &text) != nil {
		return renderText(v)
	}
	return printLines(v.out, fitted(localTimes(text), widthFor(v.out)))
}

// explained matches how the value of (why) begins: NAME is STATE.
var explained = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\S+ is (in )?(stopped|starting|running|stopping|backoff|exited|fatal)\b`)
})

// isExplanation tells whether a text is the value of (why).
func isExplanation(text string) bool { return explained().MatchString(text) }
