package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// diaryLines is how many of its own lines the daemon remembers for maintail.
const diaryLines = 1000

// diary is the daemon's own log: one line per event, control characters escaped, and the last lines kept in memory. A
// failing writer (a full disk) is not reported to the diary itself, so it cannot feed on its own errors.
type diary struct {
	mu   sync.Mutex
	w    io.Writer
	last []string // ring
	next int
	lost int // lines the writer did not take
}

func newDiary(w io.Writer) *diary { return &diary{w: w} }

// Logf writes one line. Safe for concurrent use.
func (d *diary) Logf(format string, args ...any) {
	for text := range strings.Lines(fmt.Sprintf(format, args...)) {
		line := time.Now().Format("2006-01-02T15:04:05.000Z07:00") + " " + printable(strings.TrimSuffix(text, "\n"))
		d.mu.Lock()
		if len(d.last) < diaryLines {
			d.last = append(d.last, line)
		} else {
			d.last[d.next] = line
			d.next = (d.next + 1) % diaryLines
		}
		if _, err := io.WriteString(d.w, line+"\n"); err != nil {
			d.lost++
		}
		d.mu.Unlock()
	}
}

// Tail gives the last n lines, the oldest first.
func (d *diary) Tail(n int) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := append(append([]string(nil), d.last[d.next:]...), d.last[:d.next]...)
	if n < len(all) {
		all = all[len(all)-max(n, 0):]
	}
	return all
}

// Lost is how many lines could not be written.
func (d *diary) Lost() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lost
}
