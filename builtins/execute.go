package builtins

import (
	"github.com/qjpcpu/supervisord/lisp"
)

func envReveal(h *Host, _ *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	return environment(h, arguments{"env-reveal", args}, func(_, value string) string { return value })
}

func addProc(h *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	definition, err := define(arguments{"add-proc", args})
	if err != nil {
		return lisp.Nil, err
	}
	if h.AddProc == nil {
		return lisp.Nil, absent("add-proc")
	}
	return reported(h.AddProc(caused(t), definition))
}

// define is what add-proc was given: one hash, or a name, a command and its arguments.
func define(a arguments) (Definition, error) {
	if len(a.args) == 1 {
		hash, ok := a.args[0].AsHash()
		if !ok {
			return Definition{}, a.wrong(0, "a hash (or call it with NAME COMMAND ARG...)")
		}
		keys, err := goHash("the definition", hash, 0)
		return Definition{Hash: keys}, err
	}
	if err := a.count(2, -1); err != nil {
		return Definition{}, err
	}
	for i := range a.args {
		if _, ok := a.args[i].AsString(); !ok {
			return Definition{}, a.wrong(i, "a string")
		}
	}
	words, err := a.texts()
	if err != nil {
		return Definition{}, err
	}
	hash := map[string]any{"name": words[0], "command": words[1]}
	if rest := words[2:]; len(rest) > 0 {
		list := make([]any, len(rest))
		for i, word := range rest {
			list[i] = word
		}
		hash["args"] = list
	}
	return Definition{Hash: hash}, nil
}

func removeProc(h *Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
	a := arguments{"remove-proc", args}
	if err := a.count(1, 1); err != nil {
		return lisp.Nil, err
	}
	name, err := a.text(0)
	if err != nil {
		return lisp.Nil, err
	}
	if h.RemoveProc == nil {
		return lisp.Nil, absent("remove-proc")
	}
	return reported(h.RemoveProc(caused(t), name))
}
