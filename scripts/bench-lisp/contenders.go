package main

import (
	"context"
	"fmt"

	"github.com/dop251/goja"
	"github.com/qjpcpu/supervisord/lisp"
	lua "github.com/yuin/gopher-lua"
	"go.starlark.net/lib/json"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// contender is an interpreter. load runs a program, which defines a function called run, and gives that function for Go
// to call; its result is a text, so that those of all languages can be compared. fresh makes a new environment, as for a
// small request, and runs a program in it.
type contender struct {
	name  string
	load  func(program string) (func() (string, error), error)
	fresh func(program string) (string, error)
}

var contenders = []contender{
	{"glisp", loadGlisp, freshGlisp},
	{"gopher-lua", loadLua, freshLua},
	{"goja", loadGoja, freshGoja},
	{"starlark-go", loadStarlark, freshStarlark},
}

// factorial is the host function that the programs can call.
func factorial(n int64) int64 {
	r := int64(1)
	for ; n > 1; n-- {
		r *= n
	}
	return r
}

// base is shared by all evaluations, as in a daemon.
var base = lisp.NewBase([]lisp.Prim{{
	Name: "factorial", Params: "n:int", Doc: "The product of the integers from 1 to n.", Example: "(factorial 4) => 24",
	Fn: func(_ *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
		n, _ := args[0].AsInt()
		return lisp.Int(factorial(n)), nil
	},
}})

// budget bounds everything that can be bounded, so that all accounting is paid for.
var budget = lisp.Budget{Steps: 1 << 60, Depth: 10_000, Bytes: 1 << 60, Output: 1 << 20}

func loadGlisp(program string) (func() (string, error), error) {
	env := base.Child()
	th := lisp.NewThread(context.Background(), nil, budget)
	if _, err := th.Eval(env, "bench", program); err != nil {
		return nil, err
	}
	run, ok := env.Lookup("run")
	if !ok {
		return nil, fmt.Errorf("no function run")
	}
	return func() (string, error) {
		v, err := th.Call(run)
		if err != nil {
			return "", err
		}
		return lisp.Display(v), nil
	}, nil
}

func freshGlisp(program string) (string, error) {
	v, err := lisp.NewThread(context.Background(), nil, budget).Eval(base.Child(), "bench", program)
	if err != nil {
		return "", err
	}
	return lisp.Display(v), nil
}

func newLua() *lua.LState {
	l := lua.NewState()
	l.SetGlobal("factorial", l.NewFunction(func(l *lua.LState) int {
		l.Push(lua.LNumber(factorial(l.CheckInt64(1))))
		return 1
	}))
	return l
}

func loadLua(program string) (func() (string, error), error) {
	l := newLua()
	if err := l.DoString(program); err != nil {
		return nil, err
	}
	run := l.GetGlobal("run")
	return func() (string, error) {
		if err := l.CallByParam(lua.P{Fn: run, NRet: 1, Protect: true}); err != nil {
			return "", err
		}
		v := l.Get(-1)
		l.Pop(1)
		return v.String(), nil
	}, nil
}

func freshLua(program string) (string, error) {
	l := newLua()
	defer l.Close()
	if err := l.DoString(program); err != nil {
		return "", err
	}
	return l.Get(-1).String(), nil
}

func newGoja() *goja.Runtime {
	r := goja.New()
	if err := r.Set("factorial", func(call goja.FunctionCall) goja.Value {
		return r.ToValue(factorial(call.Argument(0).ToInteger()))
	}); err != nil {
		panic(err)
	}
	return r
}

func loadGoja(program string) (func() (string, error), error) {
	r := newGoja()
	if _, err := r.RunString(program); err != nil {
		return nil, err
	}
	run, ok := goja.AssertFunction(r.Get("run"))
	if !ok {
		return nil, fmt.Errorf("no function run")
	}
	return func() (string, error) {
		v, err := run(goja.Undefined())
		if err != nil {
			return "", err
		}
		return v.String(), nil
	}, nil
}

func freshGoja(program string) (string, error) {
	v, err := newGoja().RunString(program)
	if err != nil {
		return "", err
	}
	return v.String(), nil
}

// dialect allows what the programs use and Starlark leaves out by default.
var dialect = &syntax.FileOptions{While: true, Recursion: true, TopLevelControl: true, GlobalReassign: true}

var starlarkNames = starlark.StringDict{
	"json": json.Module,
	"factorial": starlark.NewBuiltin("factorial", func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kw []starlark.Tuple) (starlark.Value, error) {
		var n int64
		if err := starlark.UnpackPositionalArgs(b.Name(), args, kw, 1, &n); err != nil {
			return nil, err
		}
		return starlark.MakeInt64(factorial(n)), nil
	}),
}

func loadStarlark(program string) (func() (string, error), error) {
	th := &starlark.Thread{}
	globals, err := starlark.ExecFileOptions(dialect, th, "bench", program, starlarkNames)
	if err != nil {
		return nil, err
	}
	run := globals["run"]
	return func() (string, error) {
		v, err := starlark.Call(th, run, nil, nil)
		if err != nil {
			return "", err
		}
		return starlarkText(v), nil
	}, nil
}

func freshStarlark(program string) (string, error) {
	v, err := starlark.EvalOptions(dialect, &starlark.Thread{}, "bench", program, starlarkNames)
	if err != nil {
		return "", err
	}
	return starlarkText(v), nil
}

func starlarkText(v starlark.Value) string {
	if s, ok := starlark.AsString(v); ok {
		return s
	}
	return v.String()
}
