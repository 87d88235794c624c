package lisp

import (
	"strconv"
	"strings"
)

// jsonPrims are JSON and paths into nested data.
func jsonPrims() []Prim {
	return []Prim{
		{Name: "json/stringify", Params: "x [indent:bool]", Doc: "x as JSON, indented when asked.", Example: "(json/stringify [1 \"a\" nil {2 's}]) => \"[1,\\\"a\\\",null,{\\\"2\\\":\\\"s\\\"}]\"", fn: func(t *Thread, args []Value) Value {
			w := jsonWriter{limit: maxJSONBytes, t: t, indent: len(args) > 1 && args[1].Truthy()}
			if err := w.value(args[0]); err != nil {
				t.throw(err)
			}
			t.alloc(int64(len(w.b)))
			return t.newText(string(w.b))
		}},
		{Name: "json/parse", Params: "x:~string|bytes [default]", Doc: "The value of a JSON text; the default when it is none.", Example: "(json/parse \"{\\\"a\\\": [1, 2.5, null]}\") => {\"a\" [1 2.5 ()]}", fn: jsonParse},
		{Name: "json/query", Params: "x:~hash|array|nil path:string [default]", Doc: "What stands at a path: keys and indexes with dots, # for every element, #(key OP value) for those that match (== !== = != > >= < <=). One match is that value, several are an array; nothing is nil or the default.", Example: "(json/query {\"p\" [{\"n\" \"web\" \"pid\" 10} {\"n\" \"db\" \"pid\" 20}]} \"p.#(pid>15).n\") => \"db\"", fn: jsonQuery},
		{Name: "json/query-all", Params: "x:~hash|array|nil path:string", Doc: "As json/query, but always an array of all that matched.", Example: "(json/query-all [{\"n\" 1}] \"#.n\") => [1]", fn: func(t *Thread, args []Value) Value {
			return t.newArray(t.queried(args[0], args[1]))
		}},
		{Name: "json/set", Params: "x:~hash|array path:string value", Doc: "Sets what stands at a path, in place, and returns x. Missing hashes are made; an index beyond the end appends.", Example: "(json/set {} \"a.b\" 1) => {\"a\" {\"b\" 1}}", fn: func(t *Thread, args []Value) Value {
			return t.update(args[0], t.steps(args[1]), func(Value, bool) Value { return args[2] })
		}},
		{Name: "json/del", Params: "x:~hash|array path:string", Doc: "Removes what stands at a path, in place, and returns x.", Example: "(json/del {\"l\" [1 2 3]} \"l.#(>1)\") => {\"l\" [1]}", fn: func(t *Thread, args []Value) Value {
			return t.remove(args[0], t.steps(args[1]))
		}},
		{Name: "json/add", Params: "x:~hash|array path:string value", Doc: "Appends to the array at a path, which is made when missing, and returns x.", Example: "(json/add {\"l\" [1]} \"l\" 1) => {\"l\" [1 1]}", fn: func(t *Thread, args []Value) Value { return t.addTo(args, false) }},
		{Name: "json/sadd", Params: "x:~hash|array path:string value", Doc: "As json/add, unless the array has an equal element.", Example: "(json/sadd {\"l\" [1]} \"l\" 1) => {\"l\" [1]}", fn: func(t *Thread, args []Value) Value { return t.addTo(args, true) }},
		{Name: "json/q", Params: "x:~hash|array [path:string] [full:bool]", Doc: "Prints what stands at a path as indented JSON, shortened unless full.", Example: "(json/q {\"a\" 1}) => ()", fn: func(t *Thread, args []Value) Value {
			v, full := args[0], false
			for _, a := range args[1:] {
				if b, ok := a.AsBool(); ok {
					full = b
				} else if !a.IsNil() {
					v = jsonQuery(t, []Value{v, a})
				}
			}
			w := jsonWriter{limit: maxJSONBytes, t: t, indent: true}
			if err := w.value(v); err != nil {
				t.throw(err)
			}
			t.alloc(int64(len(w.b)))
			s := string(w.b)
			for at, lines := -1, 0; !full; lines++ {
				if at = t.search(s, "\n", at+1); at < 0 {
					break
				}
				if lines == 39 {
					s = s[:at] + "\n…"
					break
				}
			}
			t.write(s)
			t.write("\n")
			return Nil
		}},
	}
}

func jsonParse(t *Thread, args []Value) Value {
	var s string
	switch o := args[0].o.(type) {
	case *text:
		s = o.s
	case *raw:
		t.alloc(int64(len(o.b)))
		s = string(o.b)
	case nil, *bigInt, *floatTag, *boolTag:
		return args[0]
	default:
		if len(args) > 1 {
			return args[1]
		}
		t.badArg("json/parse", 1, args[0], "string or bytes")
	}
	v, err := parseJSON(t, s)
	if err != nil {
		if len(args) > 1 {
			return args[1]
		}
		t.throw(err)
	}
	return v
}

// segment is one step of a path.
type segment struct {
	key   string
	every bool
	match *match
}

