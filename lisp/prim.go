package lisp

import (
	"fmt"
	"strings"
)

// Prim is one row of a table of primitives. The row drives arity and type errors, (doc x), completion, the reference and
// the test of its example.
type Prim struct {
	// Name is what a program calls.
	Name string
	// Params lists the parameters: "h:hash k [default]", "x:number...", "NAME...". A name in brackets may be left out, one
	// with dots takes any number, and a type after a colon (several with |) is checked before Fn is called. Types are those
	// of (type x), and nil, number (int float char), seq (list array nil), name (string symbol). A type after ":~" is only
	// told to the reader; Fn checks it.
	Params string
	// Doc says in a sentence or two what it does.
	Doc string
	// Example is a program, and after " => " the printed value it gives. Further lines are further examples.
	Example string
	// Fn does it. args is valid during the call only; copy it to keep it. An error that is no *Error gets its kind from
	// [Thread.KindOf].
	Fn func(t *Thread, args []Value) (Value, error)

	// What the primitives of this package use instead of Fn: they fail by panicking with an *Error. fn1 to fn3 must not
	// call back into the program.
	fn  func(t *Thread, args []Value) Value
	fn1 func(t *Thread, a Value) Value
	fn2 func(t *Thread, a, b Value) Value
	fn3 func(t *Thread, a, b, c Value) Value
	op  op
	// test1 is a predicate that takes anything and cannot fail.
	test1 func(Value) bool
}

// primitive is a Prim made callable.
type primitive struct {
	def   *Prim
	sig   signature
	frame *closure // stands in a frame, so that the primitive shows in traces
	fn    func(*Thread, []Value) Value
	fn1   func(*Thread, Value) Value
	fn2   func(*Thread, Value, Value) Value
	fn3   func(*Thread, Value, Value, Value) Value
}

func (*primitive) kind() Kind { return KindFunction }

// signature is what Params says.
type signature struct {
	params []param
	min    int
	max    int // -1: any number
	typed  bool
	mid    bool // a parameter that may be left out stands before one that may not
}

type param struct {
	name string
	opt  bool
	want string
	mask uint32 // bit per Kind; 0 accepts all
}

// kindMask says which kinds a type word stands for.
func kindMask(word string) (uint32, bool) {
	switch word {
	case "any":
		return 0, true
	case "number":
		return 1<<KindInt | 1<<KindFloat | 1<<KindChar, true
	case "seq":
		return 1<<KindNil | 1<<KindList | 1<<KindArray, true
	case "list":
		return 1<<KindNil | 1<<KindList, true
	case "name":
		return 1<<KindString | 1<<KindSymbol, true
	case "channel", "coroutine", "io":
		return 1 << KindHost, true
	}
	for i, name := range kindNames {
		if name == word {
			return 1 << i, true
		}
	}
	return 0, false
}

func parseSignature(params string) (signature, error) {
	sig := signature{}
	for _, field := range strings.Fields(params) {
		rest := strings.Contains(field, "...")
		optional := strings.HasPrefix(field, "[")
		field = strings.ReplaceAll(strings.Trim(field, "[]"), "...", "")
		name, types, _ := strings.Cut(field, ":")
		p := param{name: name, opt: optional || rest}
		if n := len(sig.params); n > 0 && sig.params[n-1].opt && !p.opt {
			sig.mid = true
		}
		if types != "" {
			if told, only := strings.CutPrefix(types, "~"); only {
				p.want = strings.ReplaceAll(told, "|", " or ")
				types = ""
			}
		}
		if types != "" {
			words := strings.Split(types, "|")
			var want []string
			for _, word := range words {
				mask, ok := kindMask(word)
				if !ok {
					return sig, fmt.Errorf("cannot understand parameter %s: no type %s", name, word)
				}
				p.mask |= mask
				switch word {
				case "seq":
					word = "list or array"
				case "name":
					word = "string or symbol"
				}
				want = append(want, word)
			}
			p.want = strings.Join(want, " or ")
			sig.typed = sig.typed || p.mask != 0
		}
		sig.params = append(sig.params, p)
		switch {
		case rest:
			sig.max = -1
		case optional:
			if sig.max >= 0 {
				sig.max++
			}
		default:
			sig.min++
			if sig.max >= 0 {
				sig.max++
			}
		}
	}
	return sig, nil
}

// at gives the parameter that argument i of n is for.
func (s *signature) at(i, n int) *param {
	if !s.mid {
		return &s.params[min(i, len(s.params)-1)]
	}
	spare := n - s.min
	for j := range s.params {
		p := &s.params[j]
		if p.opt {
			if spare == 0 {
				continue
			}
			spare--
		}
		if i == 0 {
			return p
		}
		i--
	}
	return &s.params[len(s.params)-1]
}

// argumentTypes says what each argument is: "h: hash or nil; key, default: any".
func (s *signature) argumentTypes() string {
	var b strings.Builder
	for i, p := range s.params {
		switch {
		case i == 0:
		case p.want == s.params[i-1].want:
			b.WriteString(", ")
		default:
			b.WriteString("; ")
		}
		b.WriteString(p.name)
		if i+1 < len(s.params) && s.params[i+1].want == p.want {
			continue
		}
		if p.want == "" {
			b.WriteString(": any")
		} else {
			b.WriteString(": " + p.want)
		}
	}
	return b.String()
}

