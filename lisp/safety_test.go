package lisp

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// hostile programs must end in the error kind that stands beside them, soon and without taking the memory they ask for.
func hostile() []struct{ name, src, kind string } {
	deep := func(s string, n int) string { return strings.Repeat(s, n) }
	return []struct{ name, src, kind string }{
		{"tail loop for ever", "(defn f [n] (f (+ n 1))) (f 0)", "budget"},
		{"recursion for ever", "(defn f [n] (+ 1 (f (+ n 1)))) (f 0)", "budget"},
		{"mutual recursion through map", "(defn f [n] (map g [n])) (defn g [n] (foldl (fn [e a] (f e)) 0 [n])) (f 0)", "budget"},
		{"recursion through sort", "(defn f [n] (sort (fn [a b] (f n) true) [1 2])) (f 0)", "budget"},
		{"recursion through apply", "(defn f [] (apply apply [f []])) (f)", "budget"},
		{"recursion through try", "(defn f [] (+ 1 (try (f) (catch e 1)))) (f)", "budget"},
		{"recursion through compose", "(defn f [x] ((compose f core/id) x) 1) (f 1)", "budget"},
		{"recursion through eval", "(defn f [] (+ 1 (eval '(f)))) (f)", "budget"},
		{"recursion in deep expressions", "(defn f [n] " + deep("(+ 1 ", 400) + "(f n)" + deep(")", 400) + ") (f 0)", "budget"},
		{"repeat", `(str/repeat "x" 10000000000)`, "budget"},
		{"doubling a string", `(defn f [s] (f (concat s s))) (f "x")`, "budget"},
		{"doubling an array", `(defn f [s] (f (concat s s))) (f [1])`, "budget"},
		{"shift", "(sla 1 100000000000)", "budget"},
		{"squaring", "(defn f [n] (f (* n n))) (f 3)", "budget"},
		{"power", "(pow 3 100000000)", "budget"},
		{"make-array", "(make-array 10000000000)", "budget"},
		{"make-array beyond 64 bits", "(make-array 100000000000000000000)", "budget"},
		{"negative array", "(make-array -1)", "value"},
		{"negative repeat", `(str/repeat "x" -1)`, "value"},
		{"infinite stream", "(realize (range))", "budget"},
		{"infinite filter", "(car (realize (filter nil? (range))))", "budget"},
		{"streams of streams", "(def s (stream [1])) (defn f [n] (if (= n 0) s (begin (set! s (map #(+ 1 %) s)) (f (- n 1))))) (realize (f 100000))", "budget"},
		{"parentheses", deep("(", 1_000_000), "syntax"},
		{"quotes", deep("'", 3_000_000), "syntax"},
		{"brackets", deep("[", 1_000_000), "syntax"},
		{"braces", deep("{", 1_000_000), "syntax"},
		{"backquotes", deep("`", 1_000_000), "syntax"},
		{"sharps", deep("#", 1_000_000), "syntax"},
		{"nested begin", deep("(begin ", 200_000) + deep(")", 200_000), "syntax"},
		{"endless macro", "(defmac m [] '(m)) (m)", "syntax"},
		{"growing macro", "(defmac m [& x] `(m ~@x ~@x)) (m 1)", "budget"},
		{"wide format", `(sprintf "%999999999d" 1)`, "value"},
		{"output", `(defn f [] (println (str/repeat "x" 1000)) (f)) (f)`, "budget"},
		{"long pattern", `(regexp/match (str/repeat "(a*)*" 1000) "a")`, "value"},
		{"huge pattern", `(regexp/match "((a{1,100}){1,100}){1,100}" "a")`, "value"},
		{"costly pattern", `(regexp/match "(a?){900}b" (str/repeat "a" 1000000))`, "budget"},
		{"many groups", "(regexp/replace (str/repeat \"()\" 300) (str/repeat \"a\" 20000) \"\")", "budget"},
		{"cyclic json", `(def h {}) (hset! h "h" h) (json/stringify h)`, "value"},
		{"cyclic comparison", `(def a [1]) (aset! a 0 a) (def b [1]) (aset! b 0 b) (= a b)`, "value"},
		{"cyclic order", `(def a [1]) (aset! a 0 a) (def b [1]) (aset! b 0 b) (< a b)`, "value"},
		{"cyclic copy", `(def a [1]) (aset! a 0 a) (copy a)`, "value"},
		{"cyclic code", `(def a [1]) (aset! a 0 a) (eval a)`, "syntax"},
		{"data that prints exponentially", `(defn f [x n] (if (= n 0) x (f [x x] (- n 1)))) (sexp-str (f [1] 60))`, "budget"},
		{"data that compares exponentially", `(defn f [x n] (if (= n 0) x (f [x x] (- n 1)))) (= (f [1] 60) (f [1] 60))`, "budget"},
		{"json that is exponential", `(defn f [x n] (if (= n 0) x (f [x x] (- n 1)))) (json/stringify (f [1] 60))`, "budget"},
		{"catching a budget", "(defn f [] (try (f) (catch e (f))) (f)) (f)", "budget"},
		{"throwing in a loop", `(defn f [] (try (raise "x") (catch e 1)) (f)) (f)`, "budget"},
		{"changing what is frozen", `(hset! (freeze {}) "a" 1)`, "value"},
		{"nested template", "`" + deep("(", 500) + "a" + deep(")", 500), ""},
		{"partition", "(realize (partition 0 (range)))", ""},
		{"and or", "[(and) (or) (#())]", ""},
	}
}

