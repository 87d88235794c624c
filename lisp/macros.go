package lisp

// builtinMacro gives the meaning of a head that is a macro of the language, or nil. A macro gets the forms of its call
// and answers the form that replaces it.
func builtinMacro(name string) func(a *analyser, args []Value) Value {
	switch name {
	case "when":
		return func(a *analyser, args []Value) Value {
			a.atLeast("when", args, 2)
			return form("cond", args[0], form("begin", args[1:]...), noForm)
		}
	case "unless":
		return func(a *analyser, args []Value) Value {
			a.atLeast("unless", args, 2)
			return form("cond", form("not", args[0]), form("begin", args[1:]...), noForm)
		}
	case "while":
		return func(a *analyser, args []Value) Value {
			a.atLeast("while", args, 1)
			return form(whileHead, args...)
		}
	case "case":
		return macroCase
	case "->":
		return func(a *analyser, args []Value) Value { return a.thread("->", args, false) }
	case "->>":
		return func(a *analyser, args []Value) Value { return a.thread("->>", args, true) }
	case "some->":
		return func(a *analyser, args []Value) Value { return a.threadSome("some->", args, false) }
	case "some->>":
		return func(a *analyser, args []Value) Value { return a.threadSome("some->>", args, true) }
	case "inverse->":
		return func(a *analyser, args []Value) Value {
			a.atLeast("inverse->", args, 2)
			return List(append(append([]Value{}, args[1:]...), args[0])...)
		}
	case "inverse->>":
		return func(a *analyser, args []Value) Value {
			a.atLeast("inverse->>", args, 2)
			last := len(args) - 1
			return List(append([]Value{args[0], args[last]}, args[1:last]...)...)
		}
	case "alias":
		return func(a *analyser, args []Value) Value {
			a.count("alias", args, 2, 2)
			rest := a.gensym()
			return form("defn", args[0], Array(Sym("&"), rest), form("apply", args[1], rest))
		}
	case "override":
		return func(a *analyser, args []Value) Value {
			a.count("override", args, 2, 2)
			name := args[0]
			if _, ok := name.AsSymbol(); !ok {
				a.bad("cannot override %s: want a symbol", showArg(name))
			}
			return form("def", name, form("let", Array(name, name), args[1]))
		}
	case "defined?":
		return macroDefined
	case "doc":
		return macroDoc
	case "defrecord":
		return macroRecord
	case "assoc":
		return macroAssoc
	}
	return nil
}

// heads are the symbols that macros put first, so that not each expansion makes its own.
var heads = func() map[string]Value {
	out := map[string]Value{}
	for _, name := range []string{"begin", "cond", "quote", "not", "let", "fn", "if", "defn", "def", "apply", whileHead, "=", "or", "exist?", "nil?"} {
		out[name] = Sym(name)
	}
	return out
}()

// noForm is what a macro puts where there is nothing.
var noForm = List(heads["quote"], Nil)

// form builds a call.
func form(head string, args ...Value) Value {
	h, ok := heads[head]
	if !ok {
		h = Sym(head)
	}
	block := make([]cons, len(args)+1)
	block[0].car = h
	for i, arg := range args {
		block[i].cdr = Value{o: &block[i+1]}
		block[i+1].car = arg
	}
	block[len(args)].cdr = Nil
	return Value{o: &block[0]}
}

func (a *analyser) atLeast(name string, args []Value, n int) {
	if len(args) < n {
		a.bad("cannot compile %s: got %s, want at least %d%s", name, forms(len(args)), n, a.usage(name))
	}
}

// gensym makes a symbol that no text contains.
func (a *analyser) gensym() Value { return a.t.newSymbol() }

func (t *Thread) newSymbol() Value {
	t.gensym++
	return Sym("__anon" + intText(Int(t.gensym)))
}

func macroCase(a *analyser, args []Value) Value {
	a.atLeast("case", args, 1)
	v := a.gensym()
	clauses := []Value{Sym("cond")}
	i := 1
	for ; i+1 < len(args); i += 2 {
		test := form("=", v, args[i])
		if quoted, ok := unquoteOf(args[i], "quote"); ok {
			if _, isList := quoted.o.(*cons); isList {
				test = form("or", form("=", v, args[i]), form("exist?", args[i], v))
			}
		}
		clauses = append(clauses, test, args[i+1])
	}
	if i < len(args) {
		clauses = append(clauses, args[i])
	} else {
		clauses = append(clauses, noForm)
	}
	return form("let", Array(v, args[0]), List(clauses...))
}

