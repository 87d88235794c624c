package lisp

import (
	"fmt"
	"regexp"
	"regexp/syntax"
)

// pattern is a compiled regular expression.
type pattern struct{ re *regexp.Regexp }

func (*pattern) kind() Kind { return KindRegexp }

const (
	maxPattern = 1 << 10 // bytes of a regular expression
	maxSubject = 1 << 20 // bytes of a text to search
	maxProgram = 10_000  // instructions of a compiled expression
)

// compilePattern compiles a regular expression (RE2 syntax) of bounded size.
func compilePattern(s string) (*regexp.Regexp, error) {
	if len(s) > maxPattern {
		return nil, fmt.Errorf("a regular expression of more than %d bytes", maxPattern)
	}
	tree, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return nil, err
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, err
	}
	if len(prog.Inst) > maxProgram {
		return nil, fmt.Errorf("a regular expression of more than %d instructions", maxProgram)
	}
	return regexp.Compile(s)
}

// pattern gives the compiled form of an argument; texts are compiled once per evaluation.
func (t *Thread) pattern(v Value) *regexp.Regexp {
	if p, ok := v.o.(*pattern); ok {
		return p.re
	}
	s, _ := v.AsString()
	if re := t.patterns[s]; re != nil {
		return re
	}
	t.charge(100 + int64(len(s)))
	t.alloc(4096 + int64(len(s))*64)
	re, err := compilePattern(s)
	if err != nil {
		t.fail("value", "cannot compile the regular expression %s: %v", clip(printShort(v), 80), err)
	}
	if t.patterns == nil || len(t.patterns) >= 64 {
		t.patterns = map[string]*regexp.Regexp{}
	}
	t.patterns[s] = re
	return re
}

// subject charges for searching a text.
func (t *Thread) subject(v Value) string {
	s, _ := v.AsString()
	if len(s) > maxSubject {
		t.fail("too-large", "cannot search a text of %d bytes with a regular expression: want at most %d", len(s), maxSubject)
	}
	t.charge(1 + int64(len(s))>>2)
	return s
}

