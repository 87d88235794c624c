package cli

import (
	"bytes"
	"io"
	"regexp"
	"time"
)

// wireTime matches the times that the daemon writes into texts: RFC 3339, UTC, milliseconds.
var wireTime = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`)

// personTime is how a person reads a time: of this place, to the millisecond.
const personTime = "2006-01-02 15:04:05.000"

// localTime is a time of the wire as a person reads it; what is no time stays as it is.
func localTime(text string) string {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return text
	}
	return at.Local().Format(personTime)
}

// localTimes puts all times of the wire in a text into those of this place.
func localTimes(text string) string { return wireTime.ReplaceAllStringFunc(text, localTime) }

// eventLines shows the lines "TIME  NAME  STORY" of followed events as events shows them: the time of this place, dim where there
// are colours. It belongs to one goroutine.
type eventLines struct {
	out    io.Writer
	colour bool
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
		if _, err := io.WriteString(w.out, w.shown(string(line))+"\n"); err != nil {
			return 0, err
		}
	}
}

func (w *eventLines) shown(line string) string {
	line = printable(line)
	at := wireTime.FindStringIndex(line)
	if at == nil || at[0] != 0 {
		return line
	}
	when, rest := localTime(line[:at[1]]), line[at[1]:]
	if !w.colour {
		return when + rest
	}
	return dim + when + plainC + rest
}
