package lisp

import (
	"context"
	"strings"
	"testing"
)

// TestInclude holds what texts that are included do, with a loader that has them in memory.
func TestInclude(t *testing.T) {
	texts := map[string]string{
		"a": "(def x 5) (defmac twice [y] `(+ ~y ~y)) (* x 2)", "b": `(include "a") (+ x 1)`, "loop": `(include "loop")`, "bad": "(def secret\n  (car 5", "car": "(defn first-of [l]\n  (car l))",
		"local": "(def z 3) (* z z)", "empty": "; nothing", "override": "(defn car [x] 7)", "late": "(def late 1)",
	}
	base := NewBase()
	for _, c := range [][2]string{
		{`(include "a")`, "10"},
		{`(include "a") (twice x)`, "10"},
		{`(include "a" "b")`, "6"},
		{`(include ["a" "b"])`, "6"},
		{`(include ("a" "b"))`, "6"},
		{`(list 1 (include "a" "b") 2)`, "(1 6 2)"},
		{`(include "empty")`, "()"},
		{`(if false (include "none") 1)`, "1"},
		{`(defn f [] (include "local")) [(f) (defined? 'z)]`, "[9 false]"},
		{`(let [q 1] (include "local") z)`, "3"},
		{`(source-file "a" ["b"]) (twice x)`, "10"},
		{`(source-file)`, "()"},
		{`(defn use [] late) (include "late") (use)`, "1"},
		{`(include "override") (car [1])`, "7"},
		{`(include "loop")`, "ERR loop:1:1: cannot include \"loop\": texts include one another more than 32 deep"},
		{`(defn f [] (include "loop"))`, "ERR t:1:12: cannot include \"loop\": texts include one another more than 32 deep"},
		{`(include "bad")`, "ERR bad:2:3: cannot read: this ( is never closed"},
		{"(include \"car\")\n(first-of 5)", "ERR car:2:3: cannot call car: argument 1 is int 5, want list, array or hash"},
		{`(include)`, "ERR t:1:1: cannot include: there is no name of a file"},
		{`(include 5)`, "ERR t:1:1: cannot include int 5: want the name of a file, a string"},
		{`(include (car ["a"]))`, "ERR"},
		{`(source-file 5)`, "ERR"},
		{`(include "missing")`, `ERR t:1:1: no missing here, asked from t`},
		{`(try (include "missing") (catch e "none"))`, `"none"`},
		{`(defmac m [] (source-file "a")) (m)`, "ERR"},
	} {
		th := NewThread(context.Background(), nil, testBudget)
		th.Load = func(name, from string) (string, string, error) {
			text, ok := texts[name]
			if !ok {
				return "", "", Errorf("not-found", "no %s here, asked from %s", name, from)
			}
			return text, name, nil
		}
		v, err := th.Eval(base.Child(), "t", c[0])
		got := Print(v)
		if err != nil {
			got = "ERR " + err.Error()
		}
		if got != c[1] && !(c[1] == "ERR" && err != nil) {
			t.Errorf("%s\n gives %s\n want %s", c[0], got, c[1])
		}
	}
	if _, _, err := run(t, base, `(include "/etc/passwd")`); err == nil || !strings.Contains(err.Error(), "exec --local") {
		t.Errorf("without a loader: %v", err)
	}
	if problems := NewThread(context.Background(), nil, testBudget).Check(base.Child(), "t", `(include "x") (made-there 5) (car)`); len(problems) != 1 || problems[0].Kind != "arity" {
		t.Errorf("a check of a text that includes finds %v", problems)
	}
}

// TestE21MacrosHaveNoEffects: what the embedder brings cannot be called while a text is compiled or checked.
func TestE21MacrosHaveNoEffects(t *testing.T) {
	called := false
	base := NewBase([]Prim{{Name: "effect", Doc: "Does something.", Fn: func(*Thread, []Value) (Value, error) { called = true; return Nil, nil }}})
	for _, src := range []string{`(defmac m [] (effect)) (m)`, `(defmac m [] (map (fn [_] (effect)) [1])) (m)`, `(defmac m [] (<! (go (effect)))) (m)`,
		`(defmac m [] (eval '(effect))) (m)`, `(defmac m [] (try (effect) (catch e (effect)))) (m)`, "(defmac #`^x` [name] (effect)) (xyz)"} {
		_, err := NewThread(context.Background(), nil, testBudget).Eval(base.Child(), "t", src)
		if err == nil || called {
			t.Errorf("%s: %v, called %v", src, err, called)
		}
		if problems := NewThread(context.Background(), nil, testBudget).Check(base.Child(), "t", src); called || len(problems) == 0 {
			t.Errorf("a check of %s finds %v, called %v", src, problems, called)
		}
	}
	if _, err := NewThread(context.Background(), nil, testBudget).Eval(base.Child(), "t", "(defmac m [] '(effect)) (try (m2) (catch e 1)) (m)"); err != nil || !called {
		t.Errorf("an effect of the expansion is refused: %v", err)
	}
}
