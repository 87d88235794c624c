package lisp

import (
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// text is an immutable string of Unicode characters. A text that was built by concatenation ends exactly at the end of
// its builder; concatenating onto it again extends the builder in place, so that building a string piece by piece is
// linear. Texts that are shared between evaluations never have a builder.
type text struct {
	s     string
	tail  *strings.Builder
	sum   uint32 // its hash sum, 0 while unknown
	chars uint32 // one more than its number of characters, 0 while unknown
}

func (*text) kind() Kind { return KindString }

// String makes a string. Invalid UTF-8 is kept as it is.
func String(s string) Value { return Value{o: &text{s: s}} }

// AsString gives a string. Only strings are accepted, not symbols.
func (v Value) AsString() (string, bool) {
	if s, ok := v.o.(*text); ok {
		return s.s, true
	}
	return "", false
}

// count gives the number of characters of x. It is found once; texts are shared between evaluations, so it is noted
// atomically.
func (t *Thread) count(x *text) int {
	if n := atomic.LoadUint32(&x.chars); n != 0 {
		return int(n - 1)
	}
	n := t.countIn(x.s)
	if uint64(n) < 1<<32-1 {
		atomic.StoreUint32(&x.chars, uint32(n+1))
	}
	return n
}

// spot is the last character that a program asked for by its index.
type spot struct {
	text       *text
	char, byte int
}

// offset gives the byte offset of character i of x, which has more than i characters. Where every byte is a character
// that is i itself; elsewhere it is found from the start, or onward from the last spot, so that walking is quick.
func (t *Thread) offset(x *text, i int) int {
	if t.count(x) == len(x.s) {
		return i
	}
	from := t.spot
	if from.text != x || from.char > i {
		from = spot{text: x}
	}
	t.inPieces(i-from.char, func(a, b int) {
		for range b - a {
			_, size := utf8.DecodeRuneInString(x.s[from.byte:])
			from.byte += size
		}
	})
	from.char = i
	t.spot = from
	return from.byte
}

// charAt gives character i of x.
func (t *Thread) charAt(x *text, i int) Value {
	r, _ := utf8.DecodeRuneInString(x.s[t.offset(x, i):])
	return Char(r)
}

// textSize is what a string object costs besides its bytes.
const textSize = 32

// join appends b to a, in place where a is the end of a builder.
func (t *Thread) join(a *text, b string) *text {
	if b == "" {
		return a
	}
	if a.tail != nil && a.tail.Len() == len(a.s) {
		if spare := a.tail.Cap() - a.tail.Len(); spare < len(b) {
			t.alloc(int64(a.tail.Cap() + 2*len(b)))
		}
		t.alloc(textSize)
		a.tail.WriteString(b)
		return &text{s: a.tail.String(), tail: a.tail, chars: a.charsWith(b)}
	}
	size := len(a.s) + len(b)
	if size < 64 {
		t.alloc(int64(size + textSize))
		return &text{s: a.s + b}
	}
	t.alloc(int64(2*size + textSize + 32))
	tail := &strings.Builder{}
	tail.Grow(2 * size)
	tail.WriteString(a.s)
	tail.WriteString(b)
	return &text{s: tail.String(), tail: tail}
}

// charsWith gives what the characters of a and b together are, where a's are known and b cannot complete its last one.
func (a *text) charsWith(b string) uint32 {
	n := atomic.LoadUint32(&a.chars)
	if n == 0 || a.s[len(a.s)-1] >= utf8.RuneSelf || len(a.s) > 1<<31 {
		return 0
	}
	return n + uint32(utf8.RuneCountInString(b))
}

// newText makes a string and charges for it.
func (t *Thread) newText(s string) Value {
	t.alloc(int64(len(s) + textSize))
	return Value{o: &text{s: s}}
}

// raw is a byte string.
type raw struct{ b []byte }

func (*raw) kind() Kind { return KindBytes }

// Bytes makes a byte string, which keeps b: the caller must not change it any more.
func Bytes(b []byte) Value { return Value{o: &raw{b}} }

// AsBytes gives a byte string, which must not be changed.
func (v Value) AsBytes() ([]byte, bool) {
	if b, ok := v.o.(*raw); ok {
		return b.b, true
	}
	return nil, false
}

// symbol is a name. Two symbols with the same name are equal; the reader reuses objects, so comparing pointers usually
// decides. There is no global table: symbols made by one evaluation are collected with it.
type symbol struct{ name string }

func (*symbol) kind() Kind { return KindSymbol }

// Sym makes a symbol.
func Sym(name string) Value { return Value{o: &symbol{name}} }

// AsSymbol gives the name of a symbol.
func (v Value) AsSymbol() (string, bool) {
	if s, ok := v.o.(*symbol); ok {
		return s.name, true
	}
	return "", false
}

// isSym reports whether v is the symbol of that name.
func isSym(v Value, name string) bool {
	s, ok := v.o.(*symbol)
	return ok && s.name == name
}