func TestHostileProgramsEnd(t *testing.T) {
	base := NewBase()
	budget := Budget{Steps: 4_000_000, Depth: 20_000, Bytes: 16 << 20, Output: 1 << 20}
	for _, c := range hostile() {
		t.Run(c.name, func(t *testing.T) {
			th := NewThread(context.Background(), nil, budget)
			th.OnPanic = func(reason any, stack []byte) { t.Errorf("panic: %v\n%s", reason, stack) }
			var before, after runtime.MemStats
			runtime.LockOSThread() // what it computes counts, and not what others do on this machine
			defer runtime.UnlockOSThread()
			runtime.ReadMemStats(&before)
			began := threadTime()
			_, err := th.Eval(base.Child(), "hostile", c.src)
			took := threadTime() - began
			runtime.ReadMemStats(&after)
			if took > 20*time.Second {
				t.Errorf("took %v", took)
			}
			kind := ""
			var e *Error
			if errors.As(err, &e) {
				kind = e.Kind
				_ = e.Render()
			}
			if kind != c.kind {
				t.Fatalf("got %v, want an error of kind %q", err, c.kind)
			}
			if got := int64(after.TotalAlloc - before.TotalAlloc); got > 8*budget.Bytes {
				t.Errorf("took %d MB", got>>20)
			}
		})
	}
}

// TestDepthIsCountedThroughCallbacks: of a depth of 200 a program reaches what it may and not more, also where functions of Go
// stand between its calls; those count too.
func TestDepthIsCountedThroughCallbacks(t *testing.T) {
	base := NewBase()
	for _, c := range []struct {
		step  string
		calls int64 // under way for each turn
	}{
		{"(f (+ n 1))", 1}, {"(first (map f [(+ n 1)]))", 2}, {"(sort (fn [a b] (f (+ n 1))) [1 2])", 2}, {"(apply f [(+ n 1)])", 2}, {"(try (f (+ n 1)) (finally 1))", 1},
		{"(foldl (fn [e acc] (f (+ n 1))) 0 [1])", 2}, {"(eval (list 'f (+ n 1)))", 3}, {"(first (filter f [(+ n 1)]))", 2}, {"((compose f core/id) (+ n 1))", 2}, {"(sort-by f [(+ n 1)])", 2},
	} {
		env := base.Child()
		src := "(def deepest 0) (defn f [n] (set! deepest n) (list " + c.step + ")) (f 1)"
		_, err := NewThread(t.Context(), nil, Budget{Depth: 200}).Eval(env, "t", src)
		var e *Error
		if !errors.As(err, &e) || e.Kind != "budget" || !strings.Contains(e.Msg, "200 deep") {
			t.Errorf("%s: %v", c.step, err)
		}
		if v, _ := env.Lookup("deepest"); (v.n-1)*c.calls >= 200 || v.n*(c.calls+1) < 190 {
			t.Errorf("%s: reaches turn %d of %d", c.step, v.n, 200/c.calls)
		}
	}
}

