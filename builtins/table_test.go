package builtins

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/qjpcpu/supervisord/lisp"
)

// hello is a verb of an embedder.
func hello(power Power) Verb {
	return Verb{Name: "greet-all", Args: "NAME", Doc: "Greets somebody.\nIt returns what it said.", Example: `(greet-all "you")`, Power: power,
		Call: func(_ *Host, _ *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
			return lisp.String("hello " + lisp.Display(args[0])), nil
		}}
}

// TestVerbsOfAnEmbedder: they are called both ways, stand in help, doc, apropos, completion and reference, are audited, and
// obey the policy by their power.
func TestVerbsOfAnEmbedder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, power := range []Power{Observe, Operate, Execute} {
			w := newWorld(t, Policy{})
			w.engine = NewEngine(EngineOptions{Host: w.host, Audit: &w.audit, Log: w.logf, Verbs: []Verb{hello(power)}})
			for form, want := range map[string]string{
				`(greet-all "you")`:         `"hello you"`,
				`(map greet-all ["a" "b"])`: `["hello a" "hello b"]`,
				`(apropos "greet")`:         `["greet-all"]`,
				`(doc "greet-all")`:         lisp.Print(lisp.String(hello(power).manual())),
				`(help "greet-all")`:        lisp.Print(lisp.String(hello(power).manual())),
				`(map #(hget %1 "name") (filter #(str/contains? (:doc %1) "Greets") (help)))`: `["greet-all"]`,
			} {
				result, _ := w.eval(form)
				if got := lisp.Print(result.Value); result.Err != nil || got != want {
					t.Errorf("%s gives %s (%v), want %s", form, got, result.Err, want)
				}
			}
			if result, _ := w.eval(`(doc "greet-al")`); result.Err == nil || !strings.Contains(result.Err.Error(), "did you mean greet-all?") {
				t.Errorf("no suggestion: %v", result.Err)
			}
			if audited := strings.Contains(w.audit.String(), `"head":"greet-all"`); audited != (power != Observe) {
				t.Errorf("%v: audited %v", power, audited)
			}
			w.engine.SetPolicy(Policy{DisableRCE: true})
			if result, _ := w.eval(`(greet-all "you")`); (KindOf(result.Err) == kindForbidden) != (power == Execute) {
				t.Errorf("%v under disable_rce: %v", power, result.Err)
			}
			w.end()
		}
		if text := Reference(hello(Operate)); !strings.Contains(text, "### `(greet-all NAME)`") {
			t.Error("not in the reference")
		}
	})
}

// TestBadVerbsAreRefused: by name.
func TestBadVerbsAreRefused(t *testing.T) {
	change := func(f func(*Verb)) []Verb {
		v := hello(Observe)
		f(&v)
		return []Verb{v}
	}
	for want, more := range map[string][]Verb{
		"":                          {hello(Observe)},
		"lower-case letters":        change(func(v *Verb) { v.Name = "Greet" }),
		"lower-case letters and -":  change(func(v *Verb) { v.Name = "" }),
		`"a b"`:                     change(func(v *Verb) { v.Name = "a b" }),
		`"true"`:                    change(func(v *Verb) { v.Name = "true" }),
		"verb restart":              change(func(v *Verb) { v.Name = "restart" }),
		"language":                  change(func(v *Verb) { v.Name = "map" }),
		"no Call":                   change(func(v *Verb) { v.Call = nil }),
		"no Doc":                    change(func(v *Verb) { v.Doc = "" }),
		"no power":                  change(func(v *Verb) { v.Power = 7 }),
		"there is one of this name": {hello(Observe), hello(Observe)},
	} {
		err := CheckVerbs(more)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
