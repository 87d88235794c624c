package lisp

// specialForm analyses a form whose head is part of the language.
type specialForm func(a *analyser, args []Value, form Value) expr

// special gives the meaning of a head that is a special form, or nil.
func special(name string) specialForm {
	switch name {
	case "quote":
		return func(a *analyser, args []Value, _ Value) expr {
			a.count("quote", args, 1, 1)
			return a.quoted(args[0])
		}
	case "syntax-quote":
		return func(a *analyser, args []Value, _ Value) expr {
			a.count("syntax-quote", args, 1, 1)
			return a.quasi(args[0], 1)
		}
	case "unquote", "unquote-splicing":
		return func(a *analyser, _ []Value, _ Value) expr {
			a.bad("cannot compile: ~ stands outside of a syntax-quote")
			return nil
		}
	case "sharp-quote":
		return specialSharpQuote
	case lambdaHead:
		return func(a *analyser, args []Value, _ Value) expr {
			a.count(lambdaHead, args, 1, 1)
			return a.lambda(args[0])
		}
	case whileHead:
		return specialWhile
	case "fn":
		return func(a *analyser, args []Value, _ Value) expr {
			if len(args) == 0 {
				a.bad("cannot compile fn: it has no parameters")
			}
			return a.function("", args[0], args[1:])
		}
	case "def":
		return specialDef
	case "set!":
		return specialSet
	case "defn":
		return specialDefn
	case "defmac":
		return specialDefmac
	case "begin":
		return func(a *analyser, args []Value, _ Value) expr { return a.body(args) }
	case "let":
		return func(a *analyser, args []Value, _ Value) expr { return a.let("let", args, false) }
	case "let*":
		return func(a *analyser, args []Value, _ Value) expr { return a.let("let*", args, true) }
	case "if":
		return func(a *analyser, args []Value, _ Value) expr {
			if len(args) > 3 {
				a.bad("cannot compile if: got %d forms, want a condition and one or two branches; use when for several forms", len(args))
			}
			a.count("if", args, 2, 3)
			e := &eIf{c: a.expr(args[0]), a: a.conditional(args[1]), b: constNil}
			if len(args) == 3 {
				e.b = a.conditional(args[2])
			}
			return e
		}
	case "cond":
		return specialCond
	case "and":
		return func(a *analyser, args []Value, _ Value) expr {
			if len(args) == 0 {
				return &eConst{True}
			}
			return &eAnd{a.branches(args)}
		}
	case "or":
		return func(a *analyser, args []Value, _ Value) expr {
			if len(args) == 0 {
				return constNil
			}
			return &eOr{a.branches(args)}
		}
	case "assert":
		return specialAssert
	case "macexpand":
		return func(a *analyser, args []Value, _ Value) expr {
			a.count("macexpand", args, 1, 1)
			if c, ok := args[0].o.(*cons); ok {
				if s, ok := c.car.o.(*symbol); ok && special(s.name) == nil {
					if form, ok := a.expandOnce(s.name, args[0]); ok {
						return a.quoted(form)
					}
				}
			}
			return a.quoted(args[0])
		}
	case "try":
		return specialTry
	case "go":
		return specialGo
	case "include":
		return specialInclude
	}
	return nil
}

