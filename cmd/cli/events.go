package cli

import (
	"encoding/json"
	"time"
)

// eventLine is one element of the value of (events) and (history).
type eventLine struct{ At, Name, To, Text string }

// renderEvents tells what happened, in the time of this place.
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
		t.add(cell{at, dim}, cell{text: e.Name}, cell{e.Text, colourOf(e.To)})
	}
	return t.write(v.out)
}
