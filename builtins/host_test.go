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
	"runtime"
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

// quoted is a path as a string of the language: on Windows it holds backslashes.
func quoted(path string) string { return lisp.Print(lisp.String(path)) }

// TestHostExamplesWork runs every example of the host's functions that is not about /bin/sh where that is missing.
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
				if shellExamples || !strings.Contains(form, "(os/exec") && !strings.Contains(form, "(os/command") && !strings.Contains(form, "(os/run") {
					says(t, e, form, want)
				}
			}
		}
	}
}

func TestFiles(t *testing.T) {
	e := onMachine(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "a", "b")
	q := quoted
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
		{`(os/read-file ` + q(device) + `)`, `error invalid`},
		{`(os/write-file ` + q(os.DevNull) + ` "x")`, `error invalid`},
		{`(os/read-file ` + q(dir) + `)`, `error invalid`},
		{`(os/read-file "a\u0000b")`, `error invalid`},
		{`(begin (os/write-file "~/x" "home") (string (os/read-file "~/x")))`, `"home"`},
	} {
		says(t, e, c.form, c.want)
	}
	if runtime.GOOS == "linux" { // a file whose size is said to be 0
		says(t, e, `(> (len (os/read-file "/proc/self/status")) 10)`, `true`)
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
			_, _ = w.Write([]byte("it was here"))
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
		{`(http/get ` + at("/gone") + `)`, `error failed`},
		{`(http/head ` + at("/gone") + `)`, `error failed`},
		{`(try (http/get ` + at("/gone") + `) (catch e (str/contains? (error-message e) "/gone answers 410 Gone (http/curl gives status and body)")))`, `true`},
		{`(try (http/post '-d "x" ` + at("/gone") + `) (catch e (string (error-value e))))`, `"it was here"`},
		{`(string (http/get '-ignore-error ` + at("/gone") + `))`, `"it was here"`},
		{`(string (cdr (http/curl ` + at("/gone") + `)))`, `"it was here"`},
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

// commandsEnd evaluates each form, which prints the numbers of its processes and "end", to the end that its name says (done by
// itself, its timeout, cancelled then), holds its error and how soon it was there, and gives the numbers to left, which complains of
// those that still live.
func commandsEnd(t *testing.T, forms map[string]string, left func(t *testing.T, pids []string)) {
	e := onMachine(t)
	for name, form := range forms {
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
			left(t, strings.Fields(strings.TrimSuffix(strings.TrimSpace(text.String()), "end")))
		})
	}
}
