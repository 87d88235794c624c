package lisp

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFormattingTidiesWhiteSpaceOnly shows what is changed, and what is left as the author wrote it.
func TestFormattingTidiesWhiteSpaceOnly(t *testing.T) {
	for _, c := range []struct{ what, src, want string }{
		{"a body is indented by two", "(defn  f [ x ]\n\"doc\"\n      (when x\n(g x)\n  (h x)))", "(defn f [x]\n  \"doc\"\n  (when x\n    (g x)\n    (h x)))\n"},
		{"arguments stand under the first", "(concat a\nb\n   c)", "(concat a\n        b\n        c)\n"},
		{"a head alone in its line", "(concat\na\nb)", "(concat\n  a\n  b)\n"},
		{"cond goes either way", "(cond a 1\nb 2\n3)\n(cond\na 1\n2)", "(cond a 1\n      b 2\n      3)\n(cond\n  a 1\n  2)\n"},
		{"case has a body", "(case a\n1 2\n3)", "(case a\n  1 2\n  3)\n"},
		{"steps", "(->> x\n(map f)\n(take 2))", "(->> x\n     (map f)\n     (take 2))\n"},
		{"try and catch", "(try (f)\n(catch 'key e\n(g))\n(finally\n(h)))", "(try (f)\n  (catch 'key e\n    (g))\n  (finally\n    (h)))\n"},
		{"bindings and data", "(let [a 1\nb {\"x\" 1\n\"y\" 2}]\n'(p q\nr))", "(let [a 1\n      b {\"x\" 1\n         \"y\" 2}]\n  '(p q\n    r))\n"},
		{"a template is code", "`(f ~a\n~@b)", "`(f ~a\n    ~@b)\n"},
		{"short functions", "#(  f %\n%2)", "#(f %\n    %2)\n"},
		{"closing brackets", "[\n 1\n 2\n]\n(f\n)", "[1\n 2]\n(f)\n"},
		{"glued forms", "(f(g)[1]\"a\")(h)", "(f (g) [1] \"a\") (h)\n"},
		{"blank lines", "\n\n(a)\n\n\n\n(b)\n(c)\n\n\n", "(a)\n\n(b)\n(c)\n"},
		{"comments", "; top\n(a ; one\n; two\n b) ; three\n;;; last", "; top\n(a ; one\n  ; two\n  b) ; three\n;;; last\n"},
		{"comments keep their column", "(def a 1)    ; x\n(def bcd 2)  ; y", "(def a 1)    ; x\n(def bcd 2)  ; y\n"},
		{"a comment before a closing bracket", "(a\n b ; c\n)", "(a\n  b ; c\n)\n"},
		{"a comment after an opening bracket", "[ ; c\n1]\n[\n; d\n1]", "[ ; c\n 1]\n[\n ; d\n 1]\n"},
		{"a comment after a quote", "' ; c\nx", "' ; c\n x\n"},
		{"quotes", "' x ` y ~  z ~@ w #' v ~ @u", "'x `y ~z ~@w #'v ~ @u\n"},
		{"chars and numbers", "#\\( #\\; #\\x41 0x1F .5 -1.50e-3 0Bff #中", "#\\( #\\; #\\x41 0x1F .5 -1.50e-3 0Bff #中\n"},
		{"dotted pairs", "'(a .(b))\n'( a . b )", "'(a . (b))\n'(a . b)\n"},
		{"strings", "(f \"a;  (\\\"b\n   c\"   #`x\n  \\`\n\"d\")", "(f \"a;  (\\\"b\n   c\" #`x\n  \\`\n   \"d\")\n"},
		{"the first line", "#!/usr/bin/env x  \n\n\n(a)", "#!/usr/bin/env x\n\n(a)\n"},
		{"only a first line", "#!x", "#!x\n"},
		{"what only looks like a first line", "\n\n#! 1", "\n#! 1\n"},
		{"line ends of another system", "(a\r\n  b) ; c\r\n", "(a\n  b) ; c\n"},
		{"nothing", " \n ", ""},
	} {
		got, err := Format("f", c.src)
		if err != nil || got != c.want {
			t.Errorf("%s: %q\ngives\n%s\n%v, want\n%s", c.what, c.src, got, err, c.want)
		}
		laws(t, c.src)
	}
}

// TestFormattingSaysWhereReadingFails needs a text that can be read.
func TestFormattingSaysWhereReadingFails(t *testing.T) {
	got, err := Format("f.glisp", "(a)\n (b")
	if got != "" || err == nil || err.Error() != "f.glisp:2:2: cannot read: this ( is never closed" {
		t.Errorf("%q, %v", got, err)
	}
}

// laws holds that a formatted text reads as before, has the comments it had, and is left alone when it is formatted again.
func laws(t *testing.T, src string) {
	t.Helper()
	forms, err := Read("f", src)
	got, problem := Format("f", src)
	if (err == nil) != (problem == nil) {
		t.Fatalf("%q: reading says %v, formatting says %v", src, err, problem)
	}
	if err != nil {
		return
	}
	again, err := Read("f", got)
	if err != nil || printed(again) != printed(forms) {
		t.Fatalf("%q is formatted as %q, which reads as %s (%v), not as %s", src, got, printed(again), err, printed(forms))
	}
	if second, err := Format("f", got); err != nil || second != got {
		t.Fatalf("%q is formatted as %q and then as %q (%v)", src, got, second, err)
	}
	before, after := comments((&scanner{s: src, at: len(firstLine(src))}).items()), comments((&scanner{s: got, at: len(firstLine(got))}).items())
	if before != after {
		t.Fatalf("%q is formatted as %q: the comments were %q and are %q", src, got, before, after)
	}
}

func printed(forms []Value) string {
	var b strings.Builder
	for _, v := range forms {
		b.WriteString(Print(v) + "\n")
	}
	return b.String()
}

// firstLine is the line that is skipped.
func firstLine(src string) string {
	if !strings.HasPrefix(src, "#!") {
		return ""
	}
	line, _, _ := strings.Cut(src, "\n")
	return line
}

func comments(items []*piece) (all string) {
	for _, item := range items {
		if item.comment() {
			all += item.text + "\n"
		}
		all += comments(item.items)
	}
	return all
}

// TestFormattedProgramsReadAsBefore formats the scripts, the failing programs, the conformance file and every example.
func TestFormattedProgramsReadAsBefore(t *testing.T) {
	for _, pattern := range []string{"../scripts/*.glisp", "testdata/*.glisp"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, files, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, program := range strings.Split(string(data), "\n---\n") {
				laws(t, program)
			}
		}
	}
	for _, src := range seeds(t) {
		laws(t, src)
	}
}

// FuzzFormat holds the laws of formatting for any text.
func FuzzFormat(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	for _, s := range []string{"\n#! x", "#!x\n\n(a)", "~ @x", "'; c\n x", "(a\n ; c\n)", "(a  ; c\n\"x\ny\"   ; d\n)", "\ufeff#! \ufeff[\ufeff]", "#\\\f ; \xff\n#\v"} {
		f.Add(s)
	}
	f.Fuzz(laws)
}
