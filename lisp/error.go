package lisp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Pos is a place in a source text; lines and columns (in characters) count from 1, Line 0 means unknown.
type Pos struct {
	Name      string
	Line, Col int
}

// String is "name:line:col", or what of it is known.
func (p Pos) String() string {
	if p.Line == 0 {
		return p.Name
	}
	place := strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Col)
	if p.Name == "" {
		return place
	}
	return p.Name + ":" + place
}

// Error is why an evaluation ended. Kind is one of "syntax", "type", "arity", "unbound", "index", "key", "value",
// "assertion", "raised", "budget", "cancelled", "timeout", "failed" or a kind of the embedder ("not-found", ...).
type Error struct {
	Kind string
	Msg  string
	Pos  Pos
	// Trace are the calls under way, innermost first: "in NAME at FILE:LINE:COL".
	Trace []string
	// Value is what (raise VALUE) was given, or a result that came with the failure; Nil otherwise.
	Value Value
	// Line is the text of the source line at Pos, for the caret.
	Line string

	cause  error
	hard   bool // cannot be caught: budget, cancellation
	traced bool
	past   *past // what Line and Trace will say

	expanding []string // the macros that were being expanded, innermost first: they end the trace
}

// Errorf makes an error of a kind. A %w wraps a cause.
func Errorf(kind, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Msg: err.Error(), Value: Nil, cause: errors.Unwrap(err)}
}

// WithValue gives the error a value, as a failed operation's report, and returns it.
func (e *Error) WithValue(v Value) *Error { e.Value = v; return e }

// Error is one line: where and what.
func (e *Error) Error() string {
	if e.Pos.Line == 0 {
		return e.Msg
	}
	return e.Pos.String() + ": " + e.Msg
}

// Unwrap gives the Go error that a primitive returned.
func (e *Error) Unwrap() error { return e.cause }

// Render is for people: the message, the source line with a caret, and the calls under way.
func (e *Error) Render() string {
	var b strings.Builder
	b.WriteString(e.Error())
	if e.Line != "" && e.Pos.Col > 0 {
		num := strconv.Itoa(e.Pos.Line)
		line, col := ClipLine(e.Line, e.Pos.Col)
		fmt.Fprintf(&b, "\n %s | %s\n %s | ", num, line, strings.Repeat(" ", len(num)))
		for _, r := range line {
			if col--; col <= 0 {
				break
			}
			if r != '\t' {
				r = ' '
			}
			b.WriteRune(r)
		}
		b.WriteByte('^')
	}
	for _, t := range e.Trace {
		b.WriteString("\n  ")
		b.WriteString(t)
	}
	return b.String()
}

// ClipLine keeps what stands around a caret of a very long line: 160 characters of it, and the column, from 1, that the caret
// has there.
func ClipLine(line string, col int) (string, int) {
	const most = 160
	runes := []rune(line)
	if len(runes) <= most {
		return line, col
	}
	from := max(0, min(col-most/2, len(runes)-most))
	return string(runes[from : from+most]), col - from
}

// Exit is the error of an evaluation that called (exit N). It cannot be caught by a script.
type Exit struct{ Code int }

// Error is "exit N".
func (e Exit) Error() string { return "exit " + strconv.Itoa(e.Code) }

// position is a place inside one source text as it travels in a Value: line and column, 0 when unknown.
type position int64

func at(line, col int) position {
	return position(int64(line)<<16 | int64(min(col, 0xffff)))
}

func (p position) line() int { return int(p >> 16) }
func (p position) col() int  { return int(p & 0xffff) }

// source is a text that was compiled; code keeps it to show the line of an error.
type source struct{ name, text string }

func (s *source) pos(p position) Pos {
	if s == nil || p == 0 {
		return Pos{}
	}
	return Pos{Name: s.name, Line: p.line(), Col: p.col()}
}

// longestLine is how much of a line is kept: all that a position can point at.
const longestLine = 1 << 19

// lineAt is the text of a line.
func (s *source) lineAt(line int) string {
	rest := s.text
	for ; line > 1; line-- {
		i := strings.IndexByte(rest, '\n')
		if i < 0 {
			return ""
		}
		rest = rest[i+1:]
	}
	if i := strings.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	rest = rest[:min(len(rest), longestLine)]
	return strings.ToValidUTF8(strings.TrimSuffix(rest, "\r"), "?")
}

// place puts position and source line into an error that has none.
func (e *Error) place(src *source, p position) *Error {
	if e.Pos.Line == 0 && src != nil && p != 0 {
		e.Pos = src.pos(p)
		e.Line = src.lineAt(p.line())
	}
	return e
}

// errorValue is an error as a datum: what catch binds and (error "...") makes.
type errorValue struct{ err *Error }

func (*errorValue) kind() Kind { return KindError }

// ErrorValue makes an error a value.
func ErrorValue(e *Error) Value { return Value{o: &errorValue{e}} }

// AsError gives the error of an error value.
func (v Value) AsError() (*Error, bool) {
	e, ok := v.o.(*errorValue)
	if !ok {
		return nil, false
	}
	if e.err.past != nil { // not in place: several evaluations may hold the value
		again := *e.err
		return again.settle(), true
	}
	return e.err, true
}
