package lisp

// Nodes for calls. The arguments are evaluated into Go variables before the next frame is touched, because evaluating them
// may use that frame.
type (
	nodePrim1 struct {
		fn  func(*Thread, Value) Value
		a   node
		pos position
	}
	nodePrim2 struct {
		fn   func(*Thread, Value, Value) Value
		a, b node
		pos  position
	}
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
	nodeCallG1 struct {
		g         *global
		a         node
		pos, name position
	}
	nodeCallG2 struct {
		g         *global
		a, b      node
		pos, name position
	}
	nodeCallG3 struct {
		g         *global
		a, b, c   node
		pos, name position
	}
	nodeCallGN struct {
		g         *global
		args      []node
		pos, name position
	}
	nodeCall0 struct {
		f   node
		pos position
	}
	nodeCall1 struct {
		f, a node
		pos  position
	}
	nodeCall2 struct {
		f, a, b node
		pos     position
	}
	nodeCallN struct {
		f    node
		args []node
		pos  position
	}
	nodeTail struct {
		f    node
		args []node
		pos  position
	}
	nodeTailG1 struct {
		g     *global
		a     node
		pos   position
		other *nodeTailGlobal
	}
	nodeTailG2 struct {
		g     *global
		a, b  node
		pos   position
		other *nodeTailGlobal
	}
	nodeTailG3 struct {
		g       *global
		a, b, c node
		pos     position
		other   *nodeTailGlobal
	}
	nodeTailG4 struct {
		g          *global
		a, b, c, d node
		pos        position
		other      *nodeTailGlobal
	}
	nodeTailGlobal struct {
		g         *global
		args      []node
		pos, name position
	}
)

func (n *nodePrim1) eval(fr *frame) Value {
	a := n.a.eval(fr)
	fr.site, fr.t.top = n.pos, fr
	return n.fn(fr.t, a)
}

func (n *nodePrim2) eval(fr *frame) Value {
	a := n.a.eval(fr)
	b := n.b.eval(fr)
	fr.site, fr.t.top = n.pos, fr
	return n.fn(fr.t, a, b)
}

func (n *nodeTest1) eval(fr *frame) Value { return Bool(n.is(n.a.eval(fr))) }
func (n *nodeTest1) test(fr *frame) bool  { return n.is(n.a.eval(fr)) }

