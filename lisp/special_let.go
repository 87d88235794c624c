package lisp

// let analyses let and let*.
func (a *analyser) let(what string, args []Value, inOrder bool) expr {
	if len(args) < 2 {
		a.bad("cannot compile %s: want bindings and a body", what)
	}
	arr, ok := args[0].o.(*array)
	if !ok {
		if c, isForm := args[0].o.(*cons); isForm && !a.looksLikeBindings(c) {
			return a.letComputed(what, args)
		}
		a.bad("cannot compile %s: its bindings must be an array like [a 1 b 2], got %s", what, showArg(args[0]))
	}
	if len(arr.items)%2 != 0 {
		a.bad("cannot compile %s: a name without value (an odd number of forms in the bindings)", what)
	}
	s := a.open()
	e := &eLet{scope: s}
	// Functions see the names they are bound to, their own and those of the functions beside them; other values do not.
	var functions []*variable
	for i := 0; i < len(arr.items); i += 2 {
		if isFunctionLiteral(arr.items[i+1]) {
			if functions == nil {
				functions = make([]*variable, len(arr.items))
			}
			functions[i] = a.declare(a.bindable(arr.items[i], "bind"))
		}
	}
	for i := 0; i < len(arr.items); i += 2 {
		name := a.bindable(arr.items[i], "bind")
		if !inOrder {
			a.t.charge(int64(len(e.vars)) >> 2)
			for _, v := range e.vars {
				if v.name == name {
					a.at(arr.items[i])
					a.bad("cannot compile %s: two variables are called %s", what, name)
				}
			}
		}
		var v *variable
		if functions != nil {
			v = functions[i]
		}
		if v == nil {
			v = a.declare(name)
			s.remove(v)
		}
		init := a.expr(arr.items[i+1])
		if inOrder {
			s.remove(v)
			v.active = true
			s.vars = append(s.vars, v)
		}
		e.vars = append(e.vars, v)
		e.inits = append(e.inits, init)
	}
	if !inOrder {
		for _, v := range e.vars {
			s.remove(v)
			v.active = true
			s.vars = append(s.vars, v)
		}
	}
	e.body = a.body(args[1:])
	a.close(s)
	return e
}

func (s *scope) remove(v *variable) {
	for i := len(s.vars) - 1; i >= 0; i-- {
		if s.vars[i] == v {
			s.vars = append(s.vars[:i], s.vars[i+1:]...)
			return
		}
	}
}

// looksLikeBindings: a list in place of the bindings is a call that computes them, but (x 1) or ((x 1) (y 2)) is the habit of
// another Lisp.
func (a *analyser) looksLikeBindings(c *cons) bool {
	if inner, ok := c.car.o.(*cons); ok {
		_, named := inner.car.o.(*symbol)
		_, value := inner.cdr.o.(*cons)
		return named && value && !isSym(inner.car, "fn") && !a.meansHead(inner.car)
	}
	return isSymbol(c.car) && !a.meansHead(c.car)
}

// meansHead says whether a symbol at the head of a form means anything by now.
func (a *analyser) meansHead(v Value) bool {
	s := v.o.(*symbol)
	if g := a.env.names[s.name]; g != nil && g.coming {
		return true
	}
	return a.bound(s.name) || a.env.means(s.name)
}

func isSymbol(v Value) bool { _, ok := v.o.(*symbol); return ok }

// letComputed analyses (let EXPR body...): EXPR gives an array of names and values, or a hash with symbols as keys.
func (a *analyser) letComputed(what string, args []Value) expr {
	bind := native(what, func(t *Thread, args []Value) Value {
		h := NewHash()
		switch o := args[0].o.(type) {
		case *array:
			if len(o.items)%2 != 0 {
				t.fail("value", "cannot bind: the array of names and values has an odd number of elements")
			}
			for i := 0; i < len(o.items); i += 2 {
				if _, ok := o.items[i].AsSymbol(); !ok {
					t.fail("type", "cannot bind %s: want symbol", showArg(o.items[i]))
				}
				t.setHash(h, o.items[i], o.items[i+1])
			}
		case *Hash:
			o.Each(func(k, v Value) bool {
				if _, ok := k.AsSymbol(); !ok {
					t.fail("type", "cannot bind %s: want symbol", showArg(k))
				}
				t.setHash(h, k, v)
				return true
			})
		default:
			t.fail("type", "cannot bind with %s: want array or hash", showArg(args[0]))
		}
		return HashValue(h)
	})
	init := &eCall{f: &eConst{bind}, args: []expr{a.expr(args[0])}, pos: a.pos}
	s := a.open()
	v := a.declare("")
	s.dynamic = v
	s.vars = nil
	e := &eLet{scope: s, vars: []*variable{v}, inits: []expr{init}}
	inner := a.open()
	e.body = a.body(args[1:])
	a.close(inner)
	a.close(s)
	return e
}
