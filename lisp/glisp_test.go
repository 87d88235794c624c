package lisp

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
)

// TestErrorsNameTheLine runs the programs of testdata/*.glisp, each of which must fail on the line that says so.
func TestErrorsNameTheLine(t *testing.T) {
	base := NewBase()
	files, err := fs.Glob(os.DirFS("testdata"), "*.glisp")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, program := range strings.Split(string(data), "\n---\n") {
			line, want := 0, ""
			for i, text := range strings.Split(program, "\n") {
				if _, mark, ok := strings.Cut(text, ";! "); ok {
					line, want = i+1, strings.TrimSpace(mark)
				}
			}
			_, _, err := run(t, base, program)
			var e *Error
			if !errors.As(err, &e) {
				t.Errorf("%s\ngives %v, want %s", program, err, want)
				continue
			}
			if got := e.Kind + ": " + e.Msg; e.Pos.Line != line || got != want {
				t.Errorf("%s\ngives %s on line %d, want %s on line %d", program, got, e.Pos.Line, want, line)
			}
		}
	}
}

// programs and what they give.
func TestPrograms(t *testing.T) {
	base := NewBase()
	for _, c := range [][2]string{
		{"(defn t [n] (defn ev [n] (if (= n 0) true (od (- n 1)))) (defn od [n] (if (= n 0) false (ev (- n 1)))) (ev n)) (t 10)", "true"},
		{"(let [ev (fn [n] (if (= n 0) true (od (- n 1)))) od (fn [n] (if (= n 0) false (ev (- n 1))))] (ev 9))", "false"},
		{"(let [f (fn [n] (if (= n 0) 1 (* n (f (- n 1)))))] (f 25))", "15511210043330985984000000"},
		{"(defn ev [n] (if (= n 0) true (od (- n 1)))) (defn od [n] (if (= n 0) false (ev (- n 1)))) (ev 1000000)", "true"},
		{"(defn f [n] (try (if (= n 0) (raise 1) (f (- n 1))) (finally nil))) (try (f 100) (catch e (error-value e)))", "1"},
		{"(defn f [n] (and true (or false (when true (cond false 1 (begin (if (= n 0) n (f (- n 1))))))))) (f 300000)", "0"},
		{"(defn f [c] (when c (def z 1)) z) (f true)", "1"},
		{"(def z 5) (defn f [] (set! z 7) z) [(f) z]", "[7 7]"},
		{"(defn f [c] (let [g 5] g) (when c (set! q 1)) (try q (catch e (error-kind e)))) [(f false) (f true)]", "[\"unbound\" 1]"},
		{"(defn f [c] (let [g 5] g) (when c (def q 1)) (try q (catch e (error-kind e)))) [(f false) (f true)]", "[\"unbound\" 1]"},
		{"(let* [y (let [g #a] g)] (car (list (defn z [x] z))) (= z (z 1)))", "true"},
		{"(let [y (let [g #a] g)] (begin (let [h 1] h) (defn z [x] (if (= x 0) 7 (z (- x 1)))) (z 3)))", "7"},
		{"(def z 5) (defn f [] (def z 7) z) [(f) z]", "[7 5]"},
		{"(defn f [a b c d e g h i j k] (fn [] (set! k (+ k a)) k)) ((f 1 2 3 4 5 6 7 8 9 10))", "11"},
		{"(defn lp [a b c d e] (if (= a 0) [b c d e] (lp (- a 1) c d e b))) (lp 3 1 2 3 4)", "[4 1 2 3]"},
		{"(map (fn [f] (f)) (map (fn [i] (fn [] (set! i (+ i 1)) i)) [1 2]))", "[2 3]"},
		{"(def a [1 2 3]) (def b (append a 4)) (def c (append a 5)) (def d (append b 6)) (aset! b 0 9) [a b c d]", "[[1 2 3] [9 2 3 4] [1 2 3 5] [1 2 3 4 6]]"},
		{"(def a [3 1]) (sort a) a", "[3 1]"},
		{"(defn f [] '[1 2]) (aset! (f) 0 99) (f)", "[1 2]"},
		{"(def h {}) (foreach #(hset! h % %) (range 100)) (foreach #(hdel! h %) (range 90)) [(len h) (keys h)]", "[10 [90 91 92 93 94 95 96 97 98 99]]"},
		{"(def h {\"a\" 1 \"b\" 2}) (map (fn [p] (hdel! h (car p)) (hset! h (cdr p) 0) (cdr p)) h)", "(1 2)"},
		{"(defn f [x] x) (override f (fn [x] (* 2 (f x)))) (override f (fn [x] (+ 1 (f x)))) (f 4)", "9"},
		{"(def + -) (+ 5 3)", "2"},
		{"(let [+ -] (+ 5 3))", "2"},
		{"(let [when list] (when 1 2))", "(1 2)"},
		{"(defn f [] (g)) (defn g [] 1) (defn g [] 2) (f)", "2"},
		{"`(1 `(2 ~(3 ~(+ 1 2))))", "(1 (syntax-quote (2 (unquote (3 3)))))"},
		{"(let [i 0 out []] (while (< i 3) (set! out (append out i)) (set! i (+ i 1))) out)", "[0 1 2]"},
		{"(try (raise {\"a\" 1}) (catch e (hget (error-value e) \"a\")))", "1"},
		{"(try (car 1) (catch ['key 'type] e (error-kind e)))", "\"type\""},
		{"(def log []) (try (try (car 1) (finally (set! log (append log 1)))) (catch e (set! log (append log 2)))) log", "[1 2]"},
		{"[(+ 9223372036854775807 1) (- -9223372036854775808 1) (* 4294967296 4294967296) (- (+ 9223372036854775807 1) 1) (mod -7 -3) (/ -9223372036854775808 -1)]",
			"[9223372036854775808 -9223372036854775809 18446744073709551616 9223372036854775807 2 9223372036854775808]"},
		{"[(= 9007199254740993 9007199254740992.0) (< 9007199254740992.0 9007199254740993) (= 1e400 (/ 1.0 0))]", "[false true true]"},
		{"(def a [1]) (aset! a 0 a) (sexp-str a)", "\"[…]\""},
		{"(def h {}) (hset! h \"me\" h) (string h)", "\"{\\\"me\\\" …}\""},
		{"(def x 1) (defn f [] (eval 'x)) (f)", "1"},
		{"(json/query [{\"t\" [{\"x\" 1 \"y\" 2}]}] \"#(t.#(x==1).y==2).t.0.x\")", "1"},
		{"(json/query [{\"p\" 1.5}] \"#(p==1.50).p\")", "1.5"},
		{"(json/del {\"a\" 1} \"a.b\")", "{\"a\" 1}"},
		{"(time/format (time/parse \"99999999999999999\" 'timestamp (time/parse 5)) 'timestamp)", "5"},
		{"(try (raise \"\") (catch e (error-kind e)))", "\"raised\""},
		{"(sort {\"b\" 1 \"a\" 2})", "((\"a\" . 2) (\"b\" . 1))"},
		{"(for [x 1] x)", "ERR t:1:2: cannot find for: no such name (did you mean foreach?)"},
		{`(map :name [{"name" 1}])`, "ERR t:1:6: cannot find :name: no such name: a name with a colon looks a key up as head of a call only; a function that does it is #(:name %)"},
		{"[(round 0.49999999999999994) (round 4503599627370497.0) (round -4503599627370497.0) (round -0.5) (round -1.5) (round 2.5)]", "[0 4503599627370497 -4503599627370497 0 -1 3]"},
		{"[(hash) (hash 1 2)]", "[{} {1 2}]"},
		{"(hash 1)", "ERR t:1:1: cannot make a hash of 1 values: want a value for every key"},
		{"(:a:b {})", "ERR t:1:2: cannot find :a:b: no such name"},
		{"(map when [1])", "ERR t:1:6: cannot find when: no such name: a macro stands at the head of a form only: (when condition body...)"},
		{"(apply if [1])", "ERR t:1:8: cannot find if: no such name: a special form stands at the head of a form only: (if condition then [else])"},
		{"(defmac m [a] a) (map m [1])", "ERR t:1:23: cannot find m: no such name: a macro stands at the head of a form only: (m a)"},
		{`[(take 2 "añb") (drop 2 "añb") (take 9 "ab") (drop -1 "ab") (take 1 "\xff\xfea") (drop 1 "\xff\xfea") (take #(= % #a) "aab") (drop #(= % #a) "aab") (take 18446744073709551616 "ab")]`, `["añ" "b" "ab" "" "\xff" "\xfea" "aa" "b" "ab"]`},
		{"(defrecord P (a string))\n(->P a)", "ERR t:2:1: cannot construct P: a field has no value"},
		{"(defrecord P (x any)) (def a (->P x [1])) (def b (copy a)) (assoc b x 2) (aset! (:x (copy a)) 0 9) [a b]", "[#P{x:[1]} #P{x:2}]"},
		{"1\n (eval (list (quote if)))", "ERR t:2:2: cannot compile if: got 0 forms, want 2 to 3: (if condition then [else])"},
		{"1\n (eval (list (symbol \"foo\")))", "ERR t:2:2: cannot find foo: no such name"},
		{"", "()"},
		{"#!/usr/bin/env supervisord\n(+ 1 2)", "3"},
	} {
		if got := outcome(t, base, c[0]); got != c[1] {
			t.Errorf("%s\n got %s\nwant %s", c[0], got, c[1])
		}
	}
}

