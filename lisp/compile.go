package lisp

// compiler turns the core language into nodes, one function at a time.
type compiler struct {
	t     *Thread
	src   *source
	fn    *fnScope
	count int  // nodes so far: the cost of the function
	calls bool // the function may call others, or go round
	nest  int
	deep  int // the deepest nesting of expressions
}

// smallFunction is how many nodes a function may have whose calls are part of the turn or the call in which they stand.
const smallFunction = 16

// maxPlainNest is how deep expressions of a function may be nested without counting the Go stack they use.
const maxPlainNest = 16

// topLevel compiles and runs the forms of a text one after another, with the same tools.
type topLevel struct {
	pos      position // of a form that has none
	analyser analyser
	compiler compiler
	fn       fnScope
	proto    proto
	closure  closure
}

func newTopLevel(t *Thread, env *Env, src *source) *topLevel {
	// The room for parts of forms is lent by the thread, to one analysis at a time.
	top := &topLevel{analyser: analyser{t: t, env: env, src: src, forms: t.forms[:0]}, compiler: compiler{t: t, src: src}}
	t.forms = nil
	top.closure.proto = &top.proto
	return top
}

// compile compiles a form at top level.
func (top *topLevel) compile(form Value) *closure {
	a, c := &top.analyser, &top.compiler
	top.fn = fnScope{}
	a.fn, a.scope, a.branch, a.pos = &top.fn, nil, 0, top.pos
	c.fn, c.count, c.calls, c.nest, c.deep = &top.fn, 0, false, 0, 0
	body := c.expr(a.expr(form), false)
	top.proto = c.proto(body, topName)
	return &top.closure
}

// instance makes the function of a macro.
func (t *Thread) instance(e *eFn, src *source) Value {
	c := &compiler{t: t, src: src, fn: &fnScope{}}
	return c.function(e).eval(t.top)
}

func (c *compiler) proto(body node, name string) proto {
	if c.fn.max > 8 {
		body = &nodeBig{body, c.fn.max - 8}
	}
	if c.deep > maxPlainNest {
		body = &nodeDeep{body, c.deep}
	}
	c.t.alloc(128)
	fs := c.fn
	p := proto{body: body, nparams: fs.nparams, rest: fs.rest, loose: fs.loose, orNil: fs.orNil, nslots: fs.max,
		cost: int64(c.count)/8 + 1, name: name, doc: fs.doc, params: fs.written, src: c.src, pos: fs.pos}
	if c.calls || c.count > smallFunction {
		p.own = p.cost
	}
	p.shape = p.nparams
	if p.rest || p.nslots > 8 && p.nparams > 8 || fs.count {
		p.shape = -1
	}
	if fs.count {
		p.rest, p.loose, p.nparams = true, false, 0
	}
	return p
}

// function compiles a function: a constant when it captures nothing, else a node that makes a closure.
func (c *compiler) function(e *eFn) node {
	in := &compiler{t: c.t, src: c.src, fn: e.fn}
	body := in.expr(e.body, true)
	fs := e.fn
	if fs.count {
		body = in.takeArgs(body)
	} else {
		var boxes []int
		for _, v := range fs.params {
			if v.boxed() {
				boxes = append(boxes, v.slot)
			}
		}
		if len(boxes) > 0 {
			body = &nodeBox{boxes, body}
		}
	}
	body = in.enter(fs.scope, fs.params, body)
	whole := &struct {
		proto
		closure
	}{proto: in.proto(body, fs.name)}
	p := &whole.proto
	if len(fs.caps) == 0 {
		whole.closure.proto = p
		return &nodeConst{Value{o: &whole.closure}}
	}
	caps := make([]node, len(fs.caps))
	for i, v := range fs.caps {
		caps[i] = c.raw(v)
	}
	return &nodeClosure{p, caps}
}