// regexpPrims are regular expressions.
func regexpPrims() []Prim {
	submatches := func(t *Thread, s string, at []int) Value {
		out := t.makeItems(len(at) / 2)
		for i := 0; i < len(at); i += 2 {
			if at[i] < 0 {
				out = append(out, Nil)
			} else {
				out = append(out, t.newText(s[at[i]:at[i+1]]))
			}
		}
		return arrayOf(out)
	}
	return []Prim{
		kindTest("regexp?", KindRegexp, "(regexp? (regexp/compile \"a\")) => true"),
		{Name: "regexp/compile", Params: "s:string", Doc: "A compiled regular expression (RE2 syntax). Wherever one is wanted its text does as well.", Example: "(type (regexp/compile \"a+\")) => \"regexp\"", fn: func(t *Thread, args []Value) Value {
			return Value{o: &pattern{t.pattern(args[0])}}
		}},
		{Name: "regexp/match", Params: "re:regexp|string s:string", Doc: "Whether the expression matches somewhere.", Example: "(regexp/match #`^\\d+$` \"123\") => true", fn: func(t *Thread, args []Value) Value {
			return Bool(t.pattern(args[0]).MatchString(t.subject(args[1])))
		}},
		{Name: "regexp/find", Params: "re:regexp|string s:string", Doc: "The first match, \"\" if there is none.", Example: "(regexp/find \"[0-9]+\" \"ab12cd\") => \"12\"", fn: func(t *Thread, args []Value) Value {
			return t.newText(t.pattern(args[0]).FindString(t.subject(args[1])))
		}},
		{Name: "regexp/find-all", Params: "re:regexp|string s:string [n:int]", Doc: "All matches, or the first n.", Example: "(regexp/find-all \"[0-9]+\" \"a1b22\") => [\"1\" \"22\"]", fn: func(t *Thread, args []Value) Value {
			s := t.subject(args[1])
			t.alloc(24 * int64(len(s)))
			return t.texts(t.pattern(args[0]).FindAllString(s, limitArg(args, 2)))
		}},
		{Name: "regexp/find-index", Params: "re:regexp|string s:string", Doc: "Where the first match starts and ends, in characters; [] if there is none.", Example: "(regexp/find-index \"[0-9]+\" \"é12\") => [1 3]", fn: func(t *Thread, args []Value) Value {
			s := t.subject(args[1])
			at := t.pattern(args[0]).FindStringIndex(s)
			if at == nil {
				return t.newArray(nil)
			}
			return t.newArray([]Value{charIndex(s, at[0]), charIndex(s, at[1])})
		}},
		{Name: "regexp/groups", Params: "re:regexp|string s:string", Doc: "The first match and what its groups matched (nil for those that took no part); [] if there is none.", Example: "(regexp/groups #`(\\w+)@(\\w+)` \"me@host\") => [\"me@host\" \"me\" \"host\"]", fn: func(t *Thread, args []Value) Value {
			s := t.subject(args[1])
			return submatches(t, s, t.pattern(args[0]).FindStringSubmatchIndex(s))
		}},
		{Name: "regexp/groups-all", Params: "re:regexp|string s:string [n:int]", Doc: "For all matches, or the first n, what regexp/groups gives.", Example: "(regexp/groups-all #`(\\w)=(\\d)` \"a=1 b=2\") => [[\"a=1\" \"a\" \"1\"] [\"b=2\" \"b\" \"2\"]]", fn: func(t *Thread, args []Value) Value {
			s := t.subject(args[1])
			t.alloc(48 * int64(len(s)))
			found := t.pattern(args[0]).FindAllStringSubmatchIndex(s, limitArg(args, 2))
			out := t.makeItems(len(found))
			for _, at := range found {
				out = append(out, submatches(t, s, at))
			}
			return arrayOf(out)
		}},
		{Name: "regexp/split", Params: "re:regexp|string s:string [n:int]", Doc: "The parts of s between matches, at most n when n is positive.", Example: "(regexp/split \",\\\\s*\" \"a, b,c\") => [\"a\" \"b\" \"c\"]", fn: func(t *Thread, args []Value) Value {
			s := t.subject(args[1])
			t.alloc(16 * int64(len(s)))
			return t.texts(t.pattern(args[0]).Split(s, limitArg(args, 2)))
		}},
		{Name: "regexp/replace", Params: "re:regexp|string s:string by:string", Doc: "s with all matches replaced; $1 and ${name} stand for groups.", Example: "(regexp/replace #`(\\w+)@(\\w+)` \"me@host\" \"$2:$1\") => \"host:me\"", fn: func(t *Thread, args []Value) Value {
			s := t.subject(args[1])
			by, _ := args[2].AsString()
			re := t.pattern(args[0])
			if len(by) > maxPattern {
				t.fail("too-large", "cannot replace by a text of more than %d bytes", maxPattern)
			}
			var out []byte
			last := 0
			for _, at := range re.FindAllStringSubmatchIndex(s, -1) {
				before := len(out)
				out = append(out, s[last:at[0]]...)
				out = re.ExpandString(out, by, s, at)
				last = at[1]
				t.alloc(2 * int64(len(out)-before))
			}
			return t.newText(string(append(out, s[last:]...)))
		}},
		{Name: "regexp/quote", Params: "s:string", Doc: "An expression that matches s literally.", Example: "(regexp/quote \"a.b\") => \"a\\\\.b\"", fn: func(t *Thread, args []Value) Value {
			s, _ := args[0].AsString()
			t.alloc(2 * int64(len(s)))
			return t.newText(regexp.QuoteMeta(s))
		}},
	}
}

func limitArg(args []Value, i int) int {
	if i < len(args) {
		if n := args[i].n; args[i].o == nil && n < 1<<30 {
			return int(max(n, -1))
		}
	}
	return -1
}
