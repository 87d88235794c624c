package lisp

// Nodes for constants, variables and sequence.
type (
	nodeConst  struct{ v Value }
	nodeQuote  struct{ v Value } // a constant that must be copied; its n is where it stands
	nodeLocal  struct{ i int }
	nodeMore   struct{ i int }
	nodeUp     struct{ i int }
	nodeUpCell struct{ i int }
	nodeCell   struct{ in node }
	nodeOrNil  struct{ in node }
	// nodeChecked reads a variable that may have no value yet.
	nodeChecked struct {
		in     node
		name   string
		global *global
	}
	nodeGlobal struct {
		g   *global
		pos position
	}
	// nodeKnown calls a global that had no value when the call was compiled.
	nodeKnown struct {
		g    *global
		pos  position
		call node
	}
	nodeDynamic struct {
		table node
		name  Value
		other node
	}
	nodeSet struct {
		to storer
		e  node
	}
	nodeSetMaybe struct {
		to     storer
		global *global
		e      node
	}
	nodeSetGlobal struct {
		g   *global
		e   node
		def bool
	}
	nodeBegin2 struct{ a, b node }
	nodeBegin  struct {
		first []node
		last  node
	}
	nodeLet1 struct {
		slot       int
		init, body node
	}
	nodeLet struct {
		to    []storer
		inits []node
		body  node
	}
	// nodeEnter makes variables of a scope valueless at its start.
	nodeEnter struct {
		slots []int
		boxed []bool
		body  node
	}
	// nodeBox puts parameters into cells.
	nodeBox struct {
		slots []int
		body  node
	}
	// nodeTakeArgs takes the parameters of a #(...) that uses %N out of the list of arguments.
	nodeTakeArgs struct {
		params []storer
		count  storer
		orNil  bool
		body   node
	}
	// nodeBig makes room for more than eight variables.
	nodeBig struct {
		body node
		n    int
	}
	// nodeDeep counts the Go stack that deeply nested expressions use.
	nodeDeep struct {
		body node
		n    int
	}
	nodeClosure struct {
		p    *proto
		caps []node
	}
)

type (
	putSlot    struct{ i int }
	putMore    struct{ i int }
	putNewCell struct{ i int }
	putCell    struct{ in node }
)

func (p *putSlot) put(fr *frame, v Value) { fr.slots[p.i&7] = v }
func (p *putMore) put(fr *frame, v Value) { fr.set(p.i, v) }
func (p *putNewCell) put(fr *frame, v Value) {
	fr.t.alloc(32)
	fr.set(p.i, Value{o: &cell{v}})
}
func (p *putCell) put(fr *frame, v Value) { p.in.eval(fr).o.(*cell).v = v }

func (n *nodeConst) eval(*frame) Value { return n.v }

func (n *nodeQuote) eval(fr *frame) Value {
	fr.site, fr.t.top = position(n.v.n), fr
	return fr.t.copy(n.v, 0)
}
func (n *nodeLocal) eval(fr *frame) Value  { return fr.slots[n.i&7] }
func (n *nodeMore) eval(fr *frame) Value   { return fr.more[n.i] }
func (n *nodeUp) eval(fr *frame) Value     { return fr.cl.up[n.i] }
func (n *nodeUpCell) eval(fr *frame) Value { return fr.cl.up[n.i].o.(*cell).v }
func (n *nodeCell) eval(fr *frame) Value   { return n.in.eval(fr).o.(*cell).v }

func (n *nodeOrNil) eval(fr *frame) Value {
	v := n.in.eval(fr)
	if _, missing := v.o.(*unboundTag); missing {
		return Nil
	}
	return v
}

func (n *nodeChecked) eval(fr *frame) Value {
	v := n.in.eval(fr)
	if _, missing := v.o.(*unboundTag); missing {
		return n.missing(fr)
	}
	return v
}

func (n *nodeChecked) missing(fr *frame) Value {
	if n.global != nil && n.global.val.o != unbound.o {
		return n.global.val
	}
	fr.t.top = fr
	if n.name[0] == '%' {
		fr.t.fail("arity", "cannot use %s: the function was called with fewer arguments", n.name)
	}
	fr.t.fail("unbound", "cannot use %s: it has no value yet", n.name)
	return Nil
}

func (n *nodeGlobal) eval(fr *frame) Value {
	v := n.g.val
	if _, missing := v.o.(*unboundTag); missing {
		fr.unknown(n.g, n.pos)
	}
	return v
}

// unknown fails for a global name without value.
//
//go:noinline
func (fr *frame) unknown(g *global, pos position) {
	fr.site, fr.t.top = pos, fr
	t := fr.t
	t.fail("unbound", "cannot find %s: no such name%s", clip(g.name, 200), t.unknown(g.name, g.local))
}

func (n *nodeKnown) eval(fr *frame) Value {
	if n.g.val.o == unbound.o {
		fr.unknown(n.g, n.pos)
	}
	return n.call.eval(fr)
}

func (n *nodeDynamic) eval(fr *frame) Value {
	h := n.table.eval(fr).o.(*Hash)
	if v, ok := h.Get(n.name); ok {
		return v
	}
	return n.other.eval(fr)
}

func (n *nodeSet) eval(fr *frame) Value {
	n.to.put(fr, n.e.eval(fr))
	return Nil
}

