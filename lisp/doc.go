// Package lisp is glisp: a small Lisp that is embedded in a Go program and driven by it.
//
// # Three things that stay apart
//
//   - an [Env] holds names. [NewBase] builds the language and the embedder's primitives once; it is frozen and shared by
//     every evaluation. [Env.Child] is the scope of one session or one request, and costs nothing to make;
//   - a [Thread] is one evaluation: its context, its output, its [Budget], its stack. It belongs to one goroutine;
//   - a [Value] is plain data or a function. Compiled code is immutable and may be shared.
//
// # Embedding
//
//	base := lisp.NewBase(verbs)                          // once
//	env := base.Child()
//	env.Define("ARGV", lisp.Array())
//	t := lisp.NewThread(ctx, os.Stdout, lisp.Budget{Steps: 1e9, Depth: 20000, Bytes: 256 << 20})
//	v, err := t.Eval(env, "deploy.glisp", src)           // form by form; err is *lisp.Error or lisp.Exit
//
// # Promises
//
// No text and no value makes this package panic, loop for ever or take memory beyond the budget: the result of any
// evaluation is a value or an *[Error]. A cancelled context ends an evaluation within 100 ms; neither that nor an
// exhausted budget can be caught by a script. The package uses no operating system, no network and no wall clock: what
// touches the host is a [Prim] of the embedder.
//
// # How it runs
//
// Text is read into Values ([Read]); analyse.go expands macros and resolves names into a small tree; compile.go turns
// that into immutable nodes, each a Go struct with an eval method; functions run on a chain of frames that is kept from
// call to call, and a call in tail position overwrites its own frame. Errors travel as Go panics inside the package and
// never leave it.
package lisp
