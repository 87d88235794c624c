package builtins

import (
	"strconv"
	"syscall"
	"testing"
)

// TestCommands is host_unix_test.go's, with cmd.exe as the shell.
func TestCommands(t *testing.T) {
	e := onMachine(t, "GREETING=hello")
	dir := t.TempDir()
	for form, want := range map[string]string{
		`(os/exec "echo hi")`:                                        `(0 . "hi")`,
		`(os/exec "echo out&echo no>&2&exit 3")`:                     `(3 . "out\r\nno")`,
		`(os/command ["cmd" "/c" "echo out&echo err>&2&exit 3"])`:    `{"code" 3 "signal" () "stdout" "out\r\n" "stderr" "err\r\n"}`,
		`(hget (os/command ["cmd" "/c" "exit -1073741819"]) "code")`: `3221225477`,
		`(os/exec {"cmd" "cd" "cwd" ` + quoted(dir) + `})`:           `(0 . ` + quoted(dir) + `)`,
		`(os/exec {"cmd" "echo %A%%B%" "env" {"A" 1 "B" "x"}})`:      `(0 . "1x")`,
		`(os/exec {"cmd" "echo %A%" "env" ["A=1=2"]})`:               `(0 . "1=2")`,
		`(try (os/exec {"cmd" "sort" "stdin" "from here"}) (catch 'failed e (str/contains? (error-message e) "not possible on Windows")))`: `true`,
		`(os/exec! "echo a&echo b")`:                                                         `"a\r\nb"`,
		`(try (os/exec! "echo bad>&2&exit 3") (catch 'failed e "no"))`:                       `"no"`,
		`(try (os/command ["C:\\no\\such\\program"]) (catch 'failed e "no"))`:                `"no"`,
		`(try (os/exec (hset! ` + acting("live") + ` "timeout" 0.05)) (catch 'timeout e 1))`: `1`,
		`(try (os/exec ` + acting("yes") + `) (catch 'too-large e 1))`:                       `1`,
		`(os/exec {"cmd" 7})`: `error type`,
		`(os/exec "")`:        `(0 . "")`,
		`(os/command [])`:     `error invalid`,
		`(os/exec {"cmd" "x" "cwd" "C:\\no\\such\\place"})`:                 `error failed`,
		`(begin (os/setenv "GREETING" "bye") (os/exec! "echo %GREETING%"))`: `"bye"`,
		`(os/env "GREETING")`:                              `"hello"`,
		`(string? (os/which "cmd"))`:                       `true`,
		`(os/run "exit 4")`:                                `4`,
		`(begin (os/setenv "K" "v") (os/exec "echo %K%"))`: `(0 . "v")`,
		`(os/exec {"cmd" "echo x&echo y>&2" "stdout" (buffer) "stderr" (buffer)})`: `(0 . "")`,
	} {
		says(t, e, form, want)
	}
}

// TestE28CommandsEndWithTheirEvaluation is host_unix_test.go's: nothing of the tree is left.
func TestE28CommandsEndWithTheirEvaluation(t *testing.T) {
	commandsEnd(t, map[string]string{
		"cancelled": `(os/run ` + acting("tree") + `)`,
		"timeout":   `(os/run (hset! ` + acting("tree") + ` "timeout" 2))`,
		"done":      `(os/run ` + acting("tree", "and end") + `)`,
	}, func(t *testing.T, pids []string) {
		if len(pids) != 2 {
			t.Fatalf("it printed %q", pids)
		}
		for _, word := range pids {
			pid, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			process, err := syscall.OpenProcess(syscall.SYNCHRONIZE, false, uint32(pid))
			if err != nil {
				continue // gone
			}
			if event, err := syscall.WaitForSingleObject(process, 0); err != nil || event != syscall.WAIT_OBJECT_0 {
				t.Errorf("process %d is left", pid)
			}
			_ = syscall.CloseHandle(process)
		}
	})
}
