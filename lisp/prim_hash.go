package lisp

// hashPrims are hashes and accessors.
func hashPrims() []Prim {
	return []Prim{
		{Name: "hash", Params: "key-and-value...", Doc: "A hash of keys and values, which alternate.", Example: "(hash \"a\" 1) => {\"a\" 1}", fn: func(t *Thread, args []Value) Value {
			if len(args)%2 != 0 {
				t.fail("arity", "cannot make a hash of %d values: want a value for every key", len(args))
			}
			h := NewHash()
			t.alloc(hashSize)
			for i := 0; i < len(args); i += 2 {
				t.setHash(h, args[i], args[i+1])
			}
			return HashValue(h)
		}},
		{Name: "hget", Params: "h:hash|nil key:~string|symbol|int|char|bool [default]", Doc: "The value of a key; when it is missing the default, or an error.", Example: "(hget {\"a\" 1} \"b\" 0) => 0", fn2: (*Thread).hget,
			fn: func(t *Thread, args []Value) Value {
				if len(args) == 2 {
					return t.hget(args[0], args[1])
				}
				if h, ok := args[0].AsHash(); ok {
					if v, found := h.Get(args[1]); found {
						return v
					}
				}
				return args[2]
			}},
		{Name: "hset!", Params: "h:hash key:~string|symbol|int|char|bool value more...", Doc: "Gives keys values in the hash, which it returns.", Example: "(hset! {} \"a\" 1) => {\"a\" 1}", fn3: (*Thread).hset, fn: func(t *Thread, args []Value) Value {
			if len(args)%2 != 1 {
				t.fail("arity", "cannot call hset!: a key has no value")
			}
			h, _ := args[0].AsHash()
			for i := 1; i < len(args); i += 2 {
				t.setHash(h, args[i], args[i+1])
			}
			return args[0]
		}},
		{Name: "hdel!", Params: "h:hash key...", Doc: "Removes keys from the hash, which it returns.", Example: "(hdel! {\"a\" 1} \"a\") => {}", fn: func(t *Thread, args []Value) Value {
			h, _ := args[0].AsHash()
			if h.frozen {
				t.fail("value", "cannot change this hash: it is frozen")
			}
			for _, k := range args[1:] {
				t.charge(2) // its own work and its part of closing the holes
				h.Delete(k)
			}
			return args[0]
		}},
		{Name: "keys", Params: "h:hash|nil", Doc: "The keys of a hash, as an array.", Example: "(keys {\"a\" 1 \"b\" 2}) => [\"a\" \"b\"]", fn: func(t *Thread, args []Value) Value {
			return t.column(args[0], func(k, _ Value) Value { return k })
		}},
		{Name: "vals", Params: "h:hash|nil", Doc: "The values of a hash, as an array.", Example: "(vals {\"a\" 1 \"b\" 2}) => [1 2]", fn: func(t *Thread, args []Value) Value {
			return t.column(args[0], func(_, v Value) Value { return v })
		}},
		{Name: "merge", Params: "h:hash|nil more:hash|nil...", Doc: "A new hash with the entries of all; of equal keys the later value counts.", Example: "(merge {\"a\" 1} {\"b\" 2}) => {\"a\" 1 \"b\" 2}", fn: func(t *Thread, args []Value) Value {
			v := concatPrim(t, args)
			if v.IsNil() {
				return HashValue(NewHash())
			}
			return v
		}},
		{Name: "merge!", Params: "h:hash more:hash|nil...", Doc: "Puts the entries of the others into the first hash, which it returns.", Example: "(merge! {\"a\" 1} {\"a\" 2}) => {\"a\" 2}", fn: func(t *Thread, args []Value) Value {
			h, _ := args[0].AsHash()
			for _, v := range args[1:] {
				if other, ok := v.AsHash(); ok && other != h {
					other.Each(func(k, v Value) bool {
						t.charge(1)
						t.setHash(h, k, v)
						return true
					})
				}
			}
			return args[0]
		}},
		{Name: "copy", Params: "x", Doc: "x with its arrays, hashes and records copied, at every level.", Example: "(let* [a [1 [2]] b (copy a)] (aset! (aget b 1) 0 9) a) => [1 [2]]", fn: func(t *Thread, args []Value) Value { return t.copy(args[0], 0) }},
		{Name: "freeze", Params: "x", Doc: "x, with its arrays and hashes made unchangeable at every level.", Example: "(try (hset! (freeze {}) 1 2) (catch e \"frozen\")) => \"frozen\"", fn: func(t *Thread, args []Value) Value {
			freeze(t, args[0])
			return args[0]
		}},
		{Name: "group-by", Params: "f:function coll:~collection", Doc: "A hash from what the function gives to the array of elements it gave that for.", Example: "(group-by #(mod % 2) [1 2 3]) => {1 [1 3] 0 [2]}", fn: groupBy},
	}
}

