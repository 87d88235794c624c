package builtins

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/qjpcpu/supervisord/lisp"
)

// Call is one plain call: a verb's name and literals. It is both what was checked and what is dispatched.
type Call struct {
	Head string
	Args []lisp.Value // strings, integers, booleans
	Pos  lisp.Pos     // of the parenthesis
}

// The bounds of the recogniser. The text as a whole is bounded by the server.
const (
	longestForm   = 4 << 10 // bytes from ( to )
	longestDigits = 18      // of an integer, so that it fits
)

// notPlain is why a text is no list of plain calls, and where.
type notPlain struct {
	pos  lisp.Pos
	what string
}

func (e *notPlain) Error() string {
	return fmt.Sprintf("%s at %d:%d", e.what, e.pos.Line, e.pos.Col)
}

// Recognise reads one or more plain calls: a parenthesis, a head of lower-case letters and -, then string literals
// without backslash, integers and booleans, and the closing parenthesis; between them blanks, and ; comments to the end
// of the line. Anything else, anywhere, is an error, and so is a call of more than 4 KiB: there is no nesting, no quoting,
// no reader macro, nothing but ASCII outside of strings and comments, and no control character but tab, newline and
// carriage return. Whether a head is a verb is not its business.
//
// It is a language of its own on purpose and not a restriction of the reader's: small enough to be seen to be right. All
// that it accepts, the reader must read as the same symbols and literals; a fuzz test holds them together.
func Recognise(text string) ([]Call, error) {
	r := recogniser{text: text, line: 1}
	if !utf8.ValidString(text) {
		return nil, r.fail("text that is not UTF-8")
	}
	var calls []Call
	for {
		if err := r.blanks(); err != nil {
			return nil, err
		}
		if r.at == len(text) {
			break
		}
		call, err := r.call()
		if err != nil {
			return nil, err
		}
		calls = append(calls, call)
	}
	if len(calls) == 0 {
		return nil, r.fail("no form")
	}
	return calls, nil
}

// recogniser is a place in a text.
type recogniser struct {
	text  string
	at    int // of the next byte
	line  int
	begin int // of the line
}

func (r *recogniser) pos() lisp.Pos {
	return lisp.Pos{Line: r.line, Col: utf8.RuneCountInString(r.text[r.begin:r.at]) + 1}
}

func (r *recogniser) fail(what string) error { return &notPlain{r.pos(), what} }

// peek is the next byte, 0 at the end; no accepted text holds a 0.
func (r *recogniser) peek() byte {
	if r.at < len(r.text) {
		return r.text[r.at]
	}
	return 0
}

func (r *recogniser) next() {
	if r.text[r.at] == '\n' {
		r.line++
		r.begin = r.at + 1
	}
	r.at++
}

