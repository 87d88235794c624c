package lisp

// Nodes for calls. The arguments are evaluated into Go variables before the next frame is touched, because evaluating them
// may use that frame.
type (
	nodePrim struct {
		p    *primitive
		args []node
		pos  position
	}
	// nodeTest1 is a predicate that cannot fail.
	nodeTest1 struct {
		p  *primitive
		a  node
		is func(Value) bool
	}
	// callSite is what every call of the program's functions knows; the quick ones are in node_calls.go.
	callSite struct {
		g         *global // what is called, by a global name
		pos, name position
		args      []node
	}
	nodeCallGN struct{ callSite }
	nodeCallXN struct {
		callSite
		f node
	}
	nodeTailGN struct{ callSite }
	nodeTailXN struct {
		callSite
		f node
	}
	// sumArg is an argument that is a local variable plus a constant, the shape of recursion.
	sumArg struct {
		i   int
		k   int64
		o   op // what it is called in messages
		pos position
	}
)

func (n *nodeTest1) eval(fr *frame) Value { return Bool(n.is(n.a.eval(fr))) }
func (n *nodeTest1) test(fr *frame) bool  { return n.is(n.a.eval(fr)) }

func (n *nodePrim) eval(fr *frame) Value {
	t := fr.t
	base := len(t.stack)
	args := fr.window(n.args)
	fr.site, t.top = n.pos, fr
	n.p.check(t, args)
	nf := fr.next
	if nf == nil {
		nf = fr.grow(n.pos)
	}
	nf.cl, nf.site = n.p.frame, 0
	t.top = nf
	r := n.p.fn(t, args)
	t.stack = t.stack[:base]
	return r
}

//go:noinline
func (s *sumArg) slow(fr *frame) Value {
	if s.o == opSub {
		return fr.arith(opSub, fr.slots[s.i&7], Int(-s.k), s.pos)
	}
	return fr.arith(opAdd, fr.slots[s.i&7], Int(s.k), s.pos)
}

// shapesOf recognises the arguments that calls have quick shapes for: S a local variable plus a constant, L a local
// variable.
func shapesOf(args []node) (shape [4]byte, fit [4]sumArg) {
	for i, a := range args {
		if i >= len(shape) {
			break
		}
		switch a := a.(type) {
		case *nodeLocal:
			shape[i], fit[i].i = 'L', a.i
		case *nodeAddLK:
			shape[i], fit[i] = 'S', sumArg{a.i, a.k, opAdd, a.pos}
		case *nodeSubLK:
			if a.k != -1<<63 {
				shape[i], fit[i] = 'S', sumArg{a.i, -a.k, opSub, a.pos}
			}
		}
	}
	return shape, fit
}

// callee is the function of a call by a global name.
func (fr *frame) callee(at *callSite) Value {
	if at.g.val.o == unbound.o {
		fr.unknown(at.g, at.name)
	}
	return at.g.val
}

// callSlow keeps the arguments where nested calls cannot touch them. It calls anything, or fails.
func (fr *frame) callSlow(f Value, pos position, args ...Value) Value {
	t := fr.t
	base := len(t.stack)
	t.stack = append(t.stack, args...)
	fr.site = pos
	r := fr.invoke(f, t.stack[base:], pos)
	t.stack = t.stack[:base]
	return r
}

// The calls whose function is not as usual: a primitive, one with a rest parameter or another number of parameters; or
// there is no frame or no fuel left.

//go:noinline
func (fr *frame) callGlobal0(at *callSite) Value { return fr.callSlow(fr.callee(at), at.pos) }

//go:noinline
func (fr *frame) callGlobal1(at *callSite, a Value) Value {
	return fr.callSlow(fr.callee(at), at.pos, a)
}

//go:noinline
func (fr *frame) callGlobal2(at *callSite, a, b Value) Value {
	return fr.callSlow(fr.callee(at), at.pos, a, b)
}

//go:noinline
func (fr *frame) callGlobal3(at *callSite, a, b, c Value) Value {
	return fr.callSlow(fr.callee(at), at.pos, a, b, c)
}

//go:noinline
func (fr *frame) callGlobal4(at *callSite, a, b, c, d Value) Value {
	return fr.callSlow(fr.callee(at), at.pos, a, b, c, d)
}

//go:noinline
func (fr *frame) callOther0(f Value, pos position) Value { return fr.callSlow(f, pos) }

//go:noinline
func (fr *frame) callOther1(f Value, pos position, a Value) Value { return fr.callSlow(f, pos, a) }

//go:noinline
func (fr *frame) callOther2(f Value, pos position, a, b Value) Value {
	return fr.callSlow(f, pos, a, b)
}

//go:noinline
func (fr *frame) callOther3(f Value, pos position, a, b, c Value) Value {
	return fr.callSlow(f, pos, a, b, c)
}

//go:noinline
func (fr *frame) callOther4(f Value, pos position, a, b, c, d Value) Value {
	return fr.callSlow(f, pos, a, b, c, d)
}

// window evaluates arguments onto the stack of the thread.
func (fr *frame) window(args []node) []Value {
	t := fr.t
	base := len(t.stack)
	for _, e := range args {
		v := e.eval(fr)
		t.stack = append(t.stack, v)
	}
	return t.stack[base:len(t.stack):len(t.stack)]
}

func (n *nodeCallGN) eval(fr *frame) Value {
	base := len(fr.t.stack)
	args := fr.window(n.args)
	r := fr.invoke(fr.callee(&n.callSite), args, n.pos)
	fr.t.stack = fr.t.stack[:base]
	return r
}

func (n *nodeCallXN) eval(fr *frame) Value {
	f := n.f.eval(fr)
	base := len(fr.t.stack)
	r := fr.invoke(f, fr.window(n.args), n.pos)
	fr.t.stack = fr.t.stack[:base]
	return r
}

func (n *nodeTailGN) eval(fr *frame) Value { return fr.tailGlobal(&n.callSite) }
func (n *nodeTailXN) eval(fr *frame) Value { return fr.tail(n.f.eval(fr), &n.callSite) }

// tailGlobal is a call in tail position of a global function that is not as usual.
//
//go:noinline
func (fr *frame) tailGlobal(at *callSite) Value { return fr.tail(fr.callee(at), at) }

// tail is a call in tail position of anything: a function of the program replaces this frame.
//
//go:noinline
func (fr *frame) tail(f Value, at *callSite) Value {
	t := fr.t
	base := len(t.stack)
	window := fr.window(at.args)
	cl, ok := f.o.(*closure)
	if !ok {
		r := fr.invoke(f, window, at.pos)
		t.stack = t.stack[:base]
		return r
	}
	fr.site, t.top = at.pos, fr
	t.fits(cl, len(window))
	t.chargeCall(cl.proto.cost)
	fr.load(cl, window)
	t.stack = t.stack[:base]
	return tailMark()
}
