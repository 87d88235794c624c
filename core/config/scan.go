package config

import (
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep values may nest: deeper than any key of the table needs.
const maxDepth = 64

// trail is the way to a key or an element of an array of tables: "process", 0, "env", "PORT" joined by bytes that
// no name in a TOML text can hold unescaped.
type trail string

func (t trail) key(name string) trail { return t + "\x00" + trail(name) }
func (t trail) item(i int) trail      { return t + "\x01" + trail(strconv.Itoa(i)) }

// marks are the positions of all keys and elements of a TOML text.
type marks struct {
	root  *mark
	lines []int // offset of each line's first byte
	text  string
	deep  int // offset of what nests too deep, -1 if none
	names int // bytes of the names of all keys, each with all that it stands below
}

// mark is a key or an element. They are a tree, so that a name costs what it is long and not what all that it leads to is long.
type mark struct {
	at    int              // byte offset, -1 if it stands nowhere itself
	depth int              // steps from the root
	bytes int              // of the names of these steps
	items int              // elements seen, of an array of tables
	below map[string]*mark // by the name of a key behind \x00, or the number of an element behind \x01
}

// step is what is below under a name, made if there is none.
func (m *mark) step(name string) *mark {
	next := m.below[name]
	if next == nil {
		next = &mark{at: -1, depth: m.depth + 1, bytes: m.bytes + len(name)}
		if m.below == nil {
			m.below = map[string]*mark{}
		}
		m.below[name] = next
	}
	return next
}

func (m *mark) key(name string) *mark { return m.step("\x00" + name) }
func (m *mark) item(i int) *mark      { return m.step("\x01" + strconv.Itoa(i)) }

// seen keeps the first position.
func (m *mark) seen(offset int) {
	if m.at < 0 {
		m.at = offset
	}
}

// last goes on from an array of tables into its last element.
func (m *mark) last() *mark {
	if m.items > 0 {
		return m.item(m.items - 1)
	}
	return m
}

// position is line and column, in characters, of a byte offset.
func (m *marks) position(offset int) (line, column int) {
	offset = min(max(offset, 0), len(m.text))
	line = sort.SearchInts(m.lines, offset+1)
	return line, utf8.RuneCountInString(m.text[m.lines[line-1]:offset]) + 1
}

// find is the position of a key; of its nearest parent when the key itself has none.
func (m *marks) find(t trail) (line, column int) {
	offset := 0
	for at := m.root; at != nil && t != ""; {
		end := strings.IndexAny(string(t[1:]), "\x00\x01") + 1
		if end == 0 {
			end = len(t)
		}
		at, t = at.below[string(t[:end])], t[end:]
		if at != nil && at.at >= 0 {
			offset = at.at
		}
	}
	return m.position(offset)
}

// scan finds every key and every element of an array of tables. It is meant for texts that the TOML library accepts: for
// those it finds every key that the library reports. For others it ends somewhere, without harm.
//
// It reads statement by statement: a [header] or [[header]] sets the table that the following keys belong to (an array of
// tables named on the way means its last element), key = value marks the key and then reads the value only as far as
// needed to find where it ends and which keys its inline tables hold.
func scan(text string) *marks {
	s := &scanner{
		text:  text,
		marks: &marks{root: &mark{at: -1}, text: text, deep: -1, lines: []int{0}},
	}
	s.table = s.marks.root
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' {
			s.marks.lines = append(s.marks.lines, i+1)
		}
	}
	for s.pos < len(text) {
		before := s.pos
		s.statement()
		if s.pos == before {
			s.pos++ // nothing that a statement begins with
		}
	}
	return s.marks
}

type scanner struct {
	text  string
	pos   int
	marks *marks
	table *mark // what keys belong to
}

func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

// blank skips blanks; with lines also newlines and comments.
func (s *scanner) blank(lines bool) {
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == ' ' || c == '\t' || c == '\r':
		case lines && c == '\n':
		case lines && c == '#':
			s.line()
			continue
		default:
			return
		}
		s.pos++
	}
}

// line skips to the end of the line.
func (s *scanner) line() {
	if end := strings.IndexByte(s.text[s.pos:], '\n'); end >= 0 {
		s.pos += end
		return
	}
	s.pos = len(s.text)
}

func (s *scanner) statement() {
	s.blank(true)
	if s.pos >= len(s.text) {
		return
	}
	if s.peek() == '[' {
		s.header()
		return
	}
	s.pair(s.table, 0)
	s.blank(false)
	if s.peek() == '#' {
		s.line()
	}
}

// header reads [a.b] or [[a.b]].
func (s *scanner) header() {
	start := s.pos
	s.pos++
	array := s.peek() == '['
	if array {
		s.pos++
	}
	parts := s.keys(0)
	t := s.marks.root
	for i, part := range parts {
		t = t.key(part.name)
		t.seen(part.at)
		if i < len(parts)-1 || !array {
			t = t.last()
			continue
		}
		t.items++
		t = t.last()
		t.seen(start)
	}
	s.table = t
	s.line()
}

