package lisp

import "strings"

// class is what defrecord defines.
type class struct {
	name   string
	fields []field
}

type field struct {
	name, typ, tag string
	init           Value
}

func (*class) kind() Kind { return KindClass }

// same reports whether two classes have the same name and fields.
func (c *class) same(d *class) bool {
	if c == d {
		return true
	}
	if c.name != d.name || len(c.fields) != len(d.fields) {
		return false
	}
	for i, f := range c.fields {
		if g := d.fields[i]; f.name != g.name || f.typ != g.typ || f.tag != g.tag {
			return false
		}
	}
	return true
}

func (c *class) index(name string) int {
	for i, f := range c.fields {
		if f.name == name {
			return i
		}
	}
	return -1
}

func (c *class) names() []string {
	out := make([]string, len(c.fields))
	for i, f := range c.fields {
		out[i] = f.name
	}
	return out
}

// record is a value of a class.
type record struct {
	class  *class
	values []Value
}

func (*record) kind() Kind { return KindRecord }

// macroRecord expands (defrecord NAME (field type [tag] [default])...).
func macroRecord(a *analyser, args []Value) Value {
	a.atLeast("defrecord", args, 1)
	name := a.bindable(args[0], "define the record")
	make := []Value{constant(native("defrecord", defineClass)), String(name)}
	for _, spec := range args[1:] {
		items, ok := spec.Elements()
		if !ok || len(items) < 2 || len(items) > 4 {
			a.bad("cannot define the record %s: a field is written (name type [tag] [default]), got %s", name, showArg(spec))
		}
		fieldName, ok1 := nameText(items[0])
		typ, ok2 := nameText(items[1])
		if !ok1 || !ok2 {
			a.bad("cannot define the record %s: a field is written (name type [tag] [default]), got %s", name, showArg(spec))
		}
		tag, init := Value(String("")), Nil
		if len(items) > 2 {
			tag = items[2]
		}
		if len(items) > 3 {
			init = items[3]
		}
		make = append(make, String(fieldName), String(typ), tag, init)
	}
	fields := a.gensym()
	constructor := Sym("->" + name)
	// The constructor is a macro, so that field names may be bare.
	template := form("defmac", constructor, Array(Sym("&"), fields),
		List(constant(native("->"+name, constructForm)), form("quote", args[0]), fields))
	return form("begin", form("def", args[0], List(make...)), template)
}

// constructForm builds the call that constructs a record from the forms of (->NAME field value ...).
func constructForm(t *Thread, args []Value) Value {
	// What is wrong with the call is placed at the call, not at the definition of the class.
	wrong := func(kind, format string, args ...any) { panic(t.compileError(Errorf(kind, format, args...))) }
	items := t.elements(args[1], "construct")
	name, _ := nameText(args[0])
	if len(items)%2 != 0 {
		wrong("arity", "cannot construct %s: a field has no value", name)
	}
	out := []Value{constant(native("->"+name, construct)), args[0]}
	for i := 0; i < len(items); i += 2 {
		f, ok := nameText(items[i])
		if !ok {
			wrong("type", "cannot construct %s: want the name of a field, got %s", name, showArg(items[i]))
		}
		out = append(out, String(f), items[i+1])
	}
	return List(out...)
}

func defineClass(t *Thread, args []Value) Value {
	name, _ := args[0].AsString()
	c := &class{name: name}
	for i := 1; i+3 < len(args); i += 4 {
		f := field{init: args[i+3]}
		f.name, _ = args[i].AsString()
		f.typ, _ = args[i+1].AsString()
		f.tag, _ = args[i+2].AsString()
		t.charge(int64(len(c.fields)) >> 2)
		if c.index(f.name) >= 0 {
			t.fail("value", "cannot define the record %s: two fields are called %s", name, f.name)
		}
		t.alloc(96)
		c.fields = append(c.fields, f)
		t.checkField(c, len(c.fields)-1, f.init)
	}
	return Value{o: c}
}

func construct(t *Thread, args []Value) Value {
	c, ok := args[0].o.(*class)
	if !ok {
		t.fail("type", "cannot construct a record of %s: want a class", showArg(args[0]))
	}
	t.alloc(int64(len(c.fields))*valueSize + 48)
	r := &record{class: c, values: make([]Value, len(c.fields))}
	for i, f := range c.fields {
		r.values[i] = f.init
	}
	for i := 1; i+1 < len(args); i += 2 {
		name, _ := args[i].AsString()
		t.setField(r, name, args[i+1])
	}
	return Value{o: r}
}

func (t *Thread) setField(r *record, name string, v Value) {
	i := r.class.index(name)
	if i < 0 {
		t.noField(r, name)
	}
	t.checkField(r.class, i, v)
	r.values[i] = v
}

