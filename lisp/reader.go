package lisp

import "strings"

// maxNest bounds how deep forms may be nested in a text.
const maxNest = 512

// Read reads all forms of src, which is called name in messages. A first line that starts with #! is skipped. The error
// is an *Error of kind "syntax" with position; [Incomplete] tells whether more text could mend it.
func Read(name, src string) ([]Value, error) {
	r := newReader(nil, &source{name: name, text: src}, nil)
	forms, err := r.all()
	if err != nil {
		return nil, err
	}
	return forms, nil
}

// Incomplete reports whether err says that the text ended inside a form, so that more lines may complete it.
func Incomplete(err error) bool {
	e, ok := err.(*Error)
	return ok && e.Kind == "syntax" && e.cause == errIncomplete
}

type incomplete struct{}

func (incomplete) Error() string { return "incomplete" }

var errIncomplete error = incomplete{}

type reader struct {
	src   *source
	s     string
	at    int
	line  int
	start int // offset where the line begins
	wide  int // bytes beyond the first of the characters of this line so far
	depth int
	base  *baseTable
	mine  map[string]*symbol
	t     *Thread
}

func newReader(t *Thread, src *source, base *baseTable) *reader {
	r := &reader{src: src, s: src.text, line: 1, t: t, base: base}
	if strings.HasPrefix(r.s, "#!") {
		if r.at = strings.IndexByte(r.s, '\n'); r.at < 0 {
			r.at = len(r.s)
		}
	}
	return r
}

// all reads to the end.
func (r *reader) all() (forms []Value, err *Error) {
	for {
		r.space()
		if r.at >= len(r.s) {
			return forms, nil
		}
		v, err := r.form()
		if err != nil {
			return nil, err
		}
		forms = append(forms, v)
	}
}

func (r *reader) pos() position { return at(r.line, r.at-r.start-r.wide+1) }

func (r *reader) bad(p position, format string, args ...any) *Error {
	return Errorf("syntax", format, args...).place(r.src, p)
}

func (r *reader) unfinished(p position, format string, args ...any) *Error {
	e := r.bad(p, format, args...)
	e.cause = errIncomplete
	return e
}

func (r *reader) newline() {
	r.line++
	r.start, r.wide = r.at, 0
}

// space skips blanks and comments.
func (r *reader) space() {
	for r.at < len(r.s) {
		switch c := r.s[r.at]; {
		case c == '\n':
			r.at++
			r.newline()
		case c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v':
			r.at++
		case c == ';':
			if i := strings.IndexByte(r.s[r.at:], '\n'); i >= 0 {
				r.at += i
			} else {
				r.at = len(r.s)
			}
		case c == 0xef && strings.HasPrefix(r.s[r.at:], "\ufeff"):
			r.at += 3
			r.wide += 3
		default:
			return
		}
	}
}

// form reads one form; the caller has skipped blanks and knows there is something.
func (r *reader) form() (Value, *Error) {
	if r.depth >= maxNest {
		return Nil, r.bad(r.pos(), "cannot read: nested more than %d levels deep", maxNest)
	}
	if r.t != nil {
		r.t.charge(1)
		r.t.alloc(96)
	}
	p := r.pos()
	switch c := r.s[r.at]; c {
	case '.':
		if r.dot() {
			return Nil, r.bad(p, "cannot read: a dot stands only before the last element of a list")
		}
	case '(':
		r.at++
		return r.list(p)
	case '[':
		r.at++
		items, err := r.items(p, '[', ']')
		return Value{o: &array{items: items}, n: int64(p)}, err
	case '{':
		r.at++
		return r.hash(p)
	case ')', ']', '}':
		return Nil, r.bad(p, "cannot read: %c closes nothing", c)
	case '\'':
		r.at++
		return r.wrap(p, "quote")
	case '`':
		r.at++
		return r.wrap(p, "syntax-quote")
	case '~':
		r.at++
		if r.at < len(r.s) && r.s[r.at] == '@' {
			r.at++
			return r.wrap(p, "unquote-splicing")
		}
		return r.wrap(p, "unquote")
	case '"':
		return r.str(p)
	case '#':
		return r.sharp(p)
	}
	return r.atom(p)
}

func (r *reader) wrap(p position, head string) (Value, *Error) {
	r.depth++
	defer func() { r.depth-- }()
	if r.space(); r.at >= len(r.s) {
		return Nil, r.unfinished(p, "cannot read: nothing follows the quote")
	}
	v, err := r.form()
	if err != nil {
		return Nil, err
	}
	return r.made(p, r.sym(head, p), v), nil
}