// pair reads key = value.
func (s *scanner) pair(in *mark, depth int) {
	parts := s.keys(in.depth)
	t := in
	for _, part := range parts {
		t = t.key(part.name)
		t.seen(part.at)
	}
	s.marks.names += t.bytes
	if s.marks.names > maxNames {
		s.pos = len(s.text)
		return
	}
	s.blank(false)
	if s.peek() != '=' || len(parts) == 0 {
		return
	}
	s.pos++
	s.blank(false)
	s.value(t, depth)
}

// part is one word of a dotted key.
type part struct {
	name string
	at   int
}

// keys reads a dotted key, below so many others.
func (s *scanner) keys(depth int) []part {
	var parts []part
	for {
		s.blank(false)
		at := s.pos
		if depth+len(parts) > maxDepth {
			s.tooDeep()
			return parts
		}
		name, ok := s.word()
		if !ok {
			return parts
		}
		parts = append(parts, part{name, at})
		s.blank(false)
		if s.peek() != '.' {
			return parts
		}
		s.pos++
	}
}

// word reads one bare or quoted word of a key.
func (s *scanner) word() (string, bool) {
	switch c := s.peek(); c {
	case '"', '\'':
		start := s.pos
		s.quoted()
		return unquote(s.text[start:s.pos]), true
	}
	start := s.pos
	for s.pos < len(s.text) && !strings.ContainsRune(" \t\r\n.=[]{},#\"'", rune(s.text[s.pos])) {
		s.pos++
	}
	return s.text[start:s.pos], s.pos > start
}

// quoted skips a string of any of the four kinds.
func (s *scanner) quoted() {
	quote := s.text[s.pos]
	if triple := strings.Repeat(string(quote), 3); strings.HasPrefix(s.text[s.pos:], triple) {
		s.pos += 3
		for s.pos < len(s.text) {
			switch {
			case s.text[s.pos] == '\\' && quote == '"':
				s.pos++
			case strings.HasPrefix(s.text[s.pos:], triple):
				s.pos += 3
				// Up to two more quotes belong to the text: they stand before the closing three.
				for n := 0; n < 2 && s.peek() == quote; n++ {
					s.pos++
				}
				return
			}
			s.pos++
		}
		s.pos = len(s.text)
		return
	}
	for s.pos++; s.pos < len(s.text); s.pos++ {
		switch s.text[s.pos] {
		case '\\':
			if quote == '"' {
				s.pos++
			}
		case '\n':
			return
		case quote:
			s.pos++
			return
		}
	}
	s.pos = len(s.text)
}

// value skips a value and marks what its inline tables hold.
func (s *scanner) value(t *mark, depth int) {
	if depth >= maxDepth {
		s.tooDeep()
		return
	}
	switch s.peek() {
	case '"', '\'':
		s.quoted()
	case '[':
		s.list(t, depth)
	case '{':
		s.inline(t, depth)
	default:
		for s.pos < len(s.text) && !strings.ContainsRune(",]}#\n", rune(s.text[s.pos])) {
			s.pos++
		}
	}
}

// tooDeep ends the scan.
func (s *scanner) tooDeep() {
	if s.marks.deep < 0 {
		s.marks.deep = s.pos
	}
	s.pos = len(s.text)
}

// more goes on to the next element, past commas, or past the end.
func (s *scanner) more(end byte) bool {
	for s.pos < len(s.text) {
		s.blank(true)
		switch s.peek() {
		case end:
			s.pos++
			return false
		case ',':
			s.pos++
		default:
			return true
		}
	}
	return false
}

func (s *scanner) list(t *mark, depth int) {
	s.pos++
	for i := 0; s.more(']'); i++ {
		start := s.pos
		element := t
		switch s.peek() {
		case '{':
			element = t.item(i)
			element.seen(start)
		case '[':
			element = t.item(i)
		}
		s.value(element, depth+1)
		if s.pos == start {
			s.pos++
		}
	}
}

func (s *scanner) inline(t *mark, depth int) {
	s.pos++
	for s.more('}') {
		start := s.pos
		s.pair(t, depth+1)
		if s.pos == start {
			s.pos++
		}
	}
}

// unquote reads a quoted word of a key; an escape that TOML does not have stays as it is.
func unquote(s string) string {
	if len(s) < 2 || s[len(s)-1] != s[0] {
		return s
	}
	body := s[1 : len(s)-1]
	if s[0] == '\'' || !strings.Contains(body, `\`) {
		return body
	}
	var b strings.Builder
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' || i+1 == len(body) {
			b.WriteByte(body[i])
			continue
		}
		i++
		digits := 0
		switch body[i] {
		case 'b':
			b.WriteByte('\b')
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'f':
			b.WriteByte('\f')
		case 'r':
			b.WriteByte('\r')
		case 'e':
			b.WriteByte(0x1b)
		case 'x':
			digits = 2
		case 'u':
			digits = 4
		case 'U':
			digits = 8
		default:
			b.WriteByte(body[i])
		}
		if digits > 0 && i+digits < len(body) {
			if n, err := strconv.ParseUint(body[i+1:i+1+digits], 16, 32); err == nil {
				b.WriteRune(rune(n))
				i += digits
			}
		}
	}
	return b.String()
}
