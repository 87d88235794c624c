package lisp

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// textPrims work on strings.
func textPrims() []Prim {
	str := func(v Value) string { s, _ := v.AsString(); return s }
	// scan charges for looking at all of a text.
	scan := func(t *Thread, s string) { t.charge(int64(len(s)) >> 5) }
	test := func(name, doc, example string, f func(t *Thread, s, p string) bool) Prim {
		return Prim{Name: name, Params: "s:string part:string [ignore-case:bool]", Doc: doc, Example: example, fn: func(t *Thread, args []Value) Value {
			s, p := str(args[0]), str(args[1])
			if len(args) > 2 && args[2].Truthy() {
				t.alloc(int64(len(s) + len(p)))
				s, p = t.piecewise(s, strings.ToLower), t.piecewise(p, strings.ToLower)
			}
			return Bool(f(t, s, p))
		}}
	}
	quick := func(f func(s, p string) bool) func(t *Thread, s, p string) bool {
		return func(t *Thread, s, p string) bool {
			scan(t, p)
			return f(s, p)
		}
	}
	change := func(name, doc, example string, f func() func(s string) string) Prim {
		return Prim{Name: name, Params: "s:string", Doc: doc, Example: example, fn: func(t *Thread, args []Value) Value {
			s := str(args[0])
			t.alloc(3 * int64(len(s)))
			return t.newText(t.piecewise(s, f()))
		}}
	}
	each := func(f func(string) string) func() func(string) string { return func() func(string) string { return f } }
	sum := func(name, doc, example string, f func() hash.Hash) Prim {
		return Prim{Name: name, Params: "s:string", Doc: doc, Example: example, fn: func(t *Thread, args []Value) Value {
			h := f()
			t.piecewise(str(args[0]), func(piece string) string {
				_, _ = io.WriteString(h, piece) // a hash takes everything
				return ""
			})
			return t.newText(hex.EncodeToString(h.Sum(nil)))
		}}
	}
	is := func(name, doc, example string, f func(s string) bool) Prim {
		return Prim{Name: name, Params: "s:string", Doc: doc, Example: example, fn: func(t *Thread, args []Value) Value {
			s := str(args[0])
			scan(t, s)
			return Bool(f(s))
		}}
	}
	every := func(name, doc, example string, f func(c byte) bool) Prim {
		return Prim{Name: name, Params: "s:string", Doc: doc, Example: example, fn: func(t *Thread, args []Value) Value {
			s := str(args[0])
			all := s != ""
			t.eachPiece(s, func(piece string) bool {
				for i := 0; i < len(piece) && all; i++ {
					all = f(piece[i])
				}
				return all
			})
			return Bool(all)
		}}
	}
	return []Prim{
		{Name: "sget", Params: "s:string i:int", Doc: "Character i of a string.", Example: "(sget \"abc\" 1) => #b", fn2: (*Thread).sget},
		test("str/start-with?", "Whether s starts with a part.", "(str/start-with? \"Hello\" \"he\" true) => true", quick(strings.HasPrefix)),
		test("str/end-with?", "Whether s ends with a part.", "(str/end-with? \"hello\" \"lo\") => true", quick(strings.HasSuffix)),
		test("str/contains?", "Whether s contains a part.", "(str/contains? \"HeLLo\" \"ell\" true) => true", func(t *Thread, s, p string) bool { return t.search(s, p, 0) >= 0 }),
		{Name: "str/equal-fold?", Params: "a:string b:string", Doc: "Whether two strings are equal but for case.", Example: "(str/equal-fold? \"Go\" \"GO\") => true", fn: func(t *Thread, args []Value) Value {
			return Bool(t.equalFold(str(args[0]), str(args[1])))
		}},
		change("str/lower", "s in lower case.", "(str/lower \"AbC\") => \"abc\"", each(strings.ToLower)),
		change("str/upper", "s in upper case.", "(str/upper \"abc\") => \"ABC\"", each(strings.ToUpper)),
		change("str/title", "s with the first letter of every word in upper case.", "(str/title \"hello wORLD\") => \"Hello WORLD\"", titleCase),
		{Name: "str/trim-space", Params: "s:string", Doc: "s without blanks at both ends.", Example: "(str/trim-space \" a \") => \"a\"", fn: func(t *Thread, args []Value) Value {
			scan(t, str(args[0]))
			return t.newText(strings.TrimSpace(str(args[0])))
		}},
		sum("str/md5", "The MD5 sum in hex.", "(str/md5 \"a\") => \"0cc175b9c0f1b6a831c399e269772661\"", md5.New),
		sum("str/sha256", "The SHA-256 sum in hex.", "(slice (str/sha256 \"a\") 0 8) => \"ca978112\"", sha256.New),
		{Name: "str/replace", Params: "s:string old:string new:string [n:int]", Doc: "s with old replaced by new: everywhere, or the first n times.", Example: "(str/replace \"aaa\" \"a\" \"b\" 2) => \"bba\"", fn: func(t *Thread, args []Value) Value {
			s, old, repl := str(args[0]), str(args[1]), str(args[2])
			n := int64(-1)
			if len(args) > 3 {
				n, _ = clampedInt(args[3])
			}
			return t.newText(t.replace(s, old, repl, int(n)))
		}},
		{Name: "str/repeat", Params: "s:string n:int", Doc: "s n times.", Example: "(str/repeat \"ab\" 3) => \"ababab\"", fn: func(t *Thread, args []Value) Value {
			s := str(args[0])
			n, _ := clampedInt(args[1])
			if n < 0 {
				t.fail("value", "cannot repeat a string %s times", intText(args[1]))
			}
			if s == "" {
				return args[0]
			}
			t.room(n, int64(len(s)))
			var b strings.Builder
			b.Grow(len(s) * int(n))
			t.repeat(&b, s, int(n))
			return t.newText(b.String())
		}},
		{Name: "str/pad-left", Params: "s:string width:int [fill:string]", Doc: "s with blanks, or fill, before it until it has width characters.", Example: "(str/pad-left \"7\" 3 \"0\") => \"007\"", fn: func(t *Thread, args []Value) Value { return t.pad(args, true) }},
		{Name: "str/pad-right", Params: "s:string width:int [fill:string]", Doc: "s with blanks, or fill, after it until it has width characters.", Example: "(str/pad-right \"ab\" 4) => \"ab  \"", fn: func(t *Thread, args []Value) Value { return t.pad(args, false) }},
		{Name: "str/trim-prefix", Params: "s:string p:string", Doc: "s without p at its start.", Example: "(str/trim-prefix \"v1.2\" \"v\") => \"1.2\"", fn: func(t *Thread, args []Value) Value {
			return t.newText(strings.TrimPrefix(str(args[0]), str(args[1])))
		}},
		{Name: "str/trim-suffix", Params: "s:string p:string", Doc: "s without p at its end.", Example: "(str/trim-suffix \"a.go\" \".go\") => \"a\"", fn: func(t *Thread, args []Value) Value {
			return t.newText(strings.TrimSuffix(str(args[0]), str(args[1])))
		}},
		{Name: "str/count", Params: "s:string part:string", Doc: "How often part occurs in s.", Example: "(str/count \"aXbXc\" \"X\") => 2", fn: func(t *Thread, args []Value) Value {
			return Int(int64(t.occurs(str(args[0]), str(args[1]), -1)))
		}},
		{Name: "str/index", Params: "s:string part:string", Doc: "Where part first occurs in s, in characters, or -1.", Example: "(str/index \"中文字\" \"字\") => 2", fn: func(t *Thread, args []Value) Value {
			return t.charIndex(str(args[0]), t.search(str(args[0]), str(args[1]), 0))
		}},
		{Name: "str/last-index", Params: "s:string part:string", Doc: "Where part last occurs in s, in characters, or -1.", Example: "(str/last-index \"a/b/c\" \"/\") => 3", fn: func(t *Thread, args []Value) Value {
			return t.charIndex(str(args[0]), t.searchLast(str(args[0]), str(args[1])))
		}},
		{Name: "str/split", Params: "s:string sep:string [n:int]", Doc: "The parts of s between separators, at most n when n is positive; an empty separator splits into characters.", Example: "(str/split \"a,b,c\" \",\" 2) => [\"a\" \"b,c\"]", fn: func(t *Thread, args []Value) Value {
			s, sep := str(args[0]), str(args[1])
			n := int64(-1)
			if len(args) > 2 {
				n, _ = clampedInt(args[2])
			}
			return t.texts(t.parts(s, sep, int(max(-1, min(n, 1<<30)))))
		}},
		{Name: "str/fields", Params: "s:string", Doc: "The words of s, split at blanks.", Example: "(str/fields \" a  b \") => [\"a\" \"b\"]", fn: func(t *Thread, args []Value) Value {
			return t.texts(t.fields(str(args[0])))
		}},
		{Name: "str/lines", Params: "s:string", Doc: "The lines of s, without their ends.", Example: "(str/lines \"a\\nb\\n\") => [\"a\" \"b\"]", fn: func(t *Thread, args []Value) Value {
			s := str(args[0])
			if s == "" {
				return t.texts(nil)
			}
			return t.texts(t.lines(s))
		}},
		{Name: "str/join", Params: "coll:seq sep:string", Doc: "The strings of a list or array with sep between them.", Example: "(str/join '(\"x\" \"y\") \"-\") => \"x-y\"", fn: func(t *Thread, args []Value) Value {
			sep := str(args[1])
			items := t.elements(args[0], "join")
			size := len(sep) * max(0, len(items)-1)
			t.itemsInPieces(len(items), func(from, to int) {
				for i, v := range items[from:to] {
					s, ok := v.AsString()
					if !ok {
						t.fail("type", "cannot join: element %d is %s, want string", from+i, showArg(v))
					}
					size += len(s)
				}
			})
			t.alloc(int64(size) + textSize)
			var b strings.Builder
			b.Grow(size)
			for i, v := range items {
				if i > 0 {
					t.add(&b, sep)
				}
				t.charge(1)
				t.add(&b, v.o.(*text).s)
			}
			return String(b.String())
		}},
		every("str/digit?", "Whether s is digits only, and not empty.", "(str/digit? \"12\") => true", isDigit),
		every("str/alpha?", "Whether s is the letters a-z and A-Z only, and not empty.", "(str/alpha? \"ab1\") => false", func(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }),
		is("str/title?", "Whether s starts with A-Z and its second letter is not A-Z.", "(str/title? \"Ab\") => true", func(s string) bool {
			upper := func(i int) bool { return i < len(s) && s[i] >= 'A' && s[i] <= 'Z' }
			return upper(0) && !upper(1)
		}),
		is("str/integer?", "Whether (int s) would succeed.", "(str/integer? \"-5\") => true", func(s string) bool {
			v, ok := parseNumber(strings.TrimPrefix(strings.TrimSpace(s), "+"))
			return ok && !v.isFloat()
		}),
		is("str/float?", "Whether (float s) would succeed.", "(str/float? \"2.5\") => true", func(s string) bool { _, ok := parseNumber(strings.TrimSpace(s)); return ok }),
		is("str/bool?", "Whether s is true or false.", "(str/bool? \"true\") => true", func(s string) bool { return s == "true" || s == "false" }),
		{Name: "str/mask", Params: "s:string start:int n:int mask:string", Doc: "s with n characters from start on replaced by mask; n = -1 means to the end.", Example: "(str/mask \"13812345678\" 3 4 \"*\") => \"138****5678\"", fn: maskPrim},
		{Name: "str/first", Params: "s:~string...", Doc: "The first argument that is a string and not empty, else \"\".", Example: "(str/first \"\" nil \"dflt\") => \"dflt\"", fn: func(t *Thread, args []Value) Value {
			for _, v := range args {
				if str(v) != "" {
					return v
				}
			}
			return t.newText("")
		}},
		{Name: "base64/encode", Params: "b:bytes|string", Doc: "Bytes in base 64.", Example: "(base64/encode (bytes \"hello\")) => \"aGVsbG8=\"", fn: func(t *Thread, args []Value) Value {
			b, ok := args[0].AsBytes()
			if !ok {
				b = []byte(str(args[0]))
			}
			t.alloc(int64(len(b)) * 2)
			t.charge(int64(len(b)) >> 5)
			return t.newText(base64.StdEncoding.EncodeToString(b))
		}},
		{Name: "base64/decode", Params: "s:string", Doc: "The bytes that base 64 stands for.", Example: "(string (base64/decode \"aGVsbG8=\")) => \"hello\"", fn: func(t *Thread, args []Value) Value {
			t.alloc(int64(len(str(args[0]))) + 32)
			b, err := base64.StdEncoding.DecodeString(str(args[0]))
			if err != nil {
				t.fail("value", "cannot decode base64: %v", err)
			}
			return Bytes(b)
		}},
	}
}

