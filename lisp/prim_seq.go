package lisp

import (
	"strings"
	"unicode/utf8"
)

// seqPrims are lists, arrays, and what works on any sequence.
func seqPrims() []Prim {
	return []Prim{
		{Name: "list", Params: "x...", Doc: "A list.", Example: "(list 1 2) => (1 2)", fn: func(t *Thread, args []Value) Value { return t.newList(args) }},
		{Name: "cons", Params: "a b", Doc: "A pair; a list when b is one.", Example: "(cons 1 '(2)) => (1 2)", fn2: (*Thread).cons},
		{Name: "car", Params: "x:~list|array|hash", Doc: "The first element of a list or array, the first (key . value) of a hash; nil of nil.", Example: "(car [7 8]) => 7", fn1: (*Thread).car},
		{Name: "cdr", Params: "x:~list|array", Doc: "The list or array without its first element; the value of a pair; nil of nil.", Example: "(cdr '(1 2 3)) => (2 3)", fn1: (*Thread).cdr},
		{Name: "cadr", Params: "x:~list|array", Doc: "The second element.", Example: "(cadr '(1 2)) => 2", fn1: func(t *Thread, v Value) Value { return t.car(t.cdr(v)) }},
		{Name: "array", Params: "x...", Doc: "An array.", Example: "(array 1 2) => [1 2]",
			fn: func(t *Thread, args []Value) Value { return arrayOf(append(t.makeItems(len(args)), args...)) }},
		{Name: "make-array", Params: "n:int [fill]", Doc: "An array of n elements, nil or fill.", Example: "(make-array 2 0) => [0 0]",
			fn: func(t *Thread, args []Value) Value {
				n, _ := clampedInt(args[0])
				if n < 0 {
					t.fail("value", "cannot make an array of %s elements", intText(args[0]))
				}
				fill := Nil
				if len(args) > 1 {
					fill = args[1]
				}
				t.room(n, valueSize)
				items := make([]Value, n)
				for i := range items {
					items[i] = fill
				}
				return arrayOf(items)
			}},
		{Name: "aget", Params: "a:array i:~int|char [default]", Doc: "Element i of an array, counted from 0; beyond the end the default, or an error.", Example: "[(aget [1 2] 1) (aget [1] 5 0)] => [2 0]",
			fn2: (*Thread).aget,
			fn: func(t *Thread, args []Value) Value {
				if len(args) == 2 {
					return t.aget(args[0], args[1])
				}
				items := args[0].o.(*array).items
				if i, ok := args[1].AsInt(); ok && i >= 0 && i < int64(len(items)) {
					return items[i]
				}
				return args[2]
			}},
		{Name: "aset!", Params: "a:array i:int|char x", Doc: "Changes element i of an array, which it returns.", Example: "(aset! [1 2] 0 9) => [9 2]",
			fn3: (*Thread).aset,
			fn:  func(t *Thread, args []Value) Value { return t.aset(args[0], args[1], args[2]) }},
		{Name: "aindex", Params: "a:array|nil x", Doc: "The first index of an element equal to x, or -1.", Example: "(aindex [\"p\" \"q\"] \"q\") => 1", fn: func(t *Thread, args []Value) Value {
			items, _ := args[0].Elements()
			for i, v := range items {
				if t.charge(1); t.equal(v, args[1]) {
					return Int(int64(i))
				}
			}
			return Int(-1)
		}},
		{Name: "len", Params: "x:string|bytes|array|list|hash", Doc: "How many characters, bytes, elements or keys.", Example: "(len \"héllo\") => 5", fn1: (*Thread).length},
		{Name: "append", Params: "x:~array|list|string more...", Doc: "A new array or list with more elements, or a string with more chars.", Example: "(append [1] 2 3) => [1 2 3]", fn: appendPrim},
		{Name: "concat", Params: "x:~string|array|list|bytes|hash...", Doc: "Strings, arrays, lists, byte strings or hashes joined; of equal keys the later value counts.", Example: "(concat [1] [2]) => [1 2]", fn: concatPrim},
		{Name: "slice", Params: "x:string|bytes|array|list from:int [to:int]", Doc: "The part from index from up to, not including, to.", Example: "(slice \"hello\" 1 3) => \"el\"", fn: slicePrim},
		{Name: "exist?", Params: "coll:list|array|hash x", Doc: "Whether a list or array has an element equal to x, or a hash the key x.", Example: "(exist? [1 2] 2) => true", fn: existPrim},
		{Name: "array-to-list", Params: "a:array|list", Doc: "The elements as a list.", Example: "(array-to-list [1 2]) => (1 2)", fn: func(t *Thread, args []Value) Value {
			if arr, ok := args[0].o.(*array); ok {
				return t.newList(arr.items)
			}
			return args[0]
		}},
		{Name: "list-to-array", Params: "x:~collection", Doc: "The elements of anything that has some, as an array.", Example: "(list-to-array '(1 2)) => [1 2]", fn: func(t *Thread, args []Value) Value {
			if _, ok := args[0].o.(*array); ok {
				return args[0]
			}
			items := t.elements(args[0], "list-to-array")
			return arrayOf(append(t.makeItems(len(items)), items...))
		}},
		{Name: "reverse", Params: "x:~collection", Doc: "The elements from last to first.", Example: "(reverse \"abc\") => \"cba\"", fn: reversePrim},
		{Name: "nth", Params: "n:int coll:~collection", Doc: "Element n of anything that has elements, counted from 0; nil when there is none.", Example: "(nth 1 '(\"a\" \"b\")) => \"b\"", fn: nthPrim},
		{Name: "first", Params: "coll:~collection", Doc: "The first element, nil when there is none.", Example: "(first [7 8]) => 7", fn: func(t *Thread, args []Value) Value { return nthPrim(t, []Value{Int(0), args[0]}) }},
		{Name: "last", Params: "coll:~collection", Doc: "The last element, nil when there is none.", Example: "(last [7 8]) => 8", fn: func(t *Thread, args []Value) Value {
			items := t.elements(args[0], "last")
			if len(items) == 0 {
				return Nil
			}
			return items[len(items)-1]
		}},
		{Name: "index-of", Params: "f-or-x coll:~collection", Doc: "The first index where the function holds or the element equals, or -1.", Example: "(index-of \"b\" [\"a\" \"b\"]) => 1", fn: indexOf},
		{Name: "sort", Params: "[less:function] coll:~collection", Doc: "The elements in order, by < or by the function that says whether a comes before b. Equal ones keep their order.", Example: "(sort #(> %1 %2) [3 1 2]) => [3 2 1]", fn: sortPrim},
		{Name: "sort-by", Params: "f:function coll:~collection", Doc: "The elements ordered by what the function gives for each.", Example: "(sort-by #(- 0 %) [1 3 2]) => [3 2 1]", fn: sortBy},
		{Name: "uniq", Params: "[f:function] coll:~collection", Doc: "The elements without those that equal an earlier one, or whose value under f does. As with keys of a hash, 1, 1.0 and a char are not equal.", Example: "(uniq #(mod % 3) [1 4 2 5 3]) => [1 2 3]", fn: uniqPrim},
		{Name: "list/complement", Params: "a:seq b:seq", Doc: "The elements of a that are not in b, compared as uniq does.", Example: "(list/complement [1 2 3] [2]) => [1 3]", fn: func(t *Thread, args []Value) Value { return t.keep(args[0], args[1], false) }},
		{Name: "list/intersect", Params: "a:seq b:seq", Doc: "The elements of a that are also in b, compared as uniq does.", Example: "(list/intersect '(1 2 3) '(3 1)) => (1 3)", fn: func(t *Thread, args []Value) Value { return t.keep(args[0], args[1], true) }},
		{Name: "flatten", Params: "coll:~collection", Doc: "One level of lists or arrays removed.", Example: "(flatten [[1 2] [3 [4]]]) => [1 2 3 [4]]", fn: flattenPrim},
		{Name: "union", Params: "a:~collection b:~collection more:~collection...", Doc: "Streams one after another; other things as concat.", Example: "(union [1] [2]) => [1 2]", fn: unionPrim},
	}
}