// match is #(sel OP val).
type match struct {
	sel []segment
	op  string
	val string
}

// path reads a path.
func (t *Thread) path(v Value) []segment {
	s, _ := v.AsString()
	if len(s) > 4096 {
		t.fail("too-large", "cannot follow a path of more than 4096 bytes")
	}
	t.charge(int64(len(s)))
	segs, err := parsePath(s, 0)
	if err != "" {
		t.fail("value", "cannot follow the path %s: %s", showArg(v), err)
	}
	return segs
}

// steps is a path that must lead somewhere.
func (t *Thread) steps(v Value) []segment {
	segs := t.path(v)
	if len(segs) == 0 {
		t.fail("value", "cannot change what stands at an empty path")
	}
	return segs
}

func parsePath(s string, depth int) ([]segment, string) {
	if depth > 50 {
		return nil, "nested too deeply"
	}
	s = strings.TrimPrefix(s, ".")
	if s == "" {
		return nil, ""
	}
	var segs []segment
	for {
		var seg segment
		if strings.HasPrefix(s, "#(") {
			end := closing(s)
			if end < 0 {
				return nil, "a ( is never closed"
			}
			m, err := parseMatch(s[2:end], depth)
			if err != "" {
				return nil, err
			}
			seg.match, s = m, s[end+1:]
			if s != "" && s[0] != '.' {
				return nil, "want a dot after )"
			}
		} else {
			var key []byte
			for s != "" && s[0] != '.' {
				if s[0] == '\\' && len(s) > 1 {
					s = s[1:]
				}
				key, s = append(key, s[0]), s[1:]
			}
			if seg.key = string(key); seg.key == "#" {
				seg.every = true
			}
		}
		segs = append(segs, seg)
		if s == "" {
			return segs, ""
		}
		s = s[1:]
	}
}

// closing finds the ) that belongs to the ( at s[1]; quotes protect.
func closing(s string) int {
	depth, quoted := 0, false
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// operatorAt finds the operator of a condition, outside of nested conditions.
func operatorAt(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			depth--
		case '=', '!', '<', '>':
			if depth == 0 {
				return i
			}
		}
	}
	return -1
}

func parseMatch(s string, depth int) (*match, string) {
	i := operatorAt(s)
	if i < 0 {
		return nil, "a condition without operator"
	}
	m := &match{}
	for _, op := range []string{"!==", "==", "!=", ">=", "<=", "=", ">", "<"} {
		if strings.HasPrefix(s[i:], op) {
			m.op = op
			break
		}
	}
	if m.op == "" {
		return nil, "a condition without operator"
	}
	sel, err := parsePath(strings.TrimSpace(s[:i]), depth+1)
	if err != "" {
		return nil, err
	}
	m.sel = sel
	m.val = strings.TrimSpace(s[i+len(m.op):])
	if n := len(m.val); n >= 2 && m.val[0] == '"' && m.val[n-1] == '"' {
		m.val = m.val[1 : n-1]
	}
	return m, ""
}

// holds reports whether an element matches. What is missing or null matches only != and !==.
func (t *Thread) holds(m *match, v Value) bool {
	leaf := Nil
	t.query(v, m.sel, func(v Value) {
		if leaf.IsNil() {
			leaf = v
		}
	})
	switch leaf.o.(type) {
	case *array, *Hash, *cons:
		return false
	case *nilTag:
		return m.op == "!=" || m.op == "!=="
	}
	s := t.show(leaf, true)
	number := isNumber(leaf) && leaf.Kind() != KindChar
	if want, ok := parseNumber(m.val); ok && number && strings.Contains("== !==", m.op) {
		return (compareNumbers(leaf, want) == 0) == (m.op[0] == '=')
	}
	switch m.op {
	case "==":
		return s == m.val
	case "!==":
		return s != m.val
	case "=":
		if number {
			return s == m.val
		}
		return strings.Contains(s, m.val)
	case "!=":
		if number {
			return s != m.val
		}
		return !strings.Contains(s, m.val)
	}
	c := strings.Compare(s, m.val)
	if number {
		want, ok := parseNumber(m.val)
		if !ok {
			t.fail("value", "cannot compare %s with %s: want a number", s, clip(m.val, 40))
		}
		c = compareNumbers(leaf, want)
	}
	switch m.op {
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	case "<":
		return c < 0
	}
	return c <= 0
}

// member finds the key of a hash whose text is a segment's.
func (t *Thread) member(h *Hash, name string) (Value, bool) {
	key := String(name)
	if _, ok := h.Get(key); ok {
		return key, true
	}
	if _, ok := h.Get(Sym(name)); ok {
		return Sym(name), true
	}
	found, ok := Nil, false
	h.Each(func(k, _ Value) bool {
		t.charge(1)
		if k.Kind() != KindString && t.show(k, true) == name {
			found, ok = k, true
		}
		return !ok
	})
	return found, ok
}

