package lisp

//go:generate go run gen_nodes.go

// localSlot recognises a plain local variable in one of the first eight slots. A variable that may be missing counts: the
// slow path of every operator notices.
func localSlot(n node) (int, bool) {
	if c, ok := n.(*nodeChecked); ok && c.global == nil {
		n = c.in
	}
	l, ok := n.(*nodeLocal)
	if !ok {
		return 0, false
	}
	return l.i, true
}

func smallConst(n node) (int64, bool) {
	if c, ok := n.(*nodeConst); ok && c.v.o == nil {
		return c.v.n, true
	}
	return 0, false
}

// nodeOp is an operator without nodes of its own.
type nodeOp struct {
	o    op
	a, b node
	pos  position
}

func (n *nodeOp) eval(fr *frame) Value {
	a := n.a.eval(fr)
	b := n.b.eval(fr)
	return fr.arith(n.o, a, b, n.pos)
}

// arith is the slow path of arithmetic.
//
//go:noinline
func (fr *frame) arith(o op, a, b Value, pos position) Value {
	fr.site, fr.t.top = pos, fr
	fr.present(a, b)
	return fr.t.arith(o, a, b)
}

// compare is the slow path of comparisons.
//
//go:noinline
func (fr *frame) compare(o op, a, b Value, pos position) bool {
	fr.site, fr.t.top = pos, fr
	fr.present(a, b)
	return fr.t.compare(o, a, b)
}

// present fails for a variable without value.
func (fr *frame) present(a, b Value) {
	for _, v := range [2]Value{a, b} {
		if _, missing := v.o.(*unboundTag); missing {
			fr.t.fail("arity", "cannot use an argument that is missing: the function was called with fewer arguments")
		}
	}
}

func (t *Thread) compare(o op, a, b Value) bool {
	switch o {
	case opEQ:
		return t.equal(a, b)
	case opNE:
		return !t.equal(a, b)
	}
	c := t.order(a, b)
	switch o {
	case opLT:
		return c < 0
	case opLE:
		return c <= 0
	case opGT:
		return c > 0
	}
	return c >= 0
}
