package lisp

import (
	"encoding/base64"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

const (
	maxJSONDepth = 512      // both ways
	maxJSONBytes = 64 << 20 // written
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
		return w.items(o.items)
	case *Hash:
		return w.hash(o)
	case *record:
		return w.object(len(o.values), nil, func(i int) (string, Value) { return o.class.fields[i].name, o.values[i] })
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
		return w.items(w.t.realize(o))
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
	return w.items(items)
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

func (w *jsonWriter) items(items []Value) *Error {
	return w.enclosed("[]", len(items), nil, func(i int) *Error { return w.value(items[i]) })
}

// enclosed writes n elements between two brackets; those that are not there, if there is a there, are left out.
func (w *jsonWriter) enclosed(brackets string, n int, there func(int) bool, element func(int) *Error) *Error {
	if n == 0 {
		w.b = append(w.b, brackets...)
		return nil
	}
	if err := w.enter(); err != nil {
		return err
	}
	w.b = append(w.b, brackets[0])
	comma := false
	for i := range n {
		if there != nil && !there(i) {
			continue
		}
		if comma {
			w.b = append(w.b, ',')
		}
		comma = true
		w.newline()
		if err := element(i); err != nil {
			return err
		}
	}
	w.depth--
	w.newline()
	w.b = append(w.b, brackets[1])
	return nil
}

// hash writes a table. A stream in it may call the program, which may change the table: what is gone by then is left out.
func (w *jsonWriter) hash(h *Hash) *Error {
	if w.t != nil {
		w.t.alloc(8 * int64(h.live))
	}
	live := make([]int, 0, h.live)
	for i := range h.entries {
		if h.entries[i].live() {
			live = append(live, i)
		}
	}
	there := func(i int) bool { return live[i] < len(h.entries) && h.entries[live[i]].live() }
	return w.object(len(live), there, func(i int) (string, Value) {
		e := &h.entries[live[i]]
		return keyText(e.key), e.val
	})
}

func (w *jsonWriter) object(n int, there func(int) bool, member func(int) (string, Value)) *Error {
	return w.enclosed("{}", n, there, func(i int) *Error {
		k, v := member(i)
		w.text(k)
		w.b = append(w.b, ':')
		if w.indent {
			w.b = append(w.b, ' ')
		}
		return w.value(v)
	})
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