// Usage is the call as one would write it, and what each argument is: "(hget h key [default])", "h: hash; key, default: any".
func (p Prim) Usage() (call, types string) {
	sig, _ := parseSignature(p.Params)
	return usage(p.Name, p.Params), sig.argumentTypes()
}

// usage is the call as one would write it.
func usage(name, params string) string {
	var b strings.Builder
	b.WriteString("(" + name)
	for _, field := range strings.Fields(params) {
		b.WriteByte(' ')
		before, rest := "", ""
		if strings.HasPrefix(field, "[") {
			before, field = "[", strings.Trim(field, "[]")
			rest = "]"
		}
		if strings.HasSuffix(field, "...") {
			field, rest = strings.TrimSuffix(field, "..."), "..."+rest
		}
		word, _, _ := strings.Cut(field, ":")
		b.WriteString(before + word + rest)
	}
	return b.String() + ")"
}

func newPrimitive(p *Prim) (*primitive, error) {
	sig, err := parseSignature(p.Params)
	if err != nil {
		return nil, fmt.Errorf("cannot define primitive %s: %w", p.Name, err)
	}
	out := &primitive{def: p, sig: sig, fn: p.fn, fn1: p.fn1, fn2: p.fn2, fn3: p.fn3}
	out.frame = &closure{proto: &proto{name: p.Name}}
	if p.test1 != nil {
		out.fn1 = func(_ *Thread, a Value) Value { return Bool(p.test1(a)) }
		out.fn = func(_ *Thread, args []Value) Value { return Bool(p.test1(args[0])) }
	}
	switch {
	case out.fn != nil:
	case p.Fn != nil:
		out.fn = func(t *Thread, args []Value) Value {
			if t.expanding > 0 {
				t.fail("forbidden", "cannot call %s while a macro is expanded: a macro only makes forms; let the form that it makes do it", p.Name)
			}
			v, err := p.Fn(t, args)
			if err != nil {
				t.throw(err)
			}
			return v
		}
	case p.fn1 != nil && p.fn2 != nil:
		out.fn = func(t *Thread, args []Value) Value {
			if len(args) == 1 {
				return p.fn1(t, args[0])
			}
			return p.fn2(t, args[0], args[1])
		}
	case p.fn1 != nil:
		out.fn = func(t *Thread, args []Value) Value { return p.fn1(t, args[0]) }
	case p.fn2 != nil:
		out.fn = func(t *Thread, args []Value) Value { return p.fn2(t, args[0], args[1]) }
	default:
		return nil, fmt.Errorf("cannot define primitive %s: it has no function", p.Name)
	}
	return out, nil
}

// native makes a function value out of a Go function that belongs to a running program, as compose does.
func native(name string, fn func(t *Thread, args []Value) Value) Value {
	def := &Prim{Name: name, Params: "args...", fn: fn}
	prim := &primitive{def: def, fn: fn, frame: &closure{proto: &proto{name: name}}}
	prim.sig = signature{params: []param{{name: "args"}}, max: -1}
	return Value{o: prim}
}

// Func makes a function value out of a primitive that needs no name in an environment.
func Func(p Prim) (Value, error) {
	prim, err := newPrimitive(&p)
	if err != nil {
		return Nil, err
	}
	return Value{o: prim}, nil
}

// check fails unless the arguments are as many and of the types that the table says.
func (p *primitive) check(t *Thread, args []Value) {
	if len(args) < p.sig.min || p.sig.max >= 0 && len(args) > p.sig.max {
		t.arity(p.def.Name, len(args), p.sig.min, p.sig.max, usage(p.def.Name, p.def.Params))
	}
	if !p.sig.typed {
		return
	}
	for i := range args {
		if m := p.sig.at(i, len(args)).mask; m != 0 && m&(1<<args[i].Kind()) == 0 {
			p.mismatch(t, i, args)
		}
	}
}

func (p *primitive) mismatch(t *Thread, i int, args []Value) {
	want := p.sig.at(i, len(args))
	t.fail("type", "cannot call %s: argument %d (%s) is %s, want %s", p.def.Name, i+1, want.name, showArg(args[i]), want.want)
}

// badArg is the type error of a primitive that looks at its arguments itself.
func (t *Thread) badArg(name string, i int, got Value, want string) {
	t.fail("type", "cannot call %s: argument %d is %s, want %s", name, i, showArg(got), want)
}

// arity fails for a wrong number of arguments.
func (t *Thread) arity(name string, got, least, most int, usage string) {
	var want string
	switch {
	case most < 0:
		want = fmt.Sprintf("at least %d", least)
	case least == most:
		want = fmt.Sprint(least)
	default:
		want = fmt.Sprintf("%d to %d", least, most)
	}
	word := "arguments"
	if want == "1" || want == "at least 1" {
		word = "argument"
	}
	if usage != "" {
		usage = ": " + usage
	}
	t.fail("arity", "cannot call %s: got %d, want %s %s%s", name, got, want, word, usage)
}

// showArg describes an argument in a message: its type, and its text when that is short.
func showArg(v Value) string {
	if v.IsNil() {
		return "nil"
	}
	word := wordFor(v)
	if v.Kind() == KindFunction {
		return "function " + funcName(v)
	}
	return word + " " + clip(printShort(v), 40)
}

// clip shortens a text to about n characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
