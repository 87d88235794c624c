// Command supervisord supervises processes and is controlled by forms of a small Lisp.
// Everything it does is in package cli, so that other programs can embed it.
package main

import "github.com/qjpcpu/supervisord/cmd/cli"

func main() { cli.Run() }
