//go:build unix

package builtins

import "fmt"

// What the tests ask of the system's shell, here /bin/sh; shell_windows_test.go asks cmd.exe the same.

const (
	device       = "/dev/zero"              // a device
	tempVariable = "TMPDIR"                 // the variable that says where temporary files go
	lineEnd      = ""                       // what stands before the \n of a printed line
	outAndErr    = "echo out; echo err >&2" // prints a line on each of the two outputs
)

// shellExamples: the examples of the reference are about /bin/sh.
const shellExamples = true

// lacking is what this system does not have, by verb.
var lacking = map[string]string{}

// variable is how a command line has the value of a variable.
func variable(name string) string { return "$" + name }

// changing tries to change the folder, the mask and a variable of whoever runs it.
func changing(name string) string { return "cd /; umask 0; export " + name + "=y" }

// showing prints a variable's value when there is one.
func showing(name string) string { return "echo $" + name }

// meet is the form of a command that ends, and prints its name, when it and the other have been started.
func meet(dir, mine, other string) string {
	return fmt.Sprintf(`(os/exec "touch %[1]s/%[2]s; until test -e %[1]s/%[3]s; do sleep 0.01; done; echo %[2]s")`, dir, mine, other)
}
