package lisp

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Print writes v so that the reader reads it back equal, where that is possible: numbers, strings, symbols, chars,
// booleans, lists, arrays and hashes. What contains itself is cut with "…", and so is what is nested beyond 1000 levels or
// longer than 64 MiB.
func Print(v Value) string { return printLimit(v, false, 64<<20) }

// AppendPrint appends what Print writes.
func AppendPrint(dst []byte, v Value) []byte {
	p := printer{b: dst, limit: len(dst) + 64<<20}
	p.print(v)
	return p.b
}

// Display writes v for people: strings and chars as they are, nil as "", lists and arrays as their elements' text
// without separators, other things as Print does.
func Display(v Value) string { return printLimit(v, true, 64<<20) }

// printShort is Print for messages.
func printShort(v Value) string { return printLimit(v, false, 200) }

func printLimit(v Value, display bool, limit int) string {
	if s, ok := v.o.(*text); ok && display {
		return s.s
	}
	if v.o == nil {
		return strconv.FormatInt(v.n, 10)
	}
	p := printer{limit: limit}
	if display {
		p.display(v)
	} else {
		p.print(v)
	}
	return string(p.b)
}

// show is Print charged to the budget.
func (t *Thread) show(v Value, display bool) string {
	if s, ok := v.o.(*text); ok && display {
		return s.s
	}
	return t.showLimit(v, display, 256<<20)
}

// showLimit is show of about limit bytes.
func (t *Thread) showLimit(v Value, display bool, limit int) string {
	p := printer{limit: limit, t: t}
	if display {
		p.display(v)
	} else {
		p.print(v)
	}
	t.alloc(int64(len(p.b)) - p.paid)
	return string(p.b)
}

type printer struct {
	b     []byte
	limit int
	depth int
	open  []object // the mutable containers that are being printed
	t     *Thread  // charged when not nil
	paid  int64
	cut   bool
}

const maxPrintDepth = 1000

// full reports that nothing more should be printed; it also pays for what was.
func (p *printer) full() bool {
	if p.cut {
		return true
	}
	if len(p.b) > p.limit {
		p.b = append(p.b, "…"...)
		p.cut = true
		return true
	}
	if p.t != nil {
		p.t.charge(1)
		if n := int64(len(p.b)) - p.paid; n > 4096 {
			p.t.alloc(2 * n)
			p.paid += n
		}
	}
	return false
}

// enter notes a container; false when it is being printed already or all is nested too deeply.
func (p *printer) enter(o object, mutable bool) bool {
	if p.depth >= maxPrintDepth {
		p.b = append(p.b, "…"...)
		return false
	}
	if mutable {
		for _, seen := range p.open {
			if seen == o {
				p.b = append(p.b, "…"...)
				return false
			}
		}
		p.open = append(p.open, o)
	}
	p.depth++
	return true
}

func (p *printer) leave(mutable bool) {
	p.depth--
	if mutable {
		p.open = p.open[:len(p.open)-1]
	}
}

func (p *printer) print(v Value) {
	if p.full() {
		return
	}
	switch o := v.o.(type) {
	case nil:
		p.b = strconv.AppendInt(p.b, v.n, 10)
	case *bigInt:
		p.bigInt(o)
	case *floatTag:
		p.b = append(p.b, floatText(v.float())...)
	case *charTag:
		p.b = appendChar(p.b, rune(v.n))
	case *boolTag:
		p.b = strconv.AppendBool(p.b, v.n != 0)
	case *nilTag:
		p.b = append(p.b, "()"...)
	case *text:
		p.quoted(o.s)
	case *symbol:
		p.plain(o.name)
	case *raw:
		p.b = append(p.b, "0B"...)
		for from := 0; from < len(o.b) && !p.full(); from += pieceBytes / 2 {
			piece := o.b[from:min(len(o.b), from+pieceBytes/2, from+p.limit+1)]
			p.charge(2 * len(piece))
			p.b = hex.AppendEncode(p.b, piece)
		}
	case *cons:
		p.list(o, true)
	case *array:
		p.array(o, true)
	case *Hash:
		p.hash(o)
	default:
		p.other(v)
	}
}

// charge pays for looking at n bytes.
func (p *printer) charge(n int) {
	if p.t != nil {
		p.t.charge(int64(n) >> 5)
	}
}

// plain prints a text as it is, a piece after the other, as far as there is room.
func (p *printer) plain(s string) {
	for s != "" && !p.full() {
		piece := s[:min(len(s), pieceBytes, p.limit+1)]
		p.charge(len(piece))
		p.b, s = append(p.b, piece...), s[len(piece):]
	}
}

// quoted prints a text as the reader reads it, as plain does.
func (p *printer) quoted(s string) {
	p.b = append(p.b, '"')
	for s != "" && !p.full() {
		var piece string
		piece, s = pieceOf(s)
		if len(piece) > p.limit {
			piece, s = piece[:p.limit+1], "" // what follows is cut anyway
		}
		p.charge(2 * len(piece))
		p.b = appendEscaped(p.b, piece)
	}
	if !p.cut {
		p.b = append(p.b, '"')
	}
}

