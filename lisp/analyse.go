package lisp

// Analysis turns a form into the small core language below: macros are expanded and names are resolved in one walk,
// because a local variable must shadow a macro or a primitive of the same name. Compilation (compile.go) is a second walk,
// made when it is known which variables are captured by closures and assigned.
type expr interface{}

type (
	eConst  = nodeConst // a constant is compiled already
	eLocal  struct{ v *variable }
	eGlobal struct {
		g   *global
		pos position
	}
	eDynamic struct { // a name that (let EXPR ...) may bind
		table *variable
		name  *symbol
		other expr
	}
	eSet struct { // set! of a local, and def when define
		v      *variable
		e      expr
		define bool
		first  bool
	}
	eSetGlobal struct {
		g   *global
		e   expr
		def bool
	}
	eIf    struct{ c, a, b expr }
	eAnd   struct{ es []expr }
	eOr    struct{ es []expr }
	eBegin struct{ es []expr }
	eLet   struct {
		vars  []*variable
		inits []expr
		body  expr
		scope *scope
	}
	eWhile struct {
		c, body expr
		scope   *scope
		pos     position
	}
	eFn struct {
		fn   *fnScope
		body expr
	}
	eCall struct {
		f    expr
		args []expr
		pos  position
	}
	eTry struct {
		body    expr
		catches []eCatch
		finally expr
		pos     position
	}
	eCatch struct {
		kind expr // nil catches every kind
		v    *variable
		body expr
		let  *scope
	}
	eBuild struct { // a list, array or hash out of parts, some of them spliced
		kind  Kind
		parts []ePart
		tail  expr
		pos   position
	}
	ePart struct {
		e      expr
		splice bool
	}
)

// constNil is the constant that stands wherever nothing does.
var constNil = &eConst{Nil}

// variable is a local variable of a function.
type variable struct {
	read     eLocal // the expression that reads it
	name     string
	fn       *fnScope
	slot     int
	captured bool
	assigned bool
	active   bool    // visible; before that, only functions that are its value see it
	unset    bool    // may be read before it has a value
	global   *global // what its name means while it has none
	orNil    bool    // % of #(...): nil when missing
	pos      position
}

func (v *variable) boxed() bool { return v.captured && v.assigned }

// scope is what a let or a function binds.
type scope struct {
	outer   *scope
	fn      *fnScope
	vars    []*variable
	few     [3]*variable // room for the first ones
	start   int
	branch  int
	dynamic *variable
}

// fnScope is a function that is being analysed.
type fnScope struct {
	outer    *fnScope
	cur, max int
	nparams  int
	rest     bool
	loose    bool
	orNil    bool
	count    bool // #(...) that uses %N
	params   []*variable
	scope    *scope
	name     string
	doc      string
	written  *array // the parameters as they are written; nil for #(...)
	pos      position
	caps     []*variable // filled by compile
}

type analyser struct {
	t      *Thread
	env    *Env
	src    *source
	pos    position
	fn     *fnScope
	scope  *scope
	branch int
	depth  int
	mute   bool
	forms  []Value  // the elements of the forms around the present one
	check  *checker // notes problems and goes on; nil: the first problem is the end
}

// maxAnalyse bounds how deep forms may be nested after expansion; a macro that expands for ever runs into it.
const maxAnalyse = 1500

// bad ends the analysis.
func (a *analyser) bad(format string, args ...any) {
	panic(a.t.compileError(Errorf("syntax", format, args...).place(a.src, a.pos)))
}

func (t *Thread) compileError(e *Error) *Error {
	e.traced = true
	return e
}

// at notes the position of a form that has one.
func (a *analyser) at(v Value) {
	switch v.o.(type) {
	case *cons, *symbol, *text, *array, *Hash, *braces:
		if v.n != 0 && !a.mute {
			a.pos = position(v.n)
		}
	}
}

