package lisp

import (
	"context"
	"os"
	"strings"
	"testing"
)

// TestCheckFindsWhatWillFail checks texts that are wrong in one or several ways, and texts that are right.
func TestCheckFindsWhatWillFail(t *testing.T) {
	ran := false
	base := NewBase([]Prim{
		{Name: "greet", Params: "name:string [times:int]", Doc: "Greets.", Fn: func(*Thread, []Value) (Value, error) { ran = true; return Nil, nil }},
	})
	for _, c := range []struct {
		what, src string
		want      []string
	}{
		{"nothing wrong", "(defn f [x] (greet x)) (f \"a\") (greet \"b\" 2)", nil},
		{"all at once, in the order of the text", "(defn f [x] (grete x))\n(car)\n(g 1)\n(defn g [y] y)",
			[]string{"1:14: cannot find grete: no such name (did you mean greet?)", "2:1: cannot call car: got 0, want 1 argument: (car x)"}},
		{"arguments of a primitive of the embedder", "(greet) (greet 1 2 3)",
			[]string{"1:1: cannot call greet: got 0, want 1 to 2 arguments: (greet name [times])", "1:9: cannot call greet: got 3, want 1 to 2 arguments: (greet name [times])"}},
		{"functions of the text", "(defn f [a b] a)\n(f 1)\n(defn g [a & more] a)\n(g)\n(g 1 2 3)",
			[]string{"2:1: cannot call f: got 1, want 2 arguments: (f a b)", "4:1: cannot call g: got 0, want at least 1 argument: (g a & more)"}},
		{"before their definition", "(defn f [] (g 1 2)) (defn g [a] a)", []string{"1:12: cannot call g: got 2, want 1 argument: (g a)"}},
		{"functions of a function", "(defn f [] (defn g [a] a) (let [h (fn [] 1)] (h 1) (g)) ((fn [x] x)))",
			[]string{"1:46: cannot call fn: got 1, want 0 arguments: (fn)", "1:52: cannot call g: got 0, want 1 argument: (g a)", "1:57: cannot call fn: got 0, want 1 argument: (fn x)"}},
		{"parameters may be anything", "(defn f [g] (g 1 2 3)) (f (fn [] 1))", nil},
		{"what is assigned may be anything", "(def f (fn [a] a)) (set! f greet) (f \"x\" 2) (let [g (fn [] 1)] (set! g (fn [a] a)) (g 1))", nil},
		{"a function with two meanings", "(defn f [a] a) (f 1) (defn f [a b] a) (f 1 2) (f)", []string{"1:47: cannot call f: got 0, want 2 arguments: (f a b)"}},
		{"a name of the language with a new meaning", "(car [1]) (defn car [a b] a) (car 1 2)", nil},
		{"short functions take any number", "(map #(+ 1 %) [1]) (#(+ %1 %2) 1 2)", nil},
		{"recursion", "(defn f [n] (if (= n 0) 0 (f n 1)))", []string{"1:27: cannot call f: got 2, want 1 argument: (f n)"}},
		{"special forms", "(defn f [x]\n  (if)\n  (let [a] a)\n  (greet))",
			[]string{"2:3: cannot compile if: got 0 forms, want 2 to 3", "3:3: cannot compile let: a name without value (an odd number of forms in the bindings)", "4:3: cannot call greet: got 0, want 1 to 2 arguments: (greet name [times])"}},
		{"a broken definition is reported once", "(defn f) (f 1) (defmac m [x] (if)) (m 1) (def g) g",
			[]string{"1:1: cannot compile defn: want a name, parameters and a body", "1:30: cannot compile if: got 0 forms, want 2 to 3: (if condition then [else])", "1:42: cannot compile def: got 1 form, want 2: (def name value)"}},
		{"macros of the text", "(defmac twice [form] `(begin ~form ~form))\n(twice (greet \"a\"))\n(twice (grete \"a\"))\n(twice)",
			[]string{"3:9: cannot find grete: no such name (did you mean greet?)", "3:9: cannot find grete: no such name (did you mean greet?)", "4:1: cannot call twice: got 0, want 1 argument: (twice form)"}},
		{"a macro that leaves", "(defmac m [] (exit 3)) (m) (car)", []string{"1:24: cannot compile: a macro calls (exit 3)", "1:28: cannot call car: got 0, want 1 argument: (car x)"}},
		{"what cannot be read", "(car [1])\n(car", []string{"2:1: cannot read: this ( is never closed"}},
		{"asked for before it is used", "(if (defined? extra) (extra 1) 2) (when (defined? \"more\") (more))", nil},
		{"names made while it runs", "(defn (symbol \"made\") [] 1) (made)", nil},
		{"names from files", "(source-file \"x.glisp\") (made) (car)", []string{"1:32: cannot call car"}},
		{"records", "(defrecord P (Age int)) (:Age (->P Age 7))", nil},
		{"try", "(try (grete 1) (catch 'x e (car)) (finally (cdr)))",
			[]string{"1:7: cannot find grete: no such name (did you mean greet?)", "1:28: cannot call car: got 0, want 1 argument: (car x)", "1:44: cannot call cdr: got 0, want 1 argument: (cdr x)"}},
		{"arrays, hashes and templates", "[(car)] {\"a\" (grete)} `(x ~(cdr))",
			[]string{"1:2: cannot call car: got 0, want 1 argument: (car x)", "1:15: cannot find grete: no such name (did you mean greet?)", "1:28: cannot call cdr: got 0, want 1 argument: (cdr x)"}},
		{"a macro without end", "(defmac m [] (m2)) (defn m2 [] (m2)) (defmac w [] (while true 1)) (w)", []string{"1:51: budget exceeded"}},
	} {
		problems := NewThread(context.Background(), nil, Budget{Steps: 100_000, Depth: 1000}).Check(base.Child(), "f", c.src)
		ok := len(problems) == len(c.want)
		for i := 0; ok && i < len(problems); i++ {
			ok = strings.HasPrefix(problems[i].Error(), "f:"+c.want[i])
		}
		if !ok {
			t.Errorf("%s: %s\ngives %q\nwant  %q", c.what, c.src, problems, c.want)
		}
	}
	if ran {
		t.Error("something ran")
	}
}

