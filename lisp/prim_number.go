package lisp

import (
	"math"
	"math/big"
)

// numberPrims are arithmetic and bits.
func numberPrims() []Prim {
	sum := func(o op, unit int64, one func(t *Thread, v Value) Value) func(t *Thread, args []Value) Value {
		return func(t *Thread, args []Value) Value {
			switch len(args) {
			case 0:
				return Int(unit)
			case 1:
				if !isNumber(args[0]) && !(o == opSub && isSeq(args[0])) {
					t.arithType(o, args[0], 1)
				}
				return one(t, args[0])
			}
			acc := args[0]
			if o == opSub && isSeq(acc) {
				return t.without(args)
			}
			for _, v := range args[1:] {
				acc = t.arith(o, acc, v)
			}
			return acc
		}
	}
	number := func(_ *Thread, v Value) Value {
		if _, ok := v.o.(*charTag); ok {
			return Int(v.n)
		}
		return v
	}
	out := []Prim{
		{Name: "+", Params: "x:~number...", Doc: "The sum.", Example: "(+ 1 2.5) => 3.5", op: opAdd, fn: sum(opAdd, 0, number), fn2: func(t *Thread, a, b Value) Value { return t.arith(opAdd, a, b) }},
		{Name: "-", Params: "x:~number|list|array more:~number|list|array...", Doc: "The difference; of one number the negation; of lists or arrays the elements of the first that are in none of the others.", Example: "[(- 10 1 2) (- 1) (- [1 2 3 2] [2])] => [7 -1 [1 3]]", op: opSub,
			fn: sum(opSub, 0, func(t *Thread, v Value) Value {
				if isSeq(v) {
					return v
				}
				if _, ok := v.o.(*floatTag); ok {
					return Float(-v.float()) // 0 - 0.0 would lose the sign
				}
				return t.arith(opSub, Int(0), v)
			})},
		{Name: "*", Params: "x:~number...", Doc: "The product.", Example: "(* 2 3 4) => 24", op: opMul, fn: sum(opMul, 1, number), fn2: func(t *Thread, a, b Value) Value { return t.arith(opMul, a, b) }},
		{Name: "/", Params: "x:~number more:~number...", Doc: "The quotient: an int when it is exact, else a float; of one number the reciprocal.", Example: "[(/ 4 2) (/ 7 2)] => [2 3.5]", op: opDiv,
			fn: sum(opDiv, 1, func(t *Thread, v Value) Value { return t.arith(opDiv, Int(1), v) })},
		{Name: "mod", Params: "a:~int|char b:~int|char", Doc: "a modulo b, never negative; ints only.", Example: "(mod -7 3) => 2", op: opMod,
			fn2: func(t *Thread, a, b Value) Value { return t.arith(opMod, a, b) }},
		{Name: "quot", Params: "a:int|char b:int|char", Doc: "The whole part of a / b, truncated toward zero.", Example: "(quot -7 2) => -3",
			fn: func(t *Thread, args []Value) Value {
				x, _ := integer(args[0])
				y, _ := integer(args[1])
				if y.Sign() == 0 {
					t.fail("value", "cannot divide %s by zero", intText(args[0]))
				}
				t.words(x, y, true)
				out := &bigInt{}
				out.i.Quo(x, y)
				return t.normal(out)
			}},
		{Name: "abs", Params: "x:int|float", Doc: "x without its sign.", Example: "(abs -3) => 3",
			fn: func(t *Thread, args []Value) Value {
				if compareNumbers(args[0], Int(0)) < 0 {
					return t.arith(opSub, Int(0), args[0])
				}
				return args[0]
			}},
		{Name: "max", Params: "x more...", Doc: "The greatest, by >.", Example: "(max 1 2.5 2) => 2.5", fn: func(t *Thread, args []Value) Value { return t.extreme(args, 1) }},
		{Name: "min", Params: "x more...", Doc: "The least, by <.", Example: "(min 3 1 2) => 1", fn: func(t *Thread, args []Value) Value { return t.extreme(args, -1) }},
		{Name: "round", Params: "x:int|float", Doc: "The nearest int; halves go up.", Example: "[(round 2.5) (round -2.5)] => [3 -2]", fn: rounding(halfUp)},
		{Name: "ceil", Params: "x:int|float", Doc: "The least int that is not below x.", Example: "[(ceil 1.0) (ceil -1.2)] => [1 -1]", fn: rounding(math.Ceil)},
		{Name: "floor", Params: "x:int|float", Doc: "The greatest int that is not above x.", Example: "(floor -1.2) => -2", fn: rounding(math.Floor)},
		{Name: "sqrt", Params: "x:int|float", Doc: "The square root.", Example: "(sqrt 9) => 3", fn: func(t *Thread, args []Value) Value {
			f := toFloat(args[0])
			if f < 0 {
				t.fail("value", "cannot take the square root of %s", floatText(f))
			}
			return Float(math.Sqrt(f))
		}},
		{Name: "pow", Params: "x:int|float n:int|float", Doc: "x to the power of n; exact for ints.", Example: "[(pow 2 10) (pow 2 0.5)] => [1024 1.4142135623730951]", fn: power},
		{Name: "bit-and", Params: "a:int|char b:int|char more:int|char...", Doc: "Bitwise and of integers in two's complement.", Example: "(bit-and 12 10) => 8", fn: bitwise((*big.Int).And)},
		{Name: "bit-or", Params: "a:int|char b:int|char more:int|char...", Doc: "Bitwise or.", Example: "(bit-or 12 10) => 14", fn: bitwise((*big.Int).Or)},
		{Name: "bit-xor", Params: "a:int|char b:int|char more:int|char...", Doc: "Bitwise exclusive or.", Example: "(bit-xor 12 10) => 6", fn: bitwise((*big.Int).Xor)},
		{Name: "bit-not", Params: "a:int|char", Doc: "Bitwise complement: -a-1.", Example: "(bit-not 5) => -6",
			fn: func(t *Thread, args []Value) Value {
				x, _ := integer(args[0])
				out := &bigInt{}
				out.i.Not(x)
				return t.normal(out)
			}},
		{Name: "sla", Params: "a:int|char n:int", Doc: "Shifts left by n bits, as far as the result needs.", Example: "(sla 1 70) => 1180591620717411303424", fn: func(t *Thread, args []Value) Value { return t.shift("sla", args[0], args[1], true) }},
		{Name: "sra", Params: "a:int|char n:int", Doc: "Shifts right by n bits, keeping the sign.", Example: "(sra -256 4) => -16", fn: func(t *Thread, args []Value) Value { return t.shift("sra", args[0], args[1], false) }},
		{Name: "0x", Params: "n:int|char", Doc: "n in base 16 with prefix.", Example: "(0x 255) => \"0xff\"", fn: based(16, "0x")},
		{Name: "0o", Params: "n:int|char", Doc: "n in base 8 with prefix.", Example: "(0o 8) => \"0o10\"", fn: based(8, "0o")},
		{Name: "0b", Params: "n:int|char", Doc: "n in base 2 with prefix.", Example: "(0b 5) => \"0b101\"", fn: based(2, "0b")},
	}
	for _, width := range []uint{8, 16, 32, 64} {
		w := intText(Int(int64(width)))
		out = append(out,
			Prim{Name: "sll" + w, Params: "a:int|char n:int", Doc: "Shifts the lowest " + w + " bits left, within them.", Example: "(sll" + w + " 1 3) => 8", fn: logical(width, true)},
			Prim{Name: "srl" + w, Params: "a:int|char n:int", Doc: "Shifts the lowest " + w + " bits right, filling with zeros.", Example: "(srl" + w + " 8 3) => 1", fn: logical(width, false)})
	}
	return out
}

