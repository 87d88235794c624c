package lisp

import (
	"strings"
	"testing"
)

// TestWhileIsARecursiveFunction: a loop does what the function would do that calls itself in tail position, which is what
// while means; it only needs neither a function nor cells for the variables that it changes.
func TestWhileIsARecursiveFunction(t *testing.T) {
	meaning := "(defmac rec [c & body] (let [l (gensym)] `(let [~l (fn [] (if ~c (begin ~@body (~l))))] (~l))))\n"
	for src, want := range map[string]string{
		"(let [i 0 s 0] (while (< i 5) (set! s (+ s i)) (set! i (+ i 1))) [i s])":                                                              "[5 10]",
		"(def i 0) (while (< i 3) (set! i (+ i 1))) i":                                                                                         "3",
		"(let [i 0] (while (< i 3) (set! i (+ i 1))))":                                                                                         "()",
		"(let [i 0 fs []] (while (< i 3) (def x i) (set! fs (append fs (fn [] x))) (set! i (+ i 1))) (map (fn [f] (f)) fs))":                   "[0 1 2]",
		"(let [i 0 fs []] (while (< i 3) (def x i) (set! fs (append fs (fn [] (set! x (+ x 10)) x))) (set! i (+ i 1))) (map (fn [f] (f)) fs))": "[10 11 12]",
		"(let [i 0 fs []] (while (< i 2) (defn g [] (h)) (defn h [] (+ i 1)) (set! fs (append fs (g))) (set! i (+ i 1))) fs)":                  "[1 2]",
		"(def x 7) (let [i 0 out []] (while (< i 2) (set! out (append out x)) (def x i) (set! i (+ i 1))) out)":                                "[7 7]",
		"(let [i 0] (while (< i 2) (def y i) (set! i (+ i 1))) y)":                                                                             "unbound",
		"(let [i 0 out []] (while (< i 3) (if (= i 1) (def z i)) (set! out (append out (try z (catch e \"-\")))) (set! i (+ i 1))) out)":       `["-" 1 "-"]`,
		"(let [i 0 n 0] (while (< i 3) (let [j 0] (while (< j i) (set! n (+ n 1)) (set! j (+ j 1)))) (set! i (+ i 1))) n)":                     "3",
		"(let [a 1 b 2 c 3 d 4 e 5 f 6 g 7 i 0] (while (< i 3) (let [p i q 1] (set! a (+ a p q))) (set! i (+ i 1))) [a b c d e f g i])":        "[7 2 3 4 5 6 7 3]",
		"(defn f [n] (while (> n 0) (set! n (- n 1)) (when (= n 2) (raise \"two\")))) (try (f 5) (catch e (error-message e)))":                 `"two"`,
		"(let [xs [1 2 3] s 0] (while (not-empty? xs) (set! s (+ s (car xs))) (set! xs (cdr xs))) s)":                                          "6",
		"(while (car 5) 1)": "type",
		"(while nil)":       "()",
		"(let [i 0] (while (begin (set! i (+ i 1)) (< i 4))) i)": "4",
	} {
		for _, program := range []string{src, meaning + strings.ReplaceAll(src, "(while ", "(rec ")} {
			v, err := NewThread(t.Context(), nil, testBudget).Eval(NewBase().Child(), "t", program)
			got := Print(v)
			if e, ok := err.(*Error); ok {
				got = e.Kind
			}
			if got != want {
				t.Errorf("%s\n got %s (%v), want %s", program, got, err, want)
			}
		}
	}
}
