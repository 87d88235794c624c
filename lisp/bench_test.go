package lisp

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// benchFunc evaluates definitions once and gives a function to call.
func benchFunc(b *testing.B, src, name string) (*Thread, Value) {
	b.Helper()
	env := NewBase().Child()
	th := NewThread(context.Background(), nil, Budget{Steps: 1 << 60, Depth: 20_000, Bytes: 1 << 60})
	if _, err := th.Eval(env, "bench", src); err != nil {
		b.Fatal(err)
	}
	f, ok := env.Lookup(name)
	if !ok {
		b.Fatal("no " + name)
	}
	return th, f
}

func nativeFib(n int) int {
	if n < 2 {
		return n
	}
	return nativeFib(n-1) + nativeFib(n-2)
}

// BenchmarkFib also reports how many times slower than Go it is, both measured in the same run.
func BenchmarkFib(b *testing.B) {
	th, f := benchFunc(b, "(defn fib [n] (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))", "fib")
	const n, calls = 25, 242785
	b.ReportAllocs()
	best := time.Duration(1 << 62)
	for b.Loop() {
		start := time.Now()
		if v, err := th.Call(f, Int(n)); err != nil || v.n != 75025 {
			b.Fatal(v, err)
		}
		best = min(best, time.Since(start))
	}
	native := time.Duration(1 << 62)
	for range 20 {
		start := time.Now()
		if nativeFib(n) != 75025 {
			b.Fatal("fib")
		}
		native = min(native, time.Since(start))
	}
	b.ReportMetric(float64(best.Nanoseconds())/calls, "ns/call")
	b.ReportMetric(float64(best)/float64(native), "x-native")
}

// BenchmarkPrograms are loops in the language, each in its function f; the figure is that of one turn of it.
func BenchmarkPrograms(b *testing.B) {
	for _, one := range []struct {
		name, src string
		turns     int
		unit      string
	}{
		{"TailLoop", "(defn lp [n acc] (cond (= n 0) acc (lp (- n 1) (+ acc n)))) (defn f [] (lp 100000 0))", 100_000, "turn"},
		{"While", "(defn f [] (let [i 0 s 0] (while (< i 100000) (set! s (+ s i)) (set! i (+ i 1))) s))", 100_000, "turn"},
		{"KnownCall", "(defn g [a b] (+ a b)) (defn lp [n acc] (cond (= n 0) acc (lp (- n 1) (g acc n)))) (defn f [] (lp 100000 0))", 100_000, "call+turn"},
		{"ClosureMakeAndCall", "(defn mk [n] (fn [x] (+ x n))) (defn lp [n acc] (if (= n 0) acc (lp (- n 1) ((mk n) acc)))) (defn f [] (lp 100000 0))", 100_000, "closure"},
		{"Counter", "(defn mk [n] (fn [] (set! n (+ n 1)) n)) (def c (mk 0)) (defn lp [n] (if (= n 0) nil (begin (c) (lp (- n 1))))) (defn f [] (lp 100000))", 100_000, "turn"},
		{"StringAppend", `(defn lp [n s] (if (= n 0) s (lp (- n 1) (concat s "0123456789")))) (defn f [] (lp 2000 ""))`, 2000, "append"},
		{"IntHash", "(defn lp [h n] (if (= n 0) h (begin (hset! h n n) (hget h n) (lp h (- n 1))))) (defn f [] (lp {} 100000))", 100_000, "write+read"},
		{"StringHash", `(def ks (list-to-array (map #(concat "key" (string %)) (list-to-array (range 64)))))
(defn lp [h n] (if (= n 0) h (begin (hset! h (aget ks (mod n 64)) n) (hget h (aget ks (mod n 64))) (lp h (- n 1))))) (defn f [] (lp {} 100000))`, 100_000, "write+read"},
		{"MapFilterFold", "(def xs (list-to-array (range 100000))) (defn f [] (foldl + 0 (map #(* % 2) (filter #(= 0 (mod % 2)) xs))))", 100_000, "element"},
		{"Sort", "(def xs (map #(mod (* % 7919) 20011) (list-to-array (range 20000)))) (defn f [] (sort (fn [a b] (< a b)) xs))", 20_000, "element"},
		{"JSON", "(def s #`{\"name\":\"web\",\"pid\":4242,\"args\":[\"-p\",\"8080\",\"--verbose\"],\"env\":{\"PATH\":\"/usr/bin:/bin\",\"HOME\":\"/root\"},\"uptime\":12345.5,\"restarts\":0,\"state\":\"running\",\"exit\":null,\"log\":{\"files\":[\"/var/log/web.log\"],\"size\":104857600,\"count\":10},\"tags\":[\"a\",\"b\",\"c\"],\"deps\":[{\"name\":\"db\",\"port\":5432},{\"name\":\"cache\",\"port\":6379}]}`) (defn f [] (json/stringify (hset! (json/parse s) \"pid\" 1)))", 1, "document"},
		{"TryCatch", "(defn lp [n] (if (= n 0) nil (begin (try (raise \"x\") (catch e 1)) (lp (- n 1))))) (defn f [] (lp 1000))", 1000, "error"},
		{"Tak", "(defn tak [x y z] (if (not (< y x)) z (tak (tak (- x 1) y z) (tak (- y 1) z x) (tak (- z 1) x y)))) (defn f [] (tak 18 12 6))", 63609, "call"},
		{"StringJoin", `(defn f [] (len (str/join (map string (list-to-array (range 1000))) ",")))`, 1000, "piece"},
		// an error thrown a hundred calls below the handler
		{"ErrorAtDepth", "(defn deep [n] (if (= n 0) (raise \"x\") (+ 1 (deep (- n 1))))) (defn lp [n] (if (= n 0) nil (begin (try (deep 100) (catch e 1)) (lp (- n 1))))) (defn f [] (lp 100))", 100, "error"},
	} {
		b.Run(one.name, func(b *testing.B) {
			th, f := benchFunc(b, one.src, "f")
			b.ReportAllocs()
			best := time.Duration(1 << 62)
			for b.Loop() {
				start := time.Now()
				if _, err := th.Call(f); err != nil {
					b.Fatal(err)
				}
				best = min(best, time.Since(start))
			}
			b.ReportMetric(float64(best.Nanoseconds())/float64(one.turns), "ns/"+one.unit)
		})
	}
}