// takeArgs distributes the list of all arguments in slot 0 of a #(...) that uses %N.
func (c *compiler) takeArgs(body node) node {
	fs := c.fn
	n := &nodeTakeArgs{body: body, orNil: fs.orNil}
	for i, v := range fs.params {
		if i == len(fs.params)-1 {
			n.count = c.store(v, true, true)
		} else {
			n.params = append(n.params, c.store(v, true, true))
		}
	}
	return n
}

// storer puts a value into a variable.
type storer interface{ put(fr *frame, v Value) }

// store chooses how a variable gets a value: fresh makes a new cell for a boxed one.
func (c *compiler) store(v *variable, define, fresh bool) storer {
	switch {
	case v.boxed() && define && fresh:
		return &putNewCell{v.slot}
	case v.boxed():
		return &putCell{c.raw(v)}
	case v.slot < 8:
		return &putSlot{v.slot}
	}
	return &putMore{v.slot}
}

// enter wraps the code of a scope in what its variables need at the start.
func (c *compiler) enter(s *scope, params []*variable, body node) node {
	var slots []int
	var boxed []bool
	for _, v := range s.vars {
		if !v.unset || v.fn != c.fn {
			continue
		}
		param := v.name == "%"
		for _, p := range params {
			param = param || p == v
		}
		if !param {
			slots = append(slots, v.slot)
			boxed = append(boxed, v.boxed())
		}
	}
	if len(slots) == 0 {
		return body
	}
	return &nodeEnter{slots, boxed, body}
}

// locals are the nodes of the first eight variables, which all functions share.
var locals = [8]nodeLocal{{0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}}

// raw gives what the place of a variable holds: its value, or its cell.
func (c *compiler) raw(v *variable) node {
	if v.fn == c.fn {
		if v.slot < 8 {
			return &locals[v.slot]
		}
		return &nodeMore{v.slot - 8}
	}
	for i, w := range c.fn.caps {
		if w == v {
			return &nodeUp{i}
		}
	}
	c.fn.caps = append(c.fn.caps, v)
	return &nodeUp{len(c.fn.caps) - 1}
}

// local reads a variable.
func (c *compiler) local(v *variable) node {
	n := c.raw(v)
	if v.boxed() {
		if up, ok := n.(*nodeUp); ok {
			n = &nodeUpCell{up.i}
		} else {
			n = &nodeCell{n}
		}
	}
	if !v.unset {
		return n
	}
	if v.orNil {
		return &nodeOrNil{n}
	}
	return &nodeChecked{n, v.name, v.global}
}

func (c *compiler) exprs(es []expr) []node {
	out := make([]node, len(es))
	for i, e := range es {
		out[i] = c.expr(e, false)
	}
	return out
}

// expr compiles an expression; tail means that its value is the function's.
func (c *compiler) expr(e expr, tail bool) node {
	c.t.charge(1)
	c.t.alloc(64)
	c.count++
	c.nest++
	c.deep = max(c.deep, c.nest)
	n := c.node(e, tail)
	c.nest--
	return n
}

func (c *compiler) node(e expr, tail bool) node {
	switch e := e.(type) {
	case *eConst:
		if c.t.mutable(e.v) {
			return &nodeQuote{e.v}
		}
		return e
	case *eLocal:
		return c.local(e.v)
	case *eGlobal:
		return &nodeGlobal{e.g, e.pos}
	case *eDynamic:
		return &nodeDynamic{c.local(e.table), Value{o: e.name}, c.expr(e.other, false)}
	case *eSet:
		nameFunction(e.e, e.v.name)
		value := c.expr(e.e, false)
		put := c.store(e.v, e.define, !(e.first && e.v.unset))
		if e.v.global != nil && !e.define {
			return &nodeSetMaybe{put, e.v.global, value}
		}
		return &nodeSet{put, value}
	case *eSetGlobal:
		nameFunction(e.e, e.g.name)
		return &nodeSetGlobal{e.g, c.expr(e.e, false), e.def}
	case *eIf:
		return c.branch(e, tail)
	case *eAnd:
		return c.logic(e.es, tail, false)
	case *eOr:
		return c.logic(e.es, tail, true)
	case *eBegin:
		es := make([]node, len(e.es))
		for i, x := range e.es {
			es[i] = c.expr(x, tail && i == len(e.es)-1)
		}
		if len(es) == 2 {
			return &nodeBegin2{es[0], es[1]}
		}
		return &nodeBegin{es[:len(es)-1], es[len(es)-1]}
	case *eLet:
		return c.let(e, tail)
	case *eWhile:
		return c.while(e)
	case *eFn:
		return c.function(e)
	case *eCall:
		return c.call(e, tail)
	case *eTry:
		return c.try(e, tail)
	case *eBuild:
		return c.build(e)
	}
	panic(Errorf("failed", "internal error: cannot compile %T", e))
}

