package lisp

import (
	"fmt"
	"sort"
	"strings"
)

// Env is a scope of global names. The base is frozen and shared; a child belongs to one evaluation at a time.
type Env struct {
	parent *Env
	names  map[string]*global
	macros map[string]*macro
	fuzzy  []*fuzzyMacro
	base   *baseTable
}

// global is the place of one name. Code refers to the place, so a function sees a later definition.
type global struct {
	fn     *closure // val, when that is a function of the program: what calls look at
	val    Value
	name   string
	local  string // a local variable that looks like it, where it was used without having a value
	coming bool   // defined later in the text that is being compiled
	frozen bool   // of the base: code may take the value itself

	constant eConst // the value of a frozen one
}

// set gives the name a value.
func (g *global) set(v Value) {
	g.val = v
	g.fn, _ = v.o.(*closure)
}

// freeze gives the name a value for good.
func (g *global) freeze(v Value) {
	g.set(v)
	g.frozen, g.constant = true, eConst{v}
}

type macro struct {
	fn  Value // a closure
	doc string
}

// fuzzyMacro answers for every head symbol that its pattern matches.
type fuzzyMacro struct {
	re    *pattern
	macro *macro
}

// baseTable is what is computed once for a base.
type baseTable struct {
	symbols map[string]*symbol
	docs    map[string]Doc
}

// Doc describes a name.
type Doc struct {
	Name    string
	Kind    string // "function", "special form", "macro", "variable"
	Usage   string // "(hget h k [default])"
	Types   string // of the arguments: "h: hash, k: any, default: any"; "" where there are none to tell
	Text    string
	Example string
}

// NewBase builds the frozen environment: the language, and the embedder's primitives, of which a later one replaces an
// earlier one of the same name. It panics when a row of a table is wrong, which is an error of the program that embeds.
func NewBase(host ...[]Prim) *Env {
	env := &Env{names: map[string]*global{}, base: &baseTable{symbols: map[string]*symbol{}, docs: map[string]Doc{}}}
	for _, row := range specialDocs {
		env.base.docs[row.Name] = row
		env.base.symbols[row.Name] = &symbol{row.Name}
	}
	for _, table := range append(languageTables(), host...) {
		for i := range table {
			def := &table[i]
			prim, err := newPrimitive(def)
			if err != nil {
				panic(fmt.Sprintf("lisp: %v", err))
			}
			env.names[def.Name] = &global{name: def.Name}
			env.names[def.Name].freeze(Value{o: prim})
			env.base.symbols[def.Name] = &symbol{def.Name}
			env.base.docs[def.Name] = Doc{Name: def.Name, Kind: "function", Usage: usage(def.Name, def.Params), Types: prim.sig.argumentTypes(), Text: def.Doc, Example: def.Example}
		}
	}
	env.names["nil"] = &global{name: "nil"}
	env.names["nil"].freeze(Nil)
	env.base.symbols["nil"] = &symbol{"nil"}
	env.base.docs["nil"] = Doc{Name: "nil", Kind: "variable", Usage: "nil", Text: "The empty list. nil and false are the only values that count as false.", Example: "nil => ()"}
	return env
}

// Child makes the scope of a session, or of a request inside one. What it defines is seen by it and its children only.
func (env *Env) Child() *Env { return &Env{parent: env, base: env.base} }

// Define gives a name a value. Defining in the base is allowed while nothing uses it yet, and makes a constant.
func (env *Env) Define(name string, v Value) {
	g := env.own(name)
	if env.parent == nil {
		freeze(nil, v)
		g.freeze(v)
		return
	}
	g.set(v)
}

// own gives the place of a name in this very scope.
func (env *Env) own(name string) *global {
	if g := env.names[name]; g != nil {
		return g
	}
	if env.names == nil {
		env.names = map[string]*global{}
	}
	g := &global{name: name, val: unbound}
	env.names[name] = g
	return g
}

// find gives the place of a name that has a value here or outside, or nil.
func (env *Env) find(name string) *global {
	for e := env; e != nil; e = e.parent {
		if g := e.names[name]; g != nil && g.val.o != unbound.o {
			return g
		}
	}
	return nil
}

// Lookup gives the value of a global name.
func (env *Env) Lookup(name string) (Value, bool) {
	if g := env.find(name); g != nil {
		return g.val, true
	}
	return Nil, false
}

