package lisp

// eval reads and evaluates a text, form by form.
func (t *Thread) eval(env *Env, name, src string) Value {
	source := &source{name: name, text: src}
	t.charge(1 + int64(len(src))>>8)
	forms, err := newReader(t, source, env.base).all()
	if err != nil {
		panic(t.compileError(err))
	}
	env.prescan(asRead(t), forms)
	v := Nil
	top := newTopLevel(t, env, source)
	for _, form := range forms {
		v = t.evalForm(top, form)
	}
	t.forms = top.analyser.forms
	return v
}

// evalForm compiles and runs one form in the global scope.
func (t *Thread) evalForm(top *topLevel, form Value) Value {
	saved := t.env
	t.env = top.analyser.env
	fr := t.top
	nf := fr.next
	if nf == nil {
		nf = fr.grow(0)
	}
	// While macros run, the frame says where: nothing of the program is running yet.
	cl := top.compile(form)
	nf.cl, nf.site = cl, 0
	t.charge(cl.proto.cost)
	v := cl.proto.body.eval(nf)
	t.top = fr
	t.env = saved
	return v
}

// prescan gives names of the base that a text redefines a place of their own before anything is compiled, so that all
// code of the text sees the new meaning.
func (env *Env) prescan(w walk, forms []Value) {
	var look func(v Value, depth int)
	look = func(v Value, depth int) {
		c, ok := v.o.(*cons)
		if !ok || depth > maxNest || !w.into(c) {
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
			look(c.car, depth+1)
			next, ok := c.cdr.o.(*cons)
			if !ok {
				return
			}
			w.pay(1)
			c = next
		}
	}
	for _, form := range forms {
		look(form, 0)
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
