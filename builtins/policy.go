package builtins

import (
	"github.com/qjpcpu/supervisord/lisp"
)

// Policy is what may be evaluated. The zero value allows everything.
type Policy struct {
	// DisableRCE leaves plain calls of the verbs that observe and operate, for everyone.
	DisableRCE bool
}

// check returns nil when the calls, and nothing but them, may be made.
func (p Policy) check(verbs map[string]Verb, calls []Call) error {
	if !p.DisableRCE {
		return nil
	}
	for _, call := range calls {
		verb, known := verbs[call.Head]
		switch {
		case !known:
			return forbidden(call.Head+" is not allowed", call.Pos, nearVerb(call.Head, verbs))
		case verb.Power == Execute:
			return forbidden(call.Head+" is not allowed", call.Pos, "")
		}
	}
	return nil
}

// refuse is the error for a text that is no list of plain calls, under disable_rce. why is what Recognise found.
func (p Policy) refuse(verbs map[string]Verb, text string, why error) error {
	head, pos := headOf(text)
	verb, known := verbs[head]
	switch {
	case known && verb.Power == Execute:
		return forbidden(head+" is not allowed", pos, "")
	case !known && head != "":
		return forbidden(head+" is not allowed", pos, nearVerb(head, verbs))
	}
	err := lisp.Errorf(kindForbidden, `forbidden: this program is not allowed: disable_rce is on, which leaves plain calls of verbs such as `+
		`(restart "web"); here is %v`, why)
	err.Pos = pos
	return err
}

// forbidden is the refusal of a form; hint may be "".
func forbidden(what string, pos lisp.Pos, hint string) error {
	text := "forbidden: " + what + ": disable_rce is on"
	if hint != "" {
		text += " (" + hint + ")"
	}
	err := lisp.Errorf(kindForbidden, "%s", text)
	err.Pos = pos
	return err
}

// nearVerb suggests an allowed verb for a word that is none.
func nearVerb(word string, verbs map[string]Verb) string {
	var names []string
	for name, verb := range verbs {
		if verb.Power != Execute {
			names = append(names, name)
		}
	}
	if near := lisp.Nearest(word, names); near != "" {
		return "did you mean " + near + "?"
	}
	return ""
}
