package builtins

import (
	"fmt"

	"github.com/qjpcpu/supervisord/lisp"
)

// CheckVerbs tells what is wrong with the verbs of an embedder, or nil: a name that a plain call could not have, that another
// verb or the language has already, or a verb that says nothing of itself or does nothing.
func CheckVerbs(more []Verb) error {
	if len(more) == 0 {
		return nil
	}
	taken := map[string]bool{}
	for _, verb := range Verbs() {
		taken[verb.Name] = true
	}
	language := lisp.NewBase()
	for _, verb := range more {
		calls, err := Recognise("(" + verb.Name + ")")
		switch {
		case err != nil || len(calls) != 1 || calls[0].Head != verb.Name:
			return fmt.Errorf("cannot add the verb %q: a name is lower-case letters and -", verb.Name)
		case taken[verb.Name]:
			return fmt.Errorf("cannot add the verb %s: there is one of this name", verb.Name)
		case verb.Call == nil:
			return fmt.Errorf("cannot add the verb %s: it has no Call", verb.Name)
		case verb.Doc == "" || verb.Example == "":
			return fmt.Errorf("cannot add the verb %s: it has no Doc or no Example", verb.Name)
		case verb.Power < Observe || verb.Power > Execute:
			return fmt.Errorf("cannot add the verb %s: there is no power %d", verb.Name, verb.Power)
		}
		if _, used := language.Doc(verb.Name); used {
			return fmt.Errorf("cannot add the verb %s: the language has this name", verb.Name)
		}
		taken[verb.Name] = true
	}
	return nil
}

// table is all verbs of an engine. Those of an embedder may take any time.
func table(more []Verb) []Verb {
	all := Verbs()
	for _, verb := range more {
		verb.waits = true
		all = append(all, verb)
	}
	return all
}

// tableOf is the table of the engine that a thread belongs to.
func tableOf(t *lisp.Thread) []Verb {
	if ev := evaluationOf(t); ev != nil {
		return ev.engine.table
	}
	return Verbs()
}