// blanks passes over blanks and comments.
func (r *recogniser) blanks() error {
	for r.at < len(r.text) {
		switch r.peek() {
		case ' ', '\t', '\n', '\r':
			r.next()
		case ';':
			if err := r.comment(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

// comment passes to the end of the line. A carriage return that is not part of a line's end, and whatever else might end
// a line for another reader, is refused.
func (r *recogniser) comment() error {
	for r.at < len(r.text) && r.peek() != '\n' {
		c, size := utf8.DecodeRuneInString(r.text[r.at:])
		if c == '\r' && strings.HasPrefix(r.text[r.at:], "\r\n") {
			r.at += size
			continue
		}
		if err := r.allowed(c); err != nil {
			return err
		}
		r.at += size
	}
	return nil
}

// allowed refuses the characters that text within strings and comments cannot hold: controls, separators of lines, and
// those that change the direction of writing or are invisible, so that what a person sees is what is read.
func (r *recogniser) allowed(c rune) error {
	switch {
	case c == '\t':
		return nil
	case c < ' ', c >= 0x7f && c < 0xa0,
		c >= 0x2028 && c <= 0x202e, c >= 0x2066 && c <= 0x2069, c >= 0x200b && c <= 0x200f, c == 0xfeff:
		return r.fail(fmt.Sprintf("the character U+%04X", c))
	}
	return nil
}

// call reads one call, at its parenthesis.
func (r *recogniser) call() (Call, error) {
	from := r.at
	call := Call{Pos: r.pos()}
	if r.peek() != '(' {
		return call, r.fail("something that is no call")
	}
	r.next()
	head := r.at
	for isHead(r.peek()) {
		r.next()
	}
	call.Head = r.text[head:r.at]
	if call.Head == "" || call.Head == "true" || call.Head == "false" { // the reader's booleans are no names
		return call, r.fail("a head that is no verb")
	}
	for {
		// Between two tokens stands at least one blank: where one ends and the next begins must be beyond doubt.
		before := r.at
		if isBlank(r.peek()) {
			if err := r.blanks(); err != nil {
				return call, err
			}
		}
		switch c := r.peek(); {
		case r.at == len(r.text):
			return call, r.fail("the end of the text inside a call")
		case c == ')':
			r.next()
			if r.at-from > longestForm {
				return call, &notPlain{call.Pos, fmt.Sprintf("a call of more than %d bytes", longestForm)}
			}
			return call, nil
		case r.at == before:
			return call, r.fail("something that is no word")
		}
		if r.at-from > longestForm {
			return call, &notPlain{call.Pos, fmt.Sprintf("a call of more than %d bytes", longestForm)}
		}
		arg, err := r.literal()
		if err != nil {
			return call, err
		}
		call.Args = append(call.Args, arg)
	}
}

func isHead(c byte) bool  { return c >= 'a' && c <= 'z' || c == '-' }
func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// literal reads a string, an integer or a boolean.
func (r *recogniser) literal() (lisp.Value, error) {
	switch c := r.peek(); {
	case c == '"':
		return r.str()
	case c == '-' || c >= '0' && c <= '9':
		return r.integer()
	}
	for _, word := range []string{"true", "false"} {
		if strings.HasPrefix(r.text[r.at:], word) && r.endsAt(r.at+len(word)) {
			r.at += len(word)
			return lisp.Bool(word == "true"), nil
		}
	}
	if r.peek() == '(' {
		return lisp.Nil, r.fail("a nested form")
	}
	return lisp.Nil, r.fail("something that is no string, integer or boolean")
}

// endsAt tells whether a word may end at i.
func (r *recogniser) endsAt(i int) bool {
	return i < len(r.text) && (isBlank(r.text[i]) || r.text[i] == ')')
}

func (r *recogniser) str() (lisp.Value, error) {
	r.next()
	from := r.at
	for r.at < len(r.text) {
		c, size := utf8.DecodeRuneInString(r.text[r.at:])
		switch c {
		case '"':
			value := lisp.String(r.text[from:r.at])
			r.at++
			return value, nil
		case '\\':
			return lisp.Nil, r.fail("a backslash in a string")
		case '\n':
			r.next()
			continue
		}
		if err := r.allowed(c); err != nil {
			return lisp.Nil, err
		}
		r.at += size
	}
	return lisp.Nil, r.fail("the end of the text inside a string")
}

func (r *recogniser) integer() (lisp.Value, error) {
	end := r.at
	if r.text[end] == '-' {
		end++
	}
	digits := end
	for end < len(r.text) && r.text[end] >= '0' && r.text[end] <= '9' {
		end++
	}
	if end == digits || end-digits > longestDigits || !r.endsAt(end) {
		return lisp.Nil, r.fail("something that is no string, integer or boolean")
	}
	n, err := strconv.ParseInt(r.text[r.at:end], 10, 64)
	if err != nil {
		return lisp.Nil, r.fail("an integer out of range")
	}
	r.at = end
	return lisp.Int(n), nil
}

// headOf is the word after the first parenthesis of any text, for messages and the audit log; "" when there is none.
func headOf(text string) (string, lisp.Pos) {
	r := recogniser{text: text, line: 1}
	if !utf8.ValidString(text) || r.blanks() != nil || r.peek() != '(' {
		return "", lisp.Pos{}
	}
	pos := r.pos()
	r.next()
	from := r.at
	for r.at-from < 64 && isHead(r.peek()) {
		r.next()
	}
	if c := r.peek(); c != ')' && c != 0 && !isBlank(c) {
		return "", pos
	}
	return r.text[from:r.at], pos
}
