package lisp

// languageTables are the primitives of the language.
func languageTables() [][]Prim {
	return [][]Prim{corePrims(), numberPrims(), seqPrims(), hashPrims(), funcPrims(), textPrims(), printPrims(),
		streamPrims(), regexpPrims(), jsonPrims(), timePrims(), recordPrims(),
		csvPrims(), bufferPrims(), randPrims(), channelPrims()}
}

func kindTest(name string, kind Kind, example string) Prim {
	return Prim{Name: name, Params: "x", Doc: "Whether x is " + article(kind.String()) + ".", Example: example,
		test1: func(v Value) bool { return v.Kind() == kind }}
}

// corePrims are predicates, comparison, conversion, errors and evaluation.
func corePrims() []Prim {
	return []Prim{
		kindTest("int?", KindInt, "(int? 5) => true"),
		kindTest("float?", KindFloat, "(float? 5) => false"),
		kindTest("char?", KindChar, "(char? #a) => true"),
		kindTest("bool?", KindBool, "(bool? nil) => false"),
		kindTest("string?", KindString, "(string? \"a\") => true"),
		kindTest("symbol?", KindSymbol, "(symbol? 'a) => true"),
		kindTest("bytes?", KindBytes, "(bytes? (bytes \"a\")) => true"),
		kindTest("array?", KindArray, "(array? [1]) => true"),
		kindTest("hash?", KindHash, "(hash? {}) => true"),
		kindTest("function?", KindFunction, "(function? car) => true"),
		kindTest("error?", KindError, "(error? (error \"no\")) => true"),
		{Name: "number?", Params: "x", Doc: "Whether x is an int, a float or a char.", Example: "(number? #a) => true", test1: isNumber},
		{Name: "nil?", Params: "x", Doc: "Whether x is nil, the empty list.", Example: "(nil? ()) => true", test1: Value.IsNil},
		{Name: "not-nil?", Params: "x", Doc: "Whether x is anything but nil.", Example: "(not-nil? 0) => true", test1: func(v Value) bool { return !v.IsNil() }},
		{Name: "not", Params: "x", Doc: "true for nil and false, else false.", Example: "(not 0) => false", test1: func(v Value) bool { return !v.Truthy() }},
		{Name: "list?", Params: "x", Doc: "Whether x is nil or a list that ends in nil.", Example: "[(list? '(1)) (list? (cons 1 2))] => [true false]", test1: isList},
		{Name: "zero?", Params: "x", Doc: "Whether x is the number 0, the char 0 or the zero time.", Example: "(zero? 0.0) => true", test1: isZero},
		{Name: "empty?", Params: "x", Doc: "Whether x is nil or an array, hash, string or byte string without elements.", Example: "(empty? \"\") => true", test1: isEmpty},
		{Name: "not-empty?", Params: "x", Doc: "The opposite of empty?.", Example: "(not-empty? [1]) => true", test1: func(v Value) bool { return !isEmpty(v) }},
		{Name: "type", Params: "x", Doc: "The name of the type of x.", Example: "(map type [1 nil {}]) => [\"int\" \"list\" \"hash\"]",
			fn1: func(t *Thread, v Value) Value { return t.newText(typeName(v)) }},
		{Name: "=", Params: "a b more...", Doc: "Whether all are equal: numbers by value, the rest by structure. Different types are not equal.", Example: "(= 1 1.0) => true", op: opEQ,
			fn: func(t *Thread, args []Value) Value {
				return t.chain(args, func(a, b Value) bool { return t.equal(a, b) })
			}},
		{Name: "!=", Params: "a b more...", Doc: "Whether not all are equal.", Example: "(!= 1 2) => true", op: opNE, fn: notEqual},
		{Name: "not=", Params: "a b more...", Doc: "Whether not all are equal.", Example: "(not= 1 2 1) => true", op: opNE, fn: notEqual},
		{Name: "<", Params: "a b more...", Doc: "Whether each is less than the next: numbers, strings, symbols, booleans, times, and lists or arrays of these; nil is least.", Example: "(< 1 2 3) => true", op: opLT,
			fn: func(t *Thread, args []Value) Value {
				return t.chain(args, func(a, b Value) bool { return t.order(a, b) < 0 })
			}},
		{Name: "<=", Params: "a b more...", Doc: "Whether each is less than or equal to the next.", Example: "(<= 1 1 2) => true", op: opLE,
			fn: func(t *Thread, args []Value) Value {
				return t.chain(args, func(a, b Value) bool { return t.order(a, b) <= 0 })
			}},
		{Name: ">", Params: "a b more...", Doc: "Whether each is greater than the next.", Example: "(> \"b\" \"a\") => true", op: opGT,
			fn: func(t *Thread, args []Value) Value {
				return t.chain(args, func(a, b Value) bool { return t.order(a, b) > 0 })
			}},
		{Name: ">=", Params: "a b more...", Doc: "Whether each is greater than or equal to the next.", Example: "(>= 2 2 1) => true", op: opGE,
			fn: func(t *Thread, args []Value) Value {
				return t.chain(args, func(a, b Value) bool { return t.order(a, b) >= 0 })
			}},
		{Name: "int", Params: "x:int|float|char|string|bytes", Doc: "x as an integer: a float is truncated, a string read, bytes are big-endian.", Example: "[(int -3.9) (int \"12\") (int #a)] => [-3 12 97]", fn: toInt},
		{Name: "float", Params: "x:int|float|string", Doc: "x as a float.", Example: "(float \"2.5\") => 2.5", fn: toFloatPrim},
		{Name: "string", Params: "x [decimals:int]", Doc: "x as plain text; a number with at most that many decimals. Lists and arrays give the text of their elements.", Example: "[(string 3.14159 2) (string [1 \"b\"]) (string nil)] => [\"3.14\" \"1b\" \"\"]", fn1: textOf, fn: toText},
		{Name: "sexp-str", Params: "x", Doc: "x as the reader would read it.", Example: "(sexp-str [1 \"b\" nil]) => \"[1 \\\"b\\\" ()]\"",
			fn1: func(t *Thread, v Value) Value { return t.newText(t.show(v, false)) }},
		{Name: "char", Params: "x:int|char|string", Doc: "The char of a code point or of a string of one char.", Example: "(char 97) => #a", fn: toChar},
		{Name: "bool", Params: "x:bool|string", Doc: "x as a boolean; of strings only \"true\" is true.", Example: "(bool \"yes\") => false",
			fn: func(t *Thread, args []Value) Value {
				if s, ok := args[0].AsString(); ok {
					return Bool(s == "true")
				}
				return args[0]
			}},
		{Name: "symbol", Params: "x:string|symbol", Doc: "The symbol of a name.", Example: "(symbol \"a-b\") => a-b",
			fn: func(t *Thread, args []Value) Value {
				if s, ok := args[0].AsString(); ok {
					t.alloc(int64(len(s)) + 16)
					return Sym(s)
				}
				return args[0]
			}},
		{Name: "bytes", Params: "x:string|int|bytes", Doc: "The UTF-8 of a string, or the big-endian digits of an integer.", Example: "(bytes \"hi\") => 0B6869", fn: toBytes},
		{Name: "gensym", Params: "", Doc: "A symbol that no text contains.", Example: "(= (gensym) (gensym)) => false",
			fn: func(t *Thread, _ []Value) Value { return t.newSymbol() }},
		{Name: "symnum", Params: "s:symbol", Doc: "A number that belongs to a symbol.", Example: "(= (symnum 'a) (symnum 'a)) => true",
			fn: func(t *Thread, args []Value) Value {
				sum, _ := sumOf(args[0])
				return Int(int64(sum))
			}},
		{Name: "read", Params: "text:string", Doc: "The first form of a text.", Example: "(read \"(+ 1 2) 3\") => (+ 1 2)", fn: readPrim},
		{Name: "eval", Params: "form", Doc: "Evaluates a form in the global scope.", Example: "(eval '(+ 1 2)) => 3", fn: evalPrim},
		{Name: "source-file", Params: "file:string|array|list...", Doc: "Evaluates the forms of files in the global scope, as include does; nil.", Example: "(try (source-file \"no-such-file.glisp\") (catch e \"none\")) => \"none\"", fn: sourceFile},
		{Name: "error", Params: "[kind:~symbol] message:~string [value]", Doc: "An error value, which raise raises.", Example: "(error-message (error \"no luck\")) => \"no luck\"", fn: errorPrim},
		{Name: "raise", Params: "value", Doc: "Fails: with an error value, with a message, or with any value.", Example: "(try (raise \"no\") (catch e (error-message e))) => \"no\"", fn: raisePrim},
		{Name: "error-kind", Params: "e:error", Doc: "The kind of an error: type, arity, unbound, index, key, value, assertion, raised, not-found, ...", Example: "(try (car 1) (catch e (error-kind e))) => \"type\"",
			fn: func(t *Thread, args []Value) Value { return t.newText(args[0].o.(*errorValue).err.Kind) }},
		{Name: "error-message", Params: "e:error", Doc: "The message of an error.", Example: "(error-message (error \"no\")) => \"no\"",
			fn: func(t *Thread, args []Value) Value { return t.newText(args[0].o.(*errorValue).err.Msg) }},
		{Name: "error-value", Params: "e:error", Doc: "What was raised, or the report that came with a failure; else nil.", Example: "(try (raise [1 2]) (catch e (error-value e))) => [1 2]",
			fn: func(t *Thread, args []Value) Value { return args[0].o.(*errorValue).err.Value }},
		{Name: "error-where", Params: "e:error", Doc: "Where an error happened: \"file:line:column\".", Example: "(error-where (error \"no\")) => \"\"",
			fn: func(t *Thread, args []Value) Value {
				e, _ := args[0].AsError()
				if e.Pos.Line == 0 {
					return t.newText("")
				}
				return t.newText(e.Pos.String())
			}},
		{Name: "error-trace", Params: "e:error", Doc: "The calls that were under way, innermost first.", Example: "(error-trace (error \"no\")) => []",
			fn: func(t *Thread, args []Value) Value {
				e, _ := args[0].AsError()
				items := t.makeItems(len(e.Trace))
				for _, line := range e.Trace {
					items = append(items, t.newText(line))
				}
				return arrayOf(items)
			}},
		{Name: "exit", Params: "[code:int]", Doc: "Ends the program with an exit code, 0 to 255.", Example: "(function? exit) => true",
			fn: func(t *Thread, args []Value) Value {
				code := int64(0)
				if len(args) > 0 {
					if code = args[0].n; args[0].o != nil || code < 0 || code > 255 {
						t.fail("value", "cannot exit with %s: want 0 to 255", showArg(args[0]))
					}
				}
				panic(Exit{int(code)})
			}},
	}
}

