package lisp

import (
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
	"unicode/utf8"
)

// pattern is a compiled regular expression and the number of its instructions.
type pattern struct {
	re    *regexp.Regexp
	inst  int64
	once  sync.Once
	later *regexp.Regexp // finds the next match in a text that begins one character before
}

func (*pattern) kind() Kind { return KindRegexp }

const (
	maxPattern = 1 << 10 // bytes of a regular expression
	maxSubject = 1 << 20 // bytes of a text to search
	maxProgram = 10_000  // instructions of a compiled expression
	quickMatch = 1 << 18 // bytes times instructions of a search that need not be interrupted: some milliseconds
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
	if programSize(tree) > maxProgram { // before it is made: counted repetitions make copies of what they repeat
		return nil, fmt.Errorf("a regular expression of more than %d instructions", maxProgram)
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, err
	}
	re, err := regexp.Compile(s)
	return &pattern{re: re, inst: int64(len(prog.Inst))}, err
}

// programSize is about how many instructions an expression compiles to.
func programSize(tree *syntax.Regexp) int {
	size := 1
	if tree.Op == syntax.OpLiteral {
		size = len(tree.Rune)
	}
	for _, sub := range tree.Sub {
		size += programSize(sub) + 1
	}
	if tree.Op == syntax.OpRepeat {
		size *= max(tree.Min, tree.Max, 1)
	}
	return size
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
	t.alloc(re.inst * 200)
	if t.patterns == nil {
		t.patterns = map[string]*pattern{}
	} else if len(t.patterns) >= 64 {
		clear(t.patterns)
	}
	t.patterns[s] = re
	return re
}

// runes hands a text to a search, which pays for it as it reads and can so be interrupted.
type runes struct {
	t    *Thread
	s    string
	at   int
	inst int64
	work int64
}

// ReadRune is [io.RuneReader].
func (r *runes) ReadRune() (rune, int, error) {
	if r.at >= len(r.s) {
		r.t.charge(1 + r.work>>2)
		r.work = 0
		return 0, 0, io.EOF
	}
	if r.work += r.inst; r.work > 1<<14 {
		r.t.charge(r.work >> 2)
		r.work = 0
	}
	if c := r.s[r.at]; c < utf8.RuneSelf {
		r.at++
		return rune(c), 1, nil
	}
	c, n := utf8.DecodeRuneInString(r.s[r.at:])
	r.at += n
	return c, n, nil
}

// subject gives the expression and the text of a call.
func (t *Thread) subject(args []Value) (*pattern, string) {
	p := t.pattern(args[0])
	s, _ := args[1].AsString()
	if len(s) > maxSubject {
		t.fail("too-large", "cannot search a text of %d bytes: at most %d are searched at once", len(s), maxSubject)
	}
	return p, s
}

// matches says whether there is a match.
func (t *Thread) matches(p *pattern, s string) bool {
	if work := int64(len(s)) * p.inst; work <= quickMatch {
		t.charge(1 + work>>2)
		return p.re.MatchString(s)
	}
	return p.re.MatchReader(&runes{t: t, s: s, inst: p.inst})
}

// first is the first match and its groups, as byte offsets; nil when there is none.
func (t *Thread) first(p *pattern, s string) []int {
	if work := int64(len(s)) * p.inst; work <= quickMatch {
		t.charge(1 + work>>2)
		return p.re.FindStringSubmatchIndex(s)
	}
	return p.re.FindReaderSubmatchIndex(&runes{t: t, s: s, inst: p.inst})
}

// after is the first match that starts at a byte offset or later. What stands before it counts for \b and ^.
func (t *Thread) after(p *pattern, s string, from int) []int {
	if from == 0 {
		return t.first(p, s)
	}
	p.once.Do(func() { p.later, _ = regexp.Compile(`\A(?s:.)(?s:.*?)(` + p.re.String() + `)`) })
	if p.later == nil {
		t.fail("too-large", "cannot search for more than one match of %s: it is nested too deeply", clip(p.re.String(), 80))
	}
	_, width := utf8.DecodeLastRuneInString(s[:from])
	from -= width
	in := &runes{t: t, s: s[from:], inst: p.inst}
	at := p.later.FindReaderSubmatchIndex(in)
	t.charge(1 + in.work>>2)
	if at == nil {
		return nil
	}
	for i := range at {
		if at[i] >= 0 {
			at[i] += from
		}
	}
	return at[2:]
}

