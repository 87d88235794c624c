package repl

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// scan is what the terminal knows of the language: enough to see whether a form is complete, where the next line of it
// begins, and which word stands before the cursor. What is wrong in other ways, the daemon says.
type scan struct {
	open    []bracket
	state   scanState
	start   int  // byte offset of the string, raw string or comment that is open
	prefix  bool // the last thing is a quote or the like, which needs a form after it
	wrong   bool // a bracket closes that none opened
	content bool // there is anything but blanks and comments
	read    int  // bytes read so far
}

// bracket is an open one.
type bracket struct {
	r      rune
	column int // 0-based, in characters
}

type scanState int

const (
	inCode scanState = iota
	inString
	inRaw
	inComment
)

// scanner walks over a text.
type scanner struct {
	rest   string
	offset int  // of rest, in bytes
	column int  // of the last character taken, from 0
	last   rune // the character taken last
}

func (p *scanner) next() (rune, bool) {
	if p.rest == "" {
		return 0, false
	}
	r, size := utf8.DecodeRuneInString(p.rest)
	p.rest, p.offset = p.rest[size:], p.offset+size
	if p.last == '\n' {
		p.column = -1
	}
	p.column++
	p.last = r
	return r, true
}

func (p *scanner) peek() rune {
	if p.rest == "" {
		return 0
	}
	r, _ := utf8.DecodeRuneInString(p.rest)
	return r
}

// scanText reads src to its end.
func scanText(src string) scan {
	s := scan{}
	s.feed(src)
	return s
}

// feed reads on: whole lines, or the last one.
func (s *scan) feed(src string) {
	p := scanner{rest: src, offset: s.read, column: -1}
	s.read += len(src)
	for {
		at := p.offset
		r, ok := p.next()
		if !ok {
			return
		}
		switch s.state {
		case inString:
			if r == '\\' {
				p.next()
			} else if r == '"' {
				s.state = inCode
			}
		case inRaw:
			if r == '`' {
				s.state = inCode
			}
		case inComment:
			if r == '\n' {
				s.state = inCode
			}
		default:
			s.code(&p, r, at)
		}
	}
}

// code takes one character of code that begins at byte at.
func (s *scan) code(p *scanner, r rune, at int) {
	if unicode.IsSpace(r) {
		return
	}
	if r == ';' {
		s.state, s.start = inComment, at
		return
	}
	s.content, s.prefix = true, false
	switch r {
	case '"':
		s.state, s.start = inString, at
	case '\'', '`', '~':
		s.prefix = true
	case '#':
		switch p.peek() {
		case '`':
			p.next()
			s.state, s.start = inRaw, at
		case '\\': // a character: a bracket after it is none
			p.next()
			p.next()
		}
	case '(', '[', '{':
		s.open = append(s.open, bracket{r, p.column})
	case ')', ']', '}':
		if n := len(s.open); n > 0 && closes(s.open[n-1].r, r) {
			s.open = s.open[:n-1]
		} else {
			s.wrong = true
		}
	}
}

func closes(open, r rune) bool {
	return open == '(' && r == ')' || open == '[' && r == ']' || open == '{' && r == '}'
}

// incomplete tells whether more lines may make src a form.
func (s scan) incomplete() bool {
	if s.wrong {
		return false
	}
	return len(s.open) > 0 || s.state == inString || s.state == inRaw || s.prefix
}

// indent is how many blanks the next line begins with: two more than the innermost list, one more than an array or hash,
// none within a string.
func (s scan) indent() int {
	n := len(s.open)
	switch {
	case s.state == inString || s.state == inRaw || n == 0:
		return 0
	case s.open[n-1].r == '(':
		return s.open[n-1].column + 2
	}
	return s.open[n-1].column + 1
}

// oneLine is src as a single line that reads the same, for the history: line ends become blanks, or \n within strings,
// and comments are left out. It fails for a raw string over several lines, which has no such form.
func oneLine(src string) (string, bool) {
	text := ""
	for line := range strings.SplitSeq(src, "\n") {
		switch scanText(text).state {
		case inRaw:
			return "", false
		case inString:
			text += `\n` + line
		default:
			line = strings.TrimLeftFunc(line, unicode.IsSpace)
			if text != "" && line != "" && !strings.HasSuffix(text, " ") {
				text += " "
			}
			text += line
		}
		if after := scanText(text); after.state == inComment {
			text = strings.TrimRightFunc(text[:after.start], unicode.IsSpace)
		}
	}
	return strings.TrimSpace(text), true
}

// word is the text before the cursor that a completion replaces: a symbol, or a string from its quote on. head: it
// stands where a verb does. ok is false within comments and raw strings.
func word(src string) (text string, head, ok bool) {
	s := scanText(src)
	switch s.state {
	case inString:
		return src[s.start:], false, true
	case inRaw, inComment:
		return "", false, false
	}
	start := strings.LastIndexFunc(src, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("()[]{}\"'`~", r) }) + 1
	return src[start:], start > 0 && src[start-1] == '(', true
}