func isSeq(v Value) bool {
	switch v.o.(type) {
	case *nilTag, *cons, *array:
		return true
	}
	return false
}

func (t *Thread) extreme(args []Value, sign int) Value {
	best := args[0]
	for _, v := range args[1:] {
		if t.order(v, best)*sign > 0 {
			best = v
		}
	}
	return best
}

func rounding(f func(float64) float64) func(t *Thread, args []Value) Value {
	return func(t *Thread, args []Value) Value {
		if !args[0].isFloat() {
			return args[0]
		}
		return t.truncate(f(args[0].float()))
	}
}

// halfUp is the nearest whole number, of two the greater. Adding a half and rounding down would itself be rounded.
func halfUp(f float64) float64 {
	whole := math.Floor(f)
	if f-whole >= 0.5 {
		whole++
	}
	return whole
}

func power(t *Thread, args []Value) Value {
	x, ok := integer(args[0])
	n, whole := clampedInt(args[1])
	if !ok || !whole || n < 0 {
		r := math.Pow(toFloat(args[0]), toFloat(args[1]))
		if r != r {
			t.fail("value", "cannot raise %s to the power of %s: the result is not a number", showArg(args[0]), showArg(args[1]))
		}
		return Float(r)
	}
	if x.BitLen() > 1 && n > maxBits/int64(x.BitLen()-1) {
		t.failHard("budget", "cannot compute: the power would have more than %d bits", maxBits)
	}
	words := (int64(x.BitLen())*n/64 + 1)
	if x.BitLen() <= 1 {
		words = 1
		exponent, _ := integer(args[1])
		n = min(n, int64(exponent.Bit(0))+2)
	}
	t.alloc(8 * words)
	t.charge(1 + words*words/16)
	out := &bigInt{}
	out.i.Exp(x, big.NewInt(n), nil)
	return t.normal(out)
}