func (t *Thread) car(v Value) Value {
	switch o := v.o.(type) {
	case *cons:
		return o.car
	case *nilTag:
		return Nil
	case *array:
		if len(o.items) == 0 {
			t.fail("index", "cannot take the car of an empty array")
		}
		return o.items[0]
	case *Hash:
		for i := range o.entries {
			if e := &o.entries[i]; e.live() {
				return t.cons(e.key, e.val)
			}
		}
		return Nil
	}
	t.badArg("car", 1, v, "list, array or hash")
	return Nil
}

func (t *Thread) cdr(v Value) Value {
	switch o := v.o.(type) {
	case *cons:
		return o.cdr
	case *nilTag:
		return Nil
	case *array:
		if len(o.items) == 0 {
			return v
		}
		return arrayOf(append(t.makeItems(len(o.items)-1), o.items[1:]...))
	}
	t.badArg("cdr", 1, v, "list or array")
	return Nil
}

// index checks an index of something with n elements.
func (t *Thread) index(what string, v Value, n int) int {
	i := v.n
	if _, isChar := v.o.(*charTag); v.o != nil && !isChar {
		if v.Kind() != KindInt {
			t.badArg(what, 2, v, "int")
		}
		i = -1
	}
	if i < 0 || i >= int64(n) {
		t.fail("index", "cannot %s element %s: there are %d", what, printShort(v), n)
	}
	return int(i)
}