// TestEmbedding is what an embedder does: primitives of its own, kinds for its errors, values in and out.
func TestEmbedding(t *testing.T) {
	errGone := errors.New("it is gone")
	table := []Prim{
		{Name: "greet", Params: "NAME [n:int]", Doc: "Greets.", Example: "(greet \"x\") => \"hello x\"", Fn: func(t *Thread, args []Value) (Value, error) {
			var name string
			n := int64(1)
			if err := Unpack("greet", args, &name, "?", &n); err != nil {
				return Nil, err
			}
			return String(strings.Repeat("hello "+name, int(n))), nil
		}},
		{Name: "fail", Params: "", Doc: "Fails.", Example: "(function? fail) => true", Fn: func(*Thread, []Value) (Value, error) { return Nil, errGone }},
		{Name: "twice", Params: "f:function", Doc: "Calls f twice.", Example: "(twice core/dummy) => ()", Fn: func(t *Thread, args []Value) (Value, error) {
			if _, err := t.Call(args[0]); err != nil {
				return Nil, err
			}
			return t.Call(args[0])
		}},
	}
	base := NewBase(table)
	var out bytes.Buffer
	th := NewThread(context.Background(), &out, Budget{Steps: 1e6, Depth: 100, Bytes: 1 << 20, Output: 10})
	th.KindOf = func(err error) string {
		if errors.Is(err, errGone) {
			return "not-found"
		}
		return "failed"
	}
	env := base.Child()
	env.Define("ARGV", Array(String("a")))
	eval := func(src string) (Value, error) { return th.Eval(env, "job", src) }
	if v, err := eval(`(greet (aget ARGV 0) 2)`); err != nil || Print(v) != `"hello ahello a"` {
		t.Error(Print(v), err)
	}
	if v, err := eval(`(def n 0) (twice (fn [] (set! n (+ n 1)) n))`); err != nil || v.n != 2 {
		t.Error(Print(v), err)
	}
	_, err := eval("\n  (fail)")
	var e *Error
	if !errors.As(err, &e) || e.Kind != "not-found" || !errors.Is(err, errGone) || e.Pos != (Pos{"job", 2, 3}) {
		t.Errorf("%#v", err)
	}
	if v, err := eval(`(try (fail) (catch 'not-found e (error-message e)))`); err != nil || Print(v) != `"it is gone"` {
		t.Error(Print(v), err)
	}
	_, err = eval("(twice (fn [] (car 5)))")
	if !errors.As(err, &e) || e.Kind != "type" || e.Pos.Col != 15 {
		t.Errorf("%#v", err)
	}
	var exit Exit
	if _, err := eval("(try (exit 3) (catch e 1))"); !errors.As(err, &exit) || exit.Code != 3 {
		t.Error(err)
	}
	if _, err := eval("(greet 5)"); err == nil || err.Error() != "job:1:1: cannot call greet: argument 1 is int 5, want string" {
		t.Error(err)
	}
	if _, err := eval("(print 12345) (print 1234567)"); !errors.As(err, &e) || e.Kind != "budget" || out.String() != "1234512345" {
		t.Error(err, out.String())
	}
}
