package lisp

// quasi analyses a template at a level of nesting: ~ undoes one level, ` adds one. What the template makes has no
// position of its own, so errors in it are reported at the call of the macro.
func (a *analyser) quasi(v Value, level int) expr {
	if a.depth++; a.depth > maxAnalyse {
		a.bad("cannot compile: nested more than %d levels deep", maxAnalyse)
	}
	defer func() { a.depth-- }()
	switch o := v.o.(type) {
	case *symbol:
		return &eConst{Value{o: o}}
	case *text:
		return &eConst{Value{o: o}}
	case *cons:
		return a.quasiList(o, level)
	case *array:
		parts, constant := a.quasiParts(o.items, level)
		if constant {
			return &eConst{Value{o: o}}
		}
		return &eBuild{kind: KindArray, parts: parts, pos: a.pos}
	case *Hash:
		items := make([]Value, 0, 2*o.live)
		o.Each(func(k, item Value) bool {
			items = append(items, k, item)
			return true
		})
		return a.quasiHash(v, items, level)
	case *braces:
		return a.quasiHash(v, o.items, level)
	}
	return &eConst{v}
}

func (a *analyser) quasiHash(v Value, items []Value, level int) expr {
	parts, constant := a.quasiParts(items, level)
	for i := 0; i < len(parts); i += 2 {
		if k, ok := parts[i].e.(*eConst); ok && !parts[i].splice && !isKey(k.v) {
			a.at(v)
			panic(a.t.compileError(badKey(k.v).place(a.src, a.pos)))
		}
	}
	if constant {
		return &eConst{Value{o: v.o}}
	}
	for _, p := range parts {
		if p.splice {
			a.bad("cannot compile: ~@ inside of a hash")
		}
	}
	return &eBuild{kind: KindHash, parts: parts, pos: a.pos}
}

// unquoteOf recognises (unquote x) and the like.
func unquoteOf(v Value, head string) (Value, bool) {
	c, ok := v.o.(*cons)
	if !ok || !isSym(c.car, head) {
		return Nil, false
	}
	next, ok := c.cdr.o.(*cons)
	if !ok || !next.cdr.IsNil() {
		return Nil, false
	}
	return next.car, true
}

func (a *analyser) quasiList(c *cons, level int) expr {
	whole := Value{o: c}
	if x, ok := unquoteOf(whole, "unquote"); ok {
		if level == 1 {
			return a.expr(x)
		}
		return a.quasiWrap("unquote", x, level-1)
	}
	if x, ok := unquoteOf(whole, "unquote-splicing"); ok {
		if level == 1 {
			a.bad("cannot compile: ~@ stands outside of a list")
		}
		return a.quasiWrap("unquote-splicing", x, level-1)
	}
	if x, ok := unquoteOf(whole, "syntax-quote"); ok {
		return a.quasiWrap("syntax-quote", x, level+1)
	}
	var items []Value
	var tail Value
	for {
		items = append(items, c.car)
		next, ok := c.cdr.o.(*cons)
		if !ok {
			tail = c.cdr
			break
		}
		// `(a . ~b) reads as `(a unquote b).
		if _, ok := unquoteOf(c.cdr, "unquote"); ok {
			tail = c.cdr
			break
		}
		c = next
	}
	parts, constant := a.quasiParts(items, level)
	end := a.quasi(tail, level)
	if k, ok := end.(*eConst); ok && constant {
		// Its parts carry no positions any more.
		for i := range items {
			items[i] = parts[i].e.(*eConst).v
		}
		return &eConst{listTail(items, k.v)}
	}
	return &eBuild{kind: KindList, parts: parts, tail: end, pos: a.pos}
}

func (a *analyser) quasiWrap(head string, x Value, level int) expr {
	inner := a.quasi(x, level)
	if k, ok := inner.(*eConst); ok {
		return &eConst{List(Sym(head), k.v)}
	}
	return &eBuild{kind: KindList, parts: []ePart{{e: &eConst{Sym(head)}}, {e: inner}}, tail: constNil, pos: a.pos}
}

func (a *analyser) quasiParts(items []Value, level int) ([]ePart, bool) {
	a.t.charge(1)
	a.t.alloc(int64(len(items))*partSize + 128)
	parts := make([]ePart, len(items))
	constant := true
	for i, item := range items {
		if x, ok := unquoteOf(item, "unquote-splicing"); ok && level == 1 {
			parts[i] = ePart{e: a.expr(x), splice: true}
			constant = false
			continue
		}
		parts[i].e = a.quasi(item, level)
		if _, ok := parts[i].e.(*eConst); !ok {
			constant = false
		} else if _, ok := unquoteOf(item, "unquote"); ok && level == 1 {
			constant = false
		}
	}
	return parts, constant
}
