package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/qjpcpu/supervisord/builtins"
	"github.com/qjpcpu/supervisord/cmd/cli"
	"github.com/qjpcpu/supervisord/lisp"
)

// A program that embeds supervisord calls Main with the words of its own command line; its main must get there whenever
// the program is started, because a daemon that goes into the background starts the program again.
func ExampleMain() {
	var out bytes.Buffer
	code := cli.Main(context.Background(),
		[]string{"service", "restart", "web", "--form"},
		cli.Stdio{In: strings.NewReader(""), Out: &out, Err: &out},
		cli.Options{})
	fmt.Print(code, " ", out.String())
	// Output: 0 (restart "web")
}

// fleetOptions are verbs of an embedder: one that looks and one that runs commands, which disable_rce refuses.
func fleetOptions() cli.Options {
	return cli.Options{Verbs: []builtins.Verb{
		{Name: "fleet-size", Doc: "How many processes there are.", Example: `(fleet-size)`, Power: builtins.Observe,
			Call: func(h *builtins.Host, _ *lisp.Thread, _ []lisp.Value) (lisp.Value, error) {
				all, err := h.Sup.Status()
				return lisp.Int(int64(len(all))), err
			}},
		{Name: "deploy", Args: "NAME [VERSION]", Doc: "Deploys a version of a process.\nIt returns what it deployed.", Example: `(deploy "web" "v2")`,
			Power: builtins.Execute,
			Call: func(_ *builtins.Host, t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
				if len(args) == 0 {
					return lisp.Nil, lisp.Errorf("arity", "cannot deploy: it needs a name")
				}
				fmt.Fprintln(t.Out(), "deploying", lisp.Display(args[0]))
				return lisp.Array(args...), nil
			}},
	}}
}

// Verbs of an embedder are forms like ours: in programs, at the prompt, in help, in completion, and under the policy by
// their power.
func ExampleOptions() {
	var out bytes.Buffer
	stdio := cli.Stdio{In: strings.NewReader("(deploy)"), Out: &out, Err: &out}
	cli.Main(context.Background(), []string{"help", "deploy"}, stdio, fleetOptions())
	cli.Main(context.Background(), []string{"check", "-"}, stdio, fleetOptions())
	fmt.Print(out.String())
	// Output:
	// (deploy NAME [VERSION])   (execute)
	// Deploys a version of a process.
	// It returns what it deployed.
	// Example: (deploy "web" "v2")
	// supervisord: stdin:1:1: cannot call deploy: got 0, want 1 to 2 arguments: (deploy name [version])
	//  1 | (deploy)
	//    | ^
}

// The whole of a main function.
func ExampleRun() {
	cli.Run()
}
