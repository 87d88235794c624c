package cli

import (
	"strings"
	"testing"
)

// TestLongLinesBreakBetweenWords: at the width, with the indentation of their line; what has no blank stays whole.
// TestProseFlowsOnANarrowScreen: what was laid out for a wide screen is no comb of long and short lines on a narrow one.
func TestProseFlowsOnANarrowScreen(t *testing.T) {
	wide := strings.Repeat("word ", 19) + "word"
	text := "One line.\n" + wide + "\nand on\n  " + wide + "\n  other\n\n" + wide + ".\nNew.\n" + wide + "\n\nend"
	if got := fitted(text, 0); got != text {
		t.Errorf("no screen: %q", got)
	}
	if got := fitted(text, 200); got != text {
		t.Errorf("a wide screen: %q", got)
	}
	got := fitted(text, 60)
	for _, want := range []string{"One line.\nword", "word word and on\n  word", "word\n  other\n\nword", "word.\nNew.\nword", "word\n\nend"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	for line := range strings.Lines(got) {
		if len(line) > 61 {
			t.Errorf("%q is too long", line)
		}
	}
}

// TestTheLastColumnIsBrokenBetweenWords: on a screen that has room for a column at all.
func TestTheLastColumnIsBrokenBetweenWords(t *testing.T) {
	for width, want := range map[int]string{
		0:  "NAME  REASON\nweb   \x1b[31mone two three four five six\x1b[0m\nx\n",
		20: "NAME  REASON\nweb   \x1b[31mone two three\x1b[0m\n      \x1b[31mfour five six\x1b[0m\nx\n",
		19: "NAME  REASON\nweb   \x1b[31mone two three four five six\x1b[0m\nx\n",
	} {
		table := table{colour: true, width: width}
		table.words("NAME", "REASON")
		table.add(cell{text: "web"}, cell{"one two three four five six", red})
		table.words("x")
		var b strings.Builder
		if err := table.write(&b); err != nil || b.String() != want {
			t.Errorf("width %d: %v %q, want %q", width, err, b.String(), want)
		}
	}
}

func TestLongLinesBreakBetweenWords(t *testing.T) {
	for _, c := range []struct {
		text string
		want string
	}{
		{"one two three\n", "one two\nthree\n"},
		{"  one two three four", "  one\n  two\n  three\n  four"},
		{"short\nalso", "short\nalso"},
		{"äöü äöü ä", "äöü äöü\nä"},
		{"12345678 x", "12345678\nx"},
		{"1234567890123 x", "1234567890123 x"},
		{"", ""},
	} {
		if got := wrap(c.text, 8); got != c.want {
			t.Errorf("wrap(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}