func (t *Thread) aget(a, i Value) Value {
	arr, ok := a.o.(*array)
	if !ok {
		t.badArg("aget", 1, a, "array")
	}
	if i.o == nil && uint64(i.n) < uint64(len(arr.items)) {
		return arr.items[i.n]
	}
	return arr.items[t.index("aget", i, len(arr.items))]
}

func (t *Thread) aset(a, i, x Value) Value {
	arr, ok := a.o.(*array)
	if !ok {
		t.badArg("aset!", 1, a, "array")
	}
	at := t.index("aset!", i, len(arr.items))
	t.change(arr)
	arr.items[at] = x
	return a
}

func (t *Thread) length(v Value) Value {
	switch o := v.o.(type) {
	case *text:
		return Int(int64(t.count(o)))
	case *raw:
		return Int(int64(len(o.b)))
	case *array:
		return Int(int64(len(o.items)))
	case *nilTag:
		return Int(0)
	case *Hash:
		return Int(int64(o.live))
	case *cons:
		n := int64(1)
		for {
			next, ok := o.cdr.o.(*cons)
			if !ok {
				break
			}
			if n++; n&255 == 0 {
				t.charge(64)
			}
			o = next
		}
		return Int(n)
	}
	t.badArg("len", 1, v, "string, bytes, array, list or hash")
	return Nil
}

// elements gives what a collection holds: pairs of a hash, chars of a string or bytes, all that is left of a stream. The
// slice must not be changed.
func (t *Thread) elements(v Value, what string) []Value {
	switch o := v.o.(type) {
	case *nilTag:
		return nil
	case *array:
		return o.items
	case *cons:
		var out []Value
		for {
			if len(out) == cap(out) {
				t.alloc(int64(2*len(out)+4) * valueSize)
			}
			t.charge(1)
			out = append(out, o.car)
			next, ok := o.cdr.o.(*cons)
			if !ok {
				if !o.cdr.IsNil() {
					out = append(out, o.cdr)
				}
				return out
			}
			o = next
		}
	case *Hash:
		return t.pairs(o)
	case *text:
		t.alloc(int64(len(o.s)) * valueSize)
		out := make([]Value, 0, len(o.s))
		t.eachPiece(o.s, func(piece string) bool {
			for _, r := range piece {
				out = append(out, Char(r))
			}
			return true
		})
		return out
	case *raw:
		t.alloc(int64(len(o.b)) * valueSize)
		out := make([]Value, len(o.b))
		t.inPieces(len(out), func(from, to int) {
			for i := from; i < to; i++ {
				out[i] = Char(rune(o.b[i]))
			}
		})
		return out
	case *stream:
		return t.realize(o)
	case *record:
		t.alloc(int64(len(o.values)) * (valueSize + consSize))
		out := make([]Value, len(o.values))
		for i, x := range o.values {
			out[i] = Cons(String(o.class.fields[i].name), x)
		}
		return out
	case *hostObject:
		if _, ok := o.obj.(Iterable); ok {
			return t.realize(t.streamOf(v))
		}
	}
	t.fail("type", "cannot %s %s: want a collection", what, showArg(v))
	return nil
}

