package lisp

import "strings"

// body analyses forms in sequence. Functions that they define are known to each other.
func (a *analyser) body(forms []Value) expr {
	if len(forms) == 0 {
		return constNil
	}
	if a.scope != nil {
		for _, form := range forms {
			if name, ok := definesFunction(form); ok && special(name) == nil {
				if v, _ := a.lookup(name); v == nil || v.fn != a.fn || !inScope(a.scope, v) {
					a.declareLate(name)
				}
			}
		}
	}
	if len(forms) == 1 {
		return a.expr(forms[0])
	}
	es := make([]expr, len(forms))
	for i, form := range forms {
		es[i] = a.expr(form)
	}
	return &eBegin{es}
}

func inScope(s *scope, v *variable) bool {
	for _, w := range s.vars {
		if w == v {
			return true
		}
	}
	return false
}

// definesFunction recognises (defn name ...) and (def name (fn ...)).
func definesFunction(form Value) (string, bool) {
	c, ok := form.o.(*cons)
	if !ok {
		return "", false
	}
	next, ok := c.cdr.o.(*cons)
	if !ok {
		return "", false
	}
	name, ok := next.car.o.(*symbol)
	if !ok {
		return "", false
	}
	if isSym(c.car, "defn") {
		return name.name, true
	}
	if isSym(c.car, "def") {
		if init, ok := next.cdr.o.(*cons); ok && isFunctionLiteral(init.car) {
			return name.name, true
		}
	}
	return "", false
}

func isFunctionLiteral(v Value) bool {
	c, ok := v.o.(*cons)
	return ok && (isSym(c.car, "fn") || isSym(c.car, lambdaHead))
}

// function analyses parameters and body.
func (a *analyser) function(name string, params Value, body []Value) *eFn {
	what := "fn"
	if name != "" {
		what = "function " + name
	}
	arr, ok := params.o.(*array)
	if !ok {
		a.at(params)
		a.bad("cannot define %s: its parameters must be an array like [a b], got %s", what, showArg(params))
	}
	if len(body) == 0 {
		a.bad("cannot define %s: it has no body", what)
	}
	whole := &struct {
		eFn
		fnScope
		scope
	}{}
	fs := &whole.fnScope
	fs.outer, fs.name, fs.pos, fs.written = a.fn, name, a.pos, arr
	if len(body) > 1 {
		if doc, ok := body[0].AsString(); ok {
			fs.doc, body = strings.TrimSpace(doc), body[1:]
		}
	}
	savedScope, savedFn, savedBranch := a.scope, a.fn, a.branch
	a.fn, a.branch = fs, 0
	s := a.enter(&whole.scope)
	fs.scope = s
	fs.params = make([]*variable, 0, len(arr.items))
	for i := 0; i < len(arr.items); i++ {
		item := arr.items[i]
		if isSym(item, "&") {
			if i != len(arr.items)-2 {
				a.at(item)
				a.bad("cannot define %s: exactly one parameter follows &", what)
			}
			fs.rest = true
			continue
		}
		param := a.bindable(item, "use as a parameter")
		if v, _ := a.lookup(param); v != nil && inScope(s, v) {
			a.at(item)
			a.bad("cannot define %s: two parameters are called %s", what, param)
		}
		v := a.declare(param)
		v.active = true
		fs.params = append(fs.params, v)
		if !fs.rest {
			fs.nparams++
		}
	}
	e := &whole.eFn
	e.fn, e.body = fs, a.body(body)
	a.scope, a.fn, a.branch = savedScope, savedFn, savedBranch
	return e
}

// lambda analyses #(...).
func (a *analyser) lambda(form Value) *eFn {
	fs := &fnScope{outer: a.fn, pos: a.pos, loose: true}
	body := form
	if c, ok := form.o.(*cons); ok && c.cdr.IsNil() {
		if s, ok := c.car.o.(*symbol); !ok || isArgName(s.name) {
			body = c.car
		}
	}
	use := argUse{walk: walk{t: a.t}}
	use.scan(form, 0)
	savedScope, savedFn, savedBranch := a.scope, a.fn, a.branch
	a.fn, a.branch = fs, 0
	fs.scope = a.open()
	n := use.highest
	if use.first && n == 0 {
		n = 1
	}
	fs.nparams = n
	fs.orNil = use.first && !use.named[1]
	for i := 1; i <= n; i++ {
		v := a.declare("%" + intText(Int(int64(i))))
		v.active = true
		v.unset = !(i == 1 && fs.orNil)
		fs.params = append(fs.params, v)
	}
	if use.first {
		v := &variable{name: "%", fn: fs, slot: 0, active: true, orNil: use.named[1], unset: use.named[1]}
		v.read.v = v
		a.scope.vars = append(a.scope.vars, v)
		if !use.named[1] {
			fs.params[0] = v
		}
	}
	if use.count {
		// Every argument comes as a list in a hidden rest parameter; the others are taken out of it.
		fs.count = true
		v := a.declare("%N")
		v.active = true
		fs.params = append(fs.params, v)
	}
	e := &eFn{fn: fs, body: a.expr(body)}
	a.scope, a.fn, a.branch = savedScope, savedFn, savedBranch
	return e
}

// argUse says which arguments a #(...) names.
type argUse struct {
	highest int
	first   bool // %
	count   bool // %N
	named   [65]bool
	walk    walk
}

func isArgName(name string) bool {
	if name == "%" || name == "%N" {
		return true
	}
	n, ok := argNumber(name)
	return ok && n > 0
}

func argNumber(name string) (int, bool) {
	if len(name) < 2 || len(name) > 3 || name[0] != '%' {
		return 0, false
	}
	n := 0
	for _, c := range name[1:] {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, n >= 1 && n <= 64
}

func (u *argUse) scan(v Value, depth int) {
	if depth > maxNest {
		return
	}
	switch o := v.o.(type) {
	case *symbol:
		switch o.name {
		case "%":
			u.first = true
		case "%N":
			u.count = true
		default:
			if n, ok := argNumber(o.name); ok {
				u.highest = max(u.highest, n)
				u.named[n] = true
			}
		}
	case *cons:
		if isSym(o.car, lambdaHead) && depth > 0 || !u.walk.into(o) {
			return
		}
		for {
			u.scan(o.car, depth+1)
			next, ok := o.cdr.o.(*cons)
			if !ok {
				u.scan(o.cdr, depth+1)
				return
			}
			u.walk.pay(1)
			o = next
		}
	case *array:
		if !u.walk.into(o) {
			return
		}
		for _, item := range o.items {
			u.walk.pay(1)
			u.scan(item, depth+1)
		}
	case *Hash:
		if !u.walk.into(o) {
			return
		}
		o.Each(func(k, item Value) bool {
			u.walk.pay(2)
			u.scan(k, depth+1)
			u.scan(item, depth+1)
			return true
		})
	case *braces:
		for _, item := range o.items {
			u.scan(item, depth+1)
		}
	}
}
