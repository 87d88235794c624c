package lisp

import (
	"math/rand/v2"
	"strings"
)

// chance makes programs of any forms of the language with any names and values, nested at random: what no person would write.
type chance struct {
	*rand.Rand
	names []string
}

func newChance(seed uint64) *chance { return &chance{Rand: rand.New(rand.NewPCG(seed, 7))} }

// program is a few forms.
func (c *chance) program(base *Env) string {
	if c.names == nil {
		c.names = base.Names("")
	}
	var b strings.Builder
	for range 1 + c.IntN(4) {
		c.form(&b, 0)
		b.WriteByte('\n')
	}
	return b.String()
}

func (c *chance) pick(from ...string) string { return from[c.IntN(len(from))] }

func (c *chance) atom() string {
	return c.pick("0", "1", "-1", "2", "1000000", "1.5", "1e300", "123456789012345678901234567890", "true", "nil", `""`, `"abc"`, `"é"`, `"a.#(b>1)"`, "#a", "'x", "0B00ff", "x", "y", "z", "f", "g",
		"[]", "{}", "()", "'(1 2)", "[3 1 2]", `{"a" 1}`, "#(+ %1 1)", "#(car %)", "(fn [& r] r)", "(range)", "(range 3)", `(make-chan 1)`, "car", "+", "%", "%1", "%N", "'when", `(error "e")`)
}

func (c *chance) forms(b *strings.Builder, n, depth int) {
	for range n {
		b.WriteByte(' ')
		c.form(b, depth+1)
	}
}

func (c *chance) form(b *strings.Builder, depth int) {
	if depth > 5 || b.Len() > 4000 || c.IntN(4) == 0 {
		b.WriteString(c.atom())
		return
	}
	name := c.pick("x", "y", "z", "f", "g")
	switch c.IntN(24) {
	case 0:
		b.WriteString("(def " + name)
		c.forms(b, 1, depth)
	case 1:
		b.WriteString("(defn " + name + " [" + c.pick("", "x", "x y", "& x", "x & y", "x x", "&") + "]")
		c.forms(b, 1+c.IntN(2), depth)
	case 2:
		b.WriteString("(" + c.pick("let", "let*") + " [" + name)
		c.forms(b, 1, depth)
		if c.IntN(2) == 0 {
			b.WriteString(" " + c.pick("x", "y"))
			c.forms(b, 1, depth)
		}
		b.WriteString("]")
		c.forms(b, 1, depth)
	case 3:
		b.WriteString("(" + c.pick("if", "cond", "and", "or", "when", "unless", "while", "begin", "case", "->", "->>", "some->", "assert", "go", "set! x", "quote", "macexpand", "defined?", "alias f", "override f", "assoc x a"))
		c.forms(b, c.IntN(4), depth)
	case 4:
		b.WriteString("(try")
		c.forms(b, 1, depth)
		b.WriteString(" (catch " + c.pick("", "'type ", "'budget ", "x ") + "e")
		c.forms(b, 1, depth)
		b.WriteString(")" + c.pick("", " (finally (def y 1))"))
	case 5:
		b.WriteString("(defmac " + c.pick("f", "g", `"^z"`, "when") + " [" + c.pick("x", "& x", "") + "] `")
		c.form(b, depth+1)
	case 6:
		b.WriteString(c.pick("'", "`", "`", "~", "~@", "#'", "#"))
		b.WriteString("(")
		c.forms(b, c.IntN(4), depth)
	case 7:
		b.WriteString("[")
		c.forms(b, c.IntN(4), depth)
		b.WriteString("]")
		return
	case 8:
		b.WriteString("{")
		c.forms(b, 2*c.IntN(3), depth)
		b.WriteString("}")
		return
	case 9:
		b.WriteString("(fn [" + c.pick("x", "x y", "& x") + "]")
		c.forms(b, 1, depth)
	case 10:
		b.WriteString("(" + name)
		c.forms(b, c.IntN(4), depth)
	case 11:
		b.WriteString("(" + c.pick("eval", "raise", "read (sexp-str", "<!", "send! (make-chan 1)", "realize", "json/stringify", "apply f", "apply +"))
		c.forms(b, 1, depth)
	case 12:
		b.WriteString("(defrecord P (a " + c.pick("int", "string", "list<int>", "P", "hash<string,int>") + ")) (->P a")
		c.forms(b, 1, depth)
	default:
		b.WriteString("(" + c.names[c.IntN(len(c.names))])
		c.forms(b, c.IntN(4), depth)
	}
	b.WriteString(c.pick(")", ")", ")", ")", ")", ")", ")", ")", ")", ")", ")", ")", ")", ")", ")", ")", ")", ")", ")", "))", "", "]"))
}