// like gives items the form that v has: a list for lists, nil and hashes, else an array.
func (t *Thread) like(v Value, items []Value) Value {
	if _, ok := v.o.(*array); ok {
		return arrayOf(items)
	}
	return t.newList(items)
}

func appendPrim(t *Thread, args []Value) Value {
	switch o := args[0].o.(type) {
	case *array:
		return t.extend(o, args[1:])
	case *nilTag, *cons:
		items := t.elements(args[0], "append")
		t.alloc(int64(len(items)+len(args)) * (valueSize + consSize))
		return listTail(append(append([]Value(nil), items...), args[1:]...), Nil)
	case *text:
		for i, v := range args[1:] {
			if v.Kind() != KindChar {
				t.badArg("append", i+2, v, "char; concat joins strings")
			}
			o = t.join(o, string(rune(v.n)))
		}
		return Value{o: o}
	}
	t.badArg("append", 1, args[0], "array, list or string")
	return Nil
}

func concatPrim(t *Thread, args []Value) Value {
	for len(args) > 0 && args[0].IsNil() {
		args = args[1:]
	}
	if len(args) == 0 {
		return Nil
	}
	first := args[0]
	wrong := func(i int, want string) {
		t.badArg("concat", i+2, args[i+1], want+" as the first")
	}
	switch o := first.o.(type) {
	case *text:
		for i, v := range args[1:] {
			s, ok := v.o.(*text)
			if !ok {
				wrong(i, "string")
			}
			o = t.join(o, s.s)
		}
		return Value{o: o}
	case *array:
		out := first
		for i, v := range args[1:] {
			arr, ok := v.o.(*array)
			if !ok && !v.IsNil() {
				wrong(i, "array")
			}
			if ok {
				out = t.extend(out.o.(*array), arr.items)
			}
		}
		if out.o == first.o {
			return arrayOf(append(t.makeItems(len(o.items)), o.items...))
		}
		return out
	case *cons:
		// The last list is shared, those before it are copied.
		out := args[len(args)-1]
		if !out.IsNil() {
			if _, ok := out.o.(*cons); !ok {
				wrong(len(args)-2, "list")
			}
		}
		for i := len(args) - 2; i >= 0; i-- {
			if _, ok := args[i].o.(*cons); !ok && !args[i].IsNil() {
				wrong(i-1, "list")
			}
			items := t.elements(args[i], "concat")
			t.alloc(int64(len(items)) * consSize)
			out = listTail(items, out)
		}
		return out
	case *raw:
		size := 0
		for i, v := range args {
			b, ok := v.AsBytes()
			if !ok {
				wrong(i-1, "bytes")
			}
			size += len(b)
		}
		t.alloc(int64(size) + 32)
		out := make([]byte, 0, size)
		for _, v := range args {
			b, _ := v.AsBytes()
			out = append(out, b...)
		}
		return Bytes(out)
	case *Hash:
		entries, index := sizes(o.live)
		t.alloc(int64(entries)*entrySize + int64(index)*slotSize + hashSize)
		h := o.clone()
		for i, v := range args[1:] {
			other, ok := v.AsHash()
			if !ok && !v.IsNil() {
				wrong(i, "hash")
			}
			if ok {
				other.Each(func(k, v Value) bool {
					t.charge(1)
					t.setHash(h, k, v)
					return true
				})
			}
		}
		return HashValue(h)
	}
	t.badArg("concat", 1, first, "string, array, list, bytes or hash")
	return Nil
}

// bounds checks from and to against n elements; to beyond the end is the end.
func (t *Thread) bounds(args []Value, n int) (int, int) {
	from, ok := clampedInt(args[1])
	to, ok2 := int64(n), true
	if len(args) > 2 {
		to, ok2 = clampedInt(args[2])
		to = min(to, int64(n))
	}
	if !ok || !ok2 || from < 0 || from > int64(n) || to < from {
		if len(args) > 2 {
			t.fail("index", "cannot slice from %s to %s: the length is %d", printShort(args[1]), printShort(args[2]), n)
		}
		t.fail("index", "cannot slice from %s: the length is %d", printShort(args[1]), n)
	}
	return int(from), int(to)
}

