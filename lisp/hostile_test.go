package lisp

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"runtime/metrics"
	"strings"
	"testing"
	"time"
)

// hostilePool makes values that break careless code: sizes far beyond memory, what contains itself, what never ends, text
// that is no UTF-8. Each is made anew for every call, because calls change them.
func hostilePool() []func() Value {
	long := strings.Repeat("aé,", 1<<14)
	huge := new(big.Int).Lsh(big.NewInt(1), 1000)
	negative := new(big.Int).Neg(huge)
	constant := func(v Value) func() Value { return func() Value { return v } }
	pool := []func() Value{
		constant(Nil), constant(True), constant(False), constant(Char('a')), constant(Char(0)), constant(Char(0x10ffff)), constant(Char(-1)),
		constant(Float(0.5)), constant(Float(-2.5)), constant(Float(math.Inf(1))), constant(Float(math.Inf(-1))), constant(Float(math.NaN())),
		constant(Float(1e308)), constant(Float(5e-324)), constant(Float(math.Copysign(0, -1))),
		constant(BigInt(huge)), constant(BigInt(negative)),
		constant(Bytes(nil)), constant(Bytes([]byte("\xff\x00a"))), constant(Bytes([]byte(long))),
		constant(Sym("timestamp")), constant(Sym("year")), constant(Sym("hash")), constant(Sym("")), constant(Sym("a b")),
		constant(Time(time.Time{})), constant(Time(time.Unix(1<<60, 0))), constant(Time(time.Unix(-1<<60, 999999999))),
		constant(ErrorValue(Errorf("value", "bad"))),
		func() Value { return HashValue(NewHash()) },
		func() Value {
			h := NewHash()
			_ = h.Set(String("self"), HashValue(h))
			_ = h.Set(Sym("a"), Int(1))
			_ = h.Set(Int(0), Array(Int(1), String("x")))
			return HashValue(h)
		},
		func() Value { h := NewHash(); h.SetString("a", Array(Int(1))); h.Freeze(); return HashValue(h) },
		func() Value {
			h := NewHash()
			for i := range 2000 {
				h.SetString(fmt.Sprint(i), Int(int64(i)))
			}
			return HashValue(h)
		},
		func() Value { return Array() },
		func() Value { return Array(String("a"), String("b")) },
		func() Value { return Array(Int(3), Int(1), Int(2)) },
		func() Value { return Array(Array(String("a"), Int(1)), Array(String("b"))) },
		func() Value { a := Array(Int(1), Nil); a.o.(*array).items[1] = a; return a },
		func() Value { a := Array(Int(1), Float(2)); a.o.(*array).frozen = true; return a },
		func() Value {
			items := make([]Value, 5000)
			for i := range items {
				items[i] = Int(int64(i * 7919 % 20011))
			}
			return arrayOf(items)
		},
		func() Value { // prints and compares exponentially
			v := Array(Int(1))
			for range 60 {
				v = Array(v, v)
			}
			return v
		},
		func() Value { // nested deeply
			v := Nil
			for range 3_000 {
				v = List(v)
			}
			return v
		},
		func() Value { return List(Int(1), Int(2), Int(3)) },
		func() Value { return List(String("a"), String("b")) },
		func() Value { return Cons(Int(1), Int(2)) },
		func() Value { return Cons(String("k"), List(Int(2))) },
		func() Value { return List(Sym("+"), Int(1), Int(2)) },
		func() Value {
			i := int64(0)
			return newStream(func(*Thread) (Value, bool) { i++; return Int(i), true })
		},
		func() Value {
			i := 0
			return newStream(func(*Thread) (Value, bool) { i++; return String("x"), i < 5 })
		},
		func() Value { return Host(&Buffer{}) },
		func() Value { return Host(&Channel{}) },
		func() Value { return Host(&Channel{closed: true}) },
		func() Value { return Host(&Channel{size: 1}) },
		func() Value { return Host(&Coroutine{value: Nil}) },
		func() Value { return Value{o: &class{name: "P", fields: []field{{name: "a", typ: "int", init: Nil}}}} },
		func() Value {
			return Value{o: &record{class: &class{name: "P", fields: []field{{name: "a", typ: "int", init: Nil}}}, values: []Value{Int(1)}}}
		},
	}
	for _, n := range []int64{0, 1, 2, 3, -1, 63, 64, 1 << 20, 1 << 31, 1 << 32, 1e15, 1e18, -1e18, math.MaxInt64, math.MinInt64} {
		pool = append(pool, constant(Int(n)))
	}
	for _, s := range []string{"", "a", "abc", "é中", "\xff\xfe", "a\x00b", long, strings.Repeat("(", 5000), "[1,{\"a\":2}]", "#(a>1).b", "#.#.#", "a.b.c",
		"2024-02-28 23:30:00", "2006-01-02", "Europe/Berlin", "../up", "1h", "99999999999h", "-1.5e400", "0x7fffffffffffffffff", "%d %999s %x %v %q", "%*d",
		"(a|b)*c", "[", "(a{1,100}){1,100}", "a,b\n1,\"2\"\n", "year", "timestamp-nano", "hash", ",", "(+ 1 2)", "aGVsbG8=", strings.Repeat("9", 3000)} {
		pool = append(pool, constant(String(s)))
	}
	return pool
}