// specialDocs describes what is no function; (doc x) shows it and examples are tested.
var specialDocs = []Doc{
	{Name: "quote", Kind: "special form", Usage: "(quote form)", Text: "The form itself, not evaluated; written 'form.", Example: "'(a 1) => (a 1)"},
	{Name: "syntax-quote", Kind: "special form", Usage: "(syntax-quote form)", Text: "A template, written `form: in it ~x is replaced by the value of x and ~@xs by the elements of xs.", Example: "(let [x 1 xs [2 3]] `(a ~x ~@xs)) => (a 1 2 3)"},
	{Name: "sharp-quote", Kind: "special form", Usage: "(sharp-quote form)", Text: "Written #'form: the value of a symbol; of another form, the value of the symbol it gives, nil when that is unbound.", Example: "(#'(symbol \"car\") [7 8]) => 7"},
	{Name: "fn", Kind: "special form", Usage: "(fn [params...] body...)", Text: "A function that sees the variables around it. & before the last parameter makes it take the remaining arguments as a list.", Example: "((fn [a & rest] rest) 1 2 3) => (2 3)"},
	{Name: "def", Kind: "special form", Usage: "(def name value)", Text: "Binds a name in the present scope.", Example: "(def x 2) (* x 3) => 6"},
	{Name: "set!", Kind: "special form", Usage: "(set! name value)", Text: "Assigns the nearest variable of that name.", Example: "(def x 1) (set! x (+ x 1)) x => 2"},
	{Name: "defn", Kind: "special form", Usage: "(defn name [params...] [doc] body...)", Text: "Defines a named function.", Example: "(defn sq [x] \"the square\" (* x x)) (sq 4) => 16"},
	{Name: "defmac", Kind: "special form", Usage: "(defmac name [params...] [doc] body...)", Text: "Defines a macro: it gets forms and answers the form that replaces the call. A string as name is a pattern for names; the function then gets the name first.", Example: "(defmac infix [a op b] (list op a b)) (infix 3 * 4) => 12"},
	{Name: "begin", Kind: "special form", Usage: "(begin forms...)", Text: "Evaluates in order; the value of the last form.", Example: "(begin 1 2) => 2"},
	{Name: "let", Kind: "special form", Usage: "(let [name value ...] body...)", Text: "Binds names for the body; no value sees the others.", Example: "(let [x 1 y 2] (+ x y)) => 3"},
	{Name: "let*", Kind: "special form", Usage: "(let* [name value ...] body...)", Text: "Binds names for the body, each value seeing the names before it.", Example: "(let* [x 1 y (+ x 1)] y) => 2"},
	{Name: "if", Kind: "special form", Usage: "(if condition then [else])", Text: "One of two branches; nil when there is no else.", Example: "(if (> 2 1) \"yes\" \"no\") => \"yes\""},
	{Name: "cond", Kind: "special form", Usage: "(cond test value ... default)", Text: "The value of the first test that holds, else of the default.", Example: "(cond (> 1 2) \"a\" (> 3 2) \"b\" \"c\") => \"b\""},
	{Name: "and", Kind: "special form", Usage: "(and forms...)", Text: "The first value that counts as false, else the last.", Example: "(and 1 nil 2) => ()"},
	{Name: "or", Kind: "special form", Usage: "(or forms...)", Text: "The first value that counts as true, else the last.", Example: "(or nil 0) => 0"},
	{Name: "assert", Kind: "special form", Usage: "(assert condition [message])", Text: "Fails with kind assertion unless the condition holds.", Example: "(try (assert (= 1 2) \"no\") (catch e (error-message e))) => \"no\""},
	{Name: "macexpand", Kind: "special form", Usage: "(macexpand form)", Text: "The form with its macro expanded by one step.", Example: "(macexpand (when ok 1)) => (cond ok (begin 1) (quote ()))"},
	{Name: "try", Kind: "special form", Usage: "(try body... (catch [kind] name handler...)... (finally cleanup...))", Text: "The value of the body; when it fails, of the first handler for the error's kind (all kinds when none is given), with name bound to the error. Exhausted budgets and cancellation cannot be caught.", Example: "(try (car 5) (catch 'type e (error-kind e)) (catch e \"other\")) => \"type\""},
	{Name: "include", Kind: "special form", Usage: "(include file...)", Text: "The forms of files in place of the include; its value is that of the last form. A relative name starts at the file that includes, else at the working directory. Not in the daemon, which reads no programs from files.", Example: "(try (include \"no-such-file.glisp\") (catch e \"none\")) => \"none\""},
	{Name: "go", Kind: "special form", Usage: "(go forms...)", Text: "Runs the forms beside the program, as a coroutine, which it gives: (<! c) waits for its value, or fails with its error. What still runs when the program ends is ended; an error that nobody received is that of the program.", Example: "(let [c (go (+ 1 2))] (<! c)) => 3"},
	{Name: "when", Kind: "macro", Usage: "(when condition body...)", Text: "The body if the condition holds, else nil.", Example: "(when (> 2 1) 1 2) => 2"},
	{Name: "unless", Kind: "macro", Usage: "(unless condition body...)", Text: "The body if the condition does not hold, else nil.", Example: "(unless false 1) => 1"},
	{Name: "case", Kind: "macro", Usage: "(case value constant result ... [default])", Text: "The result whose constant equals the value; a quoted list stands for each of its elements.", Example: "(case 2 1 \"one\" '(2 3) \"some\" \"many\") => \"some\""},
	{Name: "while", Kind: "macro", Usage: "(while condition body...)", Text: "Repeats the body as long as the condition holds; nil.", Example: "(def i 0) (while (< i 3) (set! i (+ i 1))) i => 3"},
	{Name: "->", Kind: "macro", Usage: "(-> x steps...)", Text: "Puts x into the first step as first argument, the result into the next, and so on.", Example: "(-> 1 (+ 2) (* 5)) => 15"},
	{Name: "->>", Kind: "macro", Usage: "(->> x steps...)", Text: "Puts x into the first step as last argument, the result into the next, and so on.", Example: "(->> [1 2 3] (map #(* % %)) (foldl + 0)) => 14"},
	{Name: "some->", Kind: "macro", Usage: "(some-> x steps...)", Text: "As ->, but stops with nil when a value is nil.", Example: "(some-> {\"a\" nil} (:a) (+ 1)) => ()"},
	{Name: "some->>", Kind: "macro", Usage: "(some->> x steps...)", Text: "As ->>, but stops with nil when a value is nil.", Example: "(some->> [1 2] (map #(+ 1 %)) (car)) => 2"},
	{Name: "inverse->", Kind: "macro", Usage: "(inverse-> x f args...)", Text: "(f args... x): one step with x last inside of ->.", Example: "(-> [1 2 3] (inverse-> filter #(> % 1)) (car)) => 2"},
	{Name: "inverse->>", Kind: "macro", Usage: "(inverse->> f args... x)", Text: "(f x args...): one step with x first inside of ->>.", Example: "(->> {\"a\" {\"b\" 4}} (inverse->> json/query \"a.b\")) => 4"},
	{Name: "alias", Kind: "macro", Usage: "(alias new old)", Text: "Defines a function that calls another.", Example: "(alias plus +) (plus 1 2) => 3"},
	{Name: "override", Kind: "macro", Usage: "(override name function)", Text: "Gives a function a new meaning; inside of it the name means the old one.", Example: "(defn f [x] x) (override f (fn [x] (* 2 (f x)))) (f 4) => 8"},
	{Name: "defined?", Kind: "macro", Usage: "(defined? name)", Text: "Whether a name, written bare, quoted or as a string, means something.", Example: "[(defined? car) (defined? \"no-such\")] => [true false]"},
	{Name: "doc", Kind: "macro", Usage: "(doc name)", Text: "Prints what a name is for.", Example: "(doc car) => ()"},
	{Name: "defrecord", Kind: "macro", Usage: "(defrecord NAME (field type [tag] [default])...)", Text: "Defines a class of records and its constructor ->NAME.", Example: "(defrecord P (Name string) (Age int)) (:Age (->P Name \"Ann\" Age 7)) => 7"},
	{Name: "assoc", Kind: "macro", Usage: "(assoc record field value)", Text: "Changes a field of a record, which it returns.", Example: "(defrecord P (Age int)) (:Age (assoc (->P Age 7) Age 8)) => 8"},
}