func (t *Thread) sget(s, i Value) Value {
	x, ok := s.o.(*text)
	if !ok {
		t.badArg("sget", 1, s, "string")
	}
	if i.Kind() != KindInt {
		t.badArg("sget", 2, i, "int")
	}
	return t.charAt(x, t.index("sget", i, t.count(x)))
}

// charIndex is the number of the character at byte offset i, or -1.
func (t *Thread) charIndex(s string, i int) Value {
	if i < 0 {
		return Int(-1)
	}
	return Int(int64(t.countIn(s[:i])))
}

// fields are those of s between blanks.
func (t *Thread) fields(s string) []string {
	var out []string
	start, paid := -1, 0
	put := func(word string) {
		if len(out) == cap(out) {
			t.alloc(int64(2*len(out)+1) * 16)
		}
		out = append(out, word)
	}
	for i, c := range s {
		if i-paid > pieceBytes {
			t.charge(pieceBytes >> 4)
			paid = i
		}
		switch blank := unicode.IsSpace(c); {
		case !blank && start < 0:
			start = i
		case blank && start >= 0:
			put(s[start:i])
			start = -1
		}
	}
	t.charge(1 + int64(len(s)-paid)>>4)
	if start >= 0 {
		put(s[start:])
	}
	return out
}

func titleCase() func(s string) string {
	start := true
	return func(s string) string {
		return strings.Map(func(c rune) rune {
			was := start
			start = !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '\'' && c != '_'
			if was {
				return unicode.ToTitle(c)
			}
			return c
		}, s)
	}
}