// all hands the matches over, at most n of them unless n is negative. An empty one right after another does not count.
func (t *Thread) all(p *pattern, s string, n int, each func(at []int)) {
	size := int64(p.re.NumSubexp()+1)*16 + 48
	for from, end := 0, -1; n != 0 && from <= len(s); {
		at := t.after(p, s, from)
		if at == nil {
			return
		}
		accept := true
		if at[1] == from {
			accept = at[0] != end
			_, width := utf8.DecodeRuneInString(s[from:])
			from += max(width, 1)
		} else {
			from = at[1]
		}
		end = at[1]
		if accept {
			t.alloc(size)
			each(at)
			n--
		}
	}
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
			p, s := t.subject(args)
			return Bool(t.matches(p, s))
		}},
		{Name: "regexp/find", Params: "re:regexp|string s:string", Doc: "The first match, \"\" if there is none.", Example: "(regexp/find \"[0-9]+\" \"ab12cd\") => \"12\"", fn: func(t *Thread, args []Value) Value {
			p, s := t.subject(args)
			at := t.first(p, s)
			if at == nil {
				return t.newText("")
			}
			return t.newText(s[at[0]:at[1]])
		}},
		{Name: "regexp/find-all", Params: "re:regexp|string s:string [n:int]", Doc: "All matches, or the first n.", Example: "(regexp/find-all \"[0-9]+\" \"a1b22\") => [\"1\" \"22\"]", fn: func(t *Thread, args []Value) Value {
			p, s := t.subject(args)
			var out []string
			t.all(p, s, limitArg(args, 2), func(at []int) { out = append(out, s[at[0]:at[1]]) })
			return t.texts(out)
		}},
		{Name: "regexp/find-index", Params: "re:regexp|string s:string", Doc: "Where the first match starts and ends, in characters; [] if there is none.", Example: "(regexp/find-index \"[0-9]+\" \"é12\") => [1 3]", fn: func(t *Thread, args []Value) Value {
			p, s := t.subject(args)
			at := t.first(p, s)
			if at == nil {
				return t.newArray(nil)
			}
			return t.newArray([]Value{t.charIndex(s, at[0]), t.charIndex(s, at[1])})
		}},
		{Name: "regexp/groups", Params: "re:regexp|string s:string", Doc: "The first match and what its groups matched (nil for those that took no part); [] if there is none.", Example: "(regexp/groups #`(\\w+)@(\\w+)` \"me@host\") => [\"me@host\" \"me\" \"host\"]", fn: func(t *Thread, args []Value) Value {
			p, s := t.subject(args)
			return submatches(t, s, t.first(p, s))
		}},
		{Name: "regexp/groups-all", Params: "re:regexp|string s:string [n:int]", Doc: "For all matches, or the first n, what regexp/groups gives.", Example: "(regexp/groups-all #`(\\w)=(\\d)` \"a=1 b=2\") => [[\"a=1\" \"a\" \"1\"] [\"b=2\" \"b\" \"2\"]]", fn: func(t *Thread, args []Value) Value {
			p, s := t.subject(args)
			var out []Value
			t.all(p, s, limitArg(args, 2), func(at []int) { out = append(out, submatches(t, s, at)) })
			return t.newArray(out)
		}},
		{Name: "regexp/split", Params: "re:regexp|string s:string [n:int]", Doc: "The parts of s between matches, at most n when n is positive.", Example: "(regexp/split \",\\\\s*\" \"a, b,c\") => [\"a\" \"b\" \"c\"]", fn: func(t *Thread, args []Value) Value {
			p, s := t.subject(args)
			return t.texts(t.split(p, s, limitArg(args, 2)))
		}},
		{Name: "regexp/replace", Params: "re:regexp|string s:string by:string", Doc: "s with all matches replaced; $1 and ${name} stand for groups.", Example: "(regexp/replace #`(\\w+)@(\\w+)` \"me@host\" \"$2:$1\") => \"host:me\"", fn: func(t *Thread, args []Value) Value {
			p, s := t.subject(args)
			by, _ := args[2].AsString()
			groups := int64(strings.Count(by, "$"))
			var out []byte
			last := 0
			t.all(p, s, -1, func(at []int) {
				t.alloc(2 * (int64(at[0]-last) + int64(len(by)) + groups*int64(at[1]-at[0])))
				out = append(out, s[last:at[0]]...)
				out = p.re.ExpandString(out, by, s, at)
				last = at[1]
			})
			t.alloc(int64(len(out) + len(s) - last))
			return t.newText(string(append(out, s[last:]...)))
		}},
		{Name: "regexp/quote", Params: "s:string", Doc: "An expression that matches s literally.", Example: "(regexp/quote \"a.b\") => \"a\\\\.b\"", fn: func(t *Thread, args []Value) Value {
			s, _ := args[0].AsString()
			t.alloc(2 * int64(len(s)))
			return t.newText(t.piecewise(s, regexp.QuoteMeta))
		}},
	}
}

// split gives the parts between matches, as [regexp.Regexp.Split] does.
func (t *Thread) split(p *pattern, s string, n int) []string {
	if n == 0 {
		return nil
	}
	if len(p.re.String()) > 0 && len(s) == 0 {
		return []string{""}
	}
	var out []string
	begin, end := 0, 0
	t.all(p, s, n, func(at []int) {
		if n > 0 && len(out) >= n-1 {
			return
		}
		end = at[0]
		if at[1] != 0 {
			out = append(out, s[begin:end])
		}
		begin = at[1]
	})
	if end != len(s) {
		out = append(out, s[begin:])
	}
	return out
}

func limitArg(args []Value, i int) int {
	if i < len(args) {
		if n := args[i].n; args[i].o == nil && n < 1<<30 {
			return int(max(n, -1))
		}
	}
	return -1
}
