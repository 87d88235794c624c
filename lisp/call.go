package lisp

// CallIn is [Thread.Call] with env as the scope of what a program looks up while it runs, as (eval ...) and names in quotes
// do: what Eval(env, ...) would have used.
func (t *Thread) CallIn(env *Env, fn Value, args ...Value) (Value, error) {
	saved := t.env
	t.env = env
	defer func() { t.env = saved }()
	return t.Call(fn, args...)
}

// Takes reports whether the value is a function that can be called with n arguments.
func (v Value) Takes(n int) bool {
	switch f := v.o.(type) {
	case *closure:
		return f.proto.loose || n == f.proto.nparams || f.proto.rest && n > f.proto.nparams
	case *primitive:
		return n >= f.sig.min && (f.sig.max < 0 || n <= f.sig.max)
	}
	return false
}

// Where is the place in the program that called the primitive which is running; Line is 0 when nothing of a program is.
func (t *Thread) Where() Pos {
	for fr := t.top; fr != nil; fr = fr.prev {
		if fr.cl != nil && fr.cl.proto.src != nil && fr.site != 0 {
			return fr.cl.proto.src.pos(fr.site)
		}
	}
	return Pos{}
}
