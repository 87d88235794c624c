package builtins

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/qjpcpu/supervisord/lisp"
)

// TestCoroutinesWaitBesideEachOther: commands, sleeping and verbs of several coroutines take as long as the longest.
func TestCoroutinesWaitBesideEachOther(t *testing.T) {
	e := onMachine(t)
	dir := t.TempDir()
	for form, want := range map[string]string{
		// Each of two waits for what the other does.
		`(let* [a (go ` + meet(dir, "a", "b") + `) b (go ` + meet(dir, "b", "a") + `)] [(<! a) (<! b)])`:       `[(0 . "a") (0 . "b")]`,
		`(len (map #(<! %) (map (fn [_] (go (sleep 0.2))) (list-to-array (range 200)))))`:                      `200`,
		`(let [late (make-chan)] (go (sleep "10ms") (send! late "timeout")) (cdr (select! (make-chan) late)))`: `"timeout"`,
		`(let [seen nil c (go (os/run "echo from a command"))] (println "here") [(<! c) seen])`:                `[0 ()]`,
		`(<! (go (os/exec! "exit 3")))`:                                              `error failed`,
		`(go (os/exec! "exit 3")) (<! (make-chan))`:                                  `error failed`,
		`(go (os/setenv "K" "v")) (<! (go (os/exec! "echo ` + variable("K") + `")))`: `"v"`,
		`(let [f (go (try (follow "none") (catch e (error-kind e))))] (<! f))`:       `"not-found"`,
	} {
		says(t, e, form, want)
	}
}

