package lisp

// node is a piece of compiled code: immutable, evaluated any number of times, by any number of evaluations at once.
type node interface{ eval(fr *frame) Value }

// tester is a node that knows a quicker way to be a condition.
type tester interface {
	node
	test(fr *frame) bool
}

// frame is one call under way. Frames form a chain that is kept from call to call, so that calling takes no memory; the
// depth budget is enforced where the chain grows.
type frame struct {
	cl    *closure
	t     *Thread
	next  *frame
	site  position // where this frame's code is calling
	slots [8]Value
	prev  *frame
	more  []Value // slots beyond the first eight
	depth int32
}

// grow makes the frame that follows the last one.
//
//go:noinline
func (fr *frame) grow(pos position) *frame {
	t := fr.t
	if fr.depth >= t.depth {
		fr.site, t.top = pos, fr
		t.failHard("budget", "budget exceeded: calls nested more than %d deep", t.depth)
	}
	n := min(32, 2+int(fr.depth))
	block := make([]frame, n)
	prev := fr
	for i := range block {
		f := &block[i]
		f.t, f.prev, f.depth = t, prev, prev.depth+1
		prev.next = f
		prev = f
	}
	// Frames beyond the limit of depth are never entered: entering them would have to pass a frame that knows better.
	for i := range block {
		if block[i].depth >= t.depth {
			block[i].next = nil
			break
		}
	}
	return fr.next
}

// refuel is Thread.refuel for a call at pos.
//
//go:noinline
func (fr *frame) refuel(pos position) {
	fr.site, fr.t.top = pos, fr
	fr.t.refuelCall()
}

// run is the trampoline: the frame was loaded by a call in tail position.
//
//go:noinline
func (fr *frame) run() Value {
	for {
		r := fr.cl.proto.body.eval(fr)
		if _, tail := r.o.(*tailTag); !tail {
			return r
		}
	}
}

// set stores a slot that may lie beyond the first eight.
func (fr *frame) set(i int, v Value) {
	if i < 8 {
		fr.slots[i] = v
		return
	}
	if i-8 >= len(fr.more) {
		fr.more = append(fr.more, make([]Value, i-8+1-len(fr.more))...)
	}
	fr.more[i-8] = v
}

// load puts arguments into the slots of a frame, for a function that takes them as they are or has a rest parameter.
func (fr *frame) load(cl *closure, args []Value) {
	p := cl.proto
	if p.nslots > 8 && len(fr.more) < p.nslots-8 {
		fr.more = make([]Value, p.nslots-8)
	}
	n := min(len(args), p.nparams)
	for i := 0; i < n; i++ {
		fr.set(i, args[i])
	}
	switch {
	case p.rest:
		if len(args) < p.nparams {
			break
		}
		rest := Nil
		if len(args) > n {
			fr.t.alloc(int64(len(args)-n) * consSize)
			rest = listTail(args[n:], Nil)
		}
		fr.set(p.nparams, rest)
	case p.loose:
		for i := n; i < p.nparams; i++ {
			if i == 0 && p.orNil {
				fr.set(i, Nil)
			} else {
				fr.set(i, unbound)
			}
		}
	}
	fr.cl = cl
}

// fits fails unless cl can be called with n arguments.
func (t *Thread) fits(cl *closure, n int) {
	p := cl.proto
	switch {
	case n == p.nparams || p.rest && n > p.nparams || p.loose:
	case p.rest:
		t.arity(p.title(), n, p.nparams, -1, p.usage())
	default:
		t.arity(p.title(), n, p.nparams, p.nparams, p.usage())
	}
}

// invoke calls anything with arguments that lie elsewhere than in the next frame; the slow way of all calls.
func (fr *frame) invoke(f Value, args []Value, pos position) Value {
	t := fr.t
	if pos != 0 {
		fr.site = pos
	}
	nf := fr.next
	if nf == nil {
		nf = fr.grow(fr.site)
	}
	switch o := f.o.(type) {
	case *closure:
		t.top = fr
		t.fits(o, len(args))
		t.chargeCall(o.proto.cost)
		nf.load(o, args)
		r := o.proto.body.eval(nf)
		if _, tail := r.o.(*tailTag); tail {
			return nf.run()
		}
		return r
	case *primitive:
		t.top = fr
		o.check(t, args)
		nf.cl, nf.site = o.frame, 0
		t.top = nf
		t.charge(1)
		r := o.fn(t, args)
		t.top = fr
		return r
	}
	t.top = fr
	t.notFunction(f)
	return Nil
}

func (t *Thread) notFunction(f Value) {
	t.fail("type", "cannot call %s: want a function", showArg(f))
}

// apply calls back into the program from a primitive.
func (t *Thread) apply(f Value, args []Value) Value {
	top := t.top
	r := top.invoke(f, args, 0)
	t.top = top
	return r
}

// call1 is apply with one argument, without a slice.
func (t *Thread) call1(f, a Value) Value {
	top := t.top
	cl, ok := f.o.(*closure)
	if !ok || cl.proto.shape != 1 {
		if p, ok := f.o.(*primitive); ok && p.fn1 != nil {
			t.charge(1)
			return p.fn1(t, a)
		}
		base := len(t.stack)
		t.stack = append(t.stack, a)
		r := top.invoke(f, t.stack[base:], 0)
		t.stack = t.stack[:base]
		t.top = top
		return r
	}
	nf := top.next
	if nf == nil {
		nf = top.grow(top.site)
	}
	if counted {
		if t.fuel -= cl.proto.cost; t.fuel < 0 {
			t.refuelCall()
		}
	}
	nf.slots[0] = a
	nf.cl = cl
	r := cl.proto.body.eval(nf)
	if _, tail := r.o.(*tailTag); tail {
		r = nf.run()
	}
	t.top = top
	return r
}

// call2 is apply with two arguments.
func (t *Thread) call2(f, a, b Value) Value {
	top := t.top
	cl, ok := f.o.(*closure)
	if !ok || cl.proto.shape != 2 {
		if p, ok := f.o.(*primitive); ok && p.fn2 != nil {
			t.charge(1)
			return p.fn2(t, a, b)
		}
		base := len(t.stack)
		t.stack = append(t.stack, a, b)
		r := top.invoke(f, t.stack[base:], 0)
		t.stack = t.stack[:base]
		t.top = top
		return r
	}
	nf := top.next
	if nf == nil {
		nf = top.grow(top.site)
	}
	if counted {
		if t.fuel -= cl.proto.cost; t.fuel < 0 {
			t.refuelCall()
		}
	}
	nf.slots[0] = a
	nf.slots[1] = b
	nf.cl = cl
	r := cl.proto.body.eval(nf)
	if _, tail := r.o.(*tailTag); tail {
		r = nf.run()
	}
	t.top = top
	return r
}
