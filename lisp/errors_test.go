package lisp

import (
	"errors"
	"strings"
	"testing"
)

// TestErrorsAreRendered as people see them: the place, the line with a caret under the column, and the calls in the words of
// the language; long lines and deep calls are cut.
func TestErrorsAreRendered(t *testing.T) {
	base := NewBase()
	for src, want := range map[string]string{
		"(defn first-name [procs]\n\t(:nmae (car procs)))\n(defn report [procs]\n  (println (first-name procs)))\n(report [{\"name\" 1}])": `t:2:2: cannot find key "nmae" in the hash (did you mean "name"?)
 2 | 	(:nmae (car procs)))
   | 	^
  in :nmae
  in first-name at t:2:2
  in report at t:4:12
  at top level at t:5:1`,
		"(defmac m [x] (car x))\n(defn g []\n  (m 5))": `t:1:15: cannot call car: argument 1 is int 5, want list, array or hash
 1 | (defmac m [x] (car x))
   |               ^
  in m at t:1:15
  in the expansion of m at t:3:3`,
		"(list \"é中\" (car 5))": `t:1:12: cannot call car: argument 1 is int 5, want list, array or hash
 1 | (list "é中" (car 5))
   |            ^
  at top level at t:1:12`,
		"(map (fn [x] (/ 1 x)) [0])": `t:1:14: cannot divide 1 by zero
 1 | (map (fn [x] (/ 1 x)) [0])
   |              ^
  in fn at t:1:14
  in map
  at top level at t:1:1`,
		"(<! (go (car 5)))": `t:1:9: cannot call car: argument 1 is int 5, want list, array or hash
 1 | (<! (go (car 5)))
   |         ^
  in go at t:1:9`,
		"(def x": "t:1:1: cannot read: this ( is never closed\n 1 | (def x\n   | ^",
	} {
		_, _, err := run(t, base, src)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", src, err)
		} else if got := e.Render(); got != want {
			t.Errorf("%s\nis rendered as\n%s\nwant\n%s", src, got, want)
		}
	}
	_, _, err := run(t, base, "(list "+strings.Repeat("1 ", 5000)+"(car 5) "+strings.Repeat("1 ", 5000)+")")
	var e *Error
	if !errors.As(err, &e) || len(e.Render()) > 1000 || !strings.Contains(e.Render(), "(car 5)") {
		t.Errorf("a long line is rendered as %s", clip(e.Render(), 500))
	}
	_, _, err = run(t, base, "(defn f [n] (+ 1 (if (= n 0) (car 5) (f (- n 1))))) (f 5000)")
	if !errors.As(err, &e) || len(e.Trace) > 30 || !strings.Contains(e.Render(), "more calls") {
		t.Errorf("deep calls are rendered as %s", e.Render())
	}
}

// TestMessagesAreSmall, whatever the values are that they are about, and take no time.
func TestMessagesAreSmall(t *testing.T) {
	base := NewBase()
	for _, big := range []string{"(pow 7 370000)", "(- (pow 7 370000))", `(str/repeat "x" 1000000)`, "(list-to-array (range 100000))", "(list-to-array (map #([% %]) (range 10000)))", `(symbol (str/repeat "x" 1000000))`, `(bytes (str/repeat "x" 1000000))`} {
		for _, src := range []string{"(car x)", "(hget {} x)", "(raise x)", "(assert false x)", "(aget [1] x)", "(x)", "(sort [x {}])", "(slice [] x)", "(char x)", "(time/parse x)", "(rand x)", "(exit x)", "(int x)", "(json/parse x)", "(regexp/match x x)",
			"(eval (list x))", "(eval x)", "(apply x [])", "(:a x)", "(hget {x 1} 5)", "(str/join [x 1] x)", "(os/none x)", "(error x)", "(throw x)", "(+ 1 x {})", "(sprintf x x)", "(sprintf \"%d\" x {})", "(read x)", "(json/query {} x)"} {
			th := NewThread(t.Context(), nil, Budget{Steps: 1e9, Bytes: 512 << 20})
			env := base.Child()
			if _, err := th.Eval(env, "t", "(def x "+big+")"); err != nil {
				t.Fatal(err)
			}
			_, err := th.Eval(env, "t", src)
			if err == nil {
				continue
			}
			var e *Error
			if errors.As(err, &e) && len(e.Msg) > 17<<10 {
				t.Errorf("%s with %s: a message of %d bytes: %s", src, big, len(e.Msg), clip(e.Msg, 200))
			}
		}
	}
	_, _, err := run(t, base, "(car (pow 7 370000))")
	if want := "cannot call car: argument 1 is int 188280… (312687 digits), want list, array or hash"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}