// TestE30HostileArgumentsOfEveryFunction calls every function of the language with hostile arguments in every place: it
// must answer with a value or an error, soon, without a panic, and without taking more memory than the budget allows.
func TestE30HostileArgumentsOfEveryFunction(t *testing.T) {
	base := NewBase()
	pool := hostilePool()
	for _, f := range []string{"(fn [& x] (car x))", "(fn [a] true)", "(fn [a b] a)", "(fn [& x] nil)", `(fn [& x] (raise "no"))`, "car", "<", "concat", "(fn [& x] [x x])"} {
		v, _, err := run(t, base, f)
		if err != nil {
			t.Fatal(err)
		}
		pool = append(pool, func() Value { return v })
	}
	kinds := make([]Kind, len(pool))
	for i, f := range pool {
		kinds[i] = f().Kind()
	}
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	allocated := func() uint64 { metrics.Read(sample); return sample[0].Value.Uint64() }
	budget := Budget{Steps: 100_000, Depth: 500, Bytes: 4 << 20, Output: 1 << 16}
	random := rand.New(rand.NewPCG(1, 2))
	tries := 60
	if testing.Short() {
		tries = 30
	}
	for _, name := range base.Names("") {
		fn, ok := base.Lookup(name)
		prim, isPrim := fn.o.(*primitive)
		if !ok || !isPrim {
			continue
		}
		least, most := prim.sig.min, prim.sig.max
		if most < 0 {
			most = max(least+1, len(prim.sig.params)+1)
		}
		call := func(args []Value) {
			th := NewThread(t.Context(), nil, budget)
			th.OnPanic = func(reason any, stack []byte) {
				t.Errorf("(%s %s) panics: %v\n%s", name, describe(args), reason, clip(string(stack), 2500))
			}
			before, start := allocated(), time.Now()
			v, err := th.Call(fn, args...)
			took, size := time.Since(start), int64(allocated()-before)
			var e *Error
			if errors.As(err, &e) && (e.Kind == "" || e.Msg == "") {
				t.Errorf("(%s %s) gives an error without kind or message: %+v", name, describe(args), e)
			}
			if took > 20*time.Second { // a fraction of a second when nothing else runs
				t.Errorf("(%s %s) takes %v", name, describe(args), took)
			}
			bound := 4 * budget.Bytes
			if strings.HasPrefix(name, "regexp/") {
				// Package regexp keeps its machines in a sync.Pool, which forgets at random under the race detector: then each
				// match makes a new one, garbage at once.
				bound = 256 * budget.Bytes
			}
			if size > bound {
				t.Errorf("(%s %s) takes %d KiB of memory where the budget has %d", name, describe(args), size>>10, budget.Bytes>>10)
			}
			_ = printShort(v)
		}
		if least <= 1 && most >= 1 {
			for _, make := range pool {
				call([]Value{make()})
			}
		}
		for range tries {
			n := least + random.IntN(most-least+1)
			args := make([]Value, n)
			for i := range args {
				// Of ten arguments nine have the type that is wanted, so that the call gets past the checks.
				var mask uint32
				if len(prim.sig.params) > 0 {
					mask = prim.sig.at(i, n).mask
				}
				at := random.IntN(len(pool))
				for mask != 0 && mask&(1<<kinds[at]) == 0 && random.IntN(200) != 0 {
					at = random.IntN(len(pool))
				}
				args[i] = pool[at]()
			}
			call(args)
		}
	}
}

func describe(args []Value) string {
	var b strings.Builder
	for i, v := range args {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(clip(printShort(v), 60))
	}
	return b.String()
}