const hexDigits = "0123456789abcdef"

// bigInt prints a big integer. Where only the beginning is wanted it does not compute all of them, which takes long.
func (p *printer) bigInt(o *bigInt) {
	if digits := int64(float64(o.i.BitLen())*math.Log10(2)) + 1; digits > int64(p.limit-len(p.b)) {
		p.b = fmt.Appendf(p.b, "%s… (%d digits)", firstDigits(&o.i), digits)
		p.cut = true
		return
	}
	if p.t != nil {
		p.t.chargeDigits(o)
	}
	p.b = o.i.Append(p.b, 10)
}

// chargeDigits pays for making decimal digits of a big integer, before it is done.
func (t *Thread) chargeDigits(o *bigInt) {
	words := int64(len(o.i.Bits()))
	t.charge(words * words / 64)
	t.alloc(words * 20)
}

// firstDigits are the sign and the first six digits of an integer of more than 64 bits.
func firstDigits(i *big.Int) string {
	n := i.BitLen()
	top := new(big.Int).Rsh(new(big.Int).Abs(i), uint(n-64))
	_, fraction := math.Modf(math.Log10(float64(top.Uint64())) + float64(n-64)*math.Log10(2))
	text := strconv.FormatFloat(math.Pow(10, fraction+5), 'f', 0, 64)[:6]
	if i.Sign() < 0 {
		text = "-" + text
	}
	return text
}

func (p *printer) list(c *cons, brackets bool) {
	if !p.enter(c, false) {
		return
	}
	if brackets {
		p.b = append(p.b, '(')
	}
	for {
		if brackets {
			p.print(c.car)
		} else {
			p.display(c.car)
		}
		if p.cut {
			break
		}
		next, ok := c.cdr.o.(*cons)
		if !ok {
			if !c.cdr.IsNil() {
				if brackets {
					p.b = append(p.b, " . "...)
					p.print(c.cdr)
				} else {
					p.display(c.cdr)
				}
			}
			break
		}
		if brackets {
			p.b = append(p.b, ' ')
		}
		c = next
	}
	if brackets {
		p.b = append(p.b, ')')
	}
	p.leave(false)
}

func (p *printer) array(a *array, brackets bool) {
	if !p.enter(a, true) {
		return
	}
	if brackets {
		p.b = append(p.b, '[')
	}
	for i, item := range a.items {
		if p.cut {
			break
		}
		if brackets {
			if i > 0 {
				p.b = append(p.b, ' ')
			}
			p.print(item)
		} else {
			p.display(item)
		}
	}
	if brackets {
		p.b = append(p.b, ']')
	}
	p.leave(true)
}

func (p *printer) hash(h *Hash) {
	if !p.enter(h, true) {
		return
	}
	p.b = append(p.b, '{')
	first := true
	h.Each(func(k, v Value) bool {
		if !first {
			p.b = append(p.b, ' ')
		}
		first = false
		p.print(k)
		p.b = append(p.b, ' ')
		p.print(v)
		return !p.cut
	})
	p.b = append(p.b, '}')
	p.leave(true)
}

// other prints what cannot be read back.
func (p *printer) other(v Value) {
	switch o := v.o.(type) {
	case *braces:
		if !p.enter(o, false) {
			return
		}
		for i, item := range o.items {
			p.b = append(p.b, "{ "[min(i, 1)])
			p.print(item)
		}
		p.b = append(p.b, '}')
		p.leave(false)
	case *closure, *primitive:
		p.b = append(p.b, "fn:"+funcName(v)...)
	case *errorValue:
		p.b = append(p.b, "(error "...)
		p.quoted(o.err.Msg)
		p.b = append(p.b, ')')
	case *timeValue:
		p.b = append(p.b, o.text()...)
	case *pattern:
		p.b = append(p.b, "(regexp/compile "...)
		p.b = appendQuoted(p.b, o.re.String())
		p.b = append(p.b, ')')
	case *stream:
		p.b = append(p.b, "(stream …)"...)
	case *record:
		if !p.enter(o, true) {
			return
		}
		p.b = append(p.b, '#')
		p.b = append(p.b, o.class.name...)
		p.b = append(p.b, '{')
		for i, f := range o.class.fields {
			if i > 0 {
				p.b = append(p.b, ", "...)
			}
			p.b = append(p.b, f.name...)
			p.b = append(p.b, ':')
			p.print(o.values[i])
		}
		p.b = append(p.b, '}')
		p.leave(true)
	case *class:
		p.b = append(p.b, "#class."+o.name...)
	case *hostObject:
		switch obj := o.obj.(type) {
		case *Channel:
			p.b = append(p.b, obj.String()...)
		case *Coroutine:
			p.b = append(p.b, obj.String()...)
		default:
			p.b = append(p.b, obj.Type()...)
		}
	default:
		p.b = append(p.b, "#internal"...)
	}
}

