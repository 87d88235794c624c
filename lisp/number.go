package lisp

import (
	"cmp"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
)

// bigInt is an integer beyond 64 bits. Every operation that could give a smaller one normalises, so that equal integers
// have one form.
type bigInt struct{ i big.Int }

func (*bigInt) kind() Kind { return KindInt }

// maxBits bounds an integer, whatever the budget says: beyond it printing alone takes seconds.
const maxBits = 1 << 20

func bigToFloat(i *big.Int) float64 {
	f, _ := new(big.Float).SetInt(i).Float64()
	return f
}

// BigInt makes an integer of any size; i is copied.
func BigInt(i *big.Int) Value {
	if i.IsInt64() {
		return Int(i.Int64())
	}
	out := &bigInt{}
	out.i.Set(i)
	return Value{o: out}
}

// normal makes a Value of the result of an operation, which it keeps.
func (t *Thread) normal(b *bigInt) Value {
	if b.i.IsInt64() {
		return Int(b.i.Int64())
	}
	if b.i.BitLen() > maxBits {
		t.failHard("budget", "cannot compute: the integer would have more than %d bits", maxBits)
	}
	t.alloc(int64(b.i.BitLen())/8 + 48)
	return Value{o: b}
}

// integer gives an int, a big int or a char as a big.Int, which must not be changed.
func integer(v Value) (*big.Int, bool) {
	switch o := v.o.(type) {
	case nil, *charTag:
		return big.NewInt(v.n), true
	case *bigInt:
		return &o.i, true
	}
	return nil, false
}

func isNumber(v Value) bool {
	switch v.o.(type) {
	case nil, *charTag, *floatTag, *bigInt:
		return true
	}
	return false
}

// toFloat gives any number as a float.
func toFloat(v Value) float64 {
	switch o := v.o.(type) {
	case *floatTag:
		return v.float()
	case *bigInt:
		return bigToFloat(&o.i)
	}
	return float64(v.n)
}

// op names an arithmetic or comparing primitive that the compiler knows.
type op uint8

const (
	opNone op = iota
	opAdd
	opSub
	opMul
	opDiv
	opMod
	opLT
	opLE
	opGT
	opGE
	opEQ
	opNE
)

var opNames = [...]string{"", "+", "-", "*", "/", "mod", "<", "<=", ">", ">=", "=", "!="}

// arith is + - * / mod on any two values; it fails on what is no number.
func (t *Thread) arith(o op, a, b Value) Value {
	if a.o != nil || b.o != nil {
		return t.arithSlow(o, a, b)
	}
	x, y := a.n, b.n
	switch o {
	case opAdd:
		if s := x + y; (s > x) == (y > 0) {
			return Int(s)
		}
	case opSub:
		if s := x - y; (s < x) == (y > 0) {
			return Int(s)
		}
	case opMul:
		if p, ok := mulInt(x, y); ok {
			return Int(p)
		}
	case opDiv:
		if y == 0 {
			t.fail("value", "cannot divide %d by zero", x)
		}
		if x%y == 0 && y != -1 {
			return Int(x / y)
		}
	case opMod:
		if y == 0 {
			t.fail("value", "cannot take %d modulo zero", x)
		}
		if y == -1 {
			return Int(0)
		}
		m := x % y
		if m < 0 {
			if y < 0 {
				m -= y
			} else {
				m += y
			}
		}
		return Int(m)
	}
	return t.arithSlow(o, a, b)
}

// mulInt multiplies when the product fits.
func mulInt(x, y int64) (int64, bool) {
	if x == 0 || y == 0 {
		return 0, true
	}
	neg := (x < 0) != (y < 0)
	ux, uy := uint64(x), uint64(y)
	if x < 0 {
		ux = -ux
	}
	if y < 0 {
		uy = -uy
	}
	hi, lo := bits.Mul64(ux, uy)
	if hi != 0 || lo > math.MaxInt64 {
		return 0, false
	}
	if neg {
		return -int64(lo), true
	}
	return int64(lo), true
}

func (t *Thread) arithSlow(o op, a, b Value) Value {
	if !isNumber(a) {
		if o == opSub && isSeq(a) {
			return t.without([]Value{a, b})
		}
		t.arithType(o, a, 1)
	}
	if !isNumber(b) {
		t.arithType(o, b, 2)
	}
	if a.isFloat() || b.isFloat() {
		return t.arithFloat(o, toFloat(a), toFloat(b))
	}
	x, _ := integer(a)
	y, _ := integer(b)
	out := &bigInt{}
	switch o {
	case opAdd:
		t.words(x, y, false)
		out.i.Add(x, y)
	case opSub:
		t.words(x, y, false)
		out.i.Sub(x, y)
	case opMul:
		if x.BitLen()+y.BitLen() > maxBits {
			t.failHard("budget", "cannot multiply: the product would have more than %d bits", maxBits)
		}
		t.words(x, y, true)
		out.i.Mul(x, y)
	case opDiv, opMod:
		if y.Sign() == 0 {
			t.fail("value", "cannot divide by zero")
		}
		t.words(x, y, true)
		if o == opMod {
			out.i.Mod(x, y)
			break
		}
		rem := &big.Int{}
		out.i.QuoRem(x, y, rem)
		if rem.Sign() != 0 {
			if x.IsInt64() && y.IsInt64() {
				return Float(float64(x.Int64()) / float64(y.Int64()))
			}
			q, _ := new(big.Float).Quo(new(big.Float).SetInt(x), new(big.Float).SetInt(y)).Float64()
			return Float(q)
		}
	}
	return t.normal(out)
}

