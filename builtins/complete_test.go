package builtins

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// TestCompletionKnowsVerbsDefinitionsAndLanguage, waits for nothing, and leaves *1 alone.
func TestCompletionKnowsVerbsDefinitionsAndLanguage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{})
		defer w.end()
		ask := func(form string) Result {
			return w.engine.Eval(t.Context(), Job{Form: form, Session: "s", Who: "uid 0 pid 1"}, nil)
		}
		completed := func(prefix string) (all []string) {
			result := ask(`(complete "` + prefix + `")`)
			items, _ := result.Value.Elements()
			for _, item := range items {
				entry, _ := item.AsHash()
				name, _ := entry.GetString("name")
				doc, _ := entry.GetString("doc")
				n, _ := name.AsString()
				d, _ := doc.AsString()
				all = append(all, n+": "+d)
			}
			return all
		}
		ask(`(defn rest-all [] "Restarts all." 1) (def restful 5) (defmac rest-m [x] x) 42`)
		got := completed("rest")
		for _, want := range []string{"restart: Gives processes a new life; a stopped one is started.", "rest-all: Restarts all.", "restful: Its value is an int.", "rest-m: (rest-m x)"} {
			if !slices.Contains(got, want) {
				t.Errorf("%q is not among %q", want, got)
			}
		}
		if all := completed("concat"); len(all) != 1 || !strings.HasPrefix(all[0], "concat: ") {
			t.Errorf("the language: %q", all)
		}
		if got := completed("*"); slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "*1") }) {
			t.Errorf("got %q", got)
		}
		if v := ask("*1"); v.Value.Kind().String() != "int" {
			t.Errorf("*1 is %v", v.Value)
		}
		w.engine.SetPolicy(Policy{DisableRCE: true})
		if got := completed(""); slices.ContainsFunc(got, func(s string) bool {
			return strings.HasPrefix(s, "add-proc") || strings.HasPrefix(s, "concat") || strings.HasPrefix(s, "rest-all")
		}) {
			t.Errorf("what is not allowed is offered: %q", got)
		}
	})
}
