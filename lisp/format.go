package lisp

import (
	"strings"
	"unicode/utf8"
)

// Format lays out the source of a program, which is called name in messages. It changes only white space: indentation, the
// spacing inside of lines, runs of blank lines, closing brackets on lines of their own. The author's line breaks, comments,
// the first line that starts with #!, and every number, string and quote as it was written stay. What Read gives for the
// result is what it gives for src, and formatting the result again changes nothing. The error is that of [Read].
func Format(name, src string) (string, error) {
	if _, err := Read(name, src); err != nil {
		return "", err
	}
	s := &scanner{s: src}
	l := &layout{}
	if strings.HasPrefix(src, "#!") {
		line, _, _ := strings.Cut(src, "\n")
		s.at = len(line)
		l.write(strings.TrimRight(line, blanks))
	}
	for i, item := range s.items() {
		switch {
		case l.out.Len() == 0 && !strings.HasPrefix(item.text, "#!"):
		case l.out.Len() == 0: // a char, which would become a #! line at the very beginning
			l.out.WriteByte('\n')
		case item.breaks > 0 || i == 0:
			l.next(item, 0)
		default:
			l.beside(item)
		}
		l.piece(item)
	}
	if l.column > 0 {
		l.out.WriteByte('\n')
	}
	return l.out.String(), nil
}

// blanks are what stands between forms, but for line ends.
const blanks = " \t\r\f\v"

// piece is a piece of a text: a token, a comment, a quote with what it quotes, or a form in brackets.
type piece struct {
	text   string   // the token, the comment, the quote or the opening bracket
	items  []*piece // what is inside, with the comments
	close  string   // the closing bracket
	breaks int      // line ends before it
	spaces int      // characters of white space before it on its line
	column int      // where it begins in its line, in characters from 0
}

func (n *piece) comment() bool { return n.text[0] == ';' }
func (n *piece) quotes() bool  { return n.close == "" && len(n.items) > 0 }

// scanner cuts a text that the reader accepts into pieces.
type scanner struct {
	s     string
	at    int
	start int // where the line begins
}

// items gives what stands before the next closing bracket, or the end.
func (s *scanner) items() (items []*piece) {
	for {
		n := s.space()
		if s.at >= len(s.s) || strings.IndexByte(")]}", s.s[s.at]) >= 0 {
			return items
		}
		s.scan(n)
		items = append(items, n)
	}
}

// space skips white space and makes the piece that follows it.
func (s *scanner) space() *piece {
	n := &piece{}
	from := s.at
	for s.at < len(s.s) {
		switch c := s.s[s.at]; {
		case c == '\n':
			n.breaks++
			s.at++
			s.start, from = s.at, s.at
			continue
		case strings.IndexByte(blanks, c) >= 0:
			s.at++
			continue
		case strings.HasPrefix(s.s[s.at:], "\ufeff"):
			s.at += len("\ufeff")
			continue
		}
		break
	}
	n.spaces = utf8.RuneCountInString(s.s[from:s.at])
	n.column = utf8.RuneCountInString(s.s[s.start:s.at])
	return n
}

// scan reads what begins here into n.
func (s *scanner) scan(n *piece) {
	rest := s.s[s.at:]
	switch c := rest[0]; c {
	case '(', '[', '{':
		s.brackets(n, rest[:1])
	case '\'', '`':
		s.quote(n, rest[:1])
	case '~':
		if strings.HasPrefix(rest, "~@") {
			s.quote(n, "~@")
			return
		}
		s.quote(n, "~")
	case ';':
		line, _, _ := strings.Cut(rest, "\n")
		s.at += len(line)
		n.text = strings.TrimRight(line, blanks)
	case '"':
		end := 1
		for rest[end] != '"' {
			if rest[end] == '\\' {
				end++
			}
			end++
		}
		s.token(n, end+1)
	case '#':
		switch rest[1] {
		case '`':
			s.token(n, 3+strings.IndexByte(rest[2:], '`'))
		case '\'':
			s.quote(n, "#'")
		case '(':
			s.brackets(n, "#(")
		default:
			end := 1
			if rest[end] == '\\' {
				end++
			}
			_, size := utf8.DecodeRuneInString(rest[end:])
			s.token(n, wordEnd(rest, end+size))
		}
	default:
		s.token(n, wordEnd(rest, 0))
	}
}

