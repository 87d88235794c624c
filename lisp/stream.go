package lisp

import (
	"math"
	"unicode/utf8"
)

// stream is a lazy sequence that can be consumed once.
type stream struct {
	next func(t *Thread) (Value, bool)
	done bool
}

func (*stream) kind() Kind { return KindStream }

func newStream(next func(t *Thread) (Value, bool)) Value {
	return Value{o: &stream{next: next}}
}

// maxPulls bounds streams of streams of streams.
const maxPulls = 2000

// pull gives the next element; false at the end.
func (t *Thread) pull(s *stream) (Value, bool) {
	if s.done {
		return Nil, false
	}
	t.charge(1)
	if t.pulls++; t.pulls > maxPulls {
		t.failHard("budget", "budget exceeded: more than %d streams reading from one another", maxPulls)
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

func streamOfItems(items []Value) Value {
	i := 0
	return newStream(func(*Thread) (Value, bool) {
		if i >= len(items) {
			return Nil, false
		}
		i++
		return items[i-1], true
	})
}

// streamOf makes a stream of anything that has elements.
func (t *Thread) streamOf(v Value) *stream {
	t.alloc(128)
	switch o := v.o.(type) {
	case *stream:
		return o
	case *cons:
		rest := v
		return &stream{next: func(*Thread) (Value, bool) {
			c, ok := rest.o.(*cons)
			if !ok {
				last := rest
				rest = Nil
				return last, !last.IsNil()
			}
			rest = c.cdr
			return c.car, true
		}}
	case *text:
		rest := o.s
		return &stream{next: func(*Thread) (Value, bool) {
			if rest == "" {
				return Nil, false
			}
			r, size := utf8.DecodeRuneInString(rest)
			rest = rest[size:]
			return Char(r), true
		}}
	case *raw:
		rest := o.b
		return &stream{next: func(*Thread) (Value, bool) {
			if len(rest) == 0 {
				return Nil, false
			}
			c := rest[0]
			rest = rest[1:]
			return Char(rune(c)), true
		}}
	case *hostObject:
		if ch, ok := o.obj.(*Channel); ok {
			return &stream{next: func(t *Thread) (Value, bool) {
				_, v, ok := t.receive(ch)
				return received(v, ok), ok
			}}
		}
		if it, ok := o.obj.(Iterable); ok {
			next := it.Iterate(t)
			return &stream{next: func(t *Thread) (Value, bool) {
				v, ok, err := next()
				if err != nil {
					t.throw(err)
				}
				return v, ok
			}}
		}
	}
	return streamOfItems(t.elements(v, "stream")).o.(*stream)
}

// flatStream is the elements of all that f gives for the elements of s.
func (t *Thread) flatStream(s *stream, f func(Value) Value) Value {
	var inner *stream
	return newStream(func(t *Thread) (Value, bool) {
		for {
			if inner != nil {
				if v, ok := t.pull(inner); ok {
					return v, true
				}
				inner = nil
			}
			v, ok := t.pull(s)
			if !ok {
				return Nil, false
			}
			inner = t.streamOf(f(v))
		}
	})
}

// streamPrims are lazy sequences.
func streamPrims() []Prim {
	return []Prim{
		{Name: "stream", Params: "coll:~collection", Doc: "A stream of the elements of a list, array, hash (pairs), string or byte string (chars).", Example: "(realize (stream \"ab\")) => (#a #b)", fn: func(t *Thread, args []Value) Value { return Value{o: t.streamOf(args[0])} }},
		kindTest("stream?", KindStream, "(stream? (range)) => true"),
		{Name: "streamable?", Params: "x", Doc: "Whether x has elements that a stream can give.", Example: "(streamable? 5) => false", test1: func(v Value) bool {
			switch o := v.o.(type) {
			case *stream, *cons, *nilTag, *array, *Hash, *text, *raw, *record:
				return true
			case *hostObject:
				_, ok := o.obj.(Iterable)
				return ok
			}
			return false
		}},
		{Name: "range", Params: "[start:int] [end:int] [step:int]", Doc: "The integers from start (0) up to, not including, end (for ever), by step (1); a negative step counts down. With one argument that is the end.", Example: "(realize (range 1 10 4)) => (1 5 9)", fn: rangePrim},
		{Name: "realize", Params: "s:stream", Doc: "What is left of a stream, as a list.", Example: "(realize (range 3)) => (0 1 2)", fn: func(t *Thread, args []Value) Value { return t.newList(t.realize(args[0].o.(*stream))) }},
		{Name: "take", Params: "n-or-f:int|function coll:~collection", Doc: "The first n elements, or those before the first for which the function does not hold.", Example: "(take 2 [1 2 3]) => [1 2]", fn: func(t *Thread, args []Value) Value { return t.part(args, true) }},
		{Name: "drop", Params: "n-or-f:int|function coll:~collection", Doc: "The elements after those that take would give.", Example: "(drop #(< % 3) '(1 2 3 1)) => (3 1)", fn: func(t *Thread, args []Value) Value { return t.part(args, false) }},
		{Name: "partition", Params: "n-or-f:int|function [keep:bool] coll:~collection", Doc: "A stream of lists of n elements; with a function, split where it holds: without that element, with keep true it starts the next list, with false it ends its own.", Example: "(realize (partition 2 (range 5))) => ((0 1) (2 3) (4))", fn: partition},
		{Name: "zip", Params: "a:~collection b:~collection more:~collection...", Doc: "A stream of lists of corresponding elements, as long as the shortest.", Example: "(realize (zip (range) (stream [\"a\" \"b\"]))) => ((0 \"a\") (1 \"b\"))", fn: func(t *Thread, args []Value) Value {
			streams := make([]*stream, len(args))
			for i, v := range args {
				streams[i] = t.streamOf(v)
			}
			return newStream(func(t *Thread) (Value, bool) {
				row := t.makeItems(len(streams))
				for _, s := range streams {
					v, ok := t.pull(s)
					if !ok {
						return Nil, false
					}
					row = append(row, v)
				}
				return t.newList(row), true
			})
		}},
	}
}

func rangePrim(t *Thread, args []Value) Value {
	for i, v := range args {
		if v.o != nil {
			t.badArg("range", i+1, v, "an int of at most 64 bits")
		}
	}
	start, end, step := int64(0), int64(math.MaxInt64), int64(1)
	switch len(args) {
	case 1:
		end = args[0].n
	case 2:
		start, end = args[0].n, args[1].n
	case 3:
		start, end, step = args[0].n, args[1].n, args[2].n
	}
	if step == 0 {
		t.fail("value", "cannot count by steps of 0")
	}
	t.alloc(128)
	done := false
	return newStream(func(*Thread) (Value, bool) {
		if done || step > 0 && start >= end || step < 0 && start <= end {
			return Nil, false
		}
		v := start
		start += step
		done = (start > v) != (step > 0)
		return Int(v), true
	})
}

// part is take and drop.
func (t *Thread) part(args []Value, take bool) Value {
	coll := args[1]
	n, isCount := clampedInt(args[0])
	f := args[0]
	all := isCount && n < 0
	if s, ok := coll.AsString(); ok {
		at := t.partEnd(s, f, n, isCount)
		if take {
			return t.newText(s[:at])
		}
		return t.newText(s[at:])
	}
	s := t.streamOf(coll)
	inside := func(t *Thread, v Value) bool {
		if isCount {
			n--
			return n >= 0
		}
		return t.call1(f, v).Truthy()
	}
	dropped := false
	next := func(t *Thread) (Value, bool) {
		if take {
			if isCount && !all && n <= 0 {
				return Nil, false
			}
			v, ok := t.pull(s)
			if !ok || all || inside(t, v) {
				return v, ok
			}
			return Nil, false
		}
		for {
			v, ok := t.pull(s)
			if !ok || dropped {
				return v, ok
			}
			if !all && !inside(t, v) {
				dropped = true
				return v, true
			}
		}
	}
	out := &stream{next: next}
	switch coll.o.(type) {
	case *stream, *hostObject:
		return Value{o: out}
	}
	return t.like(coll, t.realize(out))
}

// partEnd is the byte offset where the part of a text ends that take gives: after n characters, all when that is negative, or
// before the first for which f does not hold.
func (t *Thread) partEnd(s string, f Value, n int64, isCount bool) int {
	switch {
	case isCount && n < 0:
		return len(s)
	case isCount:
		if at := t.byteOffset(s, int(n)); at >= 0 {
			return at
		}
		return len(s)
	}
	for i, c := range s {
		if t.charge(1); !t.call1(f, Char(c)).Truthy() {
			return i
		}
	}
	return len(s)
}

func partition(t *Thread, args []Value) Value {
	s := t.streamOf(args[len(args)-1])
	n, isCount := clampedInt(args[0])
	f := args[0]
	keep := Nil
	if len(args) == 3 {
		if _, ok := args[1].AsBool(); !ok {
			t.badArg("partition", 2, args[1], "bool")
		}
		keep = args[1]
	}
	var pending []Value
	ended := isCount && n <= 0
	return newStream(func(t *Thread) (Value, bool) {
		for !ended {
			v, ok := t.pull(s)
			if !ok {
				ended = true
				break
			}
			if len(pending) == cap(pending) {
				t.alloc(int64(2*len(pending)+1) * valueSize)
			}
			if isCount {
				if pending = append(pending, v); int64(len(pending)) < n {
					continue
				}
			} else if !t.call1(f, v).Truthy() {
				pending = append(pending, v)
				continue
			} else if b, ok := keep.AsBool(); ok && !b {
				pending = append(pending, v)
			} else if ok {
				group := pending
				pending = []Value{v}
				if len(group) == 0 {
					continue
				}
				return t.newList(group), true
			}
			if len(pending) == 0 {
				continue
			}
			group := pending
			pending = nil
			return t.newList(group), true
		}
		if len(pending) == 0 {
			return Nil, false
		}
		group := pending
		pending = nil
		return t.newList(group), true
	})
}
