package lisp

// valueSet is a set of values: keys of a hash as such, so that 1, 1.0 and #\x01 differ, floats by their number, and the rest
// compared one by one.
type valueSet struct {
	t      *Thread
	keys   *Hash
	floats map[float64]struct{}
	other  []Value
}

func (t *Thread) newSet(items []Value) *valueSet {
	s := &valueSet{t: t, keys: NewHash()}
	for _, v := range items {
		s.add(v)
	}
	return s
}

func (s *valueSet) has(v Value) bool {
	if isKey(v) {
		_, found := s.keys.Get(v)
		return found
	}
	if v.isFloat() {
		_, found := s.floats[v.float()]
		return found
	}
	for _, w := range s.other {
		if s.t.charge(1); s.t.equal(v, w) {
			return true
		}
	}
	return false
}

func (s *valueSet) add(v Value) {
	s.t.charge(1)
	if isKey(v) {
		s.t.setHash(s.keys, v, Nil)
		return
	}
	if v.isFloat() {
		s.t.alloc(32)
		if s.floats == nil {
			s.floats = map[float64]struct{}{}
		}
		s.floats[v.float()] = struct{}{}
		return
	}
	s.t.alloc(2 * valueSize)
	s.other = append(s.other, v)
}

func uniqPrim(t *Thread, args []Value) Value {
	coll := args[len(args)-1]
	seen := t.newSet(nil)
	pass := func(v Value) bool {
		k := v
		if len(args) == 2 {
			k = t.call1(args[0], v)
		}
		if seen.has(k) {
			return false
		}
		seen.add(k)
		return true
	}
	if s, ok := coll.o.(*stream); ok {
		return newStream(func(t *Thread) (Value, bool) {
			for {
				v, more := t.pull(s)
				if !more || pass(v) {
					return v, more
				}
			}
		})
	}
	items := t.elements(coll, "uniq")
	out := t.makeItems(len(items))
	for _, v := range items {
		if pass(v) {
			out = append(out, v)
		}
	}
	return t.like(coll, out)
}

func (t *Thread) keep(a, b Value, in bool) Value {
	set := t.newSet(t.elements(b, "compare"))
	items := t.elements(a, "compare")
	out := t.makeItems(len(items))
	for _, v := range items {
		if t.charge(1); set.has(v) == in {
			out = append(out, v)
		}
	}
	return t.like(a, out)
}

// without is (- seq seq...).
func (t *Thread) without(args []Value) Value {
	out := args[0]
	for i, v := range args[1:] {
		if !isSeq(v) {
			t.badArg("-", i+2, v, "list or array")
		}
		out = t.keep(out, v, false)
	}
	return out
}
