package lisp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// inWords is the value or the error of an evaluation, in words.
func inWords(v Value, err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind + ": " + e.Msg
	}
	if err != nil {
		return err.Error()
	}
	return Print(v)
}

// shapeValues are operands at the edges of what the quick nodes take.
func shapeValues(t *testing.T) []Value {
	big, _, err := run(t, NewBase(), "(* 9223372036854775807 4)")
	if err != nil {
		t.Fatal(err)
	}
	return []Value{Int(0), Int(1), Int(-1), Int(2), Int(7), Int(-7), Int(1 << 31), Int(-1 << 32), Int(1<<63 - 1), Int(-1 << 63), Int(1 << 62),
		big, Float(1.5), Float(-0.5), String("x"), Nil, Char('a'), True}
}

// TestOperatorsAgreeInEveryShape: an operator between variables, constants and calls, as a value and as a condition, gives
// what the same operator gives when it is applied as a function, which goes through none of the quick nodes.
func TestOperatorsAgreeInEveryShape(t *testing.T) {
	base := NewBase()
	values := shapeValues(t)
	shapes := []string{
		"(fn [a b] (OP a b))", "(fn [a b] (OP (core/id a) b))", "(fn [a b] (OP a (core/id b)))", "(fn [a b] (OP (core/id a) (core/id b)))",
		"(fn [a b] (let [c a] (fn [] c) (OP c b)))",
		"(fn [a b] (OP a K))", "(fn [a b] (OP (core/id a) K))", "(fn [a b] (OP J b))", "(fn [a b] (OP J K))", "(fn [a b] (OP J (core/id b)))",
	}
	conditions := []string{"(fn [a b] (if TEST 1 2))", "(fn [a b] (if TEST a 2))", "(fn [a b] (if (not TEST) 2 1))", "(fn [a b] (cond TEST b 2))",
		"(fn [a b] (if (and TEST true) 1 2))", "(fn [a b] (if (or nil TEST) 1 2))"}
	done := 0
	for _, op := range []string{"+", "-", "*", "mod", "<", "<=", ">", ">=", "=", "!="} {
		applied, ok := base.Lookup(op)
		if !ok {
			t.Fatal("no " + op)
		}
		for i, a := range values {
			for j, b := range values {
				th := NewThread(context.Background(), nil, Budget{})
				want, wantErr := th.Call(applied, a, b)
				try := func(src string, want string) {
					if a.Kind() != KindInt && strings.Contains(src, "J") || b.Kind() != KindInt && strings.Contains(src, "K") {
						return
					}
					if (i == 11 || j == 11) && strings.ContainsAny(src, "JK") { // beyond 64 bits
						return
					}
					src = strings.NewReplacer("OP", op, "J", Print(a), "K", Print(b)).Replace(src)
					f, err := th.Eval(base.Child(), "shape", src)
					if err != nil {
						t.Fatalf("%s: %v", src, err)
					}
					done++
					if got := inWords(th.Call(f, a, b)); got != want {
						t.Errorf("(%s %s %s) as %s\n got %s\nwant %s", op, Print(a), Print(b), src, got, want)
					}
				}
				for _, shape := range shapes {
					try(shape, inWords(want, wantErr))
				}
				if op[0] == '+' || op[0] == '-' || op[0] == '*' || op[0] == 'm' || wantErr != nil {
					continue
				}
				for _, condition := range conditions {
					yes := map[bool]Value{true: Int(1), false: Int(2)}
					if strings.Contains(condition, "TEST a ") {
						yes[true] = a
					}
					if strings.Contains(condition, "TEST b ") {
						yes[true] = b
					}
					for _, test := range []string{"(OP a b)", "(OP a K)", "(OP (core/id a) K)", "(OP (core/id a) b)"} {
						try(strings.Replace(condition, "TEST", test, 1), Print(yes[want.Truthy()]))
					}
				}
			}
		}
	}
	if done < 40_000 {
		t.Errorf("only %d evaluations", done)
	}
}

// TestCallsAgreeInEveryShape: a call with every combination of arguments, in tail position and not, of a global function, a
// local one, a closure, a variadic one and a primitive, gives what the arguments are, in their order.
func TestCallsAgreeInEveryShape(t *testing.T) {
	base := NewBase()
	// What an argument may look like, with a bound to 5, b to -3, s to a text and M to the greatest integer.
	arguments := []struct{ src, want string }{
		{"a", "5"}, {"s", `"x"`}, {"(+ a 2)", "7"}, {"(- b 4)", "-7"}, {"(+ M 1)", "9223372036854775808"}, {"(- L 1)", "-9223372036854775809"}, {"(core/id s)", `"x"`}, {"9", "9"},
	}
	functions := []string{"global", "local", "closure", "rest", "prim", "many"}
	prelude := `(defn global0 [] []) (defn global1 [x] [x]) (defn global2 [x y] [x y]) (defn global3 [x y z] [x y z]) (defn global4 [x y z w] [x y z w])
(defn rest [& xs] (list-to-array xs)) (def prim array)
(defn many [& xs] (let [p 1 q 2 r 3 s 4 t 5 u 6 v 7 w 8] (list-to-array xs)))`
	env := base.Child()
	th := NewThread(context.Background(), nil, Budget{})
	if _, ok := base.Lookup("array"); !ok {
		prelude = strings.Replace(prelude, "(def prim array)", "(def prim (fn [& xs] (list-to-array xs)))", 1)
	}
	if _, err := th.Eval(env, "prelude", prelude); err != nil {
		t.Fatal(err)
	}
	done := 0
	call := func(name string, args []string, want string) {
		head := name
		around := "%s"
		switch name {
		case "global":
			head = fmt.Sprint("global", len(args))
		case "local":
			head = "f"
			around = fmt.Sprintf("(let [f global%d] %%s)", len(args))
		case "closure":
			params := strings.Fields("x y z w")[:len(args)]
			head = "f"
			around = fmt.Sprintf("(let [k 1] (let [f (fn [%s] (core/id k) [%[1]s])] %%s))", strings.Join(params, " "))
		}
		form := "(" + strings.Join(append([]string{head}, args...), " ") + ")"
		for _, body := range []string{fmt.Sprintf(around, form), fmt.Sprintf(around, "(core/id "+form+")")} {
			src := "((fn [a b s M L] " + body + ") 5 -3 \"x\" 9223372036854775807 -9223372036854775808)"
			v, err := th.Eval(env.Child(), "call", src)
			done++
			if got := inWords(v, err); got != want {
				t.Errorf("%s\n got %s\nwant %s", src, got, want)
			}
		}
	}
	var each func(args, want []string)
	each = func(args, want []string) {
		for _, name := range functions {
			call(name, args, "["+strings.Join(want, " ")+"]")
		}
		limit := 4
		if len(args) == limit {
			return
		}
		choices := arguments
		if len(args) >= 2 {
			choices = arguments[len(args) : len(args)+2]
		}
		for _, a := range choices {
			each(append(args[:len(args):len(args)], a.src), append(want[:len(want):len(want)], a.want))
		}
	}
	each(nil, nil)
	if done < 3000 {
		t.Errorf("only %d calls", done)
	}
}