// equalFold compares without case, in pieces of as many characters.
func (t *Thread) equalFold(a, b string) bool {
	for a != "" && b != "" {
		part, rest := pieceOf(a)
		t.charge(1 + int64(len(part))>>4)
		n := charStart(b, utf8.RuneCountInString(part))
		if !strings.EqualFold(part, b[:n]) {
			return false
		}
		a, b = rest, b[n:]
	}
	return a == b
}

// charStart is where character n of s starts, the end when there are fewer.
func charStart(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

// texts makes an array of strings.
func (t *Thread) texts(ss []string) Value {
	t.alloc(int64(len(ss)) * (valueSize + textSize))
	out := make([]Value, len(ss))
	t.itemsInPieces(len(ss), func(from, to int) {
		block := make([]text, to-from)
		for i := range block {
			block[i].s = ss[from+i]
			out[from+i] = Value{o: &block[i]}
		}
	})
	return arrayOf(out)
}

func (t *Thread) pad(args []Value, left bool) Value {
	s, _ := args[0].AsString()
	width, _ := clampedInt(args[1])
	fill := " "
	if len(args) > 2 {
		fill, _ = args[2].AsString()
		if _, size := utf8.DecodeRuneInString(fill); size == 0 || size != len(fill) {
			t.fail("value", "cannot pad with %s: want one character", showArg(args[2]))
		}
	}
	chars := int64(t.countIn(s))
	if width <= chars {
		return args[0]
	}
	n := width - chars
	t.room(n, int64(len(fill)))
	t.alloc(int64(len(s)))
	var b strings.Builder
	b.Grow(len(s) + int(n)*len(fill))
	if !left {
		t.add(&b, s)
	}
	t.repeat(&b, fill, int(n))
	if left {
		t.add(&b, s)
	}
	return t.newText(b.String())
}

func maskPrim(t *Thread, args []Value) Value {
	s, _ := args[0].AsString()
	mask, _ := args[3].AsString()
	start, _ := clampedInt(args[1])
	n, _ := clampedInt(args[2])
	count := int64(t.countIn(s))
	if start < 0 || start >= count {
		return args[0]
	}
	if n == -1 {
		n = count - start
	}
	if n <= 0 || mask == "" {
		t.fail("value", "cannot mask %s characters with %s", intText(args[2]), showArg(args[3]))
	}
	n = min(n, count-start)
	from, to := t.byteOffset(s, int(start)), t.byteOffset(s, int(start+n))
	t.room(n, int64(len(mask)))
	t.alloc(int64(len(s)))
	var b strings.Builder
	b.Grow(from + int(n)*len(mask) + len(s) - to)
	t.add(&b, s[:from])
	t.repeat(&b, mask, int(n))
	t.add(&b, s[to:])
	return t.newText(b.String())
}

// lines are the lines of a text without their ends, which are two characters in a text of Windows.
func (t *Thread) lines(s string) []string {
	lines := t.parts(strings.TrimSuffix(s, "\n"), "\n", -1)
	t.itemsInPieces(len(lines), func(from, to int) {
		for i := from; i < to; i++ {
			lines[i] = strings.TrimSuffix(lines[i], "\r")
		}
	})
	return lines
}
