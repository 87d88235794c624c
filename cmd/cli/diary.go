package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
)

// diaryLines is how many of its own lines the daemon remembers for those who follow them.
const diaryLines = 1000

// diary is the daemon's own log: one line per record, in the format and from the level on that are set, control characters
// escaped, and the last lines kept in memory. A writer that fails (a full disk) is not reported to the diary itself, so it
// cannot feed on its own errors; Lost counts, and when it takes lines again one of them says how many are missing. One that hangs holds
// nobody up. Safe for concurrent use.
type diary struct {
	level   slog.LevelVar
	format  string                       // of the handler; written by set, by one caller at a time
	handler atomic.Pointer[slog.Handler] // writes into the diary itself

	spool spool

	mu   sync.Mutex
	last []string      // ring
	next uint64        // number of the next line; line n stands at n modulo the length
	more chan struct{} // closed and replaced at every line
}

func newDiary(w io.Writer) *diary {
	d := &diary{more: make(chan struct{})}
	d.spool.w = w
	d.spool.gap = func(n int64) { d.add(slog.LevelWarn, fmt.Sprintf("%d lines could not be written to this log", n)) }
	d.set("text", "info")
	return d
}

// set changes format ("text", "json") and level ("debug", "info", "warn", "error") of what is logged from now on.
func (d *diary) set(format, level string) {
	var l slog.Level
	if l.UnmarshalText([]byte(level)) == nil {
		d.level.Set(l)
	}
	if format == d.format {
		return
	}
	d.format = format
	var h slog.Handler = newTextHandler(d, &d.level)
	if format == "json" {
		h = slog.NewJSONHandler(d, &slog.HandlerOptions{Level: &d.level, ReplaceAttr: utcTime})
	}
	d.handler.Store(&h)
}

// utcTime gives records the times that all else here has.
func utcTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime {
		return slog.String(a.Key, a.Value.Time().UTC().Format(diaryTime))
	}
	return a
}

// log writes one record: a line of words that says everything, and the same as attributes for those who read JSON. It returns when
// the line is written, unless the writer hangs.
func (d *diary) log(level slog.Level, text string, attrs ...slog.Attr) {
	d.add(level, text, attrs...)
	d.spool.settle()
}

// add is log for who cannot wait.
func (d *diary) add(level slog.Level, text string, attrs ...slog.Attr) {
	h := *d.handler.Load()
	if !d.wantsAttrs() {
		attrs = nil
	}
	slog.New(h).LogAttrs(context.Background(), level, text, attrs...)
}

// logs reports whether records of the level are written.
func (d *diary) logs(level slog.Level) bool { return level >= d.level.Level() }

// wantsAttrs reports whether attributes are written, and not the line of words alone.
func (d *diary) wantsAttrs() bool {
	_, forPeople := (*d.handler.Load()).(*textHandler)
	return !forPeople
}

// Logf notes what happened.
func (d *diary) Logf(format string, args ...any) { d.lines(slog.LevelInfo, format, args...) }

// Warnf notes what may need somebody's attention.
func (d *diary) Warnf(format string, args ...any) { d.lines(slog.LevelWarn, format, args...) }

// Errorf notes what failed.
func (d *diary) Errorf(format string, args ...any) { d.lines(slog.LevelError, format, args...) }

func (d *diary) lines(level slog.Level, format string, args ...any) {
	for text := range strings.Lines(fmt.Sprintf(format, args...)) {
		d.add(level, strings.TrimSuffix(text, "\n"))
	}
	d.spool.settle()
}

// Write takes one whole line of a handler.
func (d *diary) Write(line []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	text := strings.TrimSuffix(string(line), "\n")
	if len(d.last) < diaryLines {
		d.last = append(d.last, text)
	} else {
		d.last[d.next%diaryLines] = text
	}
	d.next++
	close(d.more)
	d.more = make(chan struct{})
	d.spool.add(line)
	return len(line), nil
}

