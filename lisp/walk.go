package lisp

// walk goes through data that may be shared. Pairs and arrays may stand in many places: forty pairs can show one of them in
// 2^40, so that a walk that looks at every place would not end. This one pays for what it looks at, and remembers where it
// has been once that is much.
type walk struct {
	t    *Thread // pays, unless nil
	n    int
	seen map[object]struct{}
}

// muchWalked is how many containers are entered before they are remembered, which takes longer than to enter them.
const muchWalked = 1 << 17

// asRead walks through what the reader made, in which nothing is shared.
func asRead(t *Thread) walk { return walk{t: t, n: -most} }

// into reports whether a container is to be walked through: false when that was done.
func (w *walk) into(o object) bool {
	w.pay(1)
	if w.n++; w.n < muchWalked {
		return true
	}
	if _, been := w.seen[o]; been {
		return false
	}
	if w.seen == nil {
		w.seen = map[object]struct{}{}
	}
	if w.t != nil {
		w.t.alloc(64)
	}
	w.seen[o] = struct{}{}
	return true
}

// pay pays for n elements.
func (w *walk) pay(n int) {
	if w.t != nil {
		w.t.charge(int64(n))
	}
}
