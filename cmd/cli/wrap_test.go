package cli

import "testing"

// TestLongLinesBreakBetweenWords: at the width, with the indentation of their line; what has no blank stays whole.
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