func bitwise(f func(z, x, y *big.Int) *big.Int) func(t *Thread, args []Value) Value {
	return func(t *Thread, args []Value) Value {
		x, _ := integer(args[0])
		out := &bigInt{}
		out.i.Set(x)
		for _, v := range args[1:] {
			y, _ := integer(v)
			t.words(&out.i, y, false)
			f(&out.i, &out.i, y)
		}
		return t.normal(out)
	}
}

func (t *Thread) shift(name string, a, by Value, left bool) Value {
	n, ok := clampedInt(by)
	if !ok || n < 0 {
		t.fail("value", "cannot shift by %s bits: want 0 or more", showArg(by))
	}
	x, _ := integer(a)
	out := &bigInt{}
	if left {
		if x.Sign() != 0 && (n > maxBits || int64(x.BitLen())+n > maxBits) {
			t.failHard("budget", "cannot shift: the integer would have more than %d bits", maxBits)
		}
		if x.Sign() == 0 {
			return Int(0)
		}
		t.alloc(n / 8)
		out.i.Lsh(x, uint(n))
	} else {
		out.i.Rsh(x, uint(min(n, maxBits+1)))
	}
	return t.normal(out)
}

func logical(width uint, left bool) func(t *Thread, args []Value) Value {
	mask := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), width), big.NewInt(1))
	return func(t *Thread, args []Value) Value {
		n, ok := clampedInt(args[1])
		if !ok || n < 0 {
			t.fail("value", "cannot shift by %s bits: want 0 or more", showArg(args[1]))
		}
		x, _ := integer(args[0])
		u := new(big.Int).And(x, mask).Uint64()
		if n >= int64(width) {
			return Int(0)
		}
		if left {
			u <<= uint(n)
		} else {
			u >>= uint(n)
		}
		if width < 64 {
			u &= 1<<width - 1
		}
		return BigInt(new(big.Int).SetUint64(u))
	}
}

func based(base int, prefix string) func(t *Thread, args []Value) Value {
	return func(t *Thread, args []Value) Value {
		x, _ := integer(args[0])
		t.alloc(int64(x.BitLen()) + 16)
		if x.Sign() < 0 {
			return t.newText("-" + prefix + new(big.Int).Neg(x).Text(base))
		}
		return t.newText(prefix + x.Text(base))
	}
}
