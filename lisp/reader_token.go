package lisp

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

func (r *reader) str(p position) (Value, *Error) {
	r.at++
	from := r.at
	for r.at < len(r.s) {
		switch c := r.s[r.at]; {
		case c == '"':
			s := r.s[from:r.at]
			r.at++
			if err := r.endOfToken(); err != nil {
				return Nil, err
			}
			return r.text(s, p), nil
		case c == '\\':
			return r.escaped(p, from)
		case c == '\n':
			r.at++
			r.newline()
		default:
			r.wideByte(c)
			r.at++
		}
	}
	return Nil, r.unfinished(p, "cannot read: this string is never closed")
}

func (r *reader) wideByte(c byte) {
	if c&0xc0 == 0x80 {
		r.wide++
	}
}

func (r *reader) text(s string, p position) Value {
	if len(r.s) > 4096 && len(s)*8 < len(r.s) {
		s = strings.Clone(s)
	}
	return Value{o: &text{s: s}, n: int64(p)}
}

func (r *reader) escaped(p position, from int) (Value, *Error) {
	b := []byte(r.s[from:r.at])
	for r.at < len(r.s) {
		c := r.s[r.at]
		if c == '"' {
			r.at++
			if err := r.endOfToken(); err != nil {
				return Nil, err
			}
			return Value{o: &text{s: string(b)}, n: int64(p)}, nil
		}
		if c != '\\' {
			r.wideByte(c)
			b = append(b, c)
			r.at++
			if c == '\n' {
				r.newline()
			}
			continue
		}
		where := r.pos()
		r.at++
		if r.at >= len(r.s) {
			break
		}
		c = r.s[r.at]
		r.at++
		i := strings.IndexByte(`nratbfv0e\"'#`, c)
		if i >= 0 {
			b = append(b, "\n\r\a\t\b\f\v\x00\x1b\\\"'#"[i])
			continue
		}
		n, ok := rune(0), false
		switch c {
		case 'x':
			if n, ok = r.hexDigits(2); ok {
				b = append(b, byte(n))
			}
		case 'u':
			if n, ok = r.hexDigits(4); ok {
				b = utf8.AppendRune(b, n)
			}
		case 'U':
			if n, ok = r.hexDigits(8); ok {
				b = utf8.AppendRune(b, n)
			}
		}
		if !ok {
			return Nil, r.bad(where, "cannot read: unknown escape \\%s in a string", string(rune(c)))
		}
	}
	return Nil, r.unfinished(p, "cannot read: this string is never closed")
}

func (r *reader) hexDigits(n int) (rune, bool) {
	if r.at+n > len(r.s) {
		return 0, false
	}
	var v uint32
	for i := 0; i < n; i++ {
		d := strings.IndexByte("0123456789abcdefABCDEF", r.s[r.at+i])
		if d < 0 {
			return 0, false
		}
		if d > 15 {
			d -= 6
		}
		v = v<<4 | uint32(d)
	}
	r.at += n
	return rune(v), v <= unicode.MaxRune
}

// endOfToken refuses what is glued to the end of a string or number, as in "a"b.
func (r *reader) endOfToken() *Error {
	if r.at < len(r.s) && !isDelimiter(r.s[r.at]) {
		return r.bad(r.pos(), "cannot read: want a blank or a bracket here")
	}
	return nil
}

func isDelimiter(c byte) bool { return classes[c]&delimiter != 0 }

// sharp reads #`raw`, #'x, #(...), and chars.
func (r *reader) sharp(p position) (Value, *Error) {
	if r.at+1 >= len(r.s) {
		return Nil, r.bad(p, "cannot read: nothing follows #")
	}
	switch r.s[r.at+1] {
	case '`':
		r.at += 2
		from := r.at
		for r.at < len(r.s) {
			c := r.s[r.at]
			if c == '`' {
				s := r.s[from:r.at]
				r.at++
				if err := r.endOfToken(); err != nil {
					return Nil, err
				}
				return r.text(s, p), nil
			}
			r.wideByte(c)
			if r.at++; c == '\n' {
				r.newline()
			}
		}
		return Nil, r.unfinished(p, "cannot read: this raw string is never closed")
	case '\'':
		r.at += 2
		return r.wrap(p, "sharp-quote")
	case '(':
		r.at += 2
		items, err := r.items(p, '(', ')')
		if err != nil {
			return Nil, err
		}
		body := listTail(items, Nil)
		body.n = int64(p)
		return r.made(p, r.sym(lambdaHead, p), body), nil
	}
	return r.char(p)
}