// expr analyses a form.
func (a *analyser) expr(v Value) expr {
	switch o := v.o.(type) {
	case *symbol:
		a.at(v)
		return a.symbol(o)
	case *cons:
		before, forms := a.pos, len(a.forms)
		a.at(v)
		if a.depth++; a.depth > maxAnalyse {
			a.bad("cannot compile: nested more than %d levels deep after expanding macros", maxAnalyse)
		}
		var e expr
		if a.check != nil {
			e = a.check.attempt(a, v, o)
		} else {
			e = a.list(v, o)
		}
		a.depth--
		a.pos, a.forms = before, a.forms[:forms]
		return e
	case *array:
		return a.literal(v, KindArray, o.items)
	case *Hash:
		before := a.pos
		a.at(v)
		a.t.charge(1)
		a.t.alloc(int64(o.live)*2*partSize + 128)
		parts := make([]ePart, 0, 2*o.live)
		o.Each(func(k, item Value) bool {
			parts = append(parts, ePart{e: a.nested(k)}, ePart{e: a.nested(item)})
			return true
		})
		e := &eBuild{kind: KindHash, parts: parts, pos: a.pos}
		a.pos = before
		return e
	case *braces:
		return a.literal(v, KindHash, o.items)
	}
	return &eConst{v}
}

// literal analyses an array, or a hash by its keys and values in turn.
func (a *analyser) literal(v Value, kind Kind, items []Value) expr {
	before := a.pos
	a.at(v)
	e := &eBuild{kind: kind, parts: a.parts(items), pos: a.pos}
	a.pos = before
	return e
}

// partSize is what an element of a literal costs while it is analysed.
const partSize = 64

// parts are the elements of a literal.
func (a *analyser) parts(items []Value) []ePart {
	a.t.charge(1)
	a.t.alloc(int64(len(items))*partSize + 128)
	parts := make([]ePart, len(items))
	for i, item := range items {
		parts[i] = ePart{e: a.nested(item)}
	}
	return parts
}

// nested is expr with the depth counted, for containers that may contain themselves.
func (a *analyser) nested(v Value) expr {
	if a.depth++; a.depth > maxAnalyse {
		a.bad("cannot compile: nested more than %d levels deep after expanding macros", maxAnalyse)
	}
	e := a.expr(v)
	a.depth--
	return e
}

// symbol resolves a name.
func (a *analyser) symbol(s *symbol) expr {
	if e := a.local(s); e != nil {
		return e
	}
	return a.global(s)
}

func (a *analyser) global(s *symbol) expr {
	g := a.env.place(s.name)
	if g.frozen {
		return &g.constant
	}
	if a.scope != nil && g.local == "" && g.val.o == unbound.o {
		g.local = a.t.nearest(s.name, a.locals())
	}
	return &eGlobal{g, a.pos}
}

// locals are the names of the local variables that can be seen.
func (a *analyser) locals() (names []string) {
	for s := a.scope; s != nil && len(names) < 100; s = s.outer {
		for _, v := range s.vars {
			names = append(names, v.name)
		}
	}
	return names
}

// lookup finds the local variable of a name.
func (a *analyser) lookup(name string) (*variable, *variable) {
	for s := a.scope; s != nil; s = s.outer {
		a.t.charge(int64(len(s.vars)) >> 2)
		for i := len(s.vars) - 1; i >= 0; i-- {
			v := s.vars[i]
			if v.name != name {
				continue
			}
			if v.active {
				return v, nil
			}
			if v.fn != a.fn {
				v.assigned, v.unset = true, true
				return v, nil
			}
		}
		if s.dynamic != nil {
			return nil, s.dynamic
		}
	}
	return nil, nil
}

func (a *analyser) local(s *symbol) expr {
	if a.scope == nil {
		return nil
	}
	v, dyn := a.lookup(s.name)
	if dyn != nil {
		// Resolve the rest outside of the scope that binds names at run time.
		saved := a.scope
		for a.scope.dynamic != dyn {
			a.scope = a.scope.outer
		}
		a.scope = a.scope.outer
		other := a.symbol(s)
		a.scope = saved
		a.uses(dyn)
		return &eDynamic{dyn, s, other}
	}
	if v == nil {
		return nil
	}
	a.uses(v)
	return &v.read
}

func (a *analyser) uses(v *variable) {
	if v.fn != a.fn {
		v.captured = true
	}
}

// declare makes a variable in the present scope.
func (a *analyser) declare(name string) *variable {
	v := &variable{name: name, fn: a.fn, slot: a.fn.cur, pos: a.pos}
	v.read.v = v
	a.fn.cur++
	a.fn.max = max(a.fn.max, a.fn.cur)
	a.scope.vars = append(a.scope.vars, v)
	return v
}

// declareLate declares a variable when its scope has been open for some time: it gets a slot that no inner scope had before,
// because it is made ready at the beginning of its own.
func (a *analyser) declareLate(name string) *variable {
	a.fn.cur = a.fn.max
	return a.declare(name)
}

func (a *analyser) open() *scope {
	return a.enter(new(scope))
}

