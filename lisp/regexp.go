package lisp

import (
	"fmt"
	"regexp"
	"regexp/syntax"
)

// pattern is a compiled regular expression and the number of its instructions.
type pattern struct {
	re   *regexp.Regexp
	inst int64
}

func (*pattern) kind() Kind { return KindRegexp }

const (
	maxPattern = 1 << 10 // bytes of a regular expression
	maxSubject = 1 << 20 // bytes of a text to search
	maxProgram = 10_000  // instructions of a compiled expression
	maxSearch  = 1 << 26 // bytes times instructions of one search, which cannot be interrupted
)

// compilePattern compiles a regular expression (RE2 syntax) of bounded size.
func compilePattern(s string) (*pattern, error) {
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
	re, err := regexp.Compile(s)
	return &pattern{re, int64(len(prog.Inst))}, err
}

// pattern gives the compiled form of an argument; texts are compiled once per evaluation.
func (t *Thread) pattern(v Value) *pattern {
	if p, ok := v.o.(*pattern); ok {
		return p
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
		t.patterns = map[string]*pattern{}
	}
	t.patterns[s] = re
	return re
}

// search gives the expression and the text of a call, and charges for the work and the memory of finding one match.
func (t *Thread) search(args []Value) (*regexp.Regexp, string) {
	p := t.pattern(args[0])
	s, _ := args[1].AsString()
	if len(s) > maxSubject || int64(len(s))*p.inst > maxSearch {
		t.fail("too-large", "cannot search a text of %d bytes with a regular expression of %d instructions: that is too much work", len(s), p.inst)
	}
	t.charge(1 + int64(len(s))*p.inst>>6)
	return p.re, s
}

// searchAll is search for all matches, each of which takes the memory of its groups.
func (t *Thread) searchAll(args []Value) (*regexp.Regexp, string) {
	re, s := t.search(args)
	each := int64(re.NumSubexp()+1)*16 + 48
	if most := int64(len(s)+1) * each; most <= 1<<16 {
		t.alloc(most)
		return re, s
	}
	t.search(args)
	re.ReplaceAllStringFunc(s, func(string) string {
		t.alloc(each)
		return ""
	})
	return re, s
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
			return Value{o: t.pattern(args[0])}
		}},
		{Name: "regexp/match", Params: "re:regexp|string s:string", Doc: "Whether the expression matches somewhere.", Example: "(regexp/match #`^\\d+$` \"123\") => true", fn: func(t *Thread, args []Value) Value {
			re, s := t.search(args)
			return Bool(re.MatchString(s))
		}},
		{Name: "regexp/find", Params: "re:regexp|string s:string", Doc: "The first match, \"\" if there is none.", Example: "(regexp/find \"[0-9]+\" \"ab12cd\") => \"12\"", fn: func(t *Thread, args []Value) Value {
			re, s := t.search(args)
			return t.newText(re.FindString(s))
		}},
		{Name: "regexp/find-all", Params: "re:regexp|string s:string [n:int]", Doc: "All matches, or the first n.", Example: "(regexp/find-all \"[0-9]+\" \"a1b22\") => [\"1\" \"22\"]", fn: func(t *Thread, args []Value) Value {
			re, s := t.searchAll(args)
			return t.texts(re.FindAllString(s, limitArg(args, 2)))
		}},
		{Name: "regexp/find-index", Params: "re:regexp|string s:string", Doc: "Where the first match starts and ends, in characters; [] if there is none.", Example: "(regexp/find-index \"[0-9]+\" \"é12\") => [1 3]", fn: func(t *Thread, args []Value) Value {
			re, s := t.search(args)
			at := re.FindStringIndex(s)
			if at == nil {
				return t.newArray(nil)
			}
			return t.newArray([]Value{charIndex(s, at[0]), charIndex(s, at[1])})
		}},
		{Name: "regexp/groups", Params: "re:regexp|string s:string", Doc: "The first match and what its groups matched (nil for those that took no part); [] if there is none.", Example: "(regexp/groups #`(\\w+)@(\\w+)` \"me@host\") => [\"me@host\" \"me\" \"host\"]", fn: func(t *Thread, args []Value) Value {
			re, s := t.search(args)
			return submatches(t, s, re.FindStringSubmatchIndex(s))
		}},
		{Name: "regexp/groups-all", Params: "re:regexp|string s:string [n:int]", Doc: "For all matches, or the first n, what regexp/groups gives.", Example: "(regexp/groups-all #`(\\w)=(\\d)` \"a=1 b=2\") => [[\"a=1\" \"a\" \"1\"] [\"b=2\" \"b\" \"2\"]]", fn: func(t *Thread, args []Value) Value {
			re, s := t.searchAll(args)
			found := re.FindAllStringSubmatchIndex(s, limitArg(args, 2))
			out := t.makeItems(len(found))
			for _, at := range found {
				out = append(out, submatches(t, s, at))
			}
			return arrayOf(out)
		}},
		{Name: "regexp/split", Params: "re:regexp|string s:string [n:int]", Doc: "The parts of s between matches, at most n when n is positive.", Example: "(regexp/split \",\\\\s*\" \"a, b,c\") => [\"a\" \"b\" \"c\"]", fn: func(t *Thread, args []Value) Value {
			re, s := t.searchAll(args)
			return t.texts(re.Split(s, limitArg(args, 2)))
		}},
		{Name: "regexp/replace", Params: "re:regexp|string s:string by:string", Doc: "s with all matches replaced; $1 and ${name} stand for groups.", Example: "(regexp/replace #`(\\w+)@(\\w+)` \"me@host\" \"$2:$1\") => \"host:me\"", fn: func(t *Thread, args []Value) Value {
			re, s := t.searchAll(args)
			by, _ := args[2].AsString()
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