// lambdaHead is the head of the form that #(...) reads as.
const lambdaHead = "sharp-lambda"

func (r *reader) char(p position) (Value, *Error) {
	r.at++
	escaped := r.s[r.at] == '\\' && r.at+1 < len(r.s)
	if escaped {
		r.at++
	}
	c, size := utf8.DecodeRuneInString(r.s[r.at:])
	if c == utf8.RuneError && size <= 1 || c == '\n' && !escaped {
		return Nil, r.bad(p, "cannot read: bad character after #")
	}
	r.at += size
	r.wide += size - 1
	if escaped {
		if c >= utf8.RuneSelf {
			return Nil, r.bad(p, "cannot read: unknown char #\\%c", c)
		}
		n, ok := rune(0), true
		switch c {
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'a':
			c = '\a'
		case 'x':
			if n, ok = r.hexDigits(2); ok {
				c = n
			}
		case 'u':
			if n, ok = r.hexDigits(4); ok {
				c = n
			}
		case 'U':
			if n, ok = r.hexDigits(8); ok {
				c = n
			}
		default:
			ok = strings.ContainsRune("\\\"'`#~;()[]{}", c)
		}
		if !ok {
			if c == 's' {
				return Nil, r.bad(p, `cannot read: unknown char #\s; a blank is (char " ")`)
			}
			return Nil, r.bad(p, "cannot read: unknown char #\\%c", c)
		}
	} else if strings.ContainsRune("'\"()[]{};~#\\` \t\r", c) {
		return Nil, r.bad(p, "cannot read: this char is written #\\%c", c)
	}
	if err := r.endOfToken(); err != nil {
		return Nil, err
	}
	return Char(c), nil
}

// atom reads a number, a boolean, bytes or a symbol.
func (r *reader) atom(p position) (Value, *Error) {
	from := r.at
	simple := r.word()
	if r.at < len(r.s) && classes[r.s[r.at]]&glued != 0 {
		return Nil, r.bad(r.pos(), "cannot read: unexpected %c after %s", r.s[r.at], clip(r.s[from:r.at], 40))
	}
	word := r.s[from:r.at]
	switch c := word[0]; {
	case isDigit(c) || (c == '-' || c == '+' || c == '.') && len(word) > 1:
		if v, ok := parseNumber(word); ok {
			return v, nil
		}
		if len(word) > maxDigits {
			return Nil, r.bad(p, "cannot read: a number of more than %d digits", maxDigits)
		}
		if strings.HasPrefix(word, "0B") {
			b, ok := r.parseHex(word[2:])
			if !ok {
				return Nil, r.bad(p, "cannot read: bytes are an even number of hex digits after 0B, got %s", clip(word, 40))
			}
			return Bytes(b), nil
		}
		if looksLikeNumber(word) {
			return Nil, r.bad(p, "cannot read: bad number %s", clip(word, 40))
		}
	case word == "true":
		return True, nil
	case word == "false":
		return False, nil
	}
	if simple {
		return r.sym(word, p), nil
	}
	if len(word) > maxSymbol {
		return Nil, r.bad(p, "cannot read: a symbol of more than %d bytes", maxSymbol)
	}
	if !utf8.ValidString(word) {
		return Nil, r.bad(p, "cannot read: a symbol that is not UTF-8")
	}
	for _, c := range word {
		if c < ' ' || c == 0x7f || c >= utf8.RuneSelf && (unicode.IsSpace(c) || !unicode.IsPrint(c)) {
			return Nil, r.bad(p, "cannot read: unexpected character %U in a symbol", c)
		}
	}
	return r.sym(word, p), nil
}

// maxSymbol bounds the name of a symbol of other characters than those of ASCII, which are looked at twice.
const maxSymbol = 1 << 20

// word goes to the end of a word, and says whether it is plain ASCII.
func (r *reader) word() bool {
	all, from := uint8(0), r.at
	for at := r.at; ; at++ {
		if at-from == pieceBytes {
			r.pay(pieceBytes)
			from = at
		}
		if at == len(r.s) {
			r.at = at
			break
		}
		class := classes[r.s[at]]
		if class&(delimiter|glued) != 0 {
			r.at = at
			break
		}
		if all |= class; class&inside != 0 {
			r.wide++
		}
	}
	return all == 0
}

