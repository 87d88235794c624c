package logs

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"
)

// Format is how the lines of a stream stand in its files.
type Format int

// The formats. All but Raw work on lines; a line is stamped with the time when its beginning was read.
const (
	Raw        Format = iota // byte for byte as the program wrote it
	Prefix                   // web | LINE
	Time                     // 2026-01-31T12:00:00.000Z LINE
	TimePrefix               // 2026-01-31T12:00:00.000Z web | LINE
	JSON                     // {"time":"2026-01-31T12:00:00.000Z","name":"web","stream":"stdout","line":"LINE"}
)

var formatNames = [...]string{"raw", "prefix", "time", "time-prefix", "json"}

// Formats are the names of all formats, in the order of their values.
func Formats() []string { return slices.Clone(formatNames[:]) }

// String is the format's name: "raw", "prefix", "time", "time-prefix", "json".
func (f Format) String() string {
	if f < 0 || int(f) >= len(formatNames) {
		return fmt.Sprintf("format(%d)", int(f))
	}
	return formatNames[f]
}

// hasTime: its lines say when they came.
func (f Format) hasTime() bool { return f == Time || f == TimePrefix || f == JSON }

// timeLayout is RFC 3339 with milliseconds, in UTC and so always as long as this.
const timeLayout = "2006-01-02T15:04:05.000Z"

const jsonTime = `{"time":"`

// lineTime reads back when a line came, of one that a format with a time wrote.
func lineTime(line []byte) (at time.Time, ok bool) {
	line = bytes.TrimPrefix(line, []byte(jsonTime))
	if len(line) < len(timeLayout) || line[len(timeLayout)-1] != 'Z' {
		return time.Time{}, false
	}
	at, err := time.Parse(timeLayout, string(line[:len(timeLayout)]))
	return at, err == nil
}

// shaper puts what one pipe brings into its stream's format.
type shaper struct {
	name, label string // of the process; which of its streams the pipe carries
	inside      bool   // the line that was shaped last has no end yet
}

// shaped are the buffers for formatted lines, held only while lines are on their way.
var shaped = sync.Pool{New: func() any { b := make([]byte, 0, 2*maxLine); return &b }}

// shape appends the lines of p as they are to stand in a file, until about 64 KiB are full, and returns what is left of p.
// Only the last line of p may have no end: of JSON it becomes an object of its own that says so.
func (s *shaper) shape(out []byte, f Format, p []byte, at time.Time) (_, rest []byte) {
	var stamp [len(timeLayout)]byte
	now := at.UTC().AppendFormat(stamp[:0], timeLayout)
	for len(p) > 0 && len(out) < maxLine {
		line, whole := p, false
		if i := bytes.IndexByte(p, '\n'); i >= 0 {
			line, whole = p[:i], true
		}
		p = p[min(len(line)+1, len(p)):]
		if f == JSON {
			out = s.object(out, line, whole, now)
		} else {
			if !s.inside {
				out = s.prefix(out, f, now)
			}
			out = append(out, line...)
			if whole {
				out = append(out, '\n')
			}
		}
		s.inside = !whole
	}
	return out, p
}

func (s *shaper) prefix(out []byte, f Format, now []byte) []byte {
	if f.hasTime() {
		out = append(append(out, now...), ' ')
	}
	if f == Prefix || f == TimePrefix {
		out = append(append(out, s.name...), " | "...)
	}
	return out
}

// object is a line as JSON. Bytes that are no text stand there as base64, so that nothing is bent; a piece of a line whose
// end is not in it is marked as partial.
func (s *shaper) object(out, line []byte, whole bool, now []byte) []byte {
	out = append(append(out, jsonTime...), now...)
	out = appendText(append(out, `","name":`...), []byte(s.name))
	out = appendText(append(out, `,"stream":`...), []byte(s.label))
	if utf8.Valid(line) {
		out = appendText(append(out, `,"line":`...), line)
	} else {
		out = append(out, `,"base64":"`...)
		out = append(base64.StdEncoding.AppendEncode(out, line), '"')
	}
	if !whole {
		out = append(out, `,"partial":true`...)
	}
	return append(out, '}', '\n')
}

// appendText quotes valid UTF-8 for JSON; control characters are escaped, those of the terminal too.
func appendText(out, text []byte) []byte {
	const hex = "0123456789abcdef"
	out = append(out, '"')
	from := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		escape := ""
		switch {
		case c == '"':
			escape = `\"`
		case c == '\\':
			escape = `\\`
		case c == '\t':
			escape = `\t`
		case c == '\r':
			escape = `\r`
		case c == '\n':
			escape = `\n`
		case c < ' ' || c == 0x7f:
		case c == 0xc2 && i+1 < len(text) && text[i+1] < 0xa0: // U+0080 to U+009F
			out = append(out, text[from:i]...)
			i++
			out = append(out, '\\', 'u', '0', '0', hex[text[i]>>4], hex[text[i]&15])
			from = i + 1
			continue
		default:
			continue
		}
		out = append(out, text[from:i]...)
		if escape == "" {
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		out = append(out, escape...)
		from = i + 1
	}
	out = append(out, text[from:]...)
	return append(out, '"')
}

// mark is a line of ours in the file of a stream, in its format.
func (s *Stream) mark(at time.Time, text string) []byte {
	if s != nil && Format(s.format.Load()) == JSON {
		ours := shaper{name: s.name, label: "supervisord"}
		out, _ := ours.shape(nil, JSON, []byte(text+"\n"), at)
		return out
	}
	return fmt.Appendf(nil, "-- supervisord: %s --\n", text)
}