// BenchmarkHostCall is the call of a Go function with a result of its own.
func BenchmarkHostCall(b *testing.B) {
	factorial := Prim{Name: "factorial", Params: "n:int", Doc: "n!", Example: "(factorial 3) => 6", Fn: func(_ *Thread, args []Value) (Value, error) {
		r := int64(1)
		for n := args[0].n; n > 1; n-- {
			r *= n
		}
		return Int(r), nil
	}}
	env := NewBase([]Prim{factorial}).Child()
	th := NewThread(context.Background(), nil, Budget{Steps: 1 << 60, Depth: 20_000, Bytes: 1 << 60})
	if _, err := th.Eval(env, "bench", "(defn f [n] (if (= n 0) nil (begin (factorial 10) (f (- n 1)))))"); err != nil {
		b.Fatal(err)
	}
	f, _ := env.Lookup("f")
	best := time.Duration(1 << 62)
	for b.Loop() {
		start := time.Now()
		if _, err := th.Call(f, Int(10_000)); err != nil {
			b.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	b.ReportMetric(float64(best.Nanoseconds())/10_000, "ns/call+turn")
}

// BenchmarkCallFromGo is the call of a function of a loaded program, as of a hook.
func BenchmarkCallFromGo(b *testing.B) {
	th, f := benchFunc(b, "(defn f [] (+ 1 2))", "f")
	b.ReportAllocs()
	for b.Loop() {
		if v, err := th.Call(f); err != nil || v.n != 3 {
			b.Fatal(v, err)
		}
	}
}

// BenchmarkMacroLoad reads and compiles a program whose forms are mostly macros, those of the language and its own.
func BenchmarkMacroLoad(b *testing.B) {
	src := "(defmac twice [x] `(begin ~x ~x)) (defmac swap [a b] `(let [t ~a] (set! ~a ~b) (set! ~b t)))\n"
	for i := range 500 {
		src += fmt.Sprintf("(defn f%d [a b] (twice (when (> a b) (swap a b))) (case a 1 \"one\" '(2 3) \"some\" (->> [a b] (map #(* %% %[1]d)) (foldl + 0) (unless (= b 0)))))\n", i)
	}
	base := NewBase()
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewThread(context.Background(), nil, testBudget).Eval(base.Child(), "t", src); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFreshEnvironment is the cost of a small request: a scope, a thread, reading, compiling and evaluating.
func BenchmarkFreshEnvironment(b *testing.B) {
	base := NewBase()
	b.ReportAllocs()
	best := time.Duration(1 << 62)
	defer func() { b.ReportMetric(float64(best.Nanoseconds()), "ns-best") }()
	for b.Loop() {
		start := time.Now()
		th := NewThread(context.Background(), nil, testBudget)
		if v, err := th.Eval(base.Child(), "t", "(+ 1 2)"); err != nil || v.n != 3 {
			b.Fatal(v, err)
		}
		best = min(best, time.Since(start))
	}
}

func BenchmarkReader(b *testing.B) {
	src := ""
	for i := range 1000 {
		src += fmt.Sprintf("(defn f%d [a b] (if (> a b) \"string %d\" [a b {\"k\" %d}])) ; comment\n", i, i, i)
	}
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read("t", src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	src := ""
	for i := range 1000 {
		src += fmt.Sprintf("(defn f%d [a b] (when (> a b) (-> a (+ b) (* %d))))\n", i, i)
	}
	base := NewBase()
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, err := NewThread(context.Background(), nil, testBudget).Eval(base.Child(), "t", src); err != nil {
			b.Fatal(err)
		}
	}
}
