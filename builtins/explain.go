package builtins

import (
	"slices"
	"strings"

	"github.com/qjpcpu/supervisord/lisp"
)

func help(h *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	a := arguments{"help", args}
	if err := a.count(0, 1); err != nil {
		return lisp.Nil, err
	}
	if len(args) == 1 {
		return docOf(t, a)
	}
	var out []lisp.Value
	for _, v := range tableOf(t) {
		entry := lisp.NewHash()
		entry.SetString("name", lisp.String(v.Name))
		entry.SetString("args", lisp.String(v.Args))
		entry.SetString("power", lisp.String(v.Power.String()))
		entry.SetString("doc", lisp.String(firstLine(v.Doc)))
		out = append(out, lisp.HashValue(entry))
	}
	return lisp.Array(out...), nil
}

func doc(_ *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	a := arguments{"doc", args}
	if err := a.count(1, 1); err != nil {
		return lisp.Nil, err
	}
	return docOf(t, a)
}

// docOf is the documentation of the name that is the first argument.
func docOf(t *lisp.Thread, a arguments) (lisp.Value, error) {
	var names []string
	name, err := a.text(0)
	if err != nil && a.args[0].Kind() == lisp.KindFunction {
		name, err = strings.TrimPrefix(lisp.Display(a.args[0]), "fn:"), nil
	}
	if err != nil {
		return lisp.Nil, err
	}
	for _, v := range tableOf(t) {
		if v.Name == name {
			return lisp.String(v.manual()), nil
		}
		names = append(names, v.Name)
	}
	if text, ok := languageDoc(t, name); ok {
		return lisp.String(text), nil
	}
	names = append(names, languageNames(t)...)
	return lisp.Nil, lisp.Errorf(kindNotFound, "cannot explain %s: no such verb or function%s", cut(oneLine(name), 64), lisp.DidYouMean(lisp.Nearest(name, names)))
}

// Manual is all there is to say about the verb of this name, one of ours or of more.
func Manual(name string, more ...Verb) (string, bool) {
	for _, v := range table(more) {
		if v.Name == name {
			return v.manual(), true
		}
	}
	return "", false
}

// manual is all there is to say about a verb.
func (v Verb) manual() string {
	return v.Form() + "   (" + v.Power.String() + ")\n" + v.Doc + "\nExample: " + v.Example
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func apropos(_ *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	a := arguments{"apropos", args}
	if err := a.count(1, 1); err != nil {
		return lisp.Nil, err
	}
	text, err := a.text(0)
	if err != nil {
		return lisp.Nil, err
	}
	text = strings.ToLower(text)
	var found []string
	for _, v := range tableOf(t) {
		if strings.Contains(v.Name, text) || strings.Contains(strings.ToLower(v.Doc), text) {
			found = append(found, v.Name)
		}
	}
	for _, name := range languageNames(t) {
		if strings.Contains(strings.ToLower(name), text) && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	return textArray(found), nil
}
