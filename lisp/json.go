package lisp

import (
	"encoding/base64"
	"math"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	maxJSONDepth = 512
	maxJSONBytes = 64 << 20
)

// AppendJSON appends v as JSON: nil is null, numbers of any size are numbers, strings, symbols and chars are strings,
// lists and arrays are arrays, hashes are objects in their order with keys as text, bytes are base64, times RFC 3339,
// errors their message, functions "fn:NAME". It fails for infinities, for what is nested beyond 512 levels or contains
// itself, and beyond 64 MiB (kind "too-large").
func AppendJSON(dst []byte, v Value) (out []byte, err error) {
	w := jsonWriter{b: dst, limit: len(dst) + maxJSONBytes}
	if e := w.value(v); e != nil {
		return dst, e
	}
	return w.b, nil
}

type jsonWriter struct {
	b      []byte
	limit  int
	depth  int
	indent bool
	t      *Thread
	paid   int64
}

func (w *jsonWriter) value(v Value) *Error {
	if len(w.b) > w.limit {
		return Errorf("too-large", "cannot write JSON: longer than %d bytes", maxJSONBytes)
	}
	w.pay(0)
	switch o := v.o.(type) {
	case nil:
		w.b = strconv.AppendInt(w.b, v.n, 10)
	case *bigInt:
		if w.t != nil {
			w.t.chargeDigits(o)
		}
		w.b = o.i.Append(w.b, 10)
	case *floatTag:
		f := v.float()
		if math.IsInf(f, 0) || f != f {
			return Errorf("value", "cannot write %s as JSON", floatText(f))
		}
		w.b = append(w.b, floatText(f)...)
	case *charTag:
		w.text(string(rune(v.n)))
	case *boolTag:
		w.b = strconv.AppendBool(w.b, v.n != 0)
	case *nilTag:
		w.b = append(w.b, "null"...)
	case *text:
		w.text(o.s)
	case *symbol:
		w.text(o.name)
	case *raw:
		w.b = append(w.b, '"')
		for from := 0; from < len(o.b) && len(w.b) <= w.limit; from += wholeBytes {
			piece := o.b[from:min(len(o.b), from+wholeBytes)]
			w.pay(len(piece))
			w.b = base64.StdEncoding.AppendEncode(w.b, piece)
		}
		w.b = append(w.b, '"')
	case *cons:
		return w.list(o)
	case *array:
		return w.items(len(o.items), func(i int) Value { return o.items[i] })
	case *Hash:
		return w.hash(o)
	case *record:
		return w.object(len(o.values), func(i int) (string, Value) { return o.class.fields[i].name, o.values[i] })
	case *timeValue:
		w.b = append(w.b, '"')
		w.b = o.t.AppendFormat(w.b, time.RFC3339Nano)
		w.b = append(w.b, '"')
	case *errorValue:
		w.text(o.err.Msg)
	case *closure, *primitive:
		w.text("fn:" + funcName(v))
	case *hostObject:
		if j, ok := o.obj.(JSONer); ok {
			return w.value(j.JSON())
		}
		return Errorf("type", "cannot write %s as JSON", article(o.obj.Type()))
	case *stream:
		if w.t == nil {
			return Errorf("type", "cannot write a stream as JSON: realize it first")
		}
		items := w.t.realize(o)
		return w.items(len(items), func(i int) Value { return items[i] })
	default:
		return Errorf("type", "cannot write %s as JSON", article(wordFor(v)))
	}
	return nil
}

// wholeBytes is a piece whose base64 needs no padding.
const wholeBytes = pieceBytes / 4 * 3

// pay pays for what was written, and for n bytes that are to be looked at.
func (w *jsonWriter) pay(n int) {
	if w.t == nil {
		return
	}
	w.t.charge(1 + int64(n)>>5)
	if n := int64(len(w.b)) - w.paid; n > 4096 {
		w.t.alloc(2 * n)
		w.paid += n
	}
}

