package cli

import (
	"strings"

	"github.com/qjpcpu/supervisord/repl"
)

// printable makes foreign text one harmless line.
func printable(text string) string {
	return strings.ReplaceAll(repl.Plain(text), "\n", `\n`)
}
