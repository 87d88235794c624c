package lisp

// Nodes for branches, calls, errors and construction.
type (
	nodeIf     struct{ c, a, b node }
	nodeIfTest struct {
		c    tester
		a, b node
	}
	nodeWhile struct {
		c    node
		test tester // c, when it is one
		body node
		cost int64 // steps that a turn takes
		pos  position
	}
	nodeNot struct{ c tester }
	nodeAnd struct {
		first []node
		last  node
	}
	nodeOr struct {
		first []node
		last  node
	}
	nodeArray struct{ items []node }
	nodeBuild struct {
		kind   Kind
		parts  []node
		splice []bool
		tail   node
		pos    position
	}
	nodeTry struct {
		body    node
		catches []nodeCatch
		finally node
		pos     position
	}
	nodeCatch struct {
		kind node
		put  storer
		body node
	}
)

func (n *nodeIf) eval(fr *frame) Value {
	if n.c.eval(fr).Truthy() {
		return n.a.eval(fr)
	}
	return n.b.eval(fr)
}

func (n *nodeIfTest) eval(fr *frame) Value {
	if n.c.test(fr) {
		return n.a.eval(fr)
	}
	return n.b.eval(fr)
}

func (n *nodeWhile) eval(fr *frame) Value {
	t := fr.t
	for {
		if counted {
			if t.fuel -= n.cost; t.fuel < 0 {
				fr.refuel(n.pos)
			}
		}
		if n.test != nil && !n.test.test(fr) || n.test == nil && !n.c.eval(fr).Truthy() {
			return Nil
		}
		n.body.eval(fr)
	}
}

func (n *nodeNot) eval(fr *frame) Value { return Bool(!n.c.test(fr)) }
func (n *nodeNot) test(fr *frame) bool  { return !n.c.test(fr) }

func (n *nodeAnd) eval(fr *frame) Value {
	for _, e := range n.first {
		if v := e.eval(fr); !v.Truthy() {
			return v
		}
	}
	return n.last.eval(fr)
}

func (n *nodeOr) eval(fr *frame) Value {
	for _, e := range n.first {
		if v := e.eval(fr); v.Truthy() {
			return v
		}
	}
	return n.last.eval(fr)
}

func (n *nodeArray) eval(fr *frame) Value {
	items := fr.t.makeItems(len(n.items))
	for _, e := range n.items {
		items = append(items, e.eval(fr))
	}
	return arrayOf(items)
}

// eval builds a list, an array or a hash whose parts may be spliced in.
func (n *nodeBuild) eval(fr *frame) Value {
	t := fr.t
	base := len(t.stack)
	for i, p := range n.parts {
		v := p.eval(fr)
		if !n.splice[i] {
			t.stack = append(t.stack, v)
			continue
		}
		t.top, fr.site = fr, n.pos
		items := t.elements(v, "splice")
		t.alloc(int64(len(items)) * valueSize)
		t.stack = append(t.stack, items...)
	}
	items := t.stack[base:]
	t.top, fr.site = fr, n.pos
	var out Value
	switch n.kind {
	case KindList:
		tail := Nil
		if n.tail != nil {
			tail = n.tail.eval(fr)
			items = t.stack[base:]
		}
		t.alloc(int64(len(items)) * consSize)
		out = listTail(items, tail)
	case KindArray:
		out = arrayOf(append(t.makeItems(len(items)), items...))
	default:
		h := NewHash()
		t.alloc(hashSize)
		for i := 0; i+1 < len(items); i += 2 {
			t.setHash(h, items[i], items[i+1])
		}
		out = HashValue(h)
	}
	t.stack = t.stack[:base]
	return out
}

func (n *nodeTry) eval(fr *frame) Value {
	v, err := n.protect(fr, n.body)
	if err == nil {
		if n.finally != nil {
			n.finally.eval(fr)
		}
		return v
	}
	return n.handle(fr, err)
}

// handle runs the handler for an error, and the cleanup after it. It is called when the stack of what failed is gone:
// passing an error on from the deferred function would keep it, and make many nested tries slow.
func (n *nodeTry) handle(fr *frame, err error) Value {
	e, ok := err.(*Error)
	if ok && e.hard {
		panic(e)
	}
	for i := range n.catches {
		c := &n.catches[i]
		if !ok || c.kind != nil && !n.matches(fr, c.kind, e) {
			continue
		}
		c.put.put(fr, ErrorValue(e))
		if n.finally == nil {
			return c.body.eval(fr)
		}
		v, again := n.protect(fr, c.body)
		if err = again; err == nil {
			n.finally.eval(fr)
			return v
		}
		break
	}
	if e, ok := err.(*Error); n.finally != nil && !(ok && e.hard) {
		n.finally.eval(fr)
	}
	panic(err)
}

// matches compares the kind of a catch, a symbol, a string or a list or array of such, with an error's.
func (n *nodeTry) matches(fr *frame, kind node, e *Error) bool {
	want := kind.eval(fr)
	items, ok := want.Elements()
	if !ok {
		items = []Value{want}
	}
	for _, item := range items {
		name, ok := item.AsSymbol()
		if !ok {
			name, ok = item.AsString()
		}
		if !ok {
			fr.site, fr.t.top = n.pos, fr
			fr.t.fail("type", "cannot catch %s: want the symbol of a kind", showArg(item))
		}
		if name == e.Kind {
			return true
		}
	}
	return false
}

// protect evaluates; an error that comes is its result.
func (n *nodeTry) protect(fr *frame, body node) (v Value, err error) {
	t := fr.t
	saved := t.save()
	saved.top = fr
	done := false
	defer func() {
		if done {
			return
		}
		r := recover()
		err = t.asError(r)
		t.restore(saved)
		fr.site = n.pos
		t.fuel -= 100
	}()
	v = body.eval(fr)
	done = true
	return v, nil
}
