package lisp

// maxIncludes bounds how deep texts may include one another.
const maxIncludes = 32

// load gets a text that the program asks for by name.
func (t *Thread) load(what, name string) (text, path string) {
	if t.Load == nil {
		t.fail("forbidden", "cannot %s %s: no files are included here; they are by exec --local", what, printShort(String(clip(name, 200))))
	}
	if t.expanding > 0 {
		t.fail("forbidden", "cannot %s %s while a macro is expanded", what, printShort(String(clip(name, 200))))
	}
	from := ""
	for fr := t.top; fr != nil && from == ""; fr = fr.prev {
		if fr.cl != nil && fr.cl.proto.src != nil {
			from = fr.cl.proto.src.name
		}
	}
	text, path, err := t.Load(name, from)
	if err != nil {
		t.throw(err)
	}
	t.alloc(int64(len(text)))
	return text, path
}

// include evaluates a text in the global scope, form by form; the last value is the result.
func (t *Thread) include(what, name string) Value {
	if t.files++; t.files > maxIncludes {
		t.fail("value", "cannot %s %s: texts include one another more than %d deep", what, printShort(String(clip(name, 200))), maxIncludes)
	}
	text, path := t.load(what, name)
	v := t.eval(t.env, path, text)
	t.files--
	return v
}

// namesIn are the names of files that a form of include or an argument of source-file says: strings, and lists and arrays of
// them.
func namesIn(v Value, names []string) ([]string, bool) {
	if s, ok := v.AsString(); ok {
		return append(names, s), true
	}
	items, ok := v.Elements()
	for _, item := range items {
		if ok = ok && len(names) < 100; ok {
			s, isText := item.AsString()
			names, ok = append(names, s), isText
		}
	}
	return names, ok
}

// specialInclude analyses (include "file"...). In the global scope the text is evaluated when it is its turn, and macros that
// it defines are there for the forms that follow; inside of a function or a let its forms stand in place of the include.
func specialInclude(a *analyser, args []Value, _ Value) expr {
	var names []string
	for _, arg := range args {
		ok := false
		if names, ok = namesIn(arg, names); !ok {
			a.at(arg)
			a.bad("cannot include %s: want the name of a file, a string", showArg(arg))
		}
	}
	if len(names) == 0 {
		a.bad("cannot include: there is no name of a file")
	}
	if a.check != nil {
		a.check.any = true // what it defines is unknown
		return &eConst{Nil}
	}
	if a.scope == nil {
		run := native("include", func(t *Thread, _ []Value) Value {
			v := Nil
			for _, name := range names {
				v = t.include("include", name)
			}
			return v
		})
		return &eCall{f: &eConst{run}, pos: a.pos}
	}
	pos := a.pos
	var all []Value
	if a.t.files++; a.t.files > maxIncludes {
		a.bad("cannot include %s: texts include one another more than %d deep", printShort(String(clip(names[0], 200))), maxIncludes)
	}
	for _, name := range names {
		text, path := a.t.load("include", name)
		forms, err := newReader(a.t, &source{name: path, text: text}, a.env.base).all()
		if err != nil {
			panic(a.t.compileError(err))
		}
		for _, form := range forms {
			all = append(all, a.t.plain(form, 0))
		}
	}
	a.pos = pos
	e := a.body(all)
	a.t.files--
	return e
}

// sourceFile evaluates texts in the global scope.
func sourceFile(t *Thread, args []Value) Value {
	if t.env == nil {
		t.fail("failed", "cannot evaluate: there is no environment")
	}
	var names []string
	for i, arg := range args {
		ok := false
		if names, ok = namesIn(arg, names); !ok {
			t.badArg("source-file", i+1, arg, "name of a file, or a list or array of such")
		}
	}
	for _, name := range names {
		t.include("source", name)
	}
	return Nil
}