func isList(v Value) bool {
	if c, ok := v.o.(*cons); ok {
		_, proper := c.length()
		return proper
	}
	return v.IsNil()
}

func isZero(v Value) bool {
	switch o := v.o.(type) {
	case nil, *charTag:
		return v.n == 0
	case *floatTag:
		return v.float() == 0
	case *timeValue:
		return o.t.IsZero()
	}
	return false
}

func isEmpty(v Value) bool {
	switch o := v.o.(type) {
	case *nilTag:
		return true
	case *text:
		return o.s == ""
	case *raw:
		return len(o.b) == 0
	case *array:
		return len(o.items) == 0
	case *Hash:
		return o.live == 0
	}
	return false
}

// chain compares neighbours until a pair fails.
func (t *Thread) chain(args []Value, ok func(a, b Value) bool) Value {
	for i := 0; i+1 < len(args); i++ {
		if !ok(args[i], args[i+1]) {
			return False
		}
	}
	return True
}

func notEqual(t *Thread, args []Value) Value {
	return Bool(!t.chain(args, func(a, b Value) bool { return t.equal(a, b) }).Truthy())
}

func readPrim(t *Thread, args []Value) Value {
	s, _ := args[0].AsString()
	r := newReader(t, &source{text: s}, nil)
	t.charge(int64(len(s)) >> 6)
	if r.space(); r.at >= len(r.s) {
		t.fail("syntax", "cannot read: the text has no form")
	}
	v, err := r.form()
	if err != nil {
		err.Msg += " (line " + intText(Int(int64(err.Pos.Line))) + " of the text)"
		err.Pos, err.Line = Pos{}, ""
		t.throw(err)
	}
	return t.plain(v, 0)
}