// TestCheckShowsTheLine needs it for the caret.
func TestCheckShowsTheLine(t *testing.T) {
	problems := NewThread(context.Background(), nil, Budget{}).Check(NewBase().Child(), "f", "(+ 1\n   (cdr))")
	if len(problems) != 1 || problems[0].Render() != "f:2:4: cannot call cdr: got 0, want 1 argument: (cdr x)\n 2 |    (cdr))\n   |    ^" {
		t.Errorf("%v", problems)
	}
}

// TestCheckHasNoComplaintsAboutGoodPrograms checks every example of the language.
func TestCheckHasNoComplaintsAboutGoodPrograms(t *testing.T) {
	base := NewBase()
	for _, name := range base.Names("") {
		doc, _ := base.Doc(name)
		for example := range strings.Lines(doc.Example) {
			src, _, _ := strings.Cut(example, " => ")
			if problems := NewThread(context.Background(), nil, testBudget).Check(base.Child(), name, src); len(problems) > 0 {
				t.Errorf("%s: %v", src, problems)
			}
		}
	}
}

// TestCheckFindsWhatTheFailingProgramsSay needs no run for what can be known before one, and says it in the same words.
func TestCheckFindsWhatTheFailingProgramsSay(t *testing.T) {
	data, err := os.ReadFile("testdata/errors.glisp")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, program := range strings.Split(string(data), "\n---\n") {
		kind, message, _ := strings.Cut(program[strings.Index(program, ";! ")+3:], ": ")
		message, _, _ = strings.Cut(message, "\n")
		problems := NewThread(context.Background(), nil, testBudget).Check(NewBase().Child(), "f", program)
		known := kind == "syntax" || kind == "unbound" || kind == "arity"
		if !known && len(problems) == 0 {
			continue
		}
		if found++; len(problems) != 1 || problems[0].Kind != kind || problems[0].Msg != message {
			t.Errorf("%s\ngives %q, want %s: %s", program, problems, kind, message)
		}
	}
	if found < 10 {
		t.Errorf("only %d programs can be judged before they run", found)
	}
}
