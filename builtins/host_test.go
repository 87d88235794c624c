package builtins

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/lisp"
)

// oneHost is the owner of all waits of this test process; there may be one only, and nothing here may use os/exec.
var oneHost = sync.OnceValues(func() (*child.Host, error) {
	return child.NewHost(child.Options{CgroupMode: "off", Instance: "builtins-test"})
})

// soon is when what was cancelled must have ended: a tenth of a second is promised, and a machine that is busy with other
// tests gets some more.
const soon = 500 * time.Millisecond

func TestMain(m *testing.M) {
	code := m.Run()
	if h, err := oneHost(); err == nil {
		_ = h.Close()
	}
	os.Exit(code)
}

// onMachine is an engine whose programs run real commands.
func onMachine(t *testing.T, environ ...string) *Engine {
	t.Helper()
	h, err := oneHost()
	if err != nil {
		t.Fatal(err)
	}
	sup := core.New(core.Options{Starter: h})
	return NewEngine(EngineOptions{Host: &Host{Sup: sup, Starter: h, Environ: append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, environ...)}, Log: t.Logf})
}

// says evaluates a program and holds what it prints as its value, or the kind of its error after "error ", to want.
func says(t *testing.T, e *Engine, form, want string) {
	t.Helper()
	result := e.Eval(t.Context(), Job{Form: form, Who: "uid 0 pid 1"}, nil)
	got := lisp.Print(result.Value)
	if result.Err != nil {
		got = "error " + KindOf(result.Err)
	}
	if got != want {
		t.Errorf("%s gives %s (%v), want %s", form, got, result.Err, want)
	}
}

// TestHostExamplesWork runs every example of the host's functions.
func TestHostExamplesWork(t *testing.T) {
	e := onMachine(t)
	for _, module := range Modules(nil, nil, nil) {
		for _, prim := range module {
			if prim.Doc == "" || prim.Example == "" {
				t.Errorf("%s has no doc or no example", prim.Name)
			}
			for line := range strings.Lines(prim.Example) {
				form, want, found := strings.Cut(strings.TrimSpace(line), " => ")
				if !found {
					t.Errorf("%s: the example %s has no result", prim.Name, line)
				}
				says(t, e, form, want)
			}
		}
	}
}

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
	e := onMachine(t)
	for name, form := range map[string]string{
		"cancelled": `(os/run "echo $$; sleep 600 & echo $!; setsid sleep 600 & echo $!; echo end; wait")`,
		"timeout":   `(os/run {"cmd" "echo $$; sleep 600 & echo $!; setsid sleep 600 & echo $!; echo end; wait" "timeout" 0.3})`,
		"done":      `(os/run "echo $$; sleep 600 & echo $!; setsid sleep 600 & echo $!; echo end")`,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var text strings.Builder
			out := make(arrivals)
			done := make(chan Result, 1)
			go func() {
				done <- e.Eval(ctx, Job{Form: form, Streamed: true}, out)
				close(out)
			}()
			for part := range out {
				text.WriteString(part)
				if strings.Contains(text.String(), "end") {
					break
				}
			}
			began := time.Now()
			if name == "cancelled" {
				cancel()
			}
			for range out {
			}
			result := <-done
			if want := map[string]string{"cancelled": "cancelled", "timeout": "timeout"}[name]; KindOf(result.Err) != want {
				t.Errorf("ended with %v", result.Err)
			}
			if took := time.Since(began); name == "cancelled" && took > soon {
				t.Errorf("cancelling took %v", took)
			}
			for _, pid := range strings.Fields(strings.TrimSuffix(text.String(), "end\n")) {
				if state, err := os.ReadFile("/proc/" + pid + "/status"); err == nil && !strings.Contains(string(state), "State:\tZ") {
					t.Errorf("process %s is left: %s", pid, state)
				}
			}
		})
	}
}

func TestFiles(t *testing.T) {
	e := onMachine(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "a", "b")
	q := func(path string) string { return lisp.Print(lisp.String(path)) }
	if err := os.Symlink("/", filepath.Join(dir, "root")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ form, want string }{
		{`(os/read-file ` + q(file) + `)`, `error not-found`},
		{`(os/write-file ` + q(file) + ` "one")`, `()`},
		{`(os/append-file ` + q(file) + ` (bytes " two"))`, `()`},
		{`(string (os/read-file ` + q(file) + `))`, `"one two"`},
		{`(os/write-file ` + q(file) + ` "")`, `()`},
		{`(string (os/read-file ` + q(file) + `))`, `""`},
		{`(os/mkdir ` + q(dir+"/a/d") + `)`, `()`},
		{`(os/read-dir ` + q(dir+"/a") + `)`, `["b" "d"]`},
		{`(os/read-dir ` + q(dir+"/a") + ` 'dir)`, `["d"]`},
		{`(os/read-dir ` + q(dir+"/a") + ` 'file)`, `["b"]`},
		{`(os/read-dir ` + q(dir+"/a") + ` 'link)`, `error invalid`},
		{`(os/file-exist? ` + q(dir+"/a/d") + `)`, `true`},
		{`(os/remove-file ` + q(dir+"/root") + `)`, `()`},
		{`(os/remove-file ` + q(dir+"/a") + `)`, `()`},
		{`(os/file-exist? ` + q(dir+"/a") + `)`, `false`},
		{`(os/remove-file "/")`, `error invalid`},
		{`(os/remove-file "/../.")`, `error invalid`},
		{`(os/remove-file "")`, `error invalid`},
		{`(os/read-file "/dev/zero")`, `error invalid`},
		{`(os/write-file "/dev/null" "x")`, `error invalid`},
		{`(os/read-file ` + q(dir) + `)`, `error invalid`},
		{`(os/read-file "a\u0000b")`, `error invalid`},
		{`(begin (os/write-file "~/x" "home") (string (os/read-file "~/x")))`, `"home"`},
		{`(> (len (os/read-file "/proc/self/status")) 10)`, `true`},
	} {
		says(t, e, c.form, c.want)
	}
	big := filepath.Join(dir, "big")
	if f, err := os.Create(big); err != nil || f.Truncate(mostFileBytes+1) != nil || f.Close() != nil {
		t.Fatal(err)
	}
	says(t, e, `(os/read-file `+q(big)+`)`, "error too-large")
}

