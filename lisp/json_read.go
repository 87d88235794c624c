package lisp

import (
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

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
		if more, err := r.more(']', "an array"); err != nil {
			return Nil, err
		} else if !more {
			return arrayOf(items), nil
		}
	}
}

// more reads the comma before another element, or the end.
func (r *jsonReader) more(end byte, in string) (bool, *Error) {
	if r.space(); r.at >= len(r.s) {
		return false, r.bad("unexpected end of input in " + in)
	}
	c := r.s[r.at]
	if c != ',' && c != end {
		return false, r.bad("want , or " + string(end) + " in " + in)
	}
	r.at++
	return c == ',', nil
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
		if more, err := r.more('}', "an object"); err != nil {
			return Nil, err
		} else if !more {
			return HashValue(h), nil
		}
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