func (t *Thread) noField(r *record, name string) {
	t.fail("key", "cannot find field %s in a record of %s%s", name, r.class.name, DidYouMean(t.nearest(name, r.class.names())))
}

// checkField fails unless v fits the type of a field; nil always does.
func (t *Thread) checkField(c *class, i int, v Value) {
	f := c.fields[i]
	if !t.fitsType(f.typ, v, 0) {
		t.fail("type", "cannot set field %s of %s: it is %s, want %s", f.name, c.name, showArg(v), f.typ)
	}
}

func (t *Thread) fitsType(typ string, v Value, depth int) bool {
	t.charge(1)
	if v.IsNil() || typ == "any" || depth > 20 {
		return true
	}
	base, inner, generic := strings.Cut(strings.TrimSuffix(typ, ">"), "<")
	if !generic {
		return typeName(v) == typ || typ == "list" && v.Kind() == KindArray || typ == "hash" && v.Kind() == KindHash
	}
	switch base {
	case "list", "array":
		items, ok := v.Elements()
		if !ok {
			return false
		}
		for _, item := range items {
			if !t.fitsType(inner, item, depth+1) {
				return false
			}
		}
		return true
	case "hash":
		h, ok := v.AsHash()
		key, val, two := strings.Cut(inner, ",")
		if !ok || !two {
			return false
		}
		fits := true
		h.Each(func(k, x Value) bool {
			fits = t.fitsType(key, k, depth+1) && t.fitsType(val, x, depth+1)
			return fits
		})
		return fits
	}
	return false
}

// field answers (:name record default) and (:name.tag record).
func (t *Thread) field(r *record, name string, more []Value) Value {
	if i := r.class.index(name); i >= 0 {
		if v := r.values[i]; !v.IsNil() || len(more) == 0 {
			return v
		}
		return more[0]
	}
	if base, ok := strings.CutSuffix(name, ".tag"); ok {
		if i := r.class.index(base); i >= 0 {
			return t.newText(r.class.fields[i].tag)
		}
	}
	if len(more) > 0 {
		return more[0]
	}
	t.noField(r, name)
	return Nil
}

// macroAssoc expands (assoc record field value); the field may be bare.
func macroAssoc(a *analyser, args []Value) Value {
	a.count("assoc", args, 3, 3)
	name := args[1]
	if s, ok := name.AsSymbol(); ok {
		name = String(s)
	}
	return List(constant(native("assoc", func(t *Thread, args []Value) Value {
		r, ok := args[0].o.(*record)
		if !ok {
			t.badArg("assoc", 1, args[0], "record")
		}
		name, ok := nameText(args[1])
		if !ok {
			t.badArg("assoc", 2, args[1], "the name of a field")
		}
		t.setField(r, name, args[2])
		return args[0]
	})), args[0], name, args[2])
}

// recordPrims look at records and classes.
func recordPrims() []Prim {
	return []Prim{
		kindTest("record?", KindRecord, "(record? 5) => false"),
		kindTest("record-class?", KindClass, "(defrecord P (A int)) (record-class? P) => true"),
		{Name: "record-of?", Params: "r c:~record-class", Doc: "Whether r is a record of class c.", Example: "(defrecord P (A int)) (record-of? (->P A 1) P) => true", fn: func(_ *Thread, args []Value) Value {
			r, ok := args[0].o.(*record)
			c, ok2 := args[1].o.(*class)
			return Bool(ok && ok2 && r.class.same(c))
		}},
		{Name: "get-record-class", Params: "r:record", Doc: "The class of a record.", Example: "(defrecord P (A int)) (= P (get-record-class (->P A 1))) => true", fn: func(_ *Thread, args []Value) Value {
			return Value{o: args[0].o.(*record).class}
		}},
		{Name: "record-class-definition", Params: "c:record-class", Doc: "Name and fields of a class, as a hash.", Example: "(defrecord P (A int)) (:name (record-class-definition P)) => \"P\"", fn: func(t *Thread, args []Value) Value {
			c := args[0].o.(*class)
			h := NewHash()
			t.alloc(hashSize + int64(len(c.fields))*400)
			h.SetString("name", String(c.name))
			fields := make([]Value, len(c.fields))
			for i, f := range c.fields {
				fh := NewHash()
				fh.SetString("name", String(f.name))
				fh.SetString("type", String(f.typ))
				fh.SetString("tag", String(f.tag))
				fh.SetString("default", f.init)
				fields[i] = HashValue(fh)
			}
			h.SetString("fields", arrayOf(fields))
			return HashValue(h)
		}},
	}
}