func (t *Thread) hset(h, k, v Value) Value {
	table, ok := h.o.(*Hash)
	if !ok {
		t.badArg("hset!", 1, h, "hash")
	}
	t.setHash(table, k, v)
	return h
}

func (t *Thread) hget(v, k Value) Value {
	h, ok := v.o.(*Hash)
	if !ok {
		if !v.IsNil() {
			t.badArg("hget", 1, v, "hash")
		}
	} else if x, found := h.Get(k); found {
		return x
	} else if !isKey(k) {
		t.throw(badKey(k))
	}
	near := ""
	if name, ok := k.AsString(); ok && h != nil && h.live <= 200 {
		var names []string
		h.Each(func(k, _ Value) bool {
			if s, ok := k.AsString(); ok {
				names = append(names, s)
			}
			return true
		})
		if n := t.nearest(name, names); n != "" {
			near = " (did you mean " + printShort(String(n)) + "?)"
		}
	}
	t.fail("key", "cannot find key %s in the hash%s", clip(printShort(k), 80), near)
	return Nil
}

func (t *Thread) column(v Value, pick func(k, v Value) Value) Value {
	h, ok := v.AsHash()
	if !ok {
		return arrayOf(t.makeItems(0))
	}
	items := t.makeItems(h.live)
	h.Each(func(k, v Value) bool {
		items = append(items, pick(k, v))
		return true
	})
	return arrayOf(items)
}

func groupBy(t *Thread, args []Value) Value {
	h := NewHash()
	t.alloc(hashSize)
	for _, v := range t.elements(args[1], "group") {
		k := t.call1(args[0], v)
		group := arrayOf(nil)
		if old, ok := h.Get(k); ok {
			group = old
		}
		t.setHash(h, k, t.extend(group.o.(*array), []Value{v}))
	}
	return HashValue(h)
}

// isAccessor reports whether a name is :name.
func isAccessor(name string) bool {
	if len(name) < 2 || name[0] != ':' {
		return false
	}
	for i := 1; i < len(name); i++ {
		if name[i] == ':' {
			return false
		}
	}
	return true
}

// accessor makes the function that (:name object default) calls.
func accessor(name string) Value {
	field := name[1:]
	str, sym := String(field), Sym(field)
	def := &Prim{Name: name, Params: "object default..."}
	def.fn = func(t *Thread, args []Value) Value {
		v := args[0]
		if o, ok := v.o.(*hostObject); ok {
			if g, ok := o.obj.(Getter); ok {
				out, err := g.Get(t, field, args[1:])
				if err != nil {
					t.throw(err)
				}
				return out
			}
		}
		if len(args) > 2 {
			t.arity(name, len(args), 1, 2, "("+name+" object [default])")
		}
		switch o := v.o.(type) {
		case *Hash:
			if x, ok := o.Get(str); ok {
				return x
			}
			if x, ok := o.Get(sym); ok {
				return x
			}
			if len(args) == 2 {
				return args[1]
			}
			return t.hget(v, str)
		case *nilTag:
			if len(args) == 2 {
				return args[1]
			}
			return Nil
		case *record:
			return t.field(o, field, args[1:])
		}
		t.badArg(name, 1, v, "hash, record or nil")
		return Nil
	}
	prim, _ := newPrimitive(def)
	return Value{o: prim}
}
