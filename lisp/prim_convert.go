package lisp

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

func toInt(t *Thread, args []Value) Value {
	switch o := args[0].o.(type) {
	case *charTag:
		return Int(args[0].n)
	case *floatTag:
		return t.truncate(math.Trunc(args[0].float()))
	case *text:
		v, ok := parseNumber(strings.TrimSpace(o.s))
		if !ok && strings.HasPrefix(strings.TrimSpace(o.s), "+") {
			v, ok = parseNumber(strings.TrimSpace(o.s)[1:])
		}
		if ok && v.isFloat() && v.float() == math.Trunc(v.float()) && !math.IsInf(v.float(), 0) {
			return t.truncate(v.float())
		}
		if !ok || v.isFloat() {
			t.fail("value", "cannot convert %s to an int", showArg(args[0]))
		}
		return v
	case *raw:
		if len(o.b)*8 > maxBits {
			t.failHard("budget", "cannot convert %d bytes to an int: more than %d bits", len(o.b), maxBits)
		}
		out := &bigInt{}
		out.i.SetBytes(o.b)
		return t.normal(out)
	}
	return args[0]
}

// truncate makes an integer of a whole float.
func (t *Thread) truncate(f float64) Value {
	if math.IsInf(f, 0) || f != f {
		t.fail("value", "cannot convert %s to an int", floatText(f))
	}
	if f > -9e18 && f < 9e18 {
		return Int(int64(f))
	}
	out := &bigInt{}
	big.NewFloat(f).Int(&out.i)
	return t.normal(out)
}

func toFloatPrim(t *Thread, args []Value) Value {
	s, ok := args[0].AsString()
	if !ok {
		return Float(toFloat(args[0]))
	}
	v, ok := parseNumber(strings.TrimSpace(s))
	if !ok {
		t.fail("value", "cannot convert %s to a float", showArg(args[0]))
	}
	return Float(toFloat(v))
}

// textOf is (string x).
func textOf(t *Thread, v Value) Value {
	switch v.o.(type) {
	case nil:
		return t.newText(strconv.FormatInt(v.n, 10))
	case *text:
		return v
	}
	return t.newText(t.show(v, true))
}

func toText(t *Thread, args []Value) Value {
	if len(args) == 1 {
		return textOf(t, args[0])
	}
	if !isNumber(args[0]) {
		t.badArg("string", 1, args[0], "number when decimals are given")
	}
	places, ok := args[1].AsInt()
	if !args[0].isFloat() || !ok || places < 0 {
		return t.newText(t.show(args[0], true))
	}
	f := args[0].float()
	if math.IsInf(f, 0) || f != f {
		return t.newText(floatText(f))
	}
	s := strconv.FormatFloat(f, 'f', int(min(places, 400)), 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" {
		s = "0"
	}
	return t.newText(s)
}

func toChar(t *Thread, args []Value) Value {
	switch o := args[0].o.(type) {
	case nil:
		if n := args[0].n; n >= 0 && n <= utf8.MaxRune {
			return Char(rune(n))
		}
		t.fail("value", "cannot convert %s to a char: want a code point", showArg(args[0]))
	case *text:
		r, size := utf8.DecodeRuneInString(o.s)
		if size == 0 || size != len(o.s) {
			t.fail("value", "cannot convert %s to a char: want one character", showArg(args[0]))
		}
		return Char(r)
	case *bigInt:
		t.fail("value", "cannot convert %s to a char: want a code point", showArg(args[0]))
	}
	return args[0]
}

func toBytes(t *Thread, args []Value) Value {
	switch o := args[0].o.(type) {
	case *text:
		t.alloc(int64(len(o.s)) + 32)
		return Bytes([]byte(o.s))
	case *raw:
		return args[0]
	}
	i, _ := integer(args[0])
	t.alloc(int64(i.BitLen())/8 + 32)
	return Bytes(i.Bytes())
}
