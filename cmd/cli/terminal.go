package cli

import (
	"io"
	"os"

	"github.com/chzyer/readline"
)

// isTerminal tells whether a stream is a terminal.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && readline.IsTerminal(int(file.Fd()))
}

// isScreen tells whether output goes to a terminal that understands escape sequences.
func isScreen(w io.Writer) bool {
	return isTerminal(w) && drawsEscapes(w.(*os.File))
}

// colourful tells whether output may be coloured: on a terminal, unless NO_COLOR says otherwise.
func colourful(w io.Writer) bool {
	return isScreen(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// screenWidth is how many characters fit into a line of the terminal, or a common number where there is none.
func screenWidth() int {
	const common = 100
	if width := readline.GetScreenWidth(); width > 0 {
		return width
	}
	return common
}

// widthFor is how wide what is written to w may be: as the terminal, 0 for any width where it is none.
func widthFor(w io.Writer) int {
	if !isTerminal(w) {
		return 0
	}
	return screenWidth()
}

// screenHeight is how many lines the terminal has, 0 where there is none.
func screenHeight() int {
	_, height, err := readline.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return 0
	}
	return height
}