func (a *analyser) count(name string, args []Value, least, most int) {
	if len(args) < least || len(args) > most {
		want := intText(Int(int64(least)))
		if most != least {
			want += " to " + intText(Int(int64(most)))
		}
		a.bad("cannot compile %s: got %s, want %s%s", name, forms(len(args)), want, a.usage(name))
	}
}

func forms(n int) string {
	if n == 1 {
		return "1 form"
	}
	return intText(Int(int64(n))) + " forms"
}

// usage is how a special form or macro is written, for the end of a message.
func (a *analyser) usage(name string) string {
	if d, ok := a.env.base.docs[name]; ok {
		return ": " + d.Usage
	}
	return ""
}

func (a *analyser) branches(args []Value) []expr {
	es := make([]expr, len(args))
	for i, arg := range args {
		if i == 0 {
			es[i] = a.expr(arg)
		} else {
			es[i] = a.conditional(arg)
		}
	}
	return es
}

// quoted is a constant. Arrays and hashes in it are copied at each evaluation, so that changing one changes no code.
func (a *analyser) quoted(v Value) expr { return &eConst{v} }

func specialCond(a *analyser, args []Value, _ Value) expr {
	if len(args)%2 == 0 {
		a.bad("cannot compile cond: the default is missing (an even number of forms); nil as last form will do")
	}
	var first, last *eIf
	for i := 0; i+1 < len(args); i += 2 {
		c := &eIf{}
		if last == nil {
			first, c.c = c, a.expr(args[i])
		} else {
			last.b, c.c = c, a.conditional(args[i])
		}
		c.a = a.conditional(args[i+1])
		last = c
	}
	if last == nil {
		return a.expr(args[0])
	}
	last.b = a.conditional(args[len(args)-1])
	return first
}

