package cli

import (
	"encoding/json"
	"strings"
	"time"
)

// eventLine is one element of the value of (events) and (history).
type eventLine struct {
	Seq   uint64
	At    string
	Name  string
	From  string
	To    string
	PID   int
	Exit  any
	Who   string
	What  string
	Cause string
	Note  string
}

func renderEvents(v *view) error {
	var events []eventLine
	if json.Unmarshal(v.value, &events) != nil {
		return renderText(v)
	}
	t := table{colour: v.colour}
	for _, e := range events {
		at := e.At
		if parsed, err := time.Parse(time.RFC3339Nano, e.At); err == nil {
			at = parsed.Local().Format("2006-01-02 15:04:05.000")
		}
		change := e.To
		if e.From != "" && e.From != e.To {
			change = e.From + " -> " + e.To
		}
		cause := strings.TrimSpace(e.Who + " " + e.What)
		if cause == "" {
			cause = e.Cause
		}
		t.add(cell{at, dim}, cell{text: e.Name}, cell{change, colourOf(e.To)}, cell{text: e.Note}, cell{cause, dim})
	}
	return t.write(v.out)
}
