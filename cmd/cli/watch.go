package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/qjpcpu/supervisord/lisp"
	"github.com/qjpcpu/supervisord/repl"
)

// watch shows the status whenever something happens, until it is interrupted: on a terminal in place, with times that go
// on; elsewhere one table (or with --json one line) after the other.
func (s *session) watch(c *call, client *repl.Client) error {
	ctx, stop := signal.NotifyContext(s.ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if d := c.timeout(); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	p := program{form: lisp.Print(form("status", c.args...)), name: "cli"}
	var reply repl.Reply
	answered := false
	shown := &picture{happened: happenings(ctx, client),
		ask: func(ctx context.Context) (err error) {
			var silent *repl.UnreachableError
			reply, err = client.Eval(ctx, repl.Request{Form: p.form, Name: p.name}, nil)
			switch {
			case answered && errors.As(err, &silent):
				return errDaemonEnded
			case err != nil:
				return c.unreachable(err)
			case reply.Error != nil:
				return s.failed(c, p, reply.Error)
			}
			answered = true
			return nil
		}}
	screen := &screen{w: s.stdio.Out}
	var last []byte
	news := func() bool {
		before := last
		last = withoutAges(reply.Value)
		return !bytes.Equal(before, last)
	}
	switch {
	case c.has("json"):
		shown.draw = func(time.Duration) error {
			if !news() {
				return nil
			}
			return s.render(c, program{showValue: true}, reply.Value, reply.Text)
		}
	case !isScreen(s.stdio.Out):
		between := ""
		shown.draw = func(time.Duration) error {
			if !news() {
				return nil
			}
			fmt.Fprint(s.stdio.Out, between)
			between = "\n"
			return renderStatus(&view{out: s.stdio.Out, value: reply.Value, text: reply.Text})
		}
	default:
		shown.ageing = true
		shown.draw = func(since time.Duration) error {
			lines, err := statusLines(reply.Value)
			if err != nil {
				return err
			}
			var text bytes.Buffer
			fmt.Fprintf(&text, "%s  %s  (Ctrl-C leaves)\n", time.Now().Format(time.TimeOnly), census(lines))
			if err := renderStatus(&view{out: &text, value: aged(lines, since), colour: colourful(s.stdio.Out)}); err != nil {
				return err
			}
			return screen.show(text.String())
		}
	}
	err := shown.run(ctx)
	screen.leave()
	if err == errDaemonEnded {
		fmt.Fprintln(s.stdio.Err, "supervisord: the daemon has ended")
		return nil
	}
	return err
}

// census counts the processes by state.
func census(lines []statusLine) string {
	var states []string
	count := map[string]int{}
	for _, s := range lines {
		if count[s.State]++; count[s.State] == 1 {
			states = append(states, s.State)
		}
	}
	slices.SortStableFunc(states, func(a, b string) int { return count[b] - count[a] })
	for i, state := range states {
		states[i] = fmt.Sprintf("%d %s", count[state], state)
	}
	if len(states) == 0 {
		return "no processes"
	}
	return printable(strings.Join(states, ", "))
}

// aged is a status as it would be some time later if nothing happened.
func aged(lines []statusLine, since time.Duration) json.RawMessage {
	later := slices.Clone(lines)
	for i := range later {
		if later[i].PID > 0 {
			later[i].Uptime += since.Seconds()
		}
	}
	value, err := json.Marshal(later)
	if err != nil {
		return nil
	}
	return value
}

// withoutAges is a status without what changes although nothing happens.
func withoutAges(value []byte) []byte {
	var all []map[string]any
	if json.Unmarshal(value, &all) != nil {
		return value
	}
	for _, one := range all {
		delete(one, "uptime")
		delete(one, "log_bytes")
	}
	rest, err := json.Marshal(all)
	if err != nil {
		return value
	}
	return rest
}

// screen writes texts over each other at the end of what a terminal shows.
type screen struct {
	w     io.Writer
	drawn int // lines that the cursor is below
	begun bool
}

// Control sequences of terminals.
const (
	hideCursor, showCursor = "\x1b[?25l", "\x1b[?25h"
	cutLines, wrapLines    = "\x1b[?7l", "\x1b[?7h"
	clearBelow             = "\x1b[J"
)

// show replaces what was shown before. Lines that do not fit are cut, with a mark, and lines beyond the height left out.
func (s *screen) show(text string) error {
	lines := strings.SplitAfter(text, "\n")
	lines = lines[:len(lines)-1]
	if height := screenHeight(); len(lines) > height-1 && height > 2 {
		lines = append(lines[:height-2:height-2], fmt.Sprintf("… and %d more\n", len(lines)-height+2))
	}
	width := screenWidth()
	for i, line := range lines {
		lines[i] = cutAt(strings.TrimSuffix(line, "\n"), width) + "\n"
	}
	var b strings.Builder
	if !s.begun {
		s.begun = true
		b.WriteString(hideCursor + cutLines) // what is wider than we think would else shift everything below
	}
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.drawn)
	}
	b.WriteString("\r" + clearBelow + strings.Join(lines, ""))
	s.drawn = len(lines)
	_, err := io.WriteString(s.w, b.String())
	return err
}

// cutAt is a line of at most so many columns, its colours not counted. A mark stands for what is cut: a terminal that cuts puts the
// last character there instead, and what is read is another text.
func cutAt(line string, width int) string {
	if utf8.RuneCountInString(withoutColours(line)) <= width || width < 1 {
		return line
	}
	var b strings.Builder
	for rest, room := line, width-1; room > 0; {
		size := colourLength(rest)
		if size == 0 {
			_, size = utf8.DecodeRuneInString(rest)
			room--
		}
		b.WriteString(rest[:size])
		rest = rest[size:]
	}
	b.WriteString("…")
	if strings.Contains(line, "\x1b") {
		b.WriteString(plainC)
	}
	return b.String()
}

func withoutColours(line string) string {
	var b strings.Builder
	for before := ""; line != ""; {
		before, line, _ = strings.Cut(line, "\x1b")
		b.WriteString(before)
		_, line, _ = strings.Cut(line, "m")
	}
	return b.String()
}

// colourLength is how many bytes of a text are the change of colour that it begins with.
func colourLength(text string) int {
	if !strings.HasPrefix(text, "\x1b") {
		return 0
	}
	return strings.IndexByte(text, 'm') + 1
}

// leave gives the terminal back; the last text stays.
func (s *screen) leave() {
	if s.begun {
		io.WriteString(s.w, "\r"+clearBelow+wrapLines+showCursor)
	}
}
