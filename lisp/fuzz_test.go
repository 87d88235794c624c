package lisp

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// seeds are programs that fuzzing starts from: every example, and the conformance file.
func seeds(f testing.TB) []string {
	var out []string
	base := NewBase()
	for _, name := range base.Names("") {
		d, _ := base.Doc(name)
		src, _, _ := strings.Cut(d.Example, " => ")
		out = append(out, src)
	}
	data, err := os.ReadFile("testdata/conformance.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, block := range strings.Split(string(data), "\n\n") {
		src, _, _ := strings.Cut(strings.TrimSpace(block), "\n")
		out = append(out, src)
	}
	return out
}

// FuzzRead holds that what the reader accepts prints as something that reads back equal and prints the same.
func FuzzRead(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		forms, err := Read("f", src)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Kind != "syntax" || e.Msg == "" || e.Render() == "" {
				t.Fatalf("%q: %v", src, err)
			}
			return
		}
		for _, v := range forms {
			text := Print(v)
			again, err := Read("f", text)
			if err != nil || len(again) != 1 {
				t.Fatalf("%q prints as %q, which gives %v %v", src, text, again, err)
			}
			if second := Print(again[0]); second != text {
				t.Fatalf("%q prints as %q and then as %q", src, text, second)
			}
			if len(text) < 1<<16 && strings.Count(text, "(")+strings.Count(text, "[") < 900 && !Equal(v, again[0]) {
				t.Fatalf("%q: %q is not equal when read back", src, text)
			}
		}
	})
}

// FuzzEval holds that a program under a small budget ends soon in a value or an error, and never in a panic.
func FuzzEval(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	base := NewBase()
	f.Fuzz(func(t *testing.T, src string) {
		th := NewThread(context.Background(), nil, Budget{Steps: 50_000, Depth: 500, Bytes: 4 << 20, Output: 1 << 16})
		th.OnPanic = func(reason any, stack []byte) { t.Errorf("%q: panic: %v\n%s", src, reason, stack) }
		start := time.Now()
		v, err := th.Eval(base.Child(), "f", src)
		if took := time.Since(start); took > 10*time.Second {
			t.Fatalf("%q took %v", src, took)
		}
		var e *Error
		var exit Exit
		if err != nil && !errors.As(err, &e) && !errors.As(err, &exit) {
			t.Fatalf("%q: an error of type %T", src, err)
		}
		if e != nil {
			_ = e.Render()
			return
		}
		if strings.Contains(printLimit(v, false, 1<<16), "#internal") {
			t.Fatalf("%q gives an internal value", src)
		}
		_ = printLimit(v, true, 1<<16)
		_, _ = AppendJSON(nil, v)
	})
}

// outcomeOf is what comes of a program: its value, or the kind of its error.
func outcomeOf(t *testing.T, base *Env, src string) string {
	th := NewThread(context.Background(), nil, Budget{Steps: 50_000, Depth: 500, Bytes: 4 << 20, Output: 1 << 16})
	th.OnPanic = func(reason any, stack []byte) { t.Errorf("%q: panic: %v\n%s", src, reason, stack) }
	v, err := th.Eval(base.Child(), "f", src)
	var e *Error
	switch {
	case errors.As(err, &e):
		return "error " + e.Kind
	case err != nil:
		return err.Error()
	}
	return printLimit(v, false, 1<<12)
}

// chancy are names whose value is another each time, or depends on how the program is written.
var chancy = regexp.MustCompile(`rand|gensym|symnum|error-|anon|macexpand|defmac|quote|['` + "`" + `~]|doc|hash-|go |chan|fn:`)

// FuzzExpand holds that a macro of the language means what it expands to: a form and its expansion by one step give the
// same value or fail in the same way, and expanding ends.
func FuzzExpand(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	base := NewBase()
	f.Fuzz(func(t *testing.T, src string) {
		forms, err := Read("f", src)
		if err != nil || chancy.MatchString(src) {
			return
		}
		for _, form := range forms {
			c, ok := form.o.(*cons)
			if !ok || !isSymbol(c.car) || builtinMacro(c.car.o.(*symbol).name) == nil {
				continue
			}
			text := Print(form)
			th := NewThread(context.Background(), nil, Budget{Steps: 50_000, Depth: 500, Bytes: 4 << 20})
			v, err := th.Eval(base.Child(), "f", "(macexpand "+text+")")
			if err != nil {
				continue
			}
			expanded := Print(v)
			again, err := Read("f", expanded)
			if err != nil || len(again) != 1 || strings.Contains(expanded, "fn:") || strings.Contains(expanded, "…") {
				continue // it holds a function, which has no text that can be read
			}
			if want, got := outcomeOf(t, base, text), outcomeOf(t, base, expanded); want != got && !strings.Contains(want+got, "budget") {
				t.Fatalf("%s gives %s, its expansion %s gives %s", text, want, expanded, got)
			}
		}
	})
}

// FuzzCompile holds that compiling does nothing of what a program does, that the problems it finds lie in the text, and that
// the same text always comes to the same end.
func FuzzCompile(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	effects := 0
	base := NewBase([]Prim{{Name: "effect", Params: "x...", Doc: "Counts.", Fn: func(*Thread, []Value) (Value, error) { effects++; return Nil, nil }}})
	f.Fuzz(func(t *testing.T, src string) {
		lines := strings.Count(src, "\n") + 1
		effects = 0
		th := NewThread(context.Background(), nil, Budget{Steps: 50_000, Depth: 500, Bytes: 4 << 20, Output: 1 << 16})
		th.OnPanic = func(reason any, stack []byte) { t.Errorf("%q: panic: %v\n%s", src, reason, stack) }
		for _, e := range th.Check(base.Child(), "f", "(def effect-of-x (fn [] (effect)))"+src) {
			if e.Kind == "" || e.Msg == "" || e.Pos.Line > lines {
				t.Fatalf("%q: a problem %+v", src, e)
			}
			_ = e.Render()
		}
		if effects > 0 {
			t.Fatalf("%q: checking it called something", src)
		}
		if chancy.MatchString(src) {
			return
		}
		if first, second := outcomeOf(t, base, src), outcomeOf(t, base, src); first != second {
			t.Fatalf("%q gives %s and then %s", src, first, second)
		}
	})
}

// FuzzPrint holds that a string and a JSON text survive being written and read.
func FuzzPrint(f *testing.F) {
	for _, s := range []string{"", "a", "\"\\\n\t\x00\xff", "中\u200b\U0001F600", "#`x`"} {
		f.Add(s, int64(1), 1.5)
	}
	f.Fuzz(func(t *testing.T, s string, n int64, x float64) {
		h := NewHash()
		h.SetString(s, Int(n))
		for _, v := range []Value{String(s), Int(n), Float(x), Bytes([]byte(s)), List(String(s), Int(n)), Array(String(s), HashValue(h))} {
			if x != x {
				continue
			}
			again, err := Read("f", Print(v))
			if err != nil || len(again) != 1 || !Equal(again[0], v) {
				t.Fatalf("%s does not read back: %v %v", Print(v), again, err)
			}
			PrettyPrint(v, 10)
		}
		for _, r := range s {
			again, err := Read("f", Print(Char(r)))
			if err != nil || len(again) != 1 || !Equal(again[0], Char(r)) {
				t.Fatalf("char %U does not read back: %s %v", r, Print(Char(r)), err)
			}
		}
		data, err := AppendJSON(nil, HashValue(h))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := FromJSON(data); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
	})
}