func slicePrim(t *Thread, args []Value) Value {
	switch o := args[0].o.(type) {
	case *text:
		n := t.count(o)
		from, to := t.bounds(args, n)
		if n == len(o.s) {
			return t.newText(o.s[from:to])
		}
		start := t.byteOffset(o.s, from)
		return t.newText(o.s[start : start+t.byteOffset(o.s[start:], to-from)])
	case *raw:
		from, to := t.bounds(args, len(o.b))
		t.alloc(int64(to-from) + 32)
		return Bytes(append([]byte(nil), o.b[from:to]...))
	case *array:
		from, to := t.bounds(args, len(o.items))
		return arrayOf(append(t.makeItems(to-from), o.items[from:to]...))
	}
	items := t.elements(args[0], "slice")
	from, to := t.bounds(args, len(items))
	return t.newList(items[from:to])
}

func existPrim(t *Thread, args []Value) Value {
	if h, ok := args[0].AsHash(); ok {
		_, found := h.Get(args[1])
		return Bool(found)
	}
	for _, v := range t.elements(args[0], "search") {
		if t.charge(1); t.equal(v, args[1]) {
			return True
		}
	}
	return False
}

func reversePrim(t *Thread, args []Value) Value {
	switch o := args[0].o.(type) {
	case *text:
		t.alloc(int64(len(o.s)) + textSize)
		var b strings.Builder
		b.Grow(len(o.s))
		for i, paid := len(o.s), len(o.s); i > 0; {
			if paid-i >= pieceBytes {
				t.charge(pieceBytes >> 4)
				paid = i
			}
			_, size := utf8.DecodeLastRuneInString(o.s[:i])
			b.WriteString(o.s[i-size : i])
			i -= size
		}
		return String(b.String())
	case *raw:
		t.alloc(int64(len(o.b)) + 32)
		out := make([]byte, len(o.b))
		t.inPieces(len(out), func(from, to int) {
			for i := from; i < to; i++ {
				out[len(out)-1-i] = o.b[i]
			}
		})
		return Bytes(out)
	}
	items := t.elements(args[0], "reverse")
	out := t.makeItems(len(items))
	for i := len(items) - 1; i >= 0; i-- {
		out = append(out, items[i])
	}
	if _, ok := args[0].o.(*stream); ok {
		return streamOfItems(out)
	}
	return t.like(args[0], out)
}

func nthPrim(t *Thread, args []Value) Value {
	n, ok := args[0].AsInt()
	if !ok || n < 0 {
		return Nil
	}
	switch o := args[1].o.(type) {
	case *array:
		if n < int64(len(o.items)) {
			return o.items[n]
		}
		return Nil
	case *text:
		if n >= int64(t.count(o)) {
			return Nil
		}
		return t.charAt(o, int(n))
	}
	s := t.streamOf(args[1])
	for {
		v, more := t.pull(s)
		if !more {
			return Nil
		}
		if n == 0 {
			return v
		}
		n--
	}
}

func indexOf(t *Thread, args []Value) Value {
	f := args[0]
	s := t.streamOf(args[1])
	for i := int64(0); ; i++ {
		v, more := t.pull(s)
		if !more {
			return Int(-1)
		}
		if f.Kind() == KindFunction {
			if t.call1(f, v).Truthy() {
				return Int(i)
			}
		} else if t.equal(f, v) {
			return Int(i)
		}
	}
}

func flattenPrim(t *Thread, args []Value) Value {
	if s, ok := args[0].o.(*stream); ok {
		return t.flatStream(s, func(v Value) Value { return v })
	}
	var out []Value
	for _, v := range t.elements(args[0], "flatten") {
		if !isSeq(v) {
			if _, ok := v.o.(*stream); !ok {
				t.fail("type", "cannot flatten: an element is %s, want list or array", showArg(v))
			}
		}
		items := t.elements(v, "flatten")
		t.alloc(int64(len(items)) * 2 * valueSize)
		out = append(out, items...)
	}
	return t.like(args[0], out)
}

func unionPrim(t *Thread, args []Value) Value {
	if _, ok := args[0].o.(*stream); !ok {
		return concatPrim(t, args)
	}
	streams := make([]*stream, len(args))
	for i, v := range args {
		streams[i] = t.streamOf(v)
	}
	return newStream(func(t *Thread) (Value, bool) {
		for len(streams) > 0 {
			if v, more := t.pull(streams[0]); more {
				return v, true
			}
			streams = streams[1:]
		}
		return Nil, false
	})
}