func (p *printer) display(v Value) {
	if p.full() {
		return
	}
	switch o := v.o.(type) {
	case *text:
		p.plain(o.s)
	case *charTag:
		p.b = utf8.AppendRune(p.b, rune(v.n))
	case *nilTag:
	case *raw:
		for from := 0; from < len(o.b) && !p.full(); from += pieceBytes {
			piece := o.b[from:min(len(o.b), from+pieceBytes)]
			p.charge(len(piece))
			p.b = append(p.b, piece...)
		}
	case *cons:
		p.list(o, false)
	case *array:
		p.array(o, false)
	case *errorValue:
		p.plain(o.err.Msg)
	case *hostObject:
		if s, ok := o.obj.(interface{ String() string }); ok {
			p.plain(s.String())
			return
		}
		p.print(v)
	default:
		p.print(v)
	}
}

// appendQuoted writes a string as the reader reads it: printable Unicode stays, bytes that are no UTF-8 are \xHH.
func appendQuoted(b []byte, s string) []byte {
	return append(appendEscaped(append(b, '"'), s), '"')
}

// appendEscaped is appendQuoted without the quotes.
func appendEscaped(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, `\n`...)
			case '\t':
				b = append(b, `\t`...)
			case '\r':
				b = append(b, `\r`...)
			case '\a':
				b = append(b, `\a`...)
			default:
				if c < ' ' || c == 0x7f {
					b = append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
				} else {
					b = append(b, c)
				}
			}
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		case unicode.IsPrint(r):
			b = append(b, s[i:i+size]...)
		default:
			b = appendEscape(b, r)
		}
		i += size
	}
	return b
}

func appendEscape(b []byte, r rune) []byte {
	n := 4
	b = append(b, '\\')
	if r > 0xffff {
		n = 8
		b = append(b, 'U')
	} else {
		b = append(b, 'u')
	}
	for n--; n >= 0; n-- {
		b = append(b, hexDigits[(uint32(r)>>(4*n))&15])
	}
	return b
}

// appendChar writes a char literal.
func appendChar(b []byte, r rune) []byte {
	b = append(b, '#')
	switch r {
	case '\n':
		return append(b, `\n`...)
	case '\t':
		return append(b, `\t`...)
	case '\r':
		return append(b, `\r`...)
	case '\a':
		return append(b, `\a`...)
	}
	if strings.ContainsRune("\\'\"()[]#~{};`", r) {
		return append(b, '\\', byte(r))
	}
	if r > ' ' && r < 0x7f && r != '!' || // #! at the start of a text is no char
		r >= utf8.RuneSelf && unicode.IsPrint(r) && !unicode.IsSpace(r) {
		return utf8.AppendRune(b, r)
	}
	if r >= 0 && r < 0x80 {
		return append(b, '\\', 'x', hexDigits[r>>4], hexDigits[r&15])
	}
	return appendEscape(b, r)
}

// PrettyPrint is Print with line breaks: what fits in width columns stays on one line, longer lists, arrays and hashes
// get one element a line.
func PrettyPrint(v Value, width int) string {
	return prettyPrint(nil, v, width)
}

// prettyPrint is PrettyPrint charged to the budget of an evaluation, if it belongs to one.
func prettyPrint(t *Thread, v Value, width int) string {
	p := pretty{t: t, width: width}
	p.value(v, 0)
	return p.b.String()
}

type pretty struct {
	t     *Thread
	b     strings.Builder
	width int
	depth int
}

// whole prints all of v in one line.
func (p *pretty) whole(v Value) string {
	if p.t != nil {
		return p.t.show(v, false)
	}
	return Print(v)
}

func (p *pretty) value(v Value, indent int) {
	first := printer{limit: p.width + 8, t: p.t}
	first.print(v)
	if !first.cut && indent+utf8.RuneCount(first.b) <= p.width {
		p.b.Write(first.b)
		return
	}
	if p.depth > 100 || p.b.Len() > 16<<20 {
		p.b.WriteString(p.whole(v))
		return
	}
	p.depth++
	defer func() { p.depth-- }()
	line := func(i, at int) {
		if i > 0 {
			p.b.WriteString("\n" + strings.Repeat(" ", at))
		}
	}
	switch o := v.o.(type) {
	case *array:
		p.b.WriteByte('[')
		for i, item := range o.items {
			line(i, indent+1)
			p.value(item, indent+1)
		}
		p.b.WriteByte(']')
	case *cons:
		items, ok := o.slice()
		if !ok {
			p.b.WriteString(p.whole(v))
			return
		}
		p.b.WriteByte('(')
		for i, item := range items {
			line(i, indent+1)
			p.value(item, indent+1)
		}
		p.b.WriteByte(')')
	case *Hash:
		p.b.WriteByte('{')
		i := 0
		o.Each(func(k, item Value) bool {
			line(i, indent+1)
			key := p.whole(k)
			p.b.WriteString(key + " ")
			p.value(item, indent+2+utf8.RuneCountInString(key))
			i++
			return true
		})
		p.b.WriteByte('}')
	default:
		p.b.WriteString(p.whole(v))
	}
}
