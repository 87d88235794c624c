package lisp

import (
	"errors"
	"sort"
)

// Check compiles a text without running it and gives every problem that it finds, in the order of the text: what cannot be
// read or compiled, names that mean nothing, and calls with a wrong number of arguments. The macros that the text defines
// are expanded, which is all that runs. What the text only defines while it runs, by (defn (symbol ...) ...) or from
// files, is unknown, so that no unknown name is reported then.
func (t *Thread) Check(env *Env, name, src string) []*Error {
	c := &checker{t: t, env: env, src: &source{name: name, text: src}, known: map[string]bool{},
		globals: map[*global][]*eFn{}, locals: map[*variable][]*eFn{}}
	c.text()
	sort.SliceStable(c.problems, func(i, j int) bool { return c.problems[i].Pos.before(c.problems[j].Pos) })
	return c.problems
}

// checker walks the core language of a text and looks for what will fail when it runs.
type checker struct {
	t        *Thread
	env      *Env
	src      *source
	known    map[string]bool // defined somewhere in the text, or asked for with defined?
	any      bool            // names are made while the text runs
	uses     []*eGlobal
	calls    []*eCall
	globals  map[*global][]*eFn // what a name may be; a nil among them is something unknown
	locals   map[*variable][]*eFn
	problems []*Error
}

// text checks all of it. A budget that is exhausted (by a macro) ends the search.
func (c *checker) text() {
	saved := c.t.save()
	defer func() {
		if r := recover(); r != nil {
			c.problem(c.t.asError(r), 0)
		}
		c.t.restore(saved)
	}()
	forms, err := newReader(c.t, c.src, c.env.base).all()
	if err != nil {
		c.problems = append(c.problems, err)
		return
	}
	c.env.prescan(asRead(c.t), forms)
	c.t.env = c.env
	for _, form := range forms {
		a := &analyser{t: c.t, env: c.env, src: c.src, fn: &fnScope{}, check: c}
		c.expr(a.expr(form))
	}
	for _, g := range c.uses {
		if g.g.val.o == unbound.o && !c.known[g.g.name] && !c.any {
			c.problem(Errorf("unbound", "cannot find %s: no such name%s", g.g.name, c.env.nearest(g.g.name, []string{g.g.local})), g.pos)
		}
	}
	for _, call := range c.calls {
		c.arity(call)
	}
}

// problem notes an error.
func (c *checker) problem(err error, pos position) {
	var exit Exit
	if errors.As(err, &exit) {
		err = Errorf("syntax", "cannot compile: a macro calls (exit %d)", exit.Code)
	}
	var e *Error
	if errors.As(err, &e) {
		c.problems = append(c.problems, e.settle().place(c.src, pos))
	}
}

// attempt analyses a list, notes what is wrong with it and goes on after it.
func (c *checker) attempt(a *analyser, form Value, list *cons) (e expr) {
	before, saved := *a, c.t.save()
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		err := c.t.asError(r)
		if e, ok := err.(*Error); ok && e.hard {
			panic(r)
		}
		c.t.restore(saved)
		pos := a.pos
		*a = before
		c.problem(err, pos)
		c.defines(list)
		e = &eConst{Nil}
	}()
	return a.list(form, list)
}

// defines notes the name that a definition would have brought, so that its uses are no problems of their own.
func (c *checker) defines(list *cons) {
	if next, ok := list.cdr.o.(*cons); ok {
		for _, head := range []string{"def", "defn", "defmac", "alias", "override"} {
			if name, ok := next.car.AsSymbol(); ok && isSym(list.car, head) {
				c.known[name] = true
			}
		}
	}
}

func (c *checker) exprs(es []expr) {
	for _, e := range es {
		c.expr(e)
	}
}

func (c *checker) expr(e expr) {
	switch e := e.(type) {
	case *eGlobal:
		c.uses = append(c.uses, e)
	case *eDynamic:
	case *eSet:
		fn, _ := e.e.(*eFn)
		c.locals[e.v] = append(c.locals[e.v], fn)
		c.expr(e.e)
	case *eSetGlobal:
		c.known[e.g.name] = true
		fn, _ := e.e.(*eFn)
		c.globals[e.g] = append(c.globals[e.g], fn)
		c.expr(e.e)
	case *eIf:
		c.exprs([]expr{e.c, e.a, e.b})
	case *eAnd:
		c.exprs(e.es)
	case *eOr:
		c.exprs(e.es)
	case *eBegin:
		c.exprs(e.es)
	case *eLet:
		for i, v := range e.vars {
			fn, _ := e.inits[i].(*eFn)
			c.locals[v] = append(c.locals[v], fn)
		}
		c.exprs(e.inits)
		c.expr(e.body)
	case *eWhile:
		c.exprs([]expr{e.c, e.body})
	case *eFn:
		c.expr(e.body)
	case *eCall:
		if p, ok := constPrimitive(e.f); ok && (p.def.Name == "defn" || p.def.Name == "source-file") {
			c.any = true
		}
		c.calls = append(c.calls, e)
		c.expr(e.f)
		c.exprs(e.args)
	case *eTry:
		c.expr(e.body)
		for _, k := range e.catches {
			if k.kind != nil {
				c.expr(k.kind)
			}
			c.expr(k.body)
		}
		if e.finally != nil {
			c.expr(e.finally)
		}
	case *eBuild:
		for _, p := range e.parts {
			c.expr(p.e)
		}
		if e.tail != nil {
			c.expr(e.tail)
		}
	}
}

// constPrimitive is the primitive that an expression is.
func constPrimitive(e expr) (*primitive, bool) {
	k, ok := e.(*eConst)
	if !ok {
		return nil, false
	}
	p, ok := k.v.o.(*primitive)
	return p, ok
}

// arity checks the number of arguments of a call whose function is known: a primitive, or one of the text. Where a name has
// several meanings the call is wrong if it is wrong for all of them.
func (c *checker) arity(call *eCall) {
	n := len(call.args)
	if p, ok := constPrimitive(call.f); ok {
		if n < p.sig.min || p.sig.max >= 0 && n > p.sig.max {
			c.miscounted(call, p.def.Name, p.sig.min, p.sig.max, usage(p.def.Name, p.def.Params))
		}
		return
	}
	var meanings []*eFn
	switch f := call.f.(type) {
	case *eFn:
		meanings = []*eFn{f}
	case *eLocal:
		meanings = c.locals[f.v]
	case *eGlobal:
		if c.env.base.docs[f.g.name].Name == "" { // else it may be the one of the language that is called
			meanings = c.globals[f.g]
		}
	}
	if len(meanings) == 0 {
		return
	}
	for _, f := range meanings {
		if f == nil || f.fn.loose || n == f.fn.nparams || f.fn.rest && n > f.fn.nparams {
			return
		}
	}
	f := meanings[len(meanings)-1].fn
	most := f.nparams
	if f.rest {
		most = -1
	}
	name := f.name
	if name == "" {
		name = "fn"
	}
	c.miscounted(call, name, f.nparams, most, usageOf(f.name, f.written))
}

// miscounted notes what the call would say.
func (c *checker) miscounted(call *eCall, name string, least, most int, usage string) {
	defer func() {
		if e, ok := recover().(*Error); ok {
			e.Pos, e.Line, e.Trace = Pos{}, "", nil
			c.problem(e, call.pos)
		}
	}()
	c.t.arity(name, len(call.args), least, most, usage)
}

// before orders places of one text.
func (p Pos) before(q Pos) bool {
	if p.Line != q.Line {
		return p.Line < q.Line
	}
	return p.Col < q.Col
}