// TestUnlimitedBudgetsStillEnd: without budgets, as in a local run, what would kill the process is refused.
func TestUnlimitedBudgetsStillEnd(t *testing.T) {
	base := NewBase()
	for _, src := range []string{
		"(defn f [n] (+ 1 (f (+ n 1)))) (f 0)",
		"(defn f [n] (map f [n])) (f 0)",
		"(defn f [n] " + strings.Repeat("(+ 1 ", 400) + "(f n)" + strings.Repeat(")", 400) + ") (f 0)",
		`(str/repeat "x" 10000000000)`, "(make-array 10000000000)", "(sla 1 100000000000)",
	} {
		_, err := NewThread(context.Background(), nil, Budget{}).Eval(base.Child(), "t", src)
		var e *Error
		if !errors.As(err, &e) || e.Kind != "budget" {
			t.Errorf("%s: %v", clip(src, 60), err)
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// odd are values to throw at every primitive.
func odd(t *testing.T, base *Env) []Value {
	h := NewHash()
	h.SetString("a", Int(1))
	cyclic := arrayOf([]Value{Nil})
	cyclic.o.(*array).items[0] = cyclic
	fn, _, err := run(t, base, "(fn [& xs] (car xs))")
	if err != nil {
		t.Fatal(err)
	}
	picky, _, _ := run(t, base, "(fn [a] (raise a))")
	big, _, _ := run(t, base, "(pow 7 100)")
	return []Value{Int(0), Int(-1), Int(1 << 62), Int(-1 << 63), big, Float(1.5), Float(1e300), Nil, True, False, Char('x'), Char(-5), String(""), String("ab\xffc"),
		String("a.#(b>1)"), String("[("), Sym("car"), Sym("day"), Bytes([]byte{0, 255}), List(Int(1), String("x")), Cons(Int(1), Int(2)), Array(), Array(Int(3), Nil, String("q")),
		HashValue(NewHash()), HashValue(h), cyclic, fn, picky, ErrorValue(Errorf("raised", "x")), Time(time.Unix(1<<60, 0)), Time(time.Time{})}
}

// TestE30NoFunctionPanics calls every primitive with combinations of odd values: each call gives a value or an *Error.
func TestE30NoFunctionPanics(t *testing.T) {
	base := NewBase()
	values := odd(t, base)
	calls := 0
	for _, name := range base.Names("") {
		f, ok := base.Lookup(name)
		if !ok || f.Kind() != KindFunction {
			continue
		}
		try := func(args ...Value) {
			calls++
			th := NewThread(context.Background(), nil, Budget{Steps: 20_000, Depth: 100, Bytes: 1 << 20, Output: 1 << 16})
			th.env = base.Child()
			th.OnPanic = func(reason any, stack []byte) {
				t.Errorf("(%s %s): panic: %v\n%s", name, Print(List(args...)), reason, stack)
			}
			v, err := th.Call(f, args...)
			var e *Error
			var exit Exit
			if err != nil && !errors.As(err, &e) && !errors.As(err, &exit) {
				t.Errorf("(%s %v): an error of type %T", name, args, err)
			}
			if s, ok := v.o.(*stream); ok && err == nil {
				next := native("next", func(t *Thread, _ []Value) Value { x, _ := t.pull(s); return x })
				for range 3 {
					if _, err := th.Call(next); err != nil {
						break
					}
				}
			}
			_ = printLimit(v, false, 1000)
		}
		try()
		for i, a := range values {
			fresh := odd(t, base)
			try(fresh[i])
			for j := range values {
				try(a, values[j])
				try(values[j], values[(i+j)%len(values)], values[(i*7+j*3)%len(values)])
				try(values[i], values[(i*5+j)%len(values)], values[(i+j*11)%len(values)], values[(i*3+j*13)%len(values)])
			}
		}
	}
	if calls < 100_000 {
		t.Errorf("only %d calls", calls)
	}
}

// TestEvaluationsShareTheBase without data races (run with -race), and see nothing of each other.
func TestEvaluationsShareTheBase(t *testing.T) {
	base := NewBase()
	h := NewHash()
	h.SetString("process", Array(String(strings.Repeat("x", 100)), String("b")))
	config := HashValue(h)
	h.Freeze()
	var group sync.WaitGroup
	for i := range 100 {
		group.Add(1)
		go func() {
			defer group.Done()
			env := base.Child()
			env.Define("CONFIG", config)
			src := fmt.Sprintf(`(def mine %d) (defmac m [x] (list '+ x mine)) (override + (fn [a b] (* a b)))
(def s (aget (hget CONFIG "process") 0)) (def u (concat s "y" "z"))
(try (hset! CONFIG "a" 1) (catch e nil)) (try (aset! (hget CONFIG "process") 0 1) (catch e nil))
[(m 2) (len u) (sort (map #(mod %% 7) (list-to-array (range 50)))) (sexp-str CONFIG) mine]`, i)
			v, err := NewThread(context.Background(), nil, testBudget).Eval(env, "t", src)
			if err != nil {
				t.Error(err)
				return
			}
			items, _ := v.Elements()
			if items[0].n != int64(2*i) || items[4].n != int64(i) || items[1].n != 102 {
				t.Errorf("evaluation %d: %s", i, Print(v))
			}
		}()
	}
	group.Wait()
	if v, _, err := run(t, base, "(+ 2 3)"); err != nil || v.n != 5 {
		t.Errorf("an evaluation changed the base: %v %v", v, err)
	}
}