// text writes a string, a piece after the other.
func (w *jsonWriter) text(s string) {
	w.b = append(w.b, '"')
	for s != "" && len(w.b) <= w.limit {
		var piece string
		piece, s = pieceOf(s)
		if len(piece) >= 1024 {
			w.pay(len(piece))
		}
		w.b = appendJSONText(w.b, piece)
	}
	w.b = append(w.b, '"')
}

func (w *jsonWriter) list(c *cons) *Error {
	items := []Value{c.car}
	for {
		next, ok := c.cdr.o.(*cons)
		if !ok {
			if !c.cdr.IsNil() {
				items = append(items, c.cdr)
			}
			break
		}
		if w.t != nil {
			w.t.alloc(2 * valueSize)
		}
		items = append(items, next.car)
		c = next
	}
	return w.items(len(items), func(i int) Value { return items[i] })
}

func (w *jsonWriter) enter() *Error {
	if w.depth++; w.depth > maxJSONDepth {
		return Errorf("value", "cannot write JSON: nested more than %d levels deep, or containing itself", maxJSONDepth)
	}
	return nil
}

func (w *jsonWriter) newline() {
	if w.indent {
		w.b = append(w.b, '\n')
		for i := 0; i < w.depth; i++ {
			w.b = append(w.b, "  "...)
		}
	}
}

func (w *jsonWriter) items(n int, item func(int) Value) *Error {
	if n == 0 {
		w.b = append(w.b, "[]"...)
		return nil
	}
	if err := w.enter(); err != nil {
		return err
	}
	w.b = append(w.b, '[')
	for i := 0; i < n; i++ {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.newline()
		if err := w.value(item(i)); err != nil {
			return err
		}
	}
	w.depth--
	w.newline()
	w.b = append(w.b, ']')
	return nil
}

func (w *jsonWriter) hash(h *Hash) *Error {
	live := make([]int, 0, h.live)
	for i := range h.entries {
		if h.entries[i].live() {
			live = append(live, i)
		}
	}
	return w.object(len(live), func(i int) (string, Value) {
		e := &h.entries[live[i]]
		return keyText(e.key), e.val
	})
}

func (w *jsonWriter) object(n int, member func(int) (string, Value)) *Error {
	if n == 0 {
		w.b = append(w.b, "{}"...)
		return nil
	}
	if err := w.enter(); err != nil {
		return err
	}
	w.b = append(w.b, '{')
	for i := 0; i < n; i++ {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.newline()
		k, v := member(i)
		w.text(k)
		w.b = append(w.b, ':')
		if w.indent {
			w.b = append(w.b, ' ')
		}
		if err := w.value(v); err != nil {
			return err
		}
	}
	w.depth--
	w.newline()
	w.b = append(w.b, '}')
	return nil
}

// keyText is the text of a hash's key.
func keyText(k Value) string { return Display(k) }

// appendJSONText appends what stands between the quotes.
func appendJSONText(b []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[from:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, `\n`...)
			case '\t':
				b = append(b, `\t`...)
			case '\r':
				b = append(b, `\r`...)
			default:
				b = append(b, `\u00`...)
				b = append(b, hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			from = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			b = append(b, s[from:i]...)
			b = append(b, "\ufffd"...)
			i++
			from = i
			continue
		}
		i += size
	}
	return append(b, s[from:]...)
}

// FromJSON reads one JSON document: objects become hashes with string keys in their order (of equal keys the last value
// counts), arrays arrays, null nil, numbers without dot and exponent integers of any size. Errors are of kind "value" and
// name the byte offset. Nesting is limited to 512.
func FromJSON(data []byte) (Value, error) {
	v, err := parseJSON(nil, string(data))
	if err != nil {
		return Nil, err
	}
	return v, nil
}

