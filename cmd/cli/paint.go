package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/qjpcpu/supervisord/builtins"
)

// nameColours are given to processes in the order in which their lines appear, over and over.
var nameColours = [...]string{"\x1b[36m", yellow, green, "\x1b[35m", "\x1b[34m", "\x1b[96m", "\x1b[93m", "\x1b[92m", "\x1b[95m", "\x1b[94m"}

// painter shows lines "NAME: TEXT" of several processes on a terminal: the names in one column, each in a colour of its own.
// The column grows when a longer name appears. It belongs to one goroutine.
type painter struct {
	out   io.Writer
	seen  map[string]string
	width int
	part  []byte // the beginning of a line
}

// longestPart bounds what is held of a line without end.
const longestPart = 1 << 20

// painter is how the output of the call is shown, nil when its lines are shown as they are.
func (c *call) painter(out io.Writer) *painter {
	if !c.command.named || builtins.OneProcess(c.args) || c.has("json") || !colourful(out) {
		return nil
	}
	return &painter{out: out, seen: map[string]string{}}
}

// learn makes room for the names of all lines that are known already.
func (p *painter) learn(lines []string) {
	for _, line := range lines {
		if name, _, ok := strings.Cut(line, ": "); ok {
			p.width = max(p.width, len(name))
		}
	}
}

// line shows one line, control characters escaped.
func (p *painter) line(text string) error {
	name, rest, ok := strings.Cut(printable(text), ": ")
	if !ok {
		_, err := fmt.Fprintln(p.out, printable(text))
		return err
	}
	colour, known := p.seen[name]
	if !known {
		colour = nameColours[len(p.seen)%len(nameColours)]
		p.seen[name] = colour
		p.width = max(p.width, len(name))
	}
	_, err := fmt.Fprintf(p.out, "%s%-*s |%s %s\n", colour, p.width, name, plainC, rest)
	return err
}

// Write takes output as it arrives.
func (p *painter) Write(b []byte) (int, error) {
	p.part = append(p.part, b...)
	for {
		line, rest, whole := bytes.Cut(p.part, []byte{'\n'})
		if !whole && len(line) < longestPart {
			return len(b), nil
		}
		p.part = rest
		if err := p.line(string(line)); err != nil {
			return 0, err
		}
	}
}