// plain takes the positions out of a form that belongs to no source text.
func (t *Thread) plain(v Value, depth int) Value {
	switch o := v.o.(type) {
	case *symbol, *text:
		v.n = 0
	case *cons:
		items := []Value{}
		for {
			items = append(items, t.plain(o.car, depth+1))
			next, ok := o.cdr.o.(*cons)
			if !ok {
				t.alloc(int64(len(items)) * consSize)
				return listTail(items, t.plain(o.cdr, depth+1))
			}
			o = next
		}
	case *array:
		for i, item := range o.items {
			o.items[i] = t.plain(item, depth+1)
		}
		v.n = 0
	case *Hash:
		v.n = 0
		for i := range o.entries {
			e := &o.entries[i]
			e.key, e.val = t.plain(e.key, depth+1), t.plain(e.val, depth+1)
		}
	case *braces:
		v.n = 0
		for i, item := range o.items {
			o.items[i] = t.plain(item, depth+1)
		}
	}
	return v
}

func evalPrim(t *Thread, args []Value) Value {
	if t.env == nil {
		t.fail("failed", "cannot eval: there is no environment")
	}
	var src *source
	var pos position
	for fr := t.top; fr != nil && src == nil; fr = fr.prev {
		if fr.cl != nil {
			src, pos = fr.cl.proto.src, fr.site
		}
	}
	t.env.prescan(walk{t: t}, args)
	top := newTopLevel(t, t.env, src)
	top.pos = pos
	return t.evalForm(top, args[0])
}

func errorPrim(t *Thread, args []Value) Value {
	e := &Error{Kind: "raised", Value: Nil, traced: true}
	if s, ok := args[0].AsSymbol(); ok && len(args) > 1 {
		e.Kind = t.kindName(s)
		args = args[1:]
	}
	e.Msg = t.message(args[0])
	if len(args) > 1 {
		e.Value = args[1]
	}
	t.alloc(160)
	return ErrorValue(e)
}

// kindName refuses the kinds that say an evaluation could not go on.
func (t *Thread) kindName(s string) string {
	if s == "budget" || s == "cancelled" || s == "" || len(s) > 64 {
		t.fail("value", "cannot make an error of kind %s", clip(s, 64))
	}
	return s
}

func raisePrim(t *Thread, args []Value) Value {
	v := args[0]
	if e, ok := v.AsError(); ok {
		again := *e
		if again.Pos.Line == 0 {
			again.traced = false
		}
		t.throw(&again)
	}
	t.throw(&Error{Kind: "raised", Msg: t.message(v), Value: v})
	return Nil
}
