package repl

import (
	"strings"
	"testing"

	"github.com/qjpcpu/supervisord/lisp"
)

func TestIncompleteFormsAreKnown(t *testing.T) {
	for src, want := range map[string]struct {
		more   bool
		indent int
	}{
		``:                        {false, 0},
		`; comment (`:             {false, 0},
		`42`:                      {false, 0},
		`(status)`:                {false, 0},
		`(status`:                 {true, 2},
		`(a (b`:                   {true, 5},
		`(a [1`:                   {true, 4},
		`{"a" (b)`:                {true, 1},
		"(a\n  (b":                {true, 4},
		"(let [a 1\n      b 2]":   {true, 2},
		`(a "`:                    {true, 0},
		`(a "b\"`:                 {true, 0},
		`(a "b\\")`:               {false, 0},
		`"(`:                      {true, 0},
		"#`(":                     {true, 0},
		"#`(\n`":                  {false, 0},
		"(a #`\"`)":               {false, 0},
		`(a #\()`:                 {false, 0},
		`(a #\"`:                  {true, 2},
		`#\\`:                     {false, 0},
		`(a ; )`:                  {true, 2},
		"(a ; \"\n)":              {false, 0},
		`(a))`:                    {false, 0},
		`(a]`:                     {false, 0},
		`'`:                       {true, 0},
		`'a`:                      {false, 0},
		`#(+ % 1`:                 {true, 3},
		`(åäö (`:                  {true, 7},
		`) (`:                     {false, 0},
		"(println \"two\nlines\"": {true, 2},
	} {
		s := scanText(src)
		if s.incomplete() != want.more || want.more && s.indent() != want.indent {
			t.Errorf("%q: got %v, %d, want %v, %d", src, s.incomplete(), s.indent(), want.more, want.indent)
		}
		// What the language itself says is the measure.
		if _, err := lisp.Read("", src); lisp.Incomplete(err) != want.more {
			t.Errorf("%q: lisp says %v (%v)", src, lisp.Incomplete(err), err)
		}
		var fed scan
		for line := range strings.Lines(src) {
			fed.feed(line)
		}
		if fed.incomplete() != s.incomplete() || fed.indent() != s.indent() || fed.start != s.start {
			t.Errorf("%q: by lines %+v, at once %+v", src, fed, s)
		}
	}
}

func TestFormsBecomeOneLine(t *testing.T) {
	for src, want := range map[string]string{
		"(a)":                        "(a)",
		"  (a)  ":                    "(a)",
		"(a\n  b\n\n  c)":            "(a b c)",
		"(a ; first (\n  b) ; end":   "(a b)",
		"; only":                     "",
		"(a \"x\n  y\" b)":           `(a "x\n  y" b)`,
		"(a \"; no\" ; yes\n b)":     `(a "; no" b)`,
		"(a #\\; b)":                 `(a #\; b)`,
		"[1\n 2]\n{\"a\"\n 1}":       `[1 2] {"a" 1}`,
		"(a #`one line` ; c\n  b  )": "(a #`one line` b  )",
		"#!/usr/bin/glisp\n(a)":      "(a)",
		"(a #[ # ;c\n b)":            "(a #[ #  b)",
		"(a b#\n [c])":               "(a b# [c])",
		" #! ":                       " #!",
		"; c\n#! 1":                  " #! 1",
	} {
		got, ok := oneLine(src)
		if !ok || got != want {
			t.Errorf("%q: got %q, %v, want %q", src, got, ok, want)
		}
	}
	if got, ok := oneLine("(a #`x\ny`)"); ok {
		t.Errorf("a raw string over lines became %q", got)
	}
}

func TestWordBeforeTheCursorIsFound(t *testing.T) {
	for src, want := range map[string]struct {
		text     string
		head, ok bool
	}{
		"":              {"", false, true},
		"st":            {"st", false, true},
		"(st":           {"st", true, true},
		"(":             {"", true, true},
		"(status ":      {"", false, true},
		`(status "we`:   {`"we`, false, true},
		`(f "a" "b c`:   {`"b c`, false, true},
		"(f (str/jo":    {"str/jo", true, true},
		"(f\n  [a b":    {"b", false, true},
		"(f ; comm":     {"", false, false},
		"(f #`raw":      {"", false, false},
		"(map 'st":      {"st", false, true},
		"(f\n  (omit-e": {"omit-e", true, true},
	} {
		text, head, ok := word(src)
		if text != want.text || head != want.head || ok != want.ok {
			t.Errorf("%q: got %q %v %v", src, text, head, ok)
		}
	}
}

func FuzzOneLine(f *testing.F) {
	f.Add("(a \"x\ny\" ; c\n #\\( b)")
	f.Add("#`a\nb`")
	f.Add(" #! ")
	f.Add("#!x\n#!y ; z\n#!")
	f.Fuzz(func(t *testing.T, src string) {
		line, ok := oneLine(src)
		if !ok {
			return
		}
		if strings.Contains(line, "\n") {
			t.Fatalf("%q became %q", src, line)
		}
		a, b := scanText(src), scanText(line)
		if a.incomplete() != b.incomplete() || a.content != b.content || len(a.open) != len(b.open) {
			t.Fatalf("%q is %+v, %q is %+v", src, a, line, b)
		}
		if want, err := lisp.Read("", src); err == nil {
			if got, err := lisp.Read("", line); err != nil || printed(got) != printed(want) {
				t.Fatalf("%q reads as %s, %q as %s (%v)", src, printed(want), line, printed(got), err)
			}
		}
	})
}

func printed(values []lisp.Value) string {
	var b strings.Builder
	for _, v := range values {
		b.WriteString(lisp.Print(v) + "\n")
	}
	return b.String()
}
