//go:build unix

package cli

import "os"

// drawsEscapes tells whether a terminal understands escape sequences: all do.
func drawsEscapes(*os.File) bool { return true }
