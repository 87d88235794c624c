package lisp

// stream is a lazy sequence that can be consumed once.
type stream struct {
	next func(t *Thread) (Value, bool)
	done bool
}

func (*stream) kind() Kind { return KindStream }

// maxPulls bounds streams of streams of streams.
const maxPulls = 2000

// pull gives the next element; false at the end.
func (t *Thread) pull(s *stream) (Value, bool) {
	if s.done {
		return Nil, false
	}
	t.charge(1)
	if t.pulls++; t.pulls > maxPulls {
		t.pulls = 0
		t.failHard("budget", "budget exceeded: more than %d streams read from one another", maxPulls)
	}
	v, ok := s.next(t)
	t.pulls--
	if !ok {
		s.done, s.next = true, nil
	}
	return v, ok
}

// realize collects what is left.
func (t *Thread) realize(s *stream) []Value {
	var out []Value
	for {
		v, ok := t.pull(s)
		if !ok {
			return out
		}
		if len(out) == cap(out) {
			t.alloc(int64(2*len(out)+1) * valueSize)
		}
		out = append(out, v)
	}
}