// place gives the place that code refers to by a name: one that has a value, or a new empty one here.
func (env *Env) place(name string) *global {
	if g := env.find(name); g != nil {
		return g
	}
	return env.own(name)
}

// head says what a global name means at the head of a form: a macro, or a place that has a value, or neither.
func (env *Env) head(name string) (*macro, *global) {
	for e := env; e != nil; e = e.parent {
		if m := e.macros[name]; m != nil {
			return m, nil
		}
		if g := e.names[name]; g != nil && g.val.o != unbound.o {
			return nil, g
		}
	}
	return nil, nil
}

func (env *Env) macro(name string) *macro {
	m, _ := env.head(name)
	return m
}

// fuzzyFor gives the first pattern macro that matches a name.
func (env *Env) fuzzyFor(t *Thread, name string) *macro {
	for e := env; e != nil; e = e.parent {
		for _, f := range e.fuzzy {
			if t.matches(f.re, name) {
				return f.macro
			}
		}
	}
	return nil
}

// Names gives all names that start with prefix, sorted: functions, variables, macros and special forms.
func (env *Env) Names(prefix string) []string {
	seen := map[string]bool{}
	for e := env; e != nil; e = e.parent {
		for name, g := range e.names {
			if g.val.o != unbound.o {
				seen[name] = true
			}
		}
		for name := range e.macros {
			seen[name] = true
		}
	}
	for name := range env.base.docs {
		seen[name] = true
	}
	out := make([]string, 0, len(seen))
	for name := range seen {
		if strings.HasPrefix(name, prefix) {
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return out
}

// Defined gives the names of this very scope, sorted: what a program defined in it, macros too.
func (env *Env) Defined() []string {
	var out []string
	for name, g := range env.names {
		if g.val.o != unbound.o {
			out = append(out, name)
		}
	}
	for name := range env.macros {
		if g := env.names[name]; g == nil || g.val.o == unbound.o {
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return out
}

// Doc describes a name; false when it means nothing.
func (env *Env) Doc(name string) (Doc, bool) {
	for e := env; e != nil; e = e.parent {
		if m := e.macros[name]; m != nil {
			return Doc{Name: name, Kind: "macro", Usage: macroUsage(name, m), Text: m.doc}, true
		}
		g := e.names[name]
		if g == nil || g.val.o == unbound.o || e.parent == nil {
			continue
		}
		if c, ok := g.val.o.(*closure); ok {
			return Doc{Name: name, Kind: "function", Usage: c.proto.usage(), Text: c.proto.doc}, true
		}
		if p, ok := g.val.o.(*primitive); ok && p.def.Name == name {
			break
		}
		return Doc{Name: name, Kind: "variable", Usage: name, Text: "Its value is " + article(wordFor(g.val)) + "."}, true
	}
	d, ok := env.base.docs[name]
	if !ok {
		if g := env.find(name); g != nil {
			return Doc{Name: name, Kind: "variable", Usage: name, Text: "Its value is " + article(wordFor(g.val)) + "."}, true
		}
	}
	return d, ok
}

func macroUsage(name string, m *macro) string {
	if c, ok := m.fn.o.(*closure); ok {
		return c.proto.usage()
	}
	return "(" + name + " ...)"
}

// nearest suggests a name for one that means nothing; "" when none is near.
func (env *Env) nearest(name string, more []string) string {
	if env == nil {
		return ""
	}
	if isAccessor(name) {
		return ": a name with a colon looks a key up as head of a call only; a function that does it is #(" + clip(name, 60) + " %)"
	}
	if special(name) != nil || builtinMacro(name) != nil || env.macro(name) != nil {
		if d, ok := env.Doc(name); ok {
			return ": " + article(d.Kind) + " stands at the head of a form only: " + clip(d.Usage, 200)
		}
	}
	if there := elsewhere(name); there != "" {
		return DidYouMean(there)
	}
	return DidYouMean(Nearest(name, append(more, env.Names("")...)))
}

// unknown is the suggestion of [Env.nearest], which takes some work.
func (t *Thread) unknown(name string, more ...string) string {
	own := 0 // beside those of the base
	for e := t.env; e != nil && e.parent != nil; e = e.parent {
		own += len(e.names) + len(e.macros)
	}
	t.charge(1000 + 8*int64(own))
	t.alloc(16<<10 + 64*int64(own))
	return t.env.nearest(name, more)
}
