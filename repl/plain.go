package repl

import (
	"fmt"
	"strings"
	"unicode"
)

// Plain makes text from a server or a process safe to print on a terminal: control characters but newline and tab, and
// those that turn the direction of text, are shown as escapes, and bytes that are no UTF-8 as U+FFFD.
func Plain(s string) string {
	if !strings.ContainsFunc(s, unprintable) {
		return strings.ToValidUTF8(s, "\ufffd")
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !unprintable(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func unprintable(r rune) bool {
	if r == '\n' || r == '\t' {
		return false
	}
	return unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