// query calls f with everything that stands at a path.
func (t *Thread) query(v Value, segs []segment, f func(Value)) {
	t.charge(1)
	if len(segs) == 0 {
		f(v)
		return
	}
	seg, rest := segs[0], segs[1:]
	switch o := v.o.(type) {
	case *Hash:
		if seg.match == nil {
			if k, ok := t.member(o, seg.key); ok {
				x, _ := o.Get(k)
				t.query(x, rest, f)
			}
		}
	case *array, *cons:
		items := t.elements(v, "query")
		if seg.every || seg.match != nil {
			for _, item := range items {
				if seg.match == nil || t.holds(seg.match, item) {
					t.query(item, rest, f)
				}
			}
			return
		}
		if i, err := strconv.Atoi(seg.key); err == nil && i >= 0 && i < len(items) {
			t.query(items[i], rest, f)
		}
	case *record:
		for i, fd := range o.class.fields {
			if fd.name == seg.key {
				t.query(o.values[i], rest, f)
			}
		}
	}
}

func jsonQuery(t *Thread, args []Value) Value {
	switch args[0].o.(type) {
	case *Hash, *array, *nilTag, *cons, *record:
	default:
		t.badArg("json/query", 1, args[0], "hash or array")
	}
	out := t.queried(args[0], args[1])
	switch len(out) {
	case 0:
		if len(args) > 2 {
			return args[2]
		}
		return Nil
	case 1:
		return out[0]
	}
	return t.newArray(out)
}

// queried is all that stands at a path and is not nil.
func (t *Thread) queried(v, path Value) (out []Value) {
	t.query(v, t.path(path), func(found Value) {
		if !found.IsNil() {
			t.alloc(2 * valueSize)
			out = append(out, found)
		}
	})
	return out
}

// update gives what stands at a path a new value, made by f of the old one, and returns the container.
func (t *Thread) update(v Value, segs []segment, f func(old Value, found bool) Value) Value {
	t.charge(1)
	seg, last := segs[0], len(segs) == 1
	next := func(old Value, found bool) Value {
		if last {
			return f(old, found)
		}
		if !found || old.IsNil() {
			t.alloc(hashSize)
			old = HashValue(NewHash())
		}
		return t.update(old, segs[1:], f)
	}
	switch o := v.o.(type) {
	case *Hash:
		if seg.match != nil {
			return v
		}
		k, found := t.member(o, seg.key)
		old := Nil
		if found {
			old, _ = o.Get(k)
		} else {
			k = t.newText(seg.key)
		}
		t.setHash(o, k, next(old, found))
		return v
	case *array:
		t.change(o)
		if seg.every || seg.match != nil {
			for i, item := range o.items {
				if seg.match == nil || t.holds(seg.match, item) {
					o.items[i] = next(item, true)
				}
			}
			return v
		}
		i, err := strconv.Atoi(seg.key)
		if err != nil {
			t.fail("value", "cannot set element %s of an array: want a number", clip(seg.key, 40))
		}
		if i >= 0 && i < len(o.items) {
			o.items[i] = next(o.items[i], true)
			return v
		}
		if len(o.items) == cap(o.items) {
			t.alloc(int64(2*len(o.items)+1) * valueSize)
		}
		o.items = append(o.items, next(Nil, false))
		return v
	}
	t.fail("type", "cannot set %s of %s: want hash or array", clip(seg.key, 40), showArg(v))
	return Nil
}

// remove takes what stands at a path out of its container.
func (t *Thread) remove(v Value, segs []segment) Value {
	t.charge(1)
	seg, last := segs[0], len(segs) == 1
	switch o := v.o.(type) {
	case *Hash:
		if seg.match != nil {
			return v
		}
		k, found := t.member(o, seg.key)
		if !found {
			return v
		}
		if o.frozen {
			t.fail("value", "cannot change this hash: it is frozen")
		}
		if last {
			o.Delete(k)
		} else {
			inner, _ := o.Get(k)
			t.remove(inner, segs[1:])
		}
	case *array:
		t.change(o)
		index, err := strconv.Atoi(seg.key)
		kept := o.items[:0:len(o.items)]
		if last {
			kept = t.makeItems(len(o.items))
		}
		for i, item := range o.items {
			hit := seg.every || seg.match != nil && t.holds(seg.match, item) || seg.match == nil && !seg.every && err == nil && i == index
			if hit && !last {
				t.remove(item, segs[1:])
			}
			if last && !hit {
				kept = append(kept, item)
			}
		}
		if last {
			o.items = kept
		}
	}
	return v
}

func (t *Thread) addTo(args []Value, once bool) Value {
	add := func(old Value, found bool) Value {
		if !found || old.IsNil() {
			old = arrayOf(nil)
		}
		arr, ok := old.o.(*array)
		if !ok {
			t.fail("type", "cannot add to %s: want array", showArg(old))
		}
		if once {
			for _, v := range arr.items {
				if t.charge(1); t.equal(v, args[2]) {
					return old
				}
			}
		}
		return t.extend(arr, []Value{args[2]})
	}
	segs := t.path(args[1])
	if len(segs) == 0 {
		return add(args[0], true)
	}
	return t.update(args[0], segs, add)
}
