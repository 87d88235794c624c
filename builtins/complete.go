package builtins

import (
	"strings"

	"github.com/qjpcpu/supervisord/lisp"
)

// named is a name and a line on it.
type named struct{ name, doc string }

func complete(_ *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	a := arguments{"complete", args}
	if err := a.count(1, 1); err != nil {
		return lisp.Nil, err
	}
	prefix, err := a.text(0)
	if err != nil {
		return lisp.Nil, err
	}
	var out []lisp.Value
	seen := map[string]bool{}
	for _, one := range completions(t) {
		if !strings.HasPrefix(one.name, prefix) || seen[one.name] {
			continue
		}
		seen[one.name] = true
		entry := lisp.NewHash()
		entry.SetString("name", lisp.String(one.name))
		entry.SetString("doc", lisp.String(oneLine(one.doc)))
		out = append(out, lisp.HashValue(entry))
	}
	return lisp.Array(out...), nil
}

// completions are all names that the caller could write: the verbs, what the session has defined, the language. Under
// disable_rce only verbs can be written.
func completions(t *lisp.Thread) (all []named) {
	ev := evaluationOf(t)
	restricted := ev != nil && ev.engine.restricted.Load()
	for _, verb := range tableOf(t) {
		if !restricted || verb.Power != Execute {
			all = append(all, named{verb.Name, firstLine(verb.Doc)})
		}
	}
	if ev == nil || restricted {
		return all
	}
	if ev.scope != nil {
		all = append(all, definitions(ev.scope)...)
	} else {
		all = append(all, ev.engine.sessions.definitionsOf(ev.job.session())...)
	}
	base := ev.engine.base
	for _, name := range base.Names("") {
		doc, _ := base.Doc(name)
		all = append(all, named{name, firstLine(doc.Text)})
	}
	return all
}

// definitions are the names that a program has defined in its scope.
func definitions(scope *lisp.Env) (all []named) {
	for _, name := range scope.Defined() {
		if name == "*1" || name == "*2" || name == "*e" {
			continue
		}
		doc, _ := scope.Doc(name)
		text := firstLine(doc.Text)
		if text == "" {
			text = doc.Usage
		}
		all = append(all, named{name, text})
	}
	return all
}