func (n *nodePrim) eval(fr *frame) Value {
	t := fr.t
	base := len(t.stack)
	for _, e := range n.args {
		v := e.eval(fr)
		t.stack = append(t.stack, v)
	}
	args := t.stack[base:len(t.stack):len(t.stack)]
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

// call is a call through a global that is no plain one: of a primitive, with a rest parameter, or an error.
//
//go:noinline
func (fr *frame) callGlobal(g *global, pos, name position, args ...Value) Value {
	if g.val.o == unbound.o {
		fr.unknown(g, name)
	}
	return fr.callSlow(g.val, pos, args)
}

// callSlow keeps the arguments where nested calls cannot touch them.
func (fr *frame) callSlow(f Value, pos position, args []Value) Value {
	t := fr.t
	base := len(t.stack)
	t.stack = append(t.stack, args...)
	fr.site = pos
	r := fr.invoke(f, t.stack[base:], pos)
	t.stack = t.stack[:base]
	return r
}

func (n *nodeCallG1) eval(fr *frame) Value {
	a := n.a.eval(fr)
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
	r := cl.proto.body.eval(nf)
	if _, tail := r.o.(*tailTag); tail {
		return nf.run()
	}
	return r
}

func (n *nodeCallG2) eval(fr *frame) Value {
	a := n.a.eval(fr)
	b := n.b.eval(fr)
	cl, ok := n.g.val.o.(*closure)
	if !ok || cl.proto.shape != 2 {
		return fr.callGlobal(n.g, n.pos, n.name, a, b)
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
	nf.slots[1] = b
	if nf.cl != cl {
		nf.cl = cl
	}
	r := cl.proto.body.eval(nf)
	if _, tail := r.o.(*tailTag); tail {
		return nf.run()
	}
	return r
}

func (n *nodeCallG3) eval(fr *frame) Value {
	a := n.a.eval(fr)
	b := n.b.eval(fr)
	c := n.c.eval(fr)
	cl, ok := n.g.val.o.(*closure)
	if !ok || cl.proto.shape != 3 {
		return fr.callGlobal(n.g, n.pos, n.name, a, b, c)
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
	nf.slots[1] = b
	nf.slots[2] = c
	if nf.cl != cl {
		nf.cl = cl
	}
	r := cl.proto.body.eval(nf)
	if _, tail := r.o.(*tailTag); tail {
		return nf.run()
	}
	return r
}

func (n *nodeCallGN) eval(fr *frame) Value {
	t := fr.t
	base := len(t.stack)
	for _, e := range n.args {
		v := e.eval(fr)
		t.stack = append(t.stack, v)
	}
	if n.g.val.o == unbound.o {
		fr.unknown(n.g, n.name)
	}
	r := fr.invoke(n.g.val, t.stack[base:len(t.stack):len(t.stack)], n.pos)
	t.stack = t.stack[:base]
	return r
}

func (n *nodeCall0) eval(fr *frame) Value {
	return fr.invoke(n.f.eval(fr), nil, n.pos)
}

func (n *nodeCall1) eval(fr *frame) Value {
	f := n.f.eval(fr)
	a := n.a.eval(fr)
	cl, ok := f.o.(*closure)
	if !ok || cl.proto.shape != 1 {
		return fr.callOther(f, n.pos, a)
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
	nf.cl = cl
	r := cl.proto.body.eval(nf)
	if _, tail := r.o.(*tailTag); tail {
		return nf.run()
	}
	return r
}

//go:noinline
func (fr *frame) callOther(f Value, pos position, args ...Value) Value {
	return fr.callSlow(f, pos, args)
}

func (n *nodeCall2) eval(fr *frame) Value {
	f := n.f.eval(fr)
	a := n.a.eval(fr)
	b := n.b.eval(fr)
	cl, ok := f.o.(*closure)
	if !ok || cl.proto.shape != 2 {
		return fr.callOther(f, n.pos, a, b)
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
	nf.slots[1] = b
	nf.cl = cl
	r := cl.proto.body.eval(nf)
	if _, tail := r.o.(*tailTag); tail {
		return nf.run()
	}
	return r
}

func (n *nodeCallN) eval(fr *frame) Value {
	t := fr.t
	f := n.f.eval(fr)
	base := len(t.stack)
	for _, e := range n.args {
		v := e.eval(fr)
		t.stack = append(t.stack, v)
	}
	r := fr.invoke(f, t.stack[base:len(t.stack):len(t.stack)], n.pos)
	t.stack = t.stack[:base]
	return r
}

func (n *nodeTail) eval(fr *frame) Value {
	return fr.tail(n.f.eval(fr), n.args, n.pos)
}

func (n *nodeTailGlobal) eval(fr *frame) Value {
	f := n.g.val
	if f.o == unbound.o {
		fr.unknown(n.g, n.name)
	}
	return fr.tail(f, n.args, n.pos)
}

func (n *nodeTailG1) eval(fr *frame) Value {
	cl, ok := n.g.val.o.(*closure)
	if !ok || cl.proto.shape != 1 {
		return n.other.eval(fr)
	}
	a := n.a.eval(fr)
	fr.slots[0] = a
	t := fr.t
	if t.fuel -= cl.proto.cost; t.fuel < 0 {
		fr.refuel(n.pos)
	}
	if fr.cl != cl {
		fr.cl = cl
	}
	return tailMark
}

func (n *nodeTailG2) eval(fr *frame) Value {
	cl, ok := n.g.val.o.(*closure)
	if !ok || cl.proto.shape != 2 {
		return n.other.eval(fr)
	}
	a := n.a.eval(fr)
	b := n.b.eval(fr)
	fr.slots[0] = a
	fr.slots[1] = b
	t := fr.t
	if t.fuel -= cl.proto.cost; t.fuel < 0 {
		fr.refuel(n.pos)
	}
	if fr.cl != cl {
		fr.cl = cl
	}
	return tailMark
}

func (n *nodeTailG3) eval(fr *frame) Value {
	cl, ok := n.g.val.o.(*closure)
	if !ok || cl.proto.shape != 3 {
		return n.other.eval(fr)
	}
	a := n.a.eval(fr)
	b := n.b.eval(fr)
	c := n.c.eval(fr)
	fr.slots[0] = a
	fr.slots[1] = b
	fr.slots[2] = c
	t := fr.t
	if t.fuel -= cl.proto.cost; t.fuel < 0 {
		fr.refuel(n.pos)
	}
	if fr.cl != cl {
		fr.cl = cl
	}
	return tailMark
}

func (n *nodeTailG4) eval(fr *frame) Value {
	cl, ok := n.g.val.o.(*closure)
	if !ok || cl.proto.shape != 4 {
		return n.other.eval(fr)
	}
	a := n.a.eval(fr)
	b := n.b.eval(fr)
	c := n.c.eval(fr)
	d := n.d.eval(fr)
	fr.slots[0] = a
	fr.slots[1] = b
	fr.slots[2] = c
	fr.slots[3] = d
	t := fr.t
	if t.fuel -= cl.proto.cost; t.fuel < 0 {
		fr.refuel(n.pos)
	}
	if fr.cl != cl {
		fr.cl = cl
	}
	return tailMark
}

// tail is a call in tail position of anything: a function of the program replaces this frame.
func (fr *frame) tail(f Value, args []node, pos position) Value {
	t := fr.t
	base := len(t.stack)
	for _, e := range args {
		v := e.eval(fr)
		t.stack = append(t.stack, v)
	}
	window := t.stack[base:len(t.stack):len(t.stack)]
	cl, ok := f.o.(*closure)
	if !ok {
		r := fr.invoke(f, window, pos)
		t.stack = t.stack[:base]
		return r
	}
	fr.site, t.top = pos, fr
	t.fits(cl, len(window))
	t.charge(cl.proto.cost)
	fr.load(cl, window)
	t.stack = t.stack[:base]
	return tailMark
}
