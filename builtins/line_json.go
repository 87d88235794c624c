package builtins

import (
	"strings"
	"time"

	"github.com/qjpcpu/supervisord/core/logs"
	"github.com/qjpcpu/supervisord/lisp"
)

// lineJSON is a line of output as an object of JSON: name, stream and time (null where that is not known), line, and missed where it
// stands for so many bytes.
func lineJSON(name, stream string, line logs.Line) string {
	h := lisp.NewHash()
	h.SetString("name", lisp.String(name))
	h.SetString("stream", textOrNil(stream))
	h.SetString("time", timeOrNil(line.At))
	h.SetString("line", lisp.String(line.Text))
	if line.Missed > 0 {
		h.SetString("missed", lisp.Int(line.Missed))
	}
	text, err := lisp.AppendJSON(nil, lisp.HashValue(h))
	if err != nil {
		return "null" // a line holds nothing that JSON has no word for
	}
	return string(text)
}

// ownLineJSON is the same of a line of the daemon's own log, which begins with its time where it is one for people.
func ownLineJSON(text string) string {
	line := logs.Line{Text: text}
	word, _, _ := strings.Cut(text, " ")
	if at, err := time.Parse(time.RFC3339Nano, word); err == nil {
		line.At = at
	}
	return lineJSON("supervisord", "", line)
}