func parseJSON(t *Thread, s string) (Value, *Error) {
	r := jsonReader{s: s, t: t}
	if t != nil {
		t.charge(int64(len(s)) >> 5)
	}
	r.space()
	v, err := r.value()
	if err != nil {
		return Nil, err
	}
	if r.space(); r.at < len(s) {
		return Nil, r.bad("unexpected text after the value")
	}
	return v, nil
}

type jsonReader struct {
	s     string
	at    int
	depth int
	keys  map[string]Value
	t     *Thread
}

func (r *jsonReader) bad(why string) *Error {
	return Errorf("value", "cannot read JSON at offset %d: %s", r.at, why)
}

func (r *jsonReader) space() {
	for r.at < len(r.s) {
		switch r.s[r.at] {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return
		}
	}
}

func (r *jsonReader) pay(n int64) {
	if r.t != nil {
		r.t.charge(1)
		r.t.alloc(n)
	}
}

func (r *jsonReader) value() (Value, *Error) {
	if r.at >= len(r.s) {
		return Nil, r.bad("unexpected end of input")
	}
	switch c := r.s[r.at]; {
	case c == '{' || c == '[':
		if r.depth++; r.depth > maxJSONDepth {
			return Nil, r.bad("nested more than 512 levels deep")
		}
		r.at++
		var v Value
		var err *Error
		if c == '{' {
			v, err = r.object()
		} else {
			v, err = r.array()
		}
		r.depth--
		return v, err
	case c == '"':
		s, err := r.str()
		if err != nil {
			return Nil, err
		}
		r.pay(int64(len(s) + textSize))
		return String(s), nil
	case c == '-' || isDigit(c):
		return r.number()
	}
	for _, w := range []struct {
		text string
		v    Value
	}{{"null", Nil}, {"true", True}, {"false", False}} {
		if len(r.s)-r.at >= len(w.text) && r.s[r.at:r.at+len(w.text)] == w.text {
			r.at += len(w.text)
			return w.v, nil
		}
	}
	return Nil, r.bad("want a value")
}

func (r *jsonReader) array() (Value, *Error) {
	items := []Value{}
	if r.space(); r.at < len(r.s) && r.s[r.at] == ']' {
		r.at++
		return arrayOf(items), nil
	}
	for {
		r.space()
		v, err := r.value()
		if err != nil {
			return Nil, err
		}
		if len(items) == cap(items) {
			r.pay(int64(2*len(items)+1) * valueSize)
		}
		items = append(items, v)
		r.space()
		if r.at >= len(r.s) {
			return Nil, r.bad("unexpected end of input in an array")
		}
		switch r.s[r.at] {
		case ',':
			r.at++
			continue
		case ']':
			r.at++
			return arrayOf(items), nil
		}
		return Nil, r.bad("want , or ] in an array")
	}
}

func (r *jsonReader) object() (Value, *Error) {
	h := NewHash()
	r.pay(hashSize)
	if r.space(); r.at < len(r.s) && r.s[r.at] == '}' {
		r.at++
		return HashValue(h), nil
	}
	for {
		if r.space(); r.at >= len(r.s) || r.s[r.at] != '"' {
			return Nil, r.bad("want a string as key")
		}
		k, err := r.str()
		if err != nil {
			return Nil, err
		}
		key, ok := r.keys[k]
		if !ok {
			if r.keys == nil {
				r.keys = map[string]Value{}
			}
			r.pay(int64(len(k) + textSize + 64))
			key = String(k)
			r.keys[k] = key
		}
		if r.space(); r.at >= len(r.s) || r.s[r.at] != ':' {
			return Nil, r.bad("want : after a key")
		}
		r.at++
		r.space()
		v, err := r.value()
		if err != nil {
			return Nil, err
		}
		r.pay(h.grows())
		h.put(key, v)
		r.space()
		if r.at >= len(r.s) {
			return Nil, r.bad("unexpected end of input in an object")
		}
		switch r.s[r.at] {
		case ',':
			r.at++
			continue
		case '}':
			r.at++
			return HashValue(h), nil
		}
		return Nil, r.bad("want , or } in an object")
	}
}