// wordEnd is where a word of s that goes on at from ends.
func wordEnd(s string, from int) int {
	for from < len(s) && !isDelimiter(s[from]) {
		from++
	}
	return from
}

func (s *scanner) token(n *piece, length int) {
	n.text = s.s[s.at : s.at+length]
	s.at += length
	if i := strings.LastIndexByte(n.text, '\n'); i >= 0 {
		s.start = s.at - len(n.text) + i + 1
	}
}

func (s *scanner) brackets(n *piece, opening string) {
	n.text = opening
	s.at += len(opening)
	n.items = s.items()
	n.close = s.s[s.at : s.at+1]
	s.at++
}

func (s *scanner) quote(n *piece, mark string) {
	n.text = mark
	s.at += len(mark)
	for {
		item := s.space()
		s.scan(item)
		n.items = append(n.items, item)
		if !item.comment() {
			return
		}
	}
}

// layout writes pieces.
type layout struct {
	out    strings.Builder
	column int  // characters written in this line
	data   bool // inside of a quoted form
}

// write writes a token, in which there may be line ends.
func (l *layout) write(text string) {
	l.out.WriteString(text)
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		l.column, text = 0, text[i+1:]
	}
	l.column += utf8.RuneCountInString(text)
}

// next goes to the line and column where n belongs; one blank line before it stays.
func (l *layout) next(n *piece, column int) {
	if n.breaks > 1 {
		l.out.WriteByte('\n')
	}
	l.out.WriteByte('\n')
	l.column = 0
	l.write(strings.Repeat(" ", column))
}

// beside leaves the space before what stays in the line. A comment that was set off keeps its column if it can, so that
// comments under each other stay so.
func (l *layout) beside(n *piece) {
	space := 1
	if n.comment() && n.spaces > 1 {
		space = max(1, n.column-l.column)
	}
	l.write(strings.Repeat(" ", space))
}

func (l *layout) piece(n *piece) {
	switch {
	case n.close != "":
		l.brackets(n)
	case n.quotes():
		l.quote(n)
	default:
		l.write(n.text)
	}
}

// quote writes a quote mark and, beside it, what it quotes.
func (l *layout) quote(n *piece) {
	saved := l.data
	defer func() { l.data = saved }()
	l.data = n.text == "'"
	l.write(n.text)
	column := l.column
	for i, item := range n.items {
		switch {
		case i > 0:
			l.next(&piece{}, column)
		case item.comment(), n.text == "~" && item.text[0] == '@': // ~@ means something else
			l.write(" ")
		}
		l.piece(item)
	}
}

// brackets writes a form in brackets. In a call, later lines begin under the first argument, or two characters inside of the
// bracket when the head stands alone in its line or takes a body. In data they begin under the first element.
func (l *layout) brackets(n *piece) {
	open := l.column + len(n.text) - 1
	l.write(n.text)
	column := l.column
	name, called := n.head()
	body := called && hasBody(name)
	called = called && (body || !l.data)
	if called {
		column = open + 2
	}
	after := false // a comment, which ends its line
	for i, item := range n.items {
		switch {
		case i == 0 && !item.comment():
		case i > 0 && (after || item.breaks > 0):
			l.next(item, column)
		case i == 0 && item.breaks > 0:
			l.next(&piece{}, column)
		default:
			l.beside(item)
			if i == 1 && called && !body && !item.comment() {
				column = l.column
			}
		}
		l.piece(item)
		after = item.comment()
	}
	if after {
		l.next(&piece{}, open)
	}
	l.write(n.close)
}

// head is the name that a list begins with.
func (n *piece) head() (string, bool) {
	if n.close != ")" || len(n.items) == 0 {
		return "", false
	}
	first := n.items[0]
	if first.close != "" || len(first.items) > 0 || strings.IndexByte(`;"#`, first.text[0]) >= 0 {
		return "", false
	}
	_, number := parseNumber(first.text)
	return first.text, !number
}

// hasBody tells whether the last elements of a form with this head are a body, which is indented by two however the line of
// the head goes on.
func hasBody(head string) bool {
	switch head {
	case "fn", "def", "defn", "defmac", "defrecord", "set!", "let", "let*", "if", "when", "unless", "while", "case", "try", "catch", "finally", "override":
		return true
	}
	return strings.HasPrefix(head, "with-")
}