// enter makes s the present scope.
func (a *analyser) enter(s *scope) *scope {
	s.outer, s.fn, s.start, s.branch = a.scope, a.fn, a.fn.cur, a.branch
	s.vars = s.few[:0]
	a.scope = s
	return s
}

func (a *analyser) close(s *scope) {
	a.scope = s.outer
	a.fn.cur = s.start
}

// bindable checks that a name may be bound.
func (a *analyser) bindable(v Value, what string) string {
	s, ok := v.o.(*symbol)
	if !ok {
		a.bad("cannot %s %s: want a symbol", what, showArg(v))
	}
	if special(s.name) != nil || s.name == "nil" {
		a.at(v)
		a.bad("cannot %s %s: it is part of the language", what, s.name)
	}
	return s.name
}

// args gives the elements of a form after its head. They are valid until the analysis of the form around it ends.
func (a *analyser) args(v Value) []Value {
	from := len(a.forms)
	c := v.o.(*cons)
	for {
		next, more := c.cdr.o.(*cons)
		if !more {
			break
		}
		c = next
		a.forms = append(a.forms, c.car)
	}
	if !c.cdr.IsNil() {
		a.bad("cannot compile: a form must be a proper list, got %s", printShort(v))
	}
	return a.forms[from:len(a.forms):len(a.forms)]
}

// list analyses a form: special form, macro or call.
func (a *analyser) list(v Value, c *cons) expr {
	count, proper := c.length()
	if !proper {
		return a.quoted(v)
	}
	a.t.charge(1 + int64(count)>>3)
	a.t.alloc(int64(count)*valueSize + 128)
	if s, ok := c.car.o.(*symbol); ok {
		if sp := special(s.name); sp != nil {
			return sp(a, a.args(v), v)
		}
		if form, ok := a.expandOnce(s.name, v); ok {
			return a.nested(form)
		}
	}
	call := newCall(a.pos, count-1)
	if s, ok := c.car.o.(*symbol); ok && isAccessor(s.name) && !a.bound(s.name) {
		call.f = &eConst{accessor(s.name)}
	} else {
		call.f = a.expr(c.car)
	}
	for i := range call.args {
		c = c.cdr.o.(*cons)
		call.args[i] = a.expr(c.car)
	}
	return call
}

// newCall makes a call with room for n arguments.
func newCall(pos position, n int) *eCall {
	if n > 3 {
		return &eCall{pos: pos, args: make([]expr, n)}
	}
	few := &struct {
		eCall
		args [3]expr
	}{}
	few.eCall = eCall{pos: pos, args: few.args[:n:n]}
	return &few.eCall
}

// bound reports whether a name has a meaning as a variable.
func (a *analyser) bound(name string) bool {
	if a.scope != nil {
		if v, dyn := a.lookup(name); v != nil || dyn != nil {
			return true
		}
	}
	return a.env.find(name) != nil
}

// expandOnce expands a macro call by one step.
func (a *analyser) expandOnce(name string, form Value) (Value, bool) {
	if a.scope != nil {
		if v, _ := a.lookup(name); v != nil {
			return Nil, false
		}
	}
	m, g := a.env.head(name)
	if m != nil {
		return a.expand(name, m, a.args(form)), true
	}
	if g == nil || g.frozen {
		if b := builtinMacro(name); b != nil {
			a.t.alloc(256)
			return b(a, a.args(form)), true
		}
	}
	if g != nil || isAccessor(name) {
		return Nil, false
	}
	if m := a.env.fuzzyFor(a.t, name); m != nil {
		return a.expand(name, m, append([]Value{String(name)}, a.args(form)...)), true
	}
	return Nil, false
}

// expand runs a macro's function on forms.
func (a *analyser) expand(name string, m *macro, args []Value) Value {
	a.t.charge(20)
	a.t.top.site = 0
	a.t.expanding++
	done := false
	defer func() {
		if done {
			return
		}
		r := recover()
		if e, ok := r.(*Error); ok && len(e.expanding) < innerCalls {
			e.place(a.src, a.pos) // when it is the call of the macro that is wrong
			e.expanding = append(e.expanding, "in the expansion of "+name+" at "+a.src.pos(a.pos).String())
		}
		panic(r)
	}()
	v := a.t.apply(m.fn, args)
	done = true
	a.t.expanding--
	return v
}

// conditional analyses a form that may or may not be evaluated.
func (a *analyser) conditional(v Value) expr {
	a.branch++
	e := a.expr(v)
	a.branch--
	return e
}