// tail gives the last n lines in memory, the oldest first, and the number of the line that comes next. read is called when these
// are written and no later one is; tail does not wait for it when the writer hangs.
func (d *diary) tail(n int, read func()) (lines []string, next uint64) {
	happened := make(chan struct{})
	d.mu.Lock()
	lines, next = d.since(d.next-min(d.next, uint64(max(n, 0)))), d.next
	asked := d.spool.between(func() {
		read()
		close(happened)
	})
	d.mu.Unlock()
	if asked {
		d.spool.await(happened)
	}
	return lines, next
}

// since gives the lines from a number on, as far as they are kept. The caller holds d.mu.
func (d *diary) since(from uint64) []string {
	from = max(from, d.next-uint64(len(d.last)))
	var lines []string
	for ; from < d.next; from++ {
		lines = append(lines, d.last[from%diaryLines])
	}
	return lines
}

// await returns the lines from the number next on as soon as there are any, and the number of the one after them.
func (d *diary) await(ctx context.Context, next uint64) ([]string, uint64, error) {
	for {
		d.mu.Lock()
		lines, now, more := d.since(next), d.next, d.more
		d.mu.Unlock()
		if missed := now - next - uint64(len(lines)); missed > 0 {
			lines = append([]string{fmt.Sprintf("... %d lines passed over, too slow a reader ...", missed)}, lines...)
		}
		if len(lines) > 0 {
			return lines, now, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, next, ctx.Err()
		}
	}
}

// Lost is how many lines could not be written. It never waits.
func (d *diary) Lost() int64 { return d.spool.lost.Load() }

// diaryTime is RFC 3339 with milliseconds.
const diaryTime = "2006-01-02T15:04:05.000Z07:00"

// textHandler writes records for people: time, level, words, and attributes as key=value.
type textHandler struct {
	w     io.Writer
	attrs slog.Handler // writes the attributes into the buffer
	buf   *lineBuffer
}

// lineBuffer is what one record is put together in.
type lineBuffer struct {
	mu   sync.Mutex
	text []byte
}

func (b *lineBuffer) Write(p []byte) (int, error) {
	b.text = append(b.text, p...)
	return len(p), nil
}

func newTextHandler(w io.Writer, level slog.Leveler) *textHandler {
	buf := &lineBuffer{}
	return &textHandler{w: w, buf: buf, attrs: slog.NewTextHandler(buf, &slog.HandlerOptions{Level: level, ReplaceAttr: onlyAttrs})}
}

// onlyAttrs leaves out what stands in a record before its attributes.
func onlyAttrs(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
		return slog.Attr{}
	}
	return a
}

// Enabled is slog.Handler's.
func (h *textHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.attrs.Enabled(ctx, level)
}

// Handle is slog.Handler's.
func (h *textHandler) Handle(ctx context.Context, r slog.Record) error {
	h.buf.mu.Lock()
	defer h.buf.mu.Unlock()
	h.buf.text = h.buf.text[:0]
	if !r.Time.IsZero() {
		h.buf.text = append(r.Time.AppendFormat(h.buf.text, diaryTime), ' ')
	}
	h.buf.text = fmt.Appendf(h.buf.text, "%-5s %s ", r.Level, printable(r.Message))
	if err := h.attrs.Handle(ctx, r); err != nil {
		return err
	}
	line := strings.TrimRight(string(h.buf.text), " \n") + "\n"
	_, err := io.WriteString(h.w, line)
	return err
}

// WithAttrs is slog.Handler's.
func (h *textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &textHandler{w: h.w, buf: h.buf, attrs: h.attrs.WithAttrs(attrs)}
}

// WithGroup is slog.Handler's.
func (h *textHandler) WithGroup(name string) slog.Handler {
	return &textHandler{w: h.w, buf: h.buf, attrs: h.attrs.WithGroup(name)}
}