// step puts x into a step of a threading macro; a bare name is a call.
func (a *analyser) step(name string, step, x Value, last bool) Value {
	c, ok := step.o.(*cons)
	if !ok {
		if _, ok := step.o.(*symbol); !ok {
			a.bad("cannot compile %s: a step must be a call or a name, got %s", name, showArg(step))
		}
		out := List(step, x)
		out.n = step.n
		return out
	}
	n, ok := c.length()
	if !ok {
		a.bad("cannot compile %s: a step must be a proper list", name)
	}
	at := 1
	if last {
		at = n
	}
	block := make([]cons, n+1)
	for i := range block {
		if i == at {
			block[i].car = x
		} else {
			block[i].car = c.car
			c, _ = c.cdr.o.(*cons)
		}
		if i < n {
			block[i].cdr = Value{o: &block[i+1]}
		}
	}
	block[n].cdr = Nil
	return Value{o: &block[0], n: step.n}
}

func (a *analyser) thread(name string, args []Value, last bool) Value {
	a.atLeast(name, args, 1)
	x := args[0]
	for _, s := range args[1:] {
		x = a.step(name, s, x, last)
	}
	return x
}

func (a *analyser) threadSome(name string, args []Value, last bool) Value {
	a.atLeast(name, args, 1)
	if len(args) == 1 {
		return args[0]
	}
	v := a.gensym()
	rest := append([]Value{Sym(name), a.step(name, args[1], v, last)}, args[2:]...)
	return form("let", Array(v, args[0]), form("cond", form("nil?", v), noForm, List(rest...)))
}

// nameOf gives the name that a form says: bare, quoted, or a string.
func nameOf(v Value) (string, bool) {
	if q, ok := unquoteOf(v, "quote"); ok {
		v = q
	}
	if s, ok := v.AsSymbol(); ok {
		return s, true
	}
	return v.AsString()
}

func (env *Env) means(name string) bool {
	if env == nil {
		return false
	}
	_, ok := env.Doc(name)
	return ok || special(name) != nil || env.macro(name) != nil || isAccessor(name)
}

func macroDefined(a *analyser, args []Value) Value {
	a.count("defined?", args, 1, 1)
	if name, ok := nameOf(args[0]); ok {
		if a.check != nil {
			a.check.known[name] = true // the text asks before it uses it
		}
		if _, bare := args[0].AsSymbol(); bare && a.scope != nil {
			if v, _ := a.lookup(name); v != nil {
				return True
			}
		}
		return List(constant(native("defined?", func(t *Thread, _ []Value) Value { return Bool(t.env.means(name)) })))
	}
	return List(constant(native("defined?", func(t *Thread, args []Value) Value {
		name, ok := nameOf(args[0])
		if !ok {
			return Bool(args[0].Kind() == KindFunction)
		}
		return Bool(t.env.means(name))
	})), args[0])
}

// constant puts a function into source code.
func constant(v Value) Value { return v }

func macroDoc(a *analyser, args []Value) Value {
	a.count("doc", args, 1, 1)
	name, ok := nameOf(args[0])
	if !ok {
		a.bad("cannot document %s: want a name", showArg(args[0]))
	}
	return List(constant(native("doc", func(t *Thread, _ []Value) Value {
		d, ok := t.env.Doc(name)
		if !ok {
			t.fail("unbound", "cannot document %s: no such name%s", name, t.unknown(name))
		}
		t.write(d.Render() + "\n")
		return Nil
	})))
}

// Render is the documentation as text.
func (d Doc) Render() string {
	out := d.Usage
	if d.Kind != "function" && d.Kind != "" {
		out += "  (" + d.Kind + ")"
	}
	if d.Types != "" {
		out += "\n  " + d.Types
	}
	if d.Text != "" {
		out += "\n  " + d.Text
	}
	if d.Example != "" {
		out += "\n  " + d.Example
	}
	return out
}
