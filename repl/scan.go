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
	token   bool // the last thing may go on: a # in it begins nothing
	sharp   bool // a # that begins something, and nothing after it yet
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
	token := s.token
	s.token, s.sharp = false, false
	if unicode.IsSpace(r) {
		return
	}
	if r == ';' || at == 0 && r == '#' && p.peek() == '!' { // interpreter
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
		if s.token = true; !token {
			s.begun(p, at)
		}
	case '(', '[', '{':
		s.open = append(s.open, bracket{r, p.column})
	case ')', ']', '}':
		if n := len(s.open); n > 0 && closes(s.open[n-1].r, r) {
			s.open = s.open[:n-1]
		} else {
			s.wrong = true
		}
	default:
		s.token = true
	}
}

// begun takes what follows a # that stands where a form begins.
func (s *scan) begun(p *scanner, at int) {
	switch p.peek() {
	case '\'', '(': // a quote, a function
		s.token = false
	case '`':
		p.next()
		s.state, s.start, s.token = inRaw, at, false
	case '\\':
		p.next()
		p.next()
	case '\n':
	default: // a char, whatever it is: a bracket or a blank here is none
		_, there := p.next()
		s.sharp = !there
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
// and comments are left out. It fails for a raw string over several lines and for a # at the end of one, which have no such form.
func oneLine(src string) (string, bool) {
	if strings.HasPrefix(src, interpreter) {
		_, src, _ = strings.Cut(src, "\n")
		src = "\n" + src // what begins like that now is no first line
	}
	text := " "
	for line := range strings.SplitSeq(src, "\n") {
		switch before := scanText(text); {
		case before.state == inRaw || before.sharp:
			return "", false
		case before.state == inString:
			text += `\n` + line
		default:
			line = strings.TrimLeftFunc(line, unicode.IsSpace)
			if line != "" && text != " " {
				text += " "
			}
			text += line
		}
		if after := scanText(text); after.state == inComment {
			text = " " + trimmed(text[:after.start])
		}
	}
	text = trimmed(text)
	if strings.HasPrefix(text, interpreter) {
		text = " " + text
	}
	return text, true
}

// trimmed is a text without blanks around it, but for the one of the char "# ".
func trimmed(text string) string {
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	short := strings.TrimRightFunc(text, unicode.IsSpace)
	if len(short) < len(text) && scanText(" "+short).sharp {
		_, size := utf8.DecodeRuneInString(text[len(short):])
		short = text[:len(short)+size]
	}
	return short
}

// interpreter begins a first line that is no code; anywhere else it is a char.
const interpreter = "#!"

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
