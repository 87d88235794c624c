package lisp

import (
	"context"
	"testing"
)

// TestCallInLooksNamesUpInItsScope: what a function looks up while it runs is found in the scope that was given, and Call
// alone has none.
func TestCallInLooksNamesUpInItsScope(t *testing.T) {
	env := NewBase().Child()
	fn, err := NewThread(context.Background(), nil, Budget{}).Eval(env, "t", `(def limit 5) (fn [x] (+ x (eval 'limit)))`)
	if err != nil {
		t.Fatal(err)
	}
	thread := NewThread(context.Background(), nil, Budget{Steps: 1000})
	if v, err := thread.CallIn(env, fn, Int(1)); err != nil || Print(v) != "6" {
		t.Errorf("got %s, %v", Print(v), err)
	}
	if _, err := thread.Call(fn, Int(1)); err == nil {
		t.Error("a scope is left from the call before")
	}
}

func TestTakesKnowsTheNumberOfArguments(t *testing.T) {
	for src, want := range map[string][3]bool{
		`(fn [] 1)`:       {true, false, false},
		`(fn [e] 1)`:      {false, true, false},
		`(fn [& more] 1)`: {true, true, true},
		`(fn [a & b] 1)`:  {false, true, true},
		`#(println %)`:    {true, true, true},
		`car`:             {false, true, false},
		`+`:               {true, true, true},
		`5`:               {},
		`"text"`:          {},
	} {
		fn, _, err := run(t, NewBase().Child(), src)
		if err != nil {
			t.Fatal(err)
		}
		for n, takes := range want {
			if src == `+` && n == 0 {
				continue // its own business
			}
			if got := fn.Takes(n); got != takes {
				t.Errorf("%s takes %d arguments: %v", src, n, got)
			}
		}
	}
}
