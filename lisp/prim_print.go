package lisp

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// printPrims write for people.
func printPrims() []Prim {
	return []Prim{
		{Name: "print", Params: "x...", Doc: "Prints the texts of its arguments, without anything between them.", Example: "(print 1 \"a\") => ()", fn: func(t *Thread, args []Value) Value {
			t.write(t.line(args, ""))
			return Nil
		}},
		{Name: "println", Params: "x...", Doc: "Prints the texts of its arguments with blanks between them, and ends the line.", Example: "(println 1 \"a\") => ()", fn: func(t *Thread, args []Value) Value {
			t.write(t.line(args, " ") + "\n")
			return Nil
		}},
		{Name: "printf", Params: "format:string x...", Doc: "Prints by a format: %d %s %v %q %f %.2f %x %5d %-5s %%.", Example: "(printf \"%d%%\\n\" 50) => ()", fn: func(t *Thread, args []Value) Value {
			t.write(t.format(args))
			return Nil
		}},
		{Name: "sprintf", Params: "format:string x...", Doc: "The text that printf would print.", Example: "(sprintf \"%05.1f|%-4s|\" 3.14159 \"ab\") => \"003.1|ab  |\"", fn: func(t *Thread, args []Value) Value {
			return t.newText(t.format(args))
		}},
		{Name: "pretty", Params: "x [width:int]", Doc: "x as the reader would read it, broken into lines of at most width columns (80).", Example: "(pretty [1 2]) => \"[1 2]\"", fn: func(t *Thread, args []Value) Value {
			width := int64(80)
			if len(args) > 1 {
				width, _ = clampedInt(args[1])
				width = max(1, min(width, 1000))
			}
			t.alloc(int64(len(t.show(args[0], false))) * 8)
			return t.newText(prettyPrint(t, args[0], int(width)))
		}},
	}
}

// shown is the text of an argument of println: strings, chars and the like plain, collections as the reader reads them.
func (t *Thread) shown(v Value) string {
	switch v.o.(type) {
	case *nilTag:
		return "<nil>"
	case *cons, *array:
		return t.show(v, false)
	}
	return t.show(v, true)
}

func (t *Thread) line(args []Value, between string) string {
	var b strings.Builder
	for i, v := range args {
		if i > 0 {
			b.WriteString(between)
		}
		s := t.shown(v)
		t.alloc(int64(len(s)))
		t.add(&b, s)
	}
	return b.String()
}

// format is sprintf.
func (t *Thread) format(args []Value) string {
	layout, _ := args[0].AsString()
	args = args[1:]
	var b strings.Builder
	put := func(s string) {
		t.alloc(int64(len(s)))
		t.add(&b, s)
	}
	next := 0
	for i := 0; i < len(layout); {
		t.charge(1)
		j := strings.IndexByte(layout[i:], '%')
		if j < 0 {
			put(layout[i:])
			break
		}
		put(layout[i : i+j])
		i += j + 1
		from := i
		for i < len(layout) && strings.IndexByte("+-# 0", layout[i]) >= 0 {
			i++
		}
		flags := layout[from:i]
		width, ok1 := number(layout, &i)
		prec, ok2 := -1, true
		if i < len(layout) && layout[i] == '.' {
			i++
			prec, ok2 = number(layout, &i)
			prec = max(prec, 0)
		}
		if !ok1 || !ok2 {
			t.fail("value", "cannot format: a width or precision of more than %d", maxWidth)
		}
		if i >= len(layout) {
			break
		}
		verb := []rune(layout[i:min(len(layout), i+4)])[0]
		i += len(string(verb))
		if verb == '%' {
			put("%")
			continue
		}
		if next >= len(args) {
			put("%!" + string(verb) + "(MISSING)")
			continue
		}
		spec := "%" + flags
		if width >= 0 {
			spec += strconv.Itoa(width)
		}
		if prec >= 0 {
			spec += "." + strconv.Itoa(prec)
		}
		put(t.verb(spec, verb, args[next]))
		next++
	}
	if next < len(args) {
		put("%!(EXTRA ")
		for i, v := range args[next:] {
			if i > 0 {
				put(", ")
			}
			put(wordFor(v) + "=" + t.shown(v))
		}
		put(")")
	}
	return b.String()
}

const maxWidth = 10_000

// number reads digits; -1 when there are none, false when they say too much.
func number(s string, i *int) (int, bool) {
	from := *i
	for *i < len(s) && isDigit(s[*i]) {
		*i++
	}
	if from == *i {
		return -1, true
	}
	n, err := strconv.Atoi(s[from:*i])
	return n, err == nil && n <= maxWidth
}

// verb formats one value.
func (t *Thread) verb(spec string, verb rune, v Value) string {
	switch verb {
	case 'd', 'x', 'X', 'o', 'b', 'c', 'U':
		switch o := v.o.(type) {
		case nil, *charTag:
			if verb == 'c' || verb == 'U' {
				return fmt.Sprintf(spec+string(verb), rune(v.n))
			}
			return fmt.Sprintf(spec+string(verb), v.n)
		case *bigInt:
			if verb != 'c' && verb != 'U' {
				t.chargeDigits(o)
				return fmt.Sprintf(spec+string(verb), &o.i)
			}
		case *floatTag:
			if verb != 'c' && verb != 'U' {
				i, _ := big.NewFloat(0).SetMode(big.ToZero).Int(nil)
				if f := v.float(); f == f && f-f == 0 {
					big.NewFloat(f).Int(i)
				}
				return fmt.Sprintf(spec+string(verb), i)
			}
		case *text:
			if verb == 'x' || verb == 'X' {
				return fmt.Sprintf(spec+string(verb), o.s)
			}
		case *raw:
			if verb == 'x' || verb == 'X' {
				return fmt.Sprintf(spec+string(verb), o.b)
			}
		}
	case 'f', 'F', 'e', 'E', 'g', 'G':
		if isNumber(v) {
			return fmt.Sprintf(spec+string(verb), toFloat(v))
		}
	case 't':
		if b, ok := v.AsBool(); ok {
			return fmt.Sprintf(spec+"t", b)
		}
	case 'q':
		return fmt.Sprintf(spec+"s", t.show(String(t.show(v, true)), false))
	case 's', 'v':
		return fmt.Sprintf(spec+"s", t.shown(v))
	}
	t.fail("value", "cannot format %s with %%%c", showArg(v), verb)
	return ""
}
