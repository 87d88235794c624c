package lisp

// funcPrims take functions.
func funcPrims() []Prim {
	return []Prim{
		{Name: "map", Params: "f:function coll:~collection", Doc: "What f gives for each element: an array for an array, a lazy stream for a stream, else a list. Of a hash f gets (key . value) pairs.", Example: "(map #(* 2 %) [1 2]) => [2 4]", fn: mapPrim},
		{Name: "filter", Params: "f:function coll:~collection", Doc: "The elements for which f holds; of a hash, a hash.", Example: "(filter #(> % 1) [1 2]) => [2]", fn: func(t *Thread, args []Value) Value { return t.filter(args[0], args[1], true) }},
		{Name: "reject", Params: "f:function coll:~collection", Doc: "The elements for which f does not hold.", Example: "(reject #(> % 1) [1 2]) => [1]", fn: func(t *Thread, args []Value) Value { return t.filter(args[0], args[1], false) }},
		{Name: "foldl", Params: "f:function init coll:~collection", Doc: "f applied to each element and what it gave before, at first init.", Example: "(foldl + 0 [1 2 3]) => 6", fn: foldPrim},
		{Name: "flatmap", Params: "f:function coll:~collection", Doc: "The elements of all the lists or arrays that f gives.", Example: "(flatmap #([% %]) [1 2]) => [1 1 2 2]", fn: flatmapPrim},
		{Name: "foreach", Params: "f:function coll:~collection", Doc: "Calls f for each element; the elements.", Example: "(foreach #(print %) [1 2]) => [1 2]", fn: func(t *Thread, args []Value) Value {
			items := t.elements(args[1], "walk")
			for i := range items {
				if i < len(items) {
					t.call1(args[0], items[i])
				}
			}
			if _, ok := args[1].o.(*array); ok {
				return args[1]
			}
			return t.newList(items)
		}},
		{Name: "any?", Params: "f:function coll:~collection", Doc: "Whether f holds for an element.", Example: "(any? #(> % 1) [1 2]) => true", fn: func(t *Thread, args []Value) Value {
			return Bool(indexOf(t, args).n >= 0)
		}},
		{Name: "all?", Params: "f:function coll:~collection", Doc: "Whether f holds for every element.", Example: "(all? #(> % 1) [1 2]) => false", fn: func(t *Thread, args []Value) Value {
			s := t.streamOf(args[1])
			for {
				v, more := t.pull(s)
				if !more {
					return True
				}
				if !t.call1(args[0], v).Truthy() {
					return False
				}
			}
		}},
		{Name: "apply", Params: "f:function|symbol args", Doc: "Calls f with the elements of a list or array as arguments.", Example: "(apply + [1 2 3]) => 6", fn: applyPrim},
		{Name: "compose", Params: "f:function g:function more:function...", Doc: "The function that applies the last, then the one before it, and so on.", Example: "((compose string #(+ % 1)) 41) => \"42\"", fn: func(t *Thread, args []Value) Value {
			fs := t.keepArgs(args)
			return native("compose", func(t *Thread, args []Value) Value {
				v := t.apply(fs[len(fs)-1], args)
				for i := len(fs) - 2; i >= 0; i-- {
					v = t.call1(fs[i], v)
				}
				return v
			})
		}},
		{Name: "partial", Params: "f:function arg...", Doc: "The function that calls f with these arguments and then its own.", Example: "((partial + 1 2) 3) => 6", fn: func(t *Thread, args []Value) Value {
			fs := t.keepArgs(args)
			return native("partial", func(t *Thread, args []Value) Value {
				return t.apply(fs[0], append(append(t.makeItems(len(fs)+len(args)), fs[1:]...), args...))
			})
		}},
		{Name: "currying", Params: "f:function n:int arg...", Doc: "The function that collects arguments over several calls until it has n, then calls f.", Example: "(((currying (fn [a b] (list a b)) 2) 1) 2) => (1 2)", fn: func(t *Thread, args []Value) Value {
			n, _ := clampedInt(args[1])
			return t.curry(args[0], n, t.keepArgs(args[2:]))
		}},
		{Name: "core/id", Params: "x", Doc: "x itself.", Example: "(core/id 5) => 5", fn1: func(_ *Thread, v Value) Value { return v }},
		{Name: "core/const", Params: "x", Doc: "The function that always gives x.", Example: "((core/const 5) 1 2) => 5", fn: func(t *Thread, args []Value) Value {
			x := args[0]
			t.alloc(128)
			return native("const", func(*Thread, []Value) Value { return x })
		}},
		{Name: "core/dummy", Params: "x...", Doc: "nil.", Example: "(core/dummy 1) => ()", fn: func(*Thread, []Value) Value { return Nil }},
	}
}

// keepArgs copies arguments that outlive the call.
func (t *Thread) keepArgs(args []Value) []Value {
	return append(t.makeItems(len(args)+4), args...)
}

func (t *Thread) curry(f Value, n int64, got []Value) Value {
	if int64(len(got)) >= n {
		return t.apply(f, got)
	}
	return native("currying", func(t *Thread, args []Value) Value {
		return t.curry(f, n, append(append(t.makeItems(len(got)+len(args)), got...), args...))
	})
}

