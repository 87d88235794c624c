package lisp

import (
	"errors"
	"testing"
)

// TestCallbacksMayChangeWhatIsWalked calls every function with collections, callbacks and streams of which the latter two change
// the former while they are walked: elements and keys come and go. The answer is a value or an error, never a panic.
func TestCallbacksMayChangeWhatIsWalked(t *testing.T) {
	base := NewBase()
	const pool = `(def a nil) (def h nil) (def r nil) (def b nil) (def turn 0)
(defrecord P (x any) (y any))
(defn shrink [] (foreach (fn [i] (json/del a "0") (hdel! h (string i))) (range 40)))
(defn grow [] (foreach (fn [i] (when (< (len a) 100) (json/set a "999" i)) (hset! h (string (+ 100 i)) i)) (range 40)))
(defn change [] (set! turn (+ turn 1)) (if (= 1 (mod turn 3)) (grow) (shrink)) (assoc r x turn) (:print b turn))
(defn stir [x] (map (fn [v] (change) v) (stream x)))
(defn fresh []
  (set! a (list-to-array (range 20))) (set! h {}) (set! turn 0) (set! b (buffer)) (set! r (->P x 1 y 2))
  (foreach (fn [i] (hset! h (string i) i)) (range 40))
  (let [s (stir [1 2 3])] (aset! a 0 s) (aset! a 1 [s]) (hset! h "0" s) (hset! h "1" {"s" s}) (assoc r y s))
  [a h r b (fn [& xs] (change) (car xs)) (fn [& xs] (change) nil) (stir a) (stir h) (list a h) [[a a] [h]] "0" 1])`
	env := base.Child()
	if _, err := NewThread(t.Context(), nil, testBudget).Eval(env, "pool", pool); err != nil {
		t.Fatal(err)
	}
	fresh, _ := env.Lookup("fresh")
	calls := 0
	for _, name := range base.Names("") {
		f, ok := base.Lookup(name)
		if !ok || f.Kind() != KindFunction {
			continue
		}
		sig := f.o.(*primitive).sig
		try := func(pick ...int) {
			if len(pick) < sig.min || sig.max >= 0 && len(pick) > sig.max {
				return
			}
			th := NewThread(t.Context(), nil, Budget{Steps: 60_000, Depth: 200, Bytes: 4 << 20, Output: 1 << 16})
			th.env = env
			th.OnPanic = func(reason any, stack []byte) {
				t.Errorf("(%s %v): panic: %v\n%s", name, pick, reason, clip(string(stack), 2000))
			}
			all, err := th.Call(fresh)
			if err != nil {
				t.Fatal(err)
			}
			items, _ := all.Elements()
			args := make([]Value, len(pick))
			for i, p := range pick {
				args[i] = items[p]
				if m := sig.at(i, len(pick)).mask; m != 0 && m&(1<<args[i].Kind()) == 0 {
					return
				}
			}
			calls++
			v, err := th.Call(f, args...)
			var e *Error
			if err != nil && !errors.As(err, &e) && !errors.As(err, new(Exit)) {
				t.Errorf("(%s %v): %v", name, pick, err)
			}
			if s, ok := v.o.(*stream); ok && err == nil {
				_, _ = th.Call(native("realize", func(t *Thread, _ []Value) Value { return t.newList(t.realize(s)) }))
			}
		}
		const n = 12
		for i := range n {
			try(i)
			for j := range n {
				try(i, j)
				if sig.min <= 3 && (sig.max < 0 || sig.max >= 3) {
					try(i, (i+j)%n, j)
				}
			}
		}
	}
	if calls < 3000 {
		t.Errorf("only %d calls", calls)
	}
	t.Log(calls, "calls")
}
