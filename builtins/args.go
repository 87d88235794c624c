package builtins

import (
	"github.com/qjpcpu/supervisord/lisp"
	"strings"
)

// arguments are those of one call of a verb; its methods make the errors of all verbs alike.
type arguments struct {
	verb string
	args []lisp.Value
}

// count checks the number of arguments; most < 0 is any number.
func (a arguments) count(least, most int) error {
	n := len(a.args)
	if n >= least && (most < 0 || n <= most) {
		return nil
	}
	want := ""
	switch {
	case most < 0:
		want = "at least " + plural(least)
	case least == most:
		want = plural(least)
	case n < least:
		want = "at least " + plural(least)
	default:
		want = "at most " + plural(most)
	}
	return lisp.Errorf(kindArity, "cannot call %s: got %s, want %s", a.verb, plural(n), want)
}

func plural(n int) string {
	switch n {
	case 0:
		return "no argument"
	case 1:
		return "1 argument"
	}
	return lisp.Print(lisp.Int(int64(n))) + " arguments"
}

// text is an argument that is a name: a string, or in programs a quoted symbol.
func (a arguments) text(i int) (string, error) {
	if text, ok := textOf(a.args[i]); ok {
		return text, nil
	}
	return "", a.wrong(i, "a string")
}

// process is an argument that is the name of one process, and so no pattern.
func (a arguments) process(i int) (string, error) {
	name, err := a.text(i)
	if err == nil && isPattern(name) {
		return "", lisp.Errorf(kindInvalid, "cannot call %s: %s is a pattern, want the name of one process", a.verb, cut(name, 64))
	}
	return name, err
}

// isPattern tells whether a word means any number of processes: no name has these characters.
func isPattern(word string) bool { return strings.ContainsAny(word, `*?[\`) }

func textOf(v lisp.Value) (string, bool) {
	if text, ok := v.AsString(); ok {
		return text, true
	}
	return v.AsSymbol()
}

// texts are all arguments, as names.
func (a arguments) texts() ([]string, error) {
	out := make([]string, len(a.args))
	for i := range a.args {
		text, err := a.text(i)
		if err != nil {
			return nil, err
		}
		out[i] = text
	}
	return out, nil
}

// integer is an argument that is a whole number from least to most.
func (a arguments) integer(i int, least, most int64) (int64, error) {
	n, ok := a.args[i].AsInt()
	if !ok {
		return 0, a.wrong(i, "a whole number")
	}
	if n < least || n > most {
		return 0, lisp.Errorf(kindInvalid, "cannot call %s: argument %d is %d, want %d to %d", a.verb, i+1, n, least, most)
	}
	return n, nil
}

// wrong is the error for an argument of the wrong type.
func (a arguments) wrong(i int, want string) error {
	return lisp.Errorf(kindType, "cannot call %s: argument %d is %s, want %s", a.verb, i+1, kindName(a.args[i]), want)
}

func kindName(v lisp.Value) string {
	if v.IsNil() {
		return "nil"
	}
	return v.Kind().String()
}
