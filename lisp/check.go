package lisp

// checker walks the core language of a text and looks for what will fail when it runs.
type checker struct {
	t        *Thread
	src      *source
	known    map[string]bool // defined somewhere in the text
	uses     []*eGlobal
	problems []*Error
}

func (c *checker) form(env *Env, form Value) {
	defer func() {
		if r := recover(); r != nil {
			if e, ok := c.t.asError(r).(*Error); ok {
				c.problems = append(c.problems, e)
			}
		}
	}()
	saved := c.t.env
	c.t.env = env
	defer func() { c.t.env = saved }()
	a := &analyser{t: c.t, env: env, src: c.src, fn: &fnScope{}}
	c.expr(a.expr(form))
}

func (c *checker) finish(env *Env) []*Error {
	for _, g := range c.uses {
		if g.g.val.o == unbound.o && !c.known[g.g.name] {
			c.problems = append(c.problems, Errorf("unbound", "cannot find %s: no such name%s", g.g.name, env.nearest(g.g.name, nil)).place(c.src, g.pos))
		}
	}
	return c.problems
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
		c.expr(e.e)
	case *eSetGlobal:
		c.known[e.g.name] = true
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
		c.exprs(e.inits)
		c.expr(e.body)
	case *eFn:
		c.expr(e.body)
	case *eCall:
		c.call(e)
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

// call checks the number of arguments of a primitive.
func (c *checker) call(e *eCall) {
	k, ok := e.f.(*eConst)
	if !ok {
		return
	}
	p, ok := k.v.o.(*primitive)
	if !ok || len(e.args) >= p.sig.min && (p.sig.max < 0 || len(e.args) <= p.sig.max) {
		return
	}
	defer func() {
		if err, ok := recover().(*Error); ok {
			err.Pos, err.Line, err.Trace = Pos{}, "", nil
			c.problems = append(c.problems, err.place(c.src, e.pos))
		}
	}()
	c.t.arity(p.def.Name, len(e.args), p.sig.min, p.sig.max, usage(p.def.Name, p.def.Params))
}