func specialAssert(a *analyser, args []Value, _ Value) expr {
	a.count("assert", args, 1, 2)
	pos := a.pos
	var msg expr = &eConst{String("Assertion failed: " + clip(printShort(args[0]), 200))}
	if len(args) == 2 {
		msg = a.conditional(args[1])
	}
	fail := native("assert", func(t *Thread, args []Value) Value {
		t.fail("assertion", "%s", t.message(args[0]))
		return Nil
	})
	return &eIf{c: a.expr(args[0]), a: constNil, b: &eCall{f: &eConst{fail}, args: []expr{msg}, pos: pos}}
}

// whileHead is the head of the form that (while ...) becomes.
const whileHead = "loop-while"

// specialWhile analyses a loop. The variables of its body are new in each turn.
func specialWhile(a *analyser, args []Value, _ Value) expr {
	a.count(whileHead, args[:min(1, len(args))], 1, 1)
	e := &eWhile{pos: a.pos}
	a.branch++
	e.c = a.expr(args[0])
	e.scope = a.open()
	e.body = a.body(args[1:])
	a.close(e.scope)
	a.branch--
	return e
}

// message is the text of an error's value: a string as it is, others as they print.
func (t *Thread) message(v Value) string {
	if s, ok := v.AsString(); ok {
		return clip(s, 16<<10)
	}
	return clip(t.showLimit(v, false, 4096), 4096)
}

// specialDef analyses (def name value).
func specialDef(a *analyser, args []Value, _ Value) expr {
	a.count("def", args, 2, 2)
	return a.define(args[0], "def", func(string) expr { return a.expr(args[1]) }, isFunctionLiteral(args[1]))
}

func specialDefn(a *analyser, args []Value, form Value) expr {
	if len(args) < 2 {
		a.bad("cannot compile defn: want a name, parameters and a body")
	}
	if _, ok := args[0].o.(*cons); ok {
		name := a.expr(args[0])
		fn := a.function("", args[1], args[2:])
		env := a.env
		bind := native("defn", func(t *Thread, args []Value) Value {
			s, ok := args[0].AsSymbol()
			if !ok {
				t.badArg("defn", 1, args[0], "symbol")
			}
			env.Define(s, args[1])
			return Nil
		})
		return &eCall{f: &eConst{bind}, args: []expr{name, fn}, pos: a.pos}
	}
	return a.define(args[0], "defn", func(name string) expr { return a.function(name, args[1], args[2:]) }, true)
}

// define binds a name in the present scope to what init gives.
func (a *analyser) define(nameForm Value, what string, init func(string) expr, isFn bool) expr {
	name := a.bindable(nameForm, what)
	if a.scope == nil {
		e := &eSetGlobal{def: true}
		if isFn {
			// The function shall see itself under its new name, not what the name meant before.
			g := a.env.own(name)
			if g.frozen && a.env.parent == nil {
				a.bad("cannot %s %s: the base is frozen", what, name)
			}
			delete(a.env.macros, name)
			if old := a.env.outer(name); g.val.o == unbound.o && old != nil {
				g.set(old.val)
			}
			e.g = g
			e.e = init(name)
			return e
		}
		e.e = init(name)
		e.g = a.env.own(name)
		delete(a.env.macros, name)
		return e
	}
	v, _ := a.lookup(name)
	if v == nil || v.fn != a.fn || !inScope(a.scope, v) {
		// A name that is declared but not defined yet is invisible to lookup from its own function.
		v = nil
		a.t.charge(int64(len(a.scope.vars)) >> 2)
		for i := len(a.scope.vars) - 1; i >= 0 && v == nil; i-- {
			if w := a.scope.vars[i]; w.name == name {
				v = w
			}
		}
	}
	first := v == nil || !v.active
	if v == nil {
		v = a.declareLate(name)
		if !isFn {
			// Not even a function inside its value sees it.
			a.scope.remove(v)
		}
	}
	e := &eSet{v: v, define: true, first: first}
	e.e = init(name)
	if !inScope(a.scope, v) {
		a.scope.vars = append(a.scope.vars, v)
	}
	if first && a.branch != a.scope.branch {
		v.unset = true
	}
	v.active = true
	return e
}

func specialSet(a *analyser, args []Value, _ Value) expr {
	a.count("set!", args, 2, 2)
	name := a.bindable(args[0], "set!")
	e := a.expr(args[1])
	if a.scope != nil {
		if v, dyn := a.lookup(name); v != nil {
			a.uses(v)
			v.assigned = true
			return &eSet{v: v, e: e}
		} else if dyn != nil {
			set := native("set!", func(t *Thread, args []Value) Value {
				h, _ := args[0].AsHash()
				t.setHash(h, args[1], args[2])
				return Nil
			})
			a.uses(dyn)
			return &eCall{f: &eConst{set}, args: []expr{&eLocal{dyn}, &eConst{args[0]}, e}, pos: a.pos}
		}
	}
	g := a.env.find(name)
	if g != nil && g.frozen {
		g = a.env.own(name)
	}
	if g == nil && a.scope != nil {
		v := a.declareLate(name)
		v.active, v.unset, v.assigned, v.global = true, true, true, a.env.place(name)
		return &eSet{v: v, e: e}
	}
	if g == nil {
		g = a.env.own(name)
	}
	return &eSetGlobal{g: g, e: e}
}

