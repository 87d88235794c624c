package lisp

import (
	"context"
	"testing"
)

// TestNoGarbageWhereNoneIsNeeded holds the number of objects that running code makes: none for calls, loops, assignment and
// arithmetic on integers, and few for a small evaluation.
func TestNoGarbageWhereNoneIsNeeded(t *testing.T) {
	base := NewBase()
	for _, c := range []struct {
		name, src string
		most      float64 // objects per call of f
	}{
		{"recursion", "(defn fib [n] (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2))))) (defn f [] (fib 15))", 0},
		{"tail calls", "(defn loop [n acc] (if (= n 0) acc (loop (- n 1) (+ acc n)))) (defn f [] (loop 5000 0))", 0},
		{"three arguments", "(defn tak [x y z] (if (not (< y x)) z (tak (tak (- x 1) y z) (tak (- y 1) z x) (tak (- z 1) x y)))) (defn f [] (tak 12 8 4))", 0},
		{"assignment by a closure", "(defn counter [n] (fn [] (set! n (+ n 1)) n)) (def c (counter 0)) (defn loop [n] (if (= n 0) nil (begin (c) (loop (- n 1))))) (defn f [] (loop 1000))", 0},
		{"arithmetic", "(defn loop [n x] (if (= n 0) x (loop (- n 1) (mod (* (+ x 7) 31) 1009)))) (defn f [] (loop 1000 1))", 0},
		{"floats", "(defn loop [n x] (if (= n 0) x (loop (- n 1) (/ (+ x 1.5) 2.0)))) (defn f [] (loop 1000 1.0))", 0},
		{"reading", "(def a [1 2 3]) (def h {\"k\" 1}) (defn loop [n x] (if (= n 0) x (loop (- n 1) (+ (aget a 1) (hget h \"k\"))))) (defn f [] (loop 1000 1))", 0},
		{"errors that are caught", "(defn loop [n] (if (= n 0) nil (begin (try (raise \"no\") (catch e nil)) (loop (- n 1))))) (defn f [] (loop 100))", 700},
	} {
		env := base.Child()
		th := NewThread(context.Background(), nil, Budget{Steps: 1 << 60, Depth: 10_000, Bytes: 1 << 60})
		if _, err := th.Eval(env, "t", c.src); err != nil {
			t.Fatal(err)
		}
		f, _ := env.Lookup("f")
		got := testing.AllocsPerRun(10, func() {
			if _, err := th.Call(f); err != nil {
				t.Fatal(err)
			}
		})
		if got > c.most {
			t.Errorf("%s: %v objects per run, want at most %v", c.name, got, c.most)
		}
	}
	fresh := testing.AllocsPerRun(100, func() {
		th := NewThread(context.Background(), nil, testBudget)
		if v, err := th.Eval(base.Child(), "t", "(+ 1 2)"); err != nil || v.n != 3 {
			t.Fatal(v, err)
		}
	})
	if fresh > 12 {
		t.Errorf("a fresh environment and a tiny form make %v objects, want at most 12", fresh)
	}
}