func (r *jsonReader) number() (Value, *Error) {
	from := r.at
	if r.s[r.at] == '-' {
		r.at++
	}
	digits := func() int {
		n := r.at
		for r.at < len(r.s) && isDigit(r.s[r.at]) {
			r.at++
		}
		return r.at - n
	}
	first := r.at
	if n := digits(); n == 0 || n > 1 && r.s[first] == '0' {
		return Nil, r.bad("bad number")
	}
	whole := true
	if r.at < len(r.s) && r.s[r.at] == '.' {
		whole = false
		r.at++
		if digits() == 0 {
			return Nil, r.bad("bad number")
		}
	}
	if r.at < len(r.s) && (r.s[r.at] == 'e' || r.s[r.at] == 'E') {
		whole = false
		r.at++
		if r.at < len(r.s) && (r.s[r.at] == '+' || r.s[r.at] == '-') {
			r.at++
		}
		if digits() == 0 {
			return Nil, r.bad("bad number")
		}
	}
	text := r.s[from:r.at]
	if whole {
		if v, ok := parseInt(text, 10); ok {
			return v, nil
		}
		return Nil, r.bad("number too long")
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(f, 0) || math.IsInf(f, 0) {
		return Nil, r.bad("number out of range")
	}
	return Float(f), nil
}

// str reads a string; without escapes it is cut from the input.
func (r *jsonReader) str() (string, *Error) {
	r.at++
	from := r.at
	for r.at < len(r.s) {
		switch c := r.s[r.at]; {
		case c == '"':
			s := r.s[from:r.at]
			r.at++
			if !utf8.ValidString(s) {
				return "", r.bad("string is not UTF-8")
			}
			return s, nil
		case c == '\\':
			return r.escaped(from)
		case c < ' ':
			return "", r.bad("control character in a string")
		}
		r.at++
	}
	return "", r.bad("unexpected end of input in a string")
}

func (r *jsonReader) escaped(from int) (string, *Error) {
	b := []byte(r.s[from:r.at])
	for r.at < len(r.s) {
		c := r.s[r.at]
		switch {
		case c == '"':
			r.at++
			if !utf8.Valid(b) {
				return "", r.bad("string is not UTF-8")
			}
			return string(b), nil
		case c < ' ':
			return "", r.bad("control character in a string")
		case c != '\\':
			b = append(b, c)
			r.at++
			continue
		}
		r.at++
		if r.at >= len(r.s) {
			break
		}
		c = r.s[r.at]
		r.at++
		switch c {
		case '"', '\\', '/':
			b = append(b, c)
		case 'n':
			b = append(b, '\n')
		case 't':
			b = append(b, '\t')
		case 'r':
			b = append(b, '\r')
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'u':
			u, ok := r.hex4()
			if !ok {
				return "", r.bad("want four hex digits after \\u")
			}
			if utf16.IsSurrogate(u) && r.at+1 < len(r.s) && r.s[r.at] == '\\' && r.s[r.at+1] == 'u' {
				back := r.at
				r.at += 2
				low, ok := r.hex4()
				if pair := utf16.DecodeRune(u, low); ok && pair != utf8.RuneError {
					b = utf8.AppendRune(b, pair)
					continue
				}
				r.at = back
			}
			b = utf8.AppendRune(b, u)
		default:
			return "", r.bad("unknown escape \\" + string(rune(c)))
		}
	}
	return "", r.bad("unexpected end of input in a string")
}

func (r *jsonReader) hex4() (rune, bool) {
	if r.at+4 > len(r.s) {
		return 0, false
	}
	n, err := strconv.ParseUint(r.s[r.at:r.at+4], 16, 32)
	r.at += 4
	return rune(n), err == nil
}
