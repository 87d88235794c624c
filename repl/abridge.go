package repl

import (
	"fmt"
	"strings"

	"github.com/qjpcpu/supervisord/lisp"
)

// defaultWidth is how wide a value is printed where nobody knows better, in characters.
const defaultWidth = 100

// What is shown of a value at most, and how long a text is still laid out anew, in lines and bytes.
const (
	maxShownLines = 200
	maxShown      = 16 << 10
	maxLaidOut    = 256 << 10
)

// Abridge makes the text of a value fit to be read at a terminal of this width: what does not fit into a line is laid out
// over several, what is very long is cut and says so, and control characters are escaped.
func Abridge(text string, width int) string {
	if len(text) > width && len(text) <= maxLaidOut && !strings.Contains(text, "\n") {
		// A text that cannot be read back (a function's, say) stays as it is.
		if values, err := lisp.Read("", text); err == nil && len(values) == 1 {
			text = lisp.PrettyPrint(values[0], width)
		}
	}
	shown := text
	if lines := strings.SplitAfterN(text, "\n", maxShownLines+1); len(lines) > maxShownLines {
		shown = strings.Join(lines[:maxShownLines], "")
	}
	if len(shown) > maxShown {
		shown = strings.ToValidUTF8(shown[:maxShown], "")
	}
	rest := len(text) - len(shown)
	if rest == 0 {
		return Plain(text)
	}
	return strings.TrimSuffix(Plain(shown), "\n") + fmt.Sprintf("\n… %d bytes more: (println *1) prints it all", rest)
}
