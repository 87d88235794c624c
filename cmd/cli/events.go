package cli

import "encoding/json"

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
		t.add(cell{localTime(e.At), dim}, cell{text: e.Name}, cell{e.Text, colourOf(e.To)})
	}
	return t.write(v.out)
}

// renderWhy prints an explanation, its times those of this place.
func renderWhy(v *view) error {
	var text string
	if json.Unmarshal(v.value, &text) != nil {
		return renderText(v)
	}
	return printLines(v.out, localTimes(text))
}
