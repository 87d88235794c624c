package cli

import (
	"strings"
	"unicode/utf8"
)

// fullLine is from how many characters on a line of prose is taken to end where its writer had no more room, not where a
// paragraph ends.
const fullLine = 95

// fitted lays a text out for a screen: lines that are too long are broken between words, and a paragraph that was laid out for
// a wider screen flows on. Indented lines, and those after a full stop, begin where they begin. Width 0 leaves everything as it is.
func fitted(text string, width int) string {
	if width <= 0 {
		return text
	}
	var lines []string
	flows := false // the line before was full
	for line := range strings.SplitSeq(text, "\n") {
		full := utf8.RuneCountInString(line) >= fullLine
		if flows && line != "" && indentOf(line) == "" {
			lines[len(lines)-1] += " " + line
		} else {
			lines = append(lines, line)
		}
		flows = full && width < fullLine+30 && indentOf(line) == "" && !strings.HasSuffix(line, ".")
	}
	return wrap(strings.Join(lines, "\n"), width)
}

// indentOf is the blanks that a line begins with.
func indentOf(line string) string { return line[:len(line)-len(strings.TrimLeft(line, " "))] }

// wrap breaks the lines of a text that are longer than the width between words; what it breaks off is indented like its line.
func wrap(text string, width int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		indent := indentOf(line)
		for utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > width {
			at := strings.LastIndex(string([]rune(line)[:width+1]), " ")
			if at <= len(indent) {
				break
			}
			b.WriteString(strings.TrimRight(line[:at], " ") + "\n")
			line = indent + strings.TrimLeft(line[at:], " ")
		}
		b.WriteString(line)
	}
	return b.String()
}