// nameFunction gives a function literal the name it is bound to.
func nameFunction(e expr, name string) {
	if fn, ok := e.(*eFn); ok && fn.fn.name == "" {
		fn.fn.name = name
	}
}

func (c *compiler) branch(e *eIf, tail bool) node {
	cond := c.expr(e.c, false)
	a, b := c.expr(e.a, tail), c.expr(e.b, tail)
	if n := fuseIf(cond, a, b); n != nil {
		return n
	}
	if t, ok := cond.(tester); ok {
		return &nodeIfTest{t, a, b}
	}
	return &nodeIf{cond, a, b}
}

func (c *compiler) while(e *eWhile) node {
	c.calls = true
	before := c.count
	n := &nodeWhile{c: c.expr(e.c, false), pos: e.pos}
	n.test, _ = n.c.(tester)
	n.body = c.enter(e.scope, nil, c.expr(e.body, false))
	n.cost = int64(c.count-before)/8 + 1
	return n
}

func (c *compiler) logic(es []expr, tail, or bool) node {
	out := make([]node, len(es))
	for i, e := range es {
		out[i] = c.expr(e, tail && i == len(es)-1)
	}
	if len(out) == 1 {
		return out[0]
	}
	if or {
		return &nodeOr{out[:len(out)-1], out[len(out)-1]}
	}
	return &nodeAnd{out[:len(out)-1], out[len(out)-1]}
}

func (c *compiler) let(e *eLet, tail bool) node {
	if n := c.plainLet(e, tail); n != nil {
		return c.enter(e.scope, nil, n)
	}
	inits := make([]node, len(e.inits))
	puts := make([]storer, len(e.inits))
	for i, init := range e.inits {
		nameFunction(init, e.vars[i].name)
		inits[i] = c.expr(init, false)
	}
	body := c.expr(e.body, tail)
	for i, v := range e.vars {
		puts[i] = c.store(v, true, !v.unset)
	}
	return c.enter(e.scope, nil, &nodeLet{puts, inits, body})
}

// plainLet compiles a let whose variables all stand in the first slots and are not captured and assigned; nil when this is
// none. The values of a let do not see its variables, so each can be stored at once.
func (c *compiler) plainLet(e *eLet, tail bool) node {
	for _, v := range e.vars {
		if v.slot >= 8 || v.boxed() || v.unset {
			return nil
		}
	}
	if len(e.vars) == 0 {
		return nil
	}
	first := &nodeLet1{}
	last := first
	for i, v := range e.vars {
		if i > 0 {
			next := &nodeLet1{}
			last.body, last = next, next
		}
		nameFunction(e.inits[i], v.name)
		last.slot, last.init = v.slot, c.expr(e.inits[i], false)
	}
	last.body = c.expr(e.body, tail)
	return first
}

func (c *compiler) call(e *eCall, tail bool) node {
	if k, ok := e.f.(*eConst); ok {
		if p, ok := k.v.o.(*primitive); ok {
			return c.primitive(p, e)
		}
	}
	if g, ok := e.f.(*eGlobal); ok && g.g.val.o == unbound.o && !g.g.coming {
		// Most likely a slip: say so before the arguments fail for want of what it would have made of them.
		return &nodeKnown{g.g, g.pos, c.plainCall(e, tail)}
	}
	return c.plainCall(e, tail)
}

