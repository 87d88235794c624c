package builtins

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// What the tests ask of the system's shell, here cmd.exe; shell_unix_test.go asks /bin/sh the same. What cmd.exe has no words
// for, this test's own program does.

const (
	device       = "NUL"
	tempVariable = "TMP"
	lineEnd      = `\r`
	outAndErr    = "echo out&echo err>&2"
)

// shellExamples: the examples of the reference are about /bin/sh; TestCommands has those of cmd.exe.
const shellExamples = false

// lacking is what this system does not have, by verb.
var lacking = map[string]string{
	"signal": `unknown signal "HUP", want BREAK, KILL, TERM or INT`,
	"usage":  "what starts the processes does not measure them", // that of the tests; a Host does
}

// variable is how a command line has the value of a variable.
func variable(name string) string { return "%" + name + "%" }

// changing tries to change the folder and a variable of whoever runs it.
func changing(name string) string { return `cd \&set ` + name + "=y" }

// showing prints a variable's value when there is one.
func showing(name string) string { return "if defined " + name + " echo %" + name + "%" }

// meet is the form of a command that ends, and prints its name, when it and the other have been started.
func meet(dir, mine, other string) string {
	return program("meet", filepath.Join(dir, mine), filepath.Join(dir, other))
}

// program is the form of this test's own program with arguments, which act reads.
func program(args ...string) string {
	return "(os/exec " + acting(args...) + ")"
}

// acting is the hash of a command.
func acting(args ...string) string {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	hash := `{"cmd" ` + quoted(exe) + ` "env" {"BUILTINS_TEST_ACT" 1} "args" [`
	for _, arg := range args {
		hash += quoted(arg) + " "
	}
	return hash + "]}"
}

// init makes this test's program another one where the tests start it so.
func init() {
	if os.Getenv("BUILTINS_TEST_ACT") == "" {
		return
	}
	switch args := os.Args[1:]; args[0] {
	case "meet":
		if err := os.WriteFile(args[1], nil, 0o600); err != nil {
			panic(err)
		}
		for range time.Tick(10 * time.Millisecond) {
			if _, err := os.Stat(args[2]); err == nil {
				break
			}
		}
		fmt.Println(filepath.Base(args[1]))
	case "tree": // prints its process and that of its child, which both live on
		child, err := os.StartProcess(os.Args[0], []string{os.Args[0], "live"}, &os.ProcAttr{Files: make([]*os.File, 3)})
		if err != nil {
			panic(err)
		}
		fmt.Println(os.Getpid(), child.Pid, "end")
		if len(args) > 1 {
			os.Exit(0)
		}
		<-time.After(10 * time.Minute)
	case "live":
		<-time.After(10 * time.Minute)
	case "yes":
		for lines := strings.Repeat("y\n", 4096); ; {
			if _, err := fmt.Print(lines); err != nil {
				break
			}
		}
	}
	os.Exit(0)
}
