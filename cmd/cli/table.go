package cli

import (
	"io"
	"strings"
	"unicode/utf8"
)

// The colours of a terminal that states are shown in.
const (
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	red    = "\x1b[31m"
	dim    = "\x1b[2m"
	plainC = "\x1b[0m"
)

// cell is one field of a table. Its text is escaped when it is written.
type cell struct {
	text   string
	colour string // "" for none
}

// table is rows of cells that are written in columns.
type table struct {
	rows   [][]cell
	colour bool
	width  int // of the screen: the last column is broken between words so that it fits; 0: it is not broken
}

// narrowest is how wide a last column is at least when it is broken. With less room its lines go on to the edge of the screen.
const narrowest = 14

func (t *table) add(cells ...cell) { t.rows = append(t.rows, cells) }

// words adds a row without colour.
func (t *table) words(texts ...string) {
	var row []cell
	for _, text := range texts {
		row = append(row, cell{text: text})
	}
	t.add(row...)
}

// write prints the rows with two blanks between columns and none at the ends of lines.
func (t *table) write(w io.Writer) error {
	var widths []int
	for _, row := range t.rows {
		for i := range row {
			row[i].text = strings.ReplaceAll(printable(row[i].text), "\t", `\t`)
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i].text))
		}
	}
	begin := 0 // of the last column
	for i := range len(widths) - 1 {
		begin += widths[i] + 2
	}
	var b strings.Builder
	for _, row := range t.rows {
		last := -1
		for i, c := range row {
			if c.text != "" {
				last = i
			}
		}
		for i := 0; i <= last; i++ {
			c := row[i]
			if i < last {
				t.put(&b, c)
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)+2))
				continue
			}
			text := c.text
			if room := t.width - begin; i == len(widths)-1 && room >= narrowest {
				text = wrap(text, room)
			}
			for n, line := range strings.Split(text, "\n") {
				if n > 0 {
					b.WriteString("\n" + strings.Repeat(" ", begin))
				}
				t.put(&b, cell{line, c.colour})
			}
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// put writes a text in its colour.
func (t *table) put(b *strings.Builder, c cell) {
	if t.colour && c.colour != "" {
		b.WriteString(c.colour + c.text + plainC)
	} else {
		b.WriteString(c.text)
	}
}