// made builds a list with a position.
func (r *reader) made(p position, items ...Value) Value {
	v := listTail(items, Nil)
	v.n = int64(p)
	return v
}

// sym makes a symbol, the same object for the same name.
func (r *reader) sym(name string, p position) Value {
	if r.base != nil {
		if s := r.base.symbols[name]; s != nil {
			return Value{o: s, n: int64(p)}
		}
	}
	if s := r.mine[name]; s != nil {
		return Value{o: s, n: int64(p)}
	}
	if r.mine == nil {
		r.mine = map[string]*symbol{}
	}
	if len(r.s) > 1024 { // do not let a name keep a long text alive
		name = strings.Clone(name)
	}
	s := &symbol{name}
	r.mine[name] = s
	return Value{o: s, n: int64(p)}
}

func (r *reader) items(p position, open, closing byte) ([]Value, *Error) {
	r.depth++
	defer func() { r.depth-- }()
	var few [8]Value
	items := few[:0]
	for {
		if r.space(); r.at >= len(r.s) {
			return nil, r.unfinished(p, "cannot read: this %c is never closed", open)
		}
		if r.s[r.at] == closing {
			r.at++
			return append([]Value(nil), items...), nil
		}
		if c := r.s[r.at]; c == ')' || c == ']' || c == '}' {
			return nil, r.bad(r.pos(), "cannot read: %c closes the %c of line %d", c, open, p.line())
		}
		v, err := r.form()
		if err != nil {
			return nil, err
		}
		items = append(items, v)
	}
}

func (r *reader) list(p position) (Value, *Error) {
	r.depth++
	defer func() { r.depth-- }()
	var few [8]Value
	items, tail := few[:0], Nil
	for {
		if r.space(); r.at >= len(r.s) {
			return Nil, r.unfinished(p, "cannot read: this ( is never closed")
		}
		if r.s[r.at] == ')' {
			r.at++
			break
		}
		if c := r.s[r.at]; c == ']' || c == '}' {
			return Nil, r.bad(r.pos(), "cannot read: %c closes the ( of line %d", c, p.line())
		}
		if !r.dot() {
			v, err := r.form()
			if err != nil {
				return Nil, err
			}
			items = append(items, v)
			continue
		}
		dot := r.pos()
		r.at++
		if len(items) == 0 {
			return Nil, r.bad(dot, "cannot read: nothing stands before the dot")
		}
		if r.space(); r.at >= len(r.s) {
			return Nil, r.unfinished(p, "cannot read: this ( is never closed")
		}
		if r.s[r.at] == ')' {
			return Nil, r.bad(dot, "cannot read: nothing follows the dot")
		}
		var err *Error
		if tail, err = r.form(); err != nil {
			return Nil, err
		}
		if r.space(); r.at >= len(r.s) {
			return Nil, r.unfinished(p, "cannot read: this ( is never closed")
		}
		if r.s[r.at] != ')' {
			return Nil, r.bad(r.pos(), "cannot read: more than one element follows the dot")
		}
		r.at++
		break
	}
	if len(items) == 0 {
		return Nil, nil
	}
	v := listTail(items, tail)
	v.n = int64(p)
	return v, nil
}

// dot reports whether a dot stands alone here.
func (r *reader) dot() bool {
	return r.s[r.at] == '.' && (r.at+1 == len(r.s) || isDelimiter(r.s[r.at+1]))
}

// hash reads a literal table. As source code a table stands for the making of one: its keys and values are forms.
func (r *reader) hash(p position) (Value, *Error) {
	items, err := r.items(p, '{', '}')
	if err != nil {
		return Nil, err
	}
	if len(items)%2 != 0 {
		return Nil, r.bad(p, "cannot read: a hash needs a value for every key, got %d forms", len(items))
	}
	h := NewHash()
	for i := 0; i < len(items); i += 2 {
		if !isKey(items[i]) {
			return Value{o: &braces{items}, n: int64(p)}, nil
		}
		h.put(items[i], items[i+1])
	}
	return Value{o: h, n: int64(p)}, nil
}

// braces is a hash literal in source code with a key that only evaluating makes a key.
type braces struct{ items []Value }

func (*braces) kind() Kind { return KindHash }
