package lisp

import (
	"strings"
	"unicode/utf8"
)

// Work on long data is done a piece after the other, with a look at the context and the budget in between, so that a
// cancelled evaluation ends soon wherever it is.
const (
	pieceBytes = 1 << 18 // of a text
	pieceItems = 1 << 13 // of a collection
)

// inPieces calls f for the pieces of n bytes, and pays for each before it is worked on.
func (t *Thread) inPieces(n int, f func(from, to int)) {
	for from := 0; from < n; from += pieceBytes {
		to := min(n, from+pieceBytes)
		t.charge(1 + int64(to-from)>>5)
		f(from, to)
	}
}

// itemsInPieces calls f for the pieces of n elements, and pays for each before it is worked on.
func (t *Thread) itemsInPieces(n int, f func(from, to int)) {
	for from := 0; from < n; from += pieceItems {
		to := min(n, from+pieceItems)
		t.charge(1 + int64(to-from)>>1)
		f(from, to)
	}
}

// pieceOf is the beginning of s, whole characters, and what is left.
func pieceOf(s string) (string, string) {
	n := pieceBytes
	if len(s) <= n {
		return s, ""
	}
	for n < len(s) && n < pieceBytes+utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n++
	}
	return s[:n], s[n:]
}

// eachPiece calls f with the pieces of s until it answers false; what is before each is paid for.
func (t *Thread) eachPiece(s string, f func(piece string) bool) {
	for s != "" {
		var piece string
		piece, s = pieceOf(s)
		t.charge(1 + int64(len(piece))>>5)
		if !f(piece) {
			return
		}
	}
}

// piecewise is what f makes of s, a piece after the other; the memory was paid for before.
func (t *Thread) piecewise(s string, f func(string) string) string {
	if len(s) <= pieceBytes {
		t.charge(1 + int64(len(s))>>5)
		return f(s)
	}
	var b strings.Builder
	t.eachPiece(s, func(piece string) bool {
		b.WriteString(f(piece))
		return true
	})
	return b.String()
}

// add writes s to b, a piece after the other.
func (t *Thread) add(b *strings.Builder, s string) {
	if len(s) <= pieceBytes {
		b.WriteString(s)
		return
	}
	t.inPieces(len(s), func(from, to int) { b.WriteString(s[from:to]) })
}

// repeat writes s to b n times; the memory was paid for before.
func (t *Thread) repeat(b *strings.Builder, s string, n int) {
	if s == "" {
		return
	}
	block := s
	if some := min(n, pieceBytes/len(s)); some > 1 {
		block = strings.Repeat(s, some)
		for ; n >= some; n -= some {
			t.charge(1 + int64(len(block))>>5)
			b.WriteString(block)
		}
	}
	for ; n > 0; n-- {
		t.add(b, s)
	}
}

// countIn gives the number of characters of s.
func (t *Thread) countIn(s string) int {
	n := 0
	t.eachPiece(s, func(piece string) bool {
		n += utf8.RuneCountInString(piece)
		return true
	})
	return n
}

// byteOffset gives the byte offset of character i of s, or -1 when s is shorter.
func (t *Thread) byteOffset(s string, i int) int {
	if i < 0 {
		return -1
	}
	at := 0
	for {
		piece, rest := pieceOf(s[at:])
		t.charge(1 + int64(min(len(piece), i))>>5)
		for j := range piece {
			if i == 0 {
				return at + j
			}
			i--
		}
		if at += len(piece); rest == "" {
			break
		}
	}
	if i == 0 {
		return at
	}
	return -1
}

// search gives the byte offset where part first occurs in s at from or later, or -1.
func (t *Thread) search(s, part string, from int) int {
	for step := max(pieceBytes, len(part)); from+len(part) <= len(s); from += step {
		to := min(len(s), from+step+len(part)-1)
		i := strings.Index(s[from:to], part)
		if i >= 0 {
			t.charge(1 + int64(i)>>5)
			return from + i
		}
		t.charge(1 + int64(to-from)>>5)
	}
	return -1
}

// searchLast gives the byte offset where part last occurs in s, or -1.
func (t *Thread) searchLast(s, part string) int {
	for step, to := max(pieceBytes, len(part)), len(s); to >= len(part); to -= step {
		from := max(0, to-step-len(part)+1)
		t.charge(1 + int64(to-from)>>5)
		if i := strings.LastIndex(s[from:to], part); i >= 0 {
			return from + i
		}
	}
	return -1
}

// occurs counts how often part occurs in s, each after the end of the one before it, at most limit times unless that is
// negative. The empty part occurs before every character and at the end.
func (t *Thread) occurs(s, part string, limit int) int {
	n := 0
	if part == "" {
		if n = t.countIn(s) + 1; limit >= 0 {
			n = min(n, limit)
		}
		return n
	}
	for at := 0; n != limit; n++ {
		if at = t.search(s, part, at); at < 0 {
			break
		}
		at += len(part)
	}
	return n
}

// replace is s with old replaced by repl at most limit times, unless that is negative.
func (t *Thread) replace(s, old, repl string, limit int) string {
	n := t.occurs(s, old, limit)
	if n == 0 {
		return s
	}
	if grow := int64(len(repl) - len(old)); grow > 0 {
		t.room(int64(n), grow)
	}
	t.alloc(int64(len(s)))
	var b strings.Builder
	b.Grow(len(s) + n*(len(repl)-len(old)))
	from := 0
	for i := range n {
		at := from
		switch {
		case old != "":
			at = t.search(s, old, from)
		case i > 0:
			_, width := utf8.DecodeRuneInString(s[from:])
			at += width
			t.charge(1)
		}
		t.add(&b, s[from:at])
		t.add(&b, repl)
		from = at + len(old)
	}
	t.add(&b, s[from:])
	return b.String()
}

// parts are those of s between separators, at most limit of them unless that is negative; an empty separator splits into
// characters.
func (t *Thread) parts(s, sep string, limit int) []string {
	if limit == 0 {
		return nil
	}
	n := 0
	if sep != "" {
		n = t.occurs(s, sep, limit-1) + 1
	} else if n = t.countIn(s); limit > 0 {
		n = min(n, limit)
	}
	t.room(int64(n), 16)
	out := make([]string, 0, n)
	for range n - 1 {
		at := 0
		if sep == "" {
			_, at = utf8.DecodeRuneInString(s)
			t.charge(1)
		} else {
			at = t.search(s, sep, 0)
		}
		out = append(out, s[:at])
		s = s[at+len(sep):]
	}
	if n > 0 {
		out = append(out, s)
	}
	return out
}
