package cli

import (
	"os"

	"golang.org/x/sys/windows"
)

// drawsEscapes makes a console understand the escape sequences of colours and redrawing, which it does only when asked to; false
// if it does not (before Windows 10).
func drawsEscapes(console *os.File) bool {
	handle := windows.Handle(console.Fd())
	var mode uint32
	if err := windows.GetConsoleMode(handle, &mode); err != nil {
		return false
	}
	const escapes = windows.ENABLE_PROCESSED_OUTPUT | windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING
	return mode&escapes == escapes || windows.SetConsoleMode(handle, mode|escapes) == nil
}