// TestNothingIsLeftOfAProgram: no goroutine, no open file, no child and no temporary file, whether it ends well, fails, exhausts
// a budget, or is cancelled in the middle of a command, a request, a sleep, a verb or a loop, in itself or in coroutines.
func TestNothingIsLeftOfAProgram(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("counts what /proc/self has")
	}
	t.Setenv(tempVariable, t.TempDir())
	e := onMachine(t)
	deaf, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	wait := []string{
		`(os/exec "sleep 600 & setsid sleep 600 & wait")`, `(os/run "echo started; sleep 600")`, `(os/command {"cmd" "sleep" "args" ["600"] "stdin" "x"})`,
		`(sleep 600)`, fmt.Sprintf(`(http/get "http://%s/")`, deaf.Addr()), `(while true 1)`, `(<! (go (sleep 600)))`,
		`(realize (filter nil? (range)))`, `(let [f (os/open-file)] (:println f 1) (sleep 600))`, `(events 0 "follow")`,
	}
	// Programs that end by themselves first, so that what is made once is there when the counting begins.
	says(t, e, `(os/exec "true") (os/open-file) (go (sleep 600)) (go (os/exec "sleep 600")) (go (while true 1)) (sleep 0.05) 1`, "1")
	before := left(t)
	var programs []string
	for _, form := range wait {
		programs = append(programs, form, "(go "+form+") (sleep 600)", "(<! (go "+form+"))", "(try "+form+" (catch e "+form+") (finally "+form+"))")
	}
	for _, program := range programs {
		ctx, cancel := context.WithCancel(t.Context())
		out := make(arrivals)
		done := make(chan Result, 1)
		go func() {
			done <- e.Eval(ctx, Job{Form: `(print "x") (go (sleep 0.02) (print "y")) ` + program, Streamed: true}, out)
			close(out)
		}()
		for part := range out {
			if strings.Contains(part, "y") || strings.Contains(program, "(while") || strings.Contains(program, "(realize") {
				break
			}
		}
		began := time.Now()
		cancel()
		for range out {
		}
		result := <-done
		if took := time.Since(began); took > soon {
			t.Errorf("%s: cancelling took %v", program, took)
		}
		if KindOf(result.Err) != "cancelled" {
			t.Errorf("%s: ends with %v", program, result.Err)
		}
	}
	for _, program := range []string{`(go (sleep 600)) (car 5)`, `(go (os/exec "sleep 600")) (sleep 0.05) (exit 3)`, `(go (while true 1)) (str/repeat "x" 1000000000000)`, `(os/open-file) (<! (make-chan))`} {
		_ = e.Eval(t.Context(), Job{Form: program}, nil)
	}
	if after := left(t); after != before {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

// soon-to-be-compared counts of what a process has.
type leftovers struct{ goroutines, files, children, temporary int }

// left counts, and waits for what is ending anyway. Open files and children are counted on Linux only.
func left(t *testing.T) (now leftovers) {
	t.Helper()
	count := func() leftovers {
		temporary, _ := os.ReadDir(os.TempDir())
		if runtime.GOOS != "linux" {
			return leftovers{goroutines: runtime.NumGoroutine(), temporary: len(temporary)}
		}
		files, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		var children []string
		tasks, _ := filepath.Glob("/proc/self/task/*/children")
		for _, task := range tasks {
			text, _ := os.ReadFile(task)
			children = append(children, strings.Fields(string(text))...)
		}
		return leftovers{runtime.NumGoroutine(), len(files), len(children), len(temporary)}
	}
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	steady := 0
	for range 250 {
		<-ticker.C
		again := count()
		if steady++; again != now {
			now, steady = again, 0
		}
		if steady > 10 {
			break
		}
	}
	return now
}

// TestFilesThatAreOpened are read from their start, written at their end, and hold nothing open.
func TestFilesThatAreOpened(t *testing.T) {
	e := onMachine(t)
	dir := t.TempDir()
	at := func(name string) string { return quoted(filepath.Join(dir, name)) }
	for form, want := range map[string]string{
		`(let [f (os/open-file ` + at("a") + `)] (:write f "one\ntwo\n") [(:read f 4) (:lines f) (:read f) (:name f) (string f) (type f)])`: `["one\n" ["two"] "" ` + at("a") + ` "io" "io"]`,
		`(let [f (os/open-file)] (:printf f "%d" 5) (:close f) (try (:write f "x") (catch 'invalid e "closed")))`:                           `"closed"`,
		`(os/file-exist? (:name (os/open-file)))`:                                                         `true`,
		`(let [f (os/open-file)] (os/exec {"cmd" "` + outAndErr + `" "stdout" f "stderr" f}) (:lines f))`: `["out" "err"]`,
		`(let [b (buffer)] (os/exec {"cmd" "echo x" "stdout" b}) (string b))`:                             `"x` + lineEnd + `\n"`,
		`(os/exec {"cmd" "echo x" "stdout" 5})`:                                                           `error type`,
		`(begin (csv/write ` + at("c.csv") + ` [["a" "b"] [1 2]]) (csv/read ` + at("c.csv") + ` 'hash))`:  `[{"a" "1" "b" "2"}]`,
		`(let [f (os/open-file)] (csv/write f [{"a" 1}]) (csv/read f))`:                                   `[["a"] ["1"]]`,
		`(csv/read ` + at("none.csv") + `)`:                                                               `error not-found`,
		`(csv/read ` + quoted(device) + `)`:                                                               `error invalid`,
		`(csv/read 5)`:                                                                                    `error type`,
		`(csv/read (buffer) 'hsh)`:                                                                        `error invalid`,
		`(os/open-file ` + quoted(os.DevNull) + `)`:                                                       `error invalid`,
		`(os/open-file "")`:                                                                               `error invalid`,
		`(:wriet (os/open-file) 1)`:                                                                       `error key`,
	} {
		says(t, e, form, want)
	}
}

// TestArgsOfAProgram: (os/args) has the name first, ARGV has not.
func TestArgsOfAProgram(t *testing.T) {
	e := onMachine(t)
	result := e.Eval(t.Context(), Job{Form: `[(os/args) ARGV]`, Name: "deploy.glisp", Argv: []string{"web", "3"}}, nil)
	if got := lisp.Print(result.Value); got != `[["deploy.glisp" "web" "3"] ["web" "3"]]` || result.Err != nil {
		t.Errorf("%s %v", got, result.Err)
	}
}

// TestE22TheDaemonIncludesNothing: neither a file nor a line of it comes back.
func TestE22TheDaemonIncludesNothing(t *testing.T) {
	e := onMachine(t)
	for _, form := range []string{`(include "/etc/passwd")`, `(source-file "/etc/passwd")`, `(defn f [] (include "/etc/passwd"))`, `(eval '(include "/etc/passwd"))`} {
		result := e.Eval(t.Context(), Job{Form: form}, nil)
		if KindOf(result.Err) != "forbidden" || strings.Contains(result.Err.Error(), "root:") {
			t.Errorf("%s: %v", form, result.Err)
		}
	}
}

// TestLoadFile finds files beside the one that includes them, and refuses what is no text.
func TestLoadFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"main.glisp": `(include "lib/a.glisp")`, "lib/a.glisp": `(include "b.glisp")`, "lib/b.glisp": `(car 5)`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	th := lisp.NewThread(t.Context(), nil, lisp.Budget{})
	th.Load = LoadFile
	_, err := th.Eval(lisp.NewBase().Child(), filepath.Join(dir, "main.glisp"), `(include "lib/a.glisp")`)
	if err == nil || !strings.HasPrefix(err.Error(), filepath.Join(dir, "lib/b.glisp")+":1:1: cannot call car") {
		t.Errorf("%v", err)
	}
	for name, kind := range map[string]string{"": "invalid", "none": "not-found", device: "invalid", dir: "invalid", "a\x00": "invalid"} {
		if _, _, err := LoadFile(name, ""); KindOf(err) != kind {
			t.Errorf("%q: %v", name, err)
		}
	}
}