// pay pays for looking at n bytes.
func (r *reader) pay(n int) {
	if r.t != nil {
		r.t.charge(int64(n) >> 5)
	}
}

// What a byte is to the reader; 0 is a letter, a digit or a sign.
const (
	delimiter uint8 = 1 << iota // ends a word
	glued                       // must not follow a word
	inside                      // of a character, not its first byte
	other                       // needs another look
)

// classes are those of all bytes.
var classes = [256]uint8{
	' ': delimiter, '\t': delimiter, '\n': delimiter, '\r': delimiter, '\f': delimiter, '\v': delimiter,
	'(': delimiter, ')': delimiter, '[': delimiter, ']': delimiter, '{': delimiter, '}': delimiter, ';': delimiter,
	'"': glued, '\'': glued, '`': glued, '~': glued, '#': glued,
	0: other, 1: other, 2: other, 3: other, 4: other, 5: other, 6: other, 7: other, 8: other, 14: other,
	15: other, 16: other, 17: other, 18: other, 19: other, 20: other, 21: other, 22: other, 23: other, 24: other,
	25: other, 26: other, 27: other, 28: other, 29: other, 30: other, 31: other, 127: other, 128: inside | other, 129: inside | other,
	130: inside | other, 131: inside | other, 132: inside | other, 133: inside | other, 134: inside | other, 135: inside | other, 136: inside | other, 137: inside | other, 138: inside | other, 139: inside | other,
	140: inside | other, 141: inside | other, 142: inside | other, 143: inside | other, 144: inside | other, 145: inside | other, 146: inside | other, 147: inside | other, 148: inside | other, 149: inside | other,
	150: inside | other, 151: inside | other, 152: inside | other, 153: inside | other, 154: inside | other, 155: inside | other, 156: inside | other, 157: inside | other, 158: inside | other, 159: inside | other,
	160: inside | other, 161: inside | other, 162: inside | other, 163: inside | other, 164: inside | other, 165: inside | other, 166: inside | other, 167: inside | other, 168: inside | other, 169: inside | other,
	170: inside | other, 171: inside | other, 172: inside | other, 173: inside | other, 174: inside | other, 175: inside | other, 176: inside | other, 177: inside | other, 178: inside | other, 179: inside | other,
	180: inside | other, 181: inside | other, 182: inside | other, 183: inside | other, 184: inside | other, 185: inside | other, 186: inside | other, 187: inside | other, 188: inside | other, 189: inside | other,
	190: inside | other, 191: inside | other, 192: other, 193: other, 194: other, 195: other, 196: other, 197: other, 198: other, 199: other,
	200: other, 201: other, 202: other, 203: other, 204: other, 205: other, 206: other, 207: other, 208: other, 209: other,
	210: other, 211: other, 212: other, 213: other, 214: other, 215: other, 216: other, 217: other, 218: other, 219: other,
	220: other, 221: other, 222: other, 223: other, 224: other, 225: other, 226: other, 227: other, 228: other, 229: other,
	230: other, 231: other, 232: other, 233: other, 234: other, 235: other, 236: other, 237: other, 238: other, 239: other,
	240: other, 241: other, 242: other, 243: other, 244: other, 245: other, 246: other, 247: other, 248: other, 249: other,
	250: other, 251: other, 252: other, 253: other, 254: other, 255: other,
}

// looksLikeNumber: digits and dots only, which is more likely a slip than a name.
func looksLikeNumber(word string) bool {
	return strings.Trim(word, "0123456789.-") == "" && strings.Count(word, ".") > 1
}

func (r *reader) parseHex(s string) ([]byte, bool) {
	if len(s)%2 != 0 {
		return nil, false
	}
	r.pay(len(s))
	b := make([]byte, len(s)/2)
	for i := 0; i < len(s); i++ {
		if i&(pieceBytes-1) == pieceBytes-1 {
			r.pay(pieceBytes)
		}
		d := strings.IndexByte("0123456789abcdefABCDEF", s[i])
		if d < 0 {
			return nil, false
		}
		if d > 15 {
			d -= 6
		}
		b[i/2] = b[i/2]<<4 | byte(d)
	}
	return b, true
}