func mapPrim(t *Thread, args []Value) Value {
	f := args[0]
	switch o := args[1].o.(type) {
	case *array:
		out := t.makeItems(len(o.items))
		for i := 0; i < len(o.items); i++ { // the callback may replace elements, not their number
			out = append(out, t.call1(f, o.items[i]))
		}
		return arrayOf(out)
	case *nilTag:
		return Nil
	case *cons:
		var first, last *cons
		for {
			t.alloc(consSize)
			c := &cons{t.call1(f, o.car), Nil}
			if first == nil {
				first = c
			} else {
				last.cdr = Value{o: c}
			}
			last = c
			next, ok := o.cdr.o.(*cons)
			if !ok {
				if !o.cdr.IsNil() {
					t.fail("type", "cannot map over a list that ends in %s", showArg(o.cdr))
				}
				return Value{o: first}
			}
			o = next
		}
	case *stream:
		return newStream(func(t *Thread) (Value, bool) {
			v, more := t.pull(o)
			if more {
				v = t.call1(f, v)
			}
			return v, more
		})
	case *text, *raw:
		t.badArg("map", 2, args[1], "list, array, hash or stream")
	}
	items := t.elements(args[1], "map over")
	out := t.makeItems(len(items))
	for _, v := range items {
		out = append(out, t.call1(f, v))
	}
	return t.newList(out)
}

func (t *Thread) filter(f, coll Value, want bool) Value {
	switch o := coll.o.(type) {
	case *array:
		var out []Value
		t.alloc(arraySize)
		for i := 0; i < len(o.items); i++ {
			if v := o.items[i]; t.call1(f, v).Truthy() == want {
				if len(out) == cap(out) {
					t.alloc(int64(2*len(out)+4) * valueSize)
				}
				out = append(out, v)
			}
		}
		return arrayOf(out)
	case *Hash:
		h := NewHash()
		t.alloc(hashSize)
		for _, pair := range t.pairs(o) {
			if t.call1(f, pair).Truthy() == want {
				c := pair.o.(*cons)
				t.setHash(h, c.car, c.cdr)
			}
		}
		return HashValue(h)
	case *stream:
		return newStream(func(t *Thread) (Value, bool) {
			for {
				v, more := t.pull(o)
				if !more || t.call1(f, v).Truthy() == want {
					return v, more
				}
			}
		})
	case *text, *raw:
		t.badArg("filter", 2, coll, "list, array, hash or stream")
	}
	items := t.elements(coll, "filter")
	out := t.makeItems(len(items))
	for _, v := range items {
		if t.call1(f, v).Truthy() == want {
			out = append(out, v)
		}
	}
	return t.newList(out)
}

func foldPrim(t *Thread, args []Value) Value {
	f, acc := args[0], args[1]
	switch o := args[2].o.(type) {
	case *nilTag:
		return acc
	case *array:
		for i := 0; i < len(o.items); i++ {
			acc = t.call2(f, o.items[i], acc)
		}
		return acc
	case *cons:
		for {
			acc = t.call2(f, o.car, acc)
			next, ok := o.cdr.o.(*cons)
			if !ok {
				return acc
			}
			o = next
		}
	case *stream:
		for {
			v, more := t.pull(o)
			if !more {
				return acc
			}
			acc = t.call2(f, v, acc)
		}
	case *text, *raw:
		t.badArg("foldl", 3, args[2], "list, array, hash or stream")
	}
	for _, v := range t.elements(args[2], "fold") {
		acc = t.call2(f, v, acc)
	}
	return acc
}

func flatmapPrim(t *Thread, args []Value) Value {
	f := args[0]
	if s, ok := args[1].o.(*stream); ok {
		return t.flatStream(s, func(v Value) Value { return t.call1(f, v) })
	}
	var out []Value
	items := t.elements(args[1], "map over")
	for i := 0; i < len(items); i++ {
		got := t.call1(f, items[i])
		want, fits := "list", got.Kind() == KindList
		if args[1].Kind() == KindArray {
			want, fits = "array", got.Kind() == KindArray
		}
		if !fits && !got.IsNil() {
			t.fail("type", "cannot flatmap: the function gave %s, want %s or nil", showArg(got), want)
		}
		more := t.elements(got, "flatmap")
		t.alloc(int64(len(more)) * 2 * valueSize)
		out = append(out, more...)
	}
	return t.like(args[1], out)
}

func applyPrim(t *Thread, args []Value) Value {
	f := args[0]
	if name, ok := f.AsSymbol(); ok {
		v, found := Nil, false
		if t.env != nil {
			v, found = t.env.Lookup(name)
		}
		if !found {
			t.fail("unbound", "cannot apply %s: no such function%s", clip(name, 200), t.unknown(name))
		}
		f = v
	}
	if !isSeq(args[1]) {
		if _, ok := args[1].o.(*stream); !ok {
			t.badArg("apply", 2, args[1], "list or array")
		}
	}
	return t.apply(f, t.elements(args[1], "apply"))
}
