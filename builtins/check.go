package builtins

import (
	"context"
	"io"
	"regexp"
	"strings"
	"sync"

	"github.com/qjpcpu/supervisord/lisp"
)

// The budget of what runs while a program is checked: its macros.
const (
	checkSteps = 100_000_000
	checkBytes = 256 << 20
)

// CheckProgram compiles a program without running it and gives every problem that it finds, in the order of the text: what
// cannot be read, names that mean nothing, calls with a wrong number of arguments (see [lisp.Thread.Check]). It knows the
// verbs, those of an embedder too, and the functions of the host; a macro of the program that calls one of them is a
// problem, for nothing is done. It needs no daemon. ctx ends it.
func CheckProgram(ctx context.Context, more []Verb, name, src string) []*lisp.Error {
	return checkIn(ctx, checkedBase(more), name, src)
}

// checkedBase is the language with verbs and functions of the host that can be compiled and not called.
func checkedBase(more []Verb) *lisp.Env {
	return lisp.NewBase(append(unusable(Modules(nil, nil, nil)), verbsToCheck(table(more)))...)
}

func checkIn(ctx context.Context, base *lisp.Env, name, src string) []*lisp.Error {
	env := base.Child()
	env.Define("CONFIG", lisp.HashValue(lisp.NewHash()))
	env.Define("ARGV", lisp.Array())
	t := lisp.NewThread(ctx, io.Discard, lisp.Budget{Steps: checkSteps, Depth: mostDepth, Bytes: checkBytes})
	t.KindOf = KindOf
	return t.Check(env, name, src)
}

// unusable are functions that can be compiled and not called.
func unusable(modules [][]lisp.Prim) [][]lisp.Prim {
	out := make([][]lisp.Prim, len(modules))
	for i, module := range modules {
		for _, prim := range module {
			out[i] = append(out[i], lisp.Prim{Name: prim.Name, Params: prim.Params, Doc: prim.Doc, Fn: onlyChecked(prim.Name)})
		}
	}
	return out
}

func onlyChecked(name string) func(*lisp.Thread, []lisp.Value) (lisp.Value, error) {
	return func(*lisp.Thread, []lisp.Value) (lisp.Value, error) {
		return lisp.Nil, lisp.Errorf(kindSyntax, "cannot call %s while a program is compiled", name)
	}
}

// verbsToCheck are verbs with the parameters that their help tells.
func verbsToCheck(verbs []Verb) []lisp.Prim {
	var out []lisp.Prim
	for _, verb := range verbs {
		out = append(out, lisp.Prim{Name: verb.Name, Params: paramsOf(verb.Args), Doc: verb.Doc, Fn: onlyChecked(verb.Name)})
	}
	return out
}

// helpWord is one word of the arguments in help: NAME, NAME..., [N], ["now"].
var helpWord = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\[?"?([A-Za-z][A-Za-z0-9-]*)"?\]?(\.\.\.)?\]?$`) })

// paramsOf turns the arguments that help shows into parameters of the language. Of alternatives (A B | C) it makes the
// parameters that fit all of them; what it does not understand takes any arguments.
func paramsOf(args string) string {
	const anything = "args..."
	var words []string
	least := -1
	for alternative := range strings.SplitSeq(args, "|") {
		needed := 0
		fields := strings.Fields(alternative)
		for i, field := range fields {
			if !helpWord().MatchString(field) {
				return anything
			}
			word := strings.ToLower(helpWord().ReplaceAllString(field, "$1$2"))
			switch {
			case strings.HasSuffix(word, "..."):
			case strings.HasPrefix(field, "["):
				word = "[" + word + "]"
			default:
				needed++
			}
			fields[i] = word
		}
		if least < 0 {
			words, least = fields, needed
			continue
		}
		least = min(least, needed)
		if len(fields) > len(words) {
			words = fields
		}
	}
	for i, word := range words {
		if i >= least && !strings.HasPrefix(word, "[") && !strings.HasSuffix(word, "...") {
			words[i] = "[" + word + "]"
		}
	}
	return strings.Join(words, " ")
}
