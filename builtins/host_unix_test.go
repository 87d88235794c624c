//go:build unix

package builtins

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/qjpcpu/supervisord/lisp"
)

func TestCommands(t *testing.T) {
	e := onMachine(t, "GREETING=hello")
	dir := t.TempDir()
	for form, want := range map[string]string{
		`(os/command ["sh" "-c" "echo out; echo err >&2; exit 3"])`:           `{"code" 3 "signal" () "stdout" "out\n" "stderr" "err\n"}`,
		`(hget (os/command ["sh" "-c" "kill -TERM $$"]) "signal")`:            `"TERM"`,
		`(hget (os/command ["sh" "-c" "kill -TERM $$"]) "code")`:              `-1`,
		`(hget (os/command ["echo" "$HOME" 1 "a  b"]) "stdout")`:              `"$HOME 1 a  b\n"`,
		`(hget (os/command {"cmd" "pwd" "cwd" "` + dir + `"}) "stdout")`:      `"` + dir + `\n"`,
		`(hget (os/command {"cmd" "printenv" "args" ["GREETING"]}) "stdout")`: `"hello\n"`,
		`(os/exec {"cmd" "echo $A$B" "env" {"A" 1 "B" "x"}})`:                 `(0 . "1x")`,
		`(os/exec {"cmd" "echo $A" "env" ["A=1=2"]})`:                         `(0 . "1=2")`,
		`(os/exec {"cmd" "cat" "stdin" "from here"})`:                         `(0 . "from here")`,
		`(os/exec {"cmd" "true" "stdin" "nobody reads it"})`:                  `(0 . "")`,
		`(os/exec "cat")`:             `(0 . "")`,
		`(os/exec! "echo a; echo b")`: `"a\nb"`,
		`(try (os/exec! "echo bad >&2; exit 3") (catch 'failed e "no"))`:         `"no"`,
		`(try (os/command ["/no/such/program"]) (catch 'failed e "no"))`:         `"no"`,
		`(try (os/exec {"cmd" "sleep 60" "timeout" 0.05}) (catch 'timeout e 1))`: `1`,
		`(try (os/exec "yes") (catch 'too-large e 1))`:                           `1`,
		`(os/exec {"cmd" "x" "tmeout" 1})`:                                       `error invalid`,
		`(os/exec {"cmd" "x" "timeout" -1})`:                                     `error invalid`,
		`(os/exec {"cmd" 7})`:                                                    `error type`,
		`(os/exec "")`:                                                           `(0 . "")`,
		`(os/command [])`:                                                        `error invalid`,
		`(os/command {})`:                                                        `error invalid`,
		`(os/command ["a\u0000b"])`:                                              `error invalid`,
		`(os/command "ls")`:                                                      `error type`,
		`(os/exec {"cmd" "x" "env" {"A=B" 1}})`:                                  `error invalid`,
		`(os/exec {"cmd" "x" "cwd" "/no/such/place"})`:                           `error failed`,
		`(os/setenv "" "x")`:                                                     `error invalid`,
		`(begin (os/setenv "GREETING" "bye") (os/exec! "echo $GREETING"))`:       `"bye"`,
		`(os/env "GREETING")`:                                                    `"hello"`,
		`(string? (os/which "sh"))`:                                              `true`,
	} {
		says(t, e, form, want)
	}
	if os.Getenv("GREETING") != "" {
		t.Error("the daemon's own environment was changed")
	}
}

// TestRunPassesOutputOn: os/run prints what the command prints as it comes.
func TestRunPassesOutputOn(t *testing.T) {
	e := onMachine(t)
	fifo := filepath.Join(t.TempDir(), "go")
	out := make(arrivals)
	done := make(chan Result, 1)
	go func() {
		done <- e.Eval(t.Context(), Job{Form: fmt.Sprintf(`(os/run "echo one; until test -e %s; do sleep 0.01; done; echo two >&2; exit 4")`, fifo), Streamed: true}, out)
		close(out)
	}()
	if got := <-out; got != "one\n" {
		t.Errorf("first %q", got)
	}
	if err := os.WriteFile(fifo, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := <-out; got != "two\n" {
		t.Errorf("then %q", got)
	}
	for range out {
	}
	if result := <-done; lisp.Print(result.Value) != "4" {
		t.Errorf("%v %v", lisp.Print(result.Value), result.Err)
	}
}

// TestE28CommandsEndWithTheirEvaluation: cancelled, out of time or simply done, nothing of the tree is left, those in sessions of
// their own neither, and cancelling takes no longer than a tenth of a second.
func TestE28CommandsEndWithTheirEvaluation(t *testing.T) {
	commandsEnd(t, map[string]string{
		"cancelled": `(os/run "echo $$; sleep 600 & echo $!; setsid sleep 600 & echo $!; echo end; wait")`,
		"timeout":   `(os/run {"cmd" "echo $$; sleep 600 & echo $!; setsid sleep 600 & echo $!; echo end; wait" "timeout" 0.3})`,
		"done":      `(os/run "echo $$; sleep 600 & echo $!; setsid sleep 600 & echo $!; echo end")`,
	}, func(t *testing.T, pids []string) {
		if len(pids) != 3 {
			t.Errorf("it printed %q", pids)
		}
		for _, pid := range pids {
			if state, err := os.ReadFile("/proc/" + pid + "/status"); err == nil && !strings.Contains(string(state), "State:\tZ") {
				t.Errorf("process %s is left: %s", pid, state)
			}
		}
	})
}