// words charges a big operation by the words it touches, before it is done.
func (t *Thread) words(x, y *big.Int, product bool) {
	m, n := int64(len(x.Bits())), int64(len(y.Bits()))
	if product {
		t.charge(1 + m*n/16)
	} else {
		t.charge(1 + (m+n)/16)
	}
	t.alloc(8 * (m + n))
}

func (t *Thread) arithFloat(o op, x, y float64) Value {
	var r float64
	switch o {
	case opAdd:
		r = x + y
	case opSub:
		r = x - y
	case opMul:
		r = x * y
	case opDiv:
		r = x / y
	case opMod:
		t.fail("type", "cannot compute (mod %s %s): want int", floatText(x), floatText(y))
	}
	if r != r {
		t.fail("value", "cannot compute (%s %s %s): the result is not a number", opNames[o], floatText(x), floatText(y))
	}
	return Float(r)
}

func (t *Thread) arithType(o op, v Value, arg int) {
	hint := ""
	if _, text := v.o.(*text); text && o == opAdd {
		hint = "; concat joins strings, int and float read numbers"
	}
	t.fail("type", "cannot compute %s: argument %d is %s, want number%s", opNames[o], arg, showArg(v), hint)
}

// compareNumbers orders two numbers exactly; NaN is below everything, so that sorting ends.
func compareNumbers(a, b Value) int {
	af, bf := a.isFloat(), b.isFloat()
	switch {
	case af && bf:
		x, y := a.float(), b.float()
		switch {
		case x < y || x != x && y == y:
			return -1
		case x == y || x != x:
			return 0
		}
		return 1
	case bf:
		return compareIntFloat(a, b.float())
	case af:
		return -compareIntFloat(b, a.float())
	}
	_, bigA := a.o.(*bigInt)
	_, bigB := b.o.(*bigInt)
	if bigA || bigB {
		x, _ := integer(a)
		y, _ := integer(b)
		return x.Cmp(y)
	}
	return cmp.Compare(a.n, b.n)
}

// compareIntFloat compares without rounding the integer.
func compareIntFloat(i Value, f float64) int {
	switch {
	case f != f, math.IsInf(f, -1):
		return 1
	case math.IsInf(f, 1):
		return -1
	}
	whole, frac := math.Modf(f)
	x, _ := integer(i)
	y, _ := big.NewFloat(whole).Int(nil)
	if c := x.Cmp(y); c != 0 {
		return c
	}
	switch {
	case frac > 0:
		return -1
	case frac < 0:
		return 1
	}
	return 0
}

// floatText writes the shortest digits that read back equal: plain while 1e-4 <= |f| < 1e21, whole ones without a dot.
func floatText(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "+Inf"
	case math.IsInf(f, -1):
		return "-Inf"
	case f != f:
		return "NaN"
	case f == 0:
		return "0"
	}
	if abs := math.Abs(f); abs < 1e-4 || abs >= 1e21 {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// intText writes an integer.
func intText(v Value) string {
	if b, ok := v.o.(*bigInt); ok {
		return b.i.String()
	}
	return strconv.FormatInt(v.n, 10)
}

// parseNumber reads a number as the reader does; false when s is none.
func parseNumber(s string) (Value, bool) {
	switch s {
	case "+Inf":
		return Float(math.Inf(1)), true
	case "-Inf":
		return Float(math.Inf(-1)), true
	}
	digits := strings.TrimPrefix(s, "-")
	if digits == "" {
		return Nil, false
	}
	if len(s) > 2 && s[0] == '0' {
		switch s[1] {
		case 'x':
			return parseInt(s[2:], 16)
		case 'o':
			return parseInt(s[2:], 8)
		case 'b':
			return parseInt(s[2:], 2)
		}
	}
	i := 0
	for i < len(digits) && isDigit(digits[i]) {
		i++
	}
	if i == len(digits) {
		return parseInt(s, 10)
	}
	if isFloatShape(digits) && len(s) <= maxDigits {
		if f, err := strconv.ParseFloat(s, 64); err == nil || math.IsInf(f, 0) {
			return Float(f), true
		}
	}
	return Nil, false
}

// maxDigits bounds the text of a number.
const maxDigits = 100_000

// parseInt reads digits of a base without prefix; a leading minus only with base 10.
func parseInt(s string, base int) (Value, bool) {
	if s == "" || len(s) > maxDigits || s[0] == '+' || base != 10 && s[0] == '-' || strings.Contains(s, "_") {
		return Nil, false
	}
	if n, err := strconv.ParseInt(s, base, 64); err == nil {
		return Int(n), true
	}
	i, ok := new(big.Int).SetString(s, base)
	if !ok {
		return Nil, false
	}
	return BigInt(i), true
}

// isFloatShape: digits.digits?, .digits, either with an exponent, or digits with an exponent.
func isFloatShape(s string) bool {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	whole, frac, exp := i, 0, false
	dot := i < len(s) && s[i] == '.'
	if dot {
		for i++; i < len(s) && isDigit(s[i]); i++ {
			frac++
		}
	}
	if whole == 0 && frac == 0 {
		return false
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '-' || s[i] == '+') {
			i++
		}
		from := i
		for i < len(s) && isDigit(s[i]) {
			i++
		}
		if i == from {
			return false
		}
		exp = true
	}
	return i == len(s) && (dot || exp)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
