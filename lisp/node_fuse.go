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

// nodeCallG1Sub is a call of a global function with a local variable less or more a constant: the shape of recursion.
type nodeCallG1Sub struct {
	g         *global
	i         int
	k         int64 // added
	o         op    // what it is called in messages
	arg       position
	pos, name position
}

// fuseCall recognises (f (- n 1)) and (f (+ n 1)).
func fuseCall(g *global, a node, pos, name position) node {
	switch a := a.(type) {
	case *nodeSubLK:
		if a.k != -1<<63 {
			return &nodeCallG1Sub{g, a.i, -a.k, opSub, a.pos, pos, name}
		}
	case *nodeAddLK:
		return &nodeCallG1Sub{g, a.i, a.k, opAdd, a.pos, pos, name}
	}
	return nil
}

func (n *nodeCallG1Sub) eval(fr *frame) Value {
	a := fr.slots[n.i&7]
	r := a.n + n.k
	if a.o != nil || (r > a.n) != (n.k > 0) {
		a = n.slow(fr, a)
	} else {
		a.n = r
	}
	cl, ok := n.g.val.o.(*closure)
	if !ok || cl.proto.shape != 1 {
		return fr.callGlobal(n.g, n.pos, n.name, a)
	}
	nf := fr.next
	if nf == nil {
		nf = fr.grow(n.pos)
	}
	fr.site = n.pos
	t := fr.t
	if t.fuel -= cl.proto.cost; t.fuel < 0 {
		fr.refuel(n.pos)
	}
	nf.slots[0] = a
	if nf.cl != cl {
		nf.cl = cl
	}
	v := cl.proto.body.eval(nf)
	if _, tail := v.o.(*tailTag); tail {
		return nf.run()
	}
	return v
}

//go:noinline
func (n *nodeCallG1Sub) slow(fr *frame, a Value) Value {
	if n.o == opSub {
		return fr.arith(opSub, a, Int(-n.k), n.arg)
	}
	return fr.arith(opAdd, a, Int(n.k), n.arg)
}