func TestHTTP(t *testing.T) {
	held := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		switch r.URL.Path {
		case "/slow":
			select {
			case <-held:
			case <-r.Context().Done():
			}
		case "/big":
			_, _ = w.Write(make([]byte, mostBody+1))
		case "/gone":
			w.Header().Set("X-Reason", "moved")
			w.WriteHeader(http.StatusGone)
		default:
			fmt.Fprintf(w, "%s %s %s %s", r.Method, r.Header.Get("X-Test"), r.Header.Get("Content-Type"), body.String())
		}
	}))
	defer server.Close()
	defer close(held)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	defer secure.Close()
	e := onMachine(t)
	at := func(path string) string { return lisp.Print(lisp.String(server.URL + path)) }
	for _, c := range []struct{ form, want string }{
		{`(string (http/get ` + at("/") + `))`, `"GET   "`},
		{`(string (http/get ` + strings.Replace(at("/"), "http://", "", 1) + `))`, `"GET   "`},
		{`(string (http/get '-H "X-Test: yes" ` + at("/") + `))`, `"GET yes  "`},
		{`(string (http/post "-d" "text" ` + at("/") + `))`, `"POST   text"`},
		{`(string (http/put '-d [1 "a"] ` + at("/") + `))`, `"PUT  application/json [1,\"a\"]"`},
		{`(string (http/patch '-H "Content-Type: application/x-www-form-urlencoded" '-d {"a" "b c"} ` + at("/") + `))`, `"PATCH  application/x-www-form-urlencoded a=b+c"`},
		{`(car (http/curl ` + at("/gone") + `))`, `410`},
		{`(string (cdr (http/curl '-X "DELETE" ` + at("/") + `)))`, `"DELETE   "`},
		{`(hget (car (http/get '-i ` + at("/gone") + `)) "X-Reason")`, `"moved"`},
		{`(hget (car (http/get '-i ` + at("/gone") + `)) "StatusCode")`, `"410"`},
		{`(http/get '-timeout "50ms" ` + at("/slow") + `)`, `error timeout`},
		{`(http/get ` + at("/big") + `)`, `error too-large`},
		{`(http/get '-timeout 3 ` + lisp.Print(lisp.String(secure.URL)) + `)`, `error failed`},
		{`(http/get '-x "p" ` + at("/") + `)`, `error invalid`},
		{`(http/get)`, `error invalid`},
		{`(http/get '-H)`, `error invalid`},
		{`(http/get "a" "b")`, `error invalid`},
		{`(http/get 7)`, `error type`},
	} {
		says(t, e, c.form, c.want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	began := time.Now()
	result := e.Eval(ctx, Job{Form: `(try (http/get ` + at("/slow") + `) (catch e 1))`}, nil)
	if took := time.Since(began); KindOf(result.Err) != "cancelled" || took > soon {
		t.Errorf("cancelled after %v: %v", took, result.Err)
	}
}

// TestInput: a program reads what was piped to it, line by line or as a whole.
func TestInput(t *testing.T) {
	e := onMachine(t)
	for _, c := range []struct{ stdin, form, want string }{
		{"a\nb\r\nc", `[(read-line) (read-line) (read-line) (read-line)]`, `["a" "b" "c" ()]`},
		{"a\nb\nc\n", `[(read-line) (read-all) (read-line) (read-all)]`, `["a" "b\nc\n" () ""]`},
		{strings.Repeat("x", 100_000) + "\n", `(len (read-line))`, `100000`},
		{strings.Repeat("x", longestLine+1), `(try (read-line) (catch 'too-large e 1))`, `1`},
		{"", `(read-line)`, `()`},
	} {
		result := e.Eval(t.Context(), Job{Form: c.form, Stdin: c.stdin}, nil)
		if got := lisp.Print(result.Value); result.Err != nil || got != c.want {
			t.Errorf("%s gives %s (%v), want %s", c.form, got, result.Err, c.want)
		}
	}
	local := lisp.NewBase(Modules(nil, nil, strings.NewReader("one\ntwo\n"))...)
	value, err := lisp.NewThread(t.Context(), nil, lisp.Budget{}).Eval(local.Child(), "x", `[(read-line) (read-line) (read-line)]`)
	if got := lisp.Print(value); err != nil || got != `["one" "two" ()]` {
		t.Errorf("without a daemon: %s %v", got, err)
	}
}

// TestSleepWaitsAndEnds: waiting takes its time, costs no steps, and ends with the evaluation.
func TestSleepWaitsAndEnds(t *testing.T) {
	e := onMachine(t)
	says(t, e, `(let [a (time/now)] (sleep "30ms") (< a (time/now)))`, "true")
	says(t, e, `(sleep -1)`, "error invalid")
	says(t, e, `(sleep "soon")`, "error invalid")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	began := time.Now()
	result := e.Eval(ctx, Job{Form: `(try (sleep 600) (catch e 1))`}, nil)
	if took := time.Since(began); KindOf(result.Err) != "cancelled" || took > soon {
		t.Errorf("cancelled after %v: %v", took, result.Err)
	}
}