// outer finds a name that has a value outside of this scope.
func (env *Env) outer(name string) *global {
	if env.parent == nil {
		return nil
	}
	return env.parent.find(name)
}

// specialTry analyses (try body... (catch [kind] name handler...)... (finally cleanup...)).
func specialTry(a *analyser, args []Value, _ Value) expr {
	e := &eTry{pos: a.pos}
	n := len(args)
	clause := func(v Value, name string) bool {
		c, ok := v.o.(*cons)
		return ok && isSym(c.car, name)
	}
	for n > 0 && (clause(args[n-1], "catch") || clause(args[n-1], "finally")) {
		n--
	}
	a.branch++
	e.body = a.body(args[:n])
	for _, c := range args[n:] {
		a.at(c)
		parts := a.args(c)
		if clause(c, "finally") {
			if e.finally != nil {
				a.bad("cannot compile try: it has two finally clauses")
			}
			e.finally = a.body(parts)
			continue
		}
		if len(parts) == 0 {
			a.bad("cannot compile catch: want a name and a handler")
		}
		k := eCatch{}
		if _, ok := parts[0].o.(*symbol); !ok {
			k.kind = a.expr(parts[0])
			parts = parts[1:]
		}
		if len(parts) == 0 {
			a.bad("cannot compile catch: want a name after the kind")
		}
		name := a.bindable(parts[0], "bind")
		k.let = a.open()
		k.v = a.declare(name)
		k.v.active = true
		k.body = a.body(parts[1:])
		a.close(k.let)
		e.catches = append(e.catches, k)
	}
	a.branch--
	return e
}

// specialGo analyses (go forms...): the forms are a function without parameters, so they see the variables around them.
func specialGo(a *analyser, args []Value, _ Value) expr {
	pos := a.pos
	if len(args) == 0 {
		args = []Value{Nil}
	}
	start := native("go", func(t *Thread, args []Value) Value { return t.spawn(args[0]) })
	return &eCall{f: &eConst{start}, args: []expr{a.function("go", Array(), args)}, pos: pos}
}

// specialSharpQuote analyses #'x.
func specialSharpQuote(a *analyser, args []Value, _ Value) expr {
	a.count("sharp-quote", args, 1, 1)
	if _, ok := args[0].o.(*symbol); ok {
		return a.expr(args[0])
	}
	env := a.env
	get := native("sharp-quote", func(t *Thread, args []Value) Value {
		s, ok := args[0].AsSymbol()
		if !ok {
			t.fail("type", "cannot take the value of %s: want symbol", showArg(args[0]))
		}
		v, _ := env.Lookup(s)
		return v
	})
	return &eCall{f: &eConst{get}, args: []expr{a.expr(args[0])}, pos: a.pos}
}

// specialDefmac defines a macro at once, so that the forms after it can use it.
func specialDefmac(a *analyser, args []Value, _ Value) expr {
	if len(args) < 2 {
		a.bad("cannot compile defmac: want a name, parameters and a body")
	}
	pattern, fuzzy := args[0].AsString()
	name := pattern
	if !fuzzy {
		name = a.bindable(args[0], "defmac")
	}
	b := &analyser{t: a.t, env: a.env, src: a.src, pos: a.pos, depth: a.depth}
	fn := b.function(name, args[1], args[2:])
	m := &macro{fn: a.t.instance(fn, a.src), doc: fn.fn.doc}
	if !fuzzy {
		if a.env.macros == nil {
			a.env.macros = map[string]*macro{}
		}
		a.env.macros[name] = m
		return constNil
	}
	if fn.fn.nparams == 0 && !fn.fn.rest {
		a.bad("cannot compile defmac %q: the first parameter takes the name", name)
	}
	re, err := compilePattern(pattern)
	if err != nil {
		a.bad("cannot compile defmac: %v", err)
	}
	for _, f := range a.env.fuzzy {
		if f.re.re.String() == re.re.String() {
			f.macro = m
			return constNil
		}
	}
	a.env.fuzzy = append(a.env.fuzzy, &fuzzyMacro{re, m})
	return constNil
}