func (n *nodeSetMaybe) eval(fr *frame) Value {
	v := n.e.eval(fr)
	if n.global.val.o != unbound.o {
		n.global.set(v)
	} else {
		n.to.put(fr, v)
	}
	return Nil
}

func (n *nodeSetGlobal) eval(fr *frame) Value {
	v := n.e.eval(fr)
	if n.g.val.o == unbound.o {
		fr.t.alloc(128)
	}
	n.g.set(v)
	return Nil
}

func (n *nodeBegin2) eval(fr *frame) Value {
	n.a.eval(fr)
	return n.b.eval(fr)
}

func (n *nodeBegin) eval(fr *frame) Value {
	for _, e := range n.first {
		e.eval(fr)
	}
	return n.last.eval(fr)
}

func (n *nodeLet1) eval(fr *frame) Value {
	fr.slots[n.slot&7] = n.init.eval(fr)
	return n.body.eval(fr)
}

func (n *nodeLet) eval(fr *frame) Value {
	for i, init := range n.inits {
		n.to[i].put(fr, init.eval(fr))
	}
	return n.body.eval(fr)
}

func (n *nodeEnter) eval(fr *frame) Value {
	for i, slot := range n.slots {
		v := unbound
		if n.boxed[i] {
			fr.t.alloc(32)
			v = Value{o: &cell{unbound}}
		}
		fr.set(slot, v)
	}
	return n.body.eval(fr)
}

func (n *nodeBox) eval(fr *frame) Value {
	for _, slot := range n.slots {
		fr.t.alloc(32)
		if slot < 8 {
			fr.slots[slot] = Value{o: &cell{fr.slots[slot]}}
		} else {
			fr.more[slot-8] = Value{o: &cell{fr.more[slot-8]}}
		}
	}
	return n.body.eval(fr)
}

func (n *nodeTakeArgs) eval(fr *frame) Value {
	rest := fr.slots[0]
	count := 0
	if c, ok := rest.o.(*cons); ok {
		count, _ = c.length()
	}
	for i, p := range n.params {
		v := unbound
		if i == 0 && n.orNil {
			v = Nil
		}
		if c, ok := rest.o.(*cons); ok {
			v, rest = c.car, c.cdr
		}
		p.put(fr, v)
	}
	n.count.put(fr, Int(int64(count)))
	return n.body.eval(fr)
}

func (n *nodeBig) eval(fr *frame) Value {
	if len(fr.more) < n.n {
		fr.t.alloc(int64(n.n) * valueSize)
		fr.more = append(fr.more, make([]Value, n.n-len(fr.more))...)
	}
	return n.body.eval(fr)
}

// maxStack bounds nested expressions of all calls under way, so that the Go stack stays far below its limit.
const maxStack = 1 << 20

func (n *nodeDeep) eval(fr *frame) Value {
	t := fr.t
	if t.deep += n.n; t.deep > maxStack {
		t.top = fr
		t.failHard("budget", "budget exceeded: expressions nested too deeply in nested calls")
	}
	v := n.body.eval(fr)
	t.deep -= n.n
	return v
}

func (n *nodeClosure) eval(fr *frame) Value {
	fr.t.alloc(int64(len(n.caps))*valueSize + 40)
	switch len(n.caps) {
	case 1:
		c := &struct {
			closure
			up [1]Value
		}{}
		c.proto = n.p
		c.up[0] = n.caps[0].eval(fr)
		c.closure.up = c.up[:]
		return Value{o: &c.closure}
	case 2:
		c := &struct {
			closure
			up [2]Value
		}{}
		c.proto = n.p
		c.up[0] = n.caps[0].eval(fr)
		c.up[1] = n.caps[1].eval(fr)
		c.closure.up = c.up[:]
		return Value{o: &c.closure}
	}
	c := &closure{proto: n.p, up: make([]Value, len(n.caps))}
	for i, e := range n.caps {
		c.up[i] = e.eval(fr)
	}
	return Value{o: c}
}

// copy copies the arrays, hashes and records in a value.
func (t *Thread) copy(v Value, depth int) Value {
	if depth > maxPrintDepth {
		t.fail("value", "cannot copy: nested more than %d levels deep", maxPrintDepth)
	}
	switch o := v.o.(type) {
	case *array:
		items := t.makeItems(len(o.items))
		for _, item := range o.items {
			items = append(items, t.copy(item, depth+1))
		}
		return arrayOf(items)
	case *Hash:
		h := NewHash()
		o.Each(func(k, item Value) bool {
			t.setHash(h, k, t.copy(item, depth+1))
			return true
		})
		return HashValue(h)
	case *record:
		r := &record{class: o.class, values: t.makeItems(len(o.values))}
		for _, item := range o.values {
			r.values = append(r.values, t.copy(item, depth+1))
		}
		return Value{o: r}
	case *braces:
		h := NewHash()
		for i := 0; i+1 < len(o.items); i += 2 {
			t.setHash(h, t.copy(o.items[i], depth+1), t.copy(o.items[i+1], depth+1))
		}
		return HashValue(h)
	case *cons:
		if !t.mutable(v) {
			return v
		}
		var items []Value
		for {
			items = append(items, t.copy(o.car, depth+1))
			next, ok := o.cdr.o.(*cons)
			if !ok {
				t.alloc(int64(len(items)) * consSize)
				out := listTail(items, t.copy(o.cdr, depth+1))
				out.n = v.n
				return out
			}
			o = next
		}
	}
	return v
}