func (c *compiler) plainCall(e *eCall, tail bool) node {
	c.calls = true
	args := c.exprs(e.args)
	at := callSite{pos: e.pos, args: args}
	if g, ok := e.f.(*eGlobal); ok {
		at.g, at.name = g.g, g.pos
		n := newCallG
		if tail {
			n = newTailG
		}
		if quick := n(at, args); quick != nil {
			return quick
		}
		if tail {
			return &nodeTailGN{at}
		}
		return &nodeCallGN{at}
	}
	f := c.expr(e.f, false)
	n := newCallX
	if tail {
		n = newTailX
	}
	if quick := n(at, f, args); quick != nil {
		return quick
	}
	if tail {
		return &nodeTailXN{at, f}
	}
	return &nodeCallXN{at, f}
}

func (c *compiler) primitive(p *primitive, e *eCall) node {
	switch len(e.args) {
	case 1:
		if p.fn1 == nil {
			break
		}
		a := c.expr(e.args[0], false)
		if t, ok := a.(tester); ok && p.def.Name == "not" {
			return &nodeNot{t}
		}
		if p.def.test1 != nil {
			return &nodeTest1{p, a, p.def.test1}
		}
		return newPrim1(p.fn1, e.pos, a)
	case 2:
		if p.fn2 == nil && p.def.op == opNone {
			break
		}
		a := c.expr(e.args[0], false)
		b := c.expr(e.args[1], false)
		if p.def.op != opNone {
			return fuseOp(p.def.op, a, b, e.pos)
		}
		return newPrim2(p.fn2, e.pos, a, b)
	case 3:
		if p.fn3 == nil {
			break
		}
		return newPrim3(p.fn3, e.pos, c.exprs(e.args)...)
	}
	c.calls = true
	return &nodePrim{p, c.exprs(e.args), e.pos}
}

func (c *compiler) build(e *eBuild) node {
	splice := false
	for _, p := range e.parts {
		splice = splice || p.splice
	}
	if !splice && e.kind == KindArray {
		items := make([]node, len(e.parts))
		for i, p := range e.parts {
			items[i] = c.expr(p.e, false)
		}
		return &nodeArray{items}
	}
	n := &nodeBuild{kind: e.kind, pos: e.pos}
	for _, p := range e.parts {
		n.parts = append(n.parts, c.expr(p.e, false))
		n.splice = append(n.splice, p.splice)
	}
	if e.tail != nil {
		n.tail = c.expr(e.tail, false)
	}
	return n
}

func (c *compiler) try(e *eTry, tail bool) node {
	c.calls = true
	n := &nodeTry{body: c.expr(e.body, false), pos: e.pos}
	for _, k := range e.catches {
		out := nodeCatch{body: c.expr(k.body, tail && e.finally == nil), put: c.store(k.v, true, true)}
		out.body = c.enter(k.let, []*variable{k.v}, out.body)
		if k.kind != nil {
			out.kind = c.expr(k.kind, false)
		}
		n.catches = append(n.catches, out)
	}
	if e.finally != nil {
		n.finally = c.expr(e.finally, false)
	}
	return n
}

// mutable reports whether a constant contains what a program could change.
func (t *Thread) mutable(v Value) bool {
	if _, ok := v.o.(*cons); !ok {
		return mutable(v, 0, nil)
	}
	return mutable(v, 0, &walk{t: t})
}

func mutable(v Value, depth int, w *walk) bool {
	for depth <= maxNest {
		switch o := v.o.(type) {
		case *array:
			return !o.frozen
		case *Hash:
			return !o.frozen
		case *braces, *record:
			return true
		case *cons:
			if inner, ok := o.car.o.(*cons); (!ok || w.into(inner)) && mutable(o.car, depth+1, w) {
				return true
			}
			w.pay(1)
			v = o.cdr
			continue
		}
		return false
	}
	return true
}
