package lisp

// eval reads and evaluates a text, form by form.
func (t *Thread) eval(env *Env, name, src string) Value {
	source := &source{name: name, text: src}
	t.charge(1 + int64(len(src))>>8)
	forms, err := newReader(t, source, env.base).all()
	if err != nil {
		panic(t.compileError(err))
	}
	env.prescan(forms)
	v := Nil
	for _, form := range forms {
		v = t.evalForm(env, source, form)
	}
	return v
}

// evalForm compiles and runs one form in the global scope.
func (t *Thread) evalForm(env *Env, src *source, form Value) Value {
	saved := t.env
	t.env = env
	// The room for parts of forms is used again from form to form, by one analysis at a time.
	a := &analyser{t: t, env: env, src: src, forms: t.forms[:0]}
	t.forms = nil
	top := t.top
	nf := top.next
	if nf == nil {
		nf = top.grow(0)
	}
	// While macros run, the frame says where: nothing of the program is running yet.
	p := t.compileTop(a, form)
	t.forms = a.forms
	nf.cl, nf.site = &closure{proto: p}, 0
	t.charge(p.cost)
	v := p.body.eval(nf)
	t.top = top
	t.env = saved
	return v
}

// prescan gives names of the base that a text redefines a place of their own before anything is compiled, so that all
// code of the text sees the new meaning.
func (env *Env) prescan(forms []Value) {
	var walk func(v Value, depth int)
	walk = func(v Value, depth int) {
		c, ok := v.o.(*cons)
		if !ok || depth > maxNest {
			return
		}
		if head, ok := c.car.o.(*symbol); ok {
			switch head.name {
			case "def", "defn", "set!", "alias", "override":
				if next, ok := c.cdr.o.(*cons); ok {
					if name, ok := next.car.o.(*symbol); ok {
						env.reserve(name.name)
					}
				}
			}
		}
		for {
			walk(c.car, depth+1)
			next, ok := c.cdr.o.(*cons)
			if !ok {
				return
			}
			c = next
		}
	}
	for _, form := range forms {
		walk(form, 0)
	}
}

// reserve makes an own place for a name of the base, with the value it has.
func (env *Env) reserve(name string) {
	g := env.find(name)
	if g == nil {
		env.own(name).coming = true
	}
	if g == nil || !g.frozen || name == "nil" {
		return
	}
	env.own(name).set(g.val)
}
