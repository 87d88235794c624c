package builtins

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/lisp"
)

// endless are programs that would never end, or take all memory, and what ends them.
func endless() map[string]string {
	return map[string]string{
		`(defn f [n] (+ 1 (f (+ n 1)))) (f 0)`:                                           "deep",
		`(defn f [n] (foldl (fn [a b] (+ 1 (f n))) 0 [1 2])) (f 0)`:                      "deep",
		`(defn f [n] (map g [n])) (defn g [n] (f n)) (f 0)`:                              "deep",
		`(defn f [n] (apply f [n]) 1) (f 0)`:                                             "deep",
		`(str/repeat "x" 10000000000)`:                                                   "memory",
		`(defn f [s] (f (str/join [s s] ""))) (f "xxxxxxxx")`:                            "memory",
		`(defn f [a] (f (concat a a))) (f [1 2 3])`:                                      "memory",
		`(make-array 10000000000)`:                                                       "memory",
		`(try (str/repeat "x" 10000000000) (catch e 1))`:                                 "memory",
		`(begin (defn f [n] (+ 1 (f n))) (try (f 0) (catch e 1)))`:                       "deep",
		`(defn f [n] (println "` + strings.Repeat("0123456789", 100) + `") (f n)) (f 0)`: "output",
	}
}

// TestBudgetsEndPrograms: whatever a program does without end, an error of kind budget ends it, names which, and cannot be caught.
func TestBudgetsEndPrograms(t *testing.T) {
	e := onMachine(t)
	for form, which := range endless() {
		var out countWriter
		result := e.Eval(t.Context(), Job{Form: form}, &out)
		if KindOf(result.Err) != "budget" || !regexp.MustCompile(which).MatchString(result.Err.Error()) {
			t.Errorf("%s: %v, want budget of %s", form, result.Err, which)
		}
		if which == "output" && out != bufferedOutput {
			t.Errorf("%d bytes arrived", out)
		}
	}
}

type countWriter int

func (c *countWriter) Write(p []byte) (int, error) { *c += countWriter(len(p)); return len(p), nil }

// TestAnExceededBudgetSaysWhatToDo: the message has the limit and what helps, as no key raises it; what is no budget of a program
// stays as it is.
func TestAnExceededBudgetSaysWhatToDo(t *testing.T) {
	e := onMachine(t)
	for form, want := range map[string]string{
		`(str/repeat "x" 10000000000)`:           `more than 268435456 bytes of memory (` + programAdvice + `)`,
		`(begin (defn f [n] (+ 1 (f n))) (f 0))`: `calls nested more than 20000 deep (` + depthAdvice + `)`,
		`(sla 1 100000000000)`:                   `more than 1048576 bits`,
		`(car 5)`:                                `list`,
	} {
		result := e.Eval(t.Context(), Job{Form: "(begin " + form + ")"}, io.Discard)
		if result.Err == nil || !strings.Contains(result.Err.Error(), want) || !strings.Contains(want, "(") && strings.Contains(result.Err.Error(), "key") {
			t.Errorf("%s: %v, want %s", form, result.Err, want)
		}
	}
	ev := &evaluation{engine: e, out: newOutput(nil, false, "x", t.Logf)}
	_, err := ev.thread(t.Context(), lisp.Budget{Steps: 1_000_000}).Eval(e.base.Child(), "", `(while true 1)`)
	if err = advised(advised(err, programAdvice), hookAdvice); err == nil || err.Error() != "1:1: budget exceeded: more than 1000000 steps ("+programAdvice+")" {
		t.Errorf("got %v", err)
	}
}

// TestStepsEndALoop: a loop that calls itself in tail position runs until its steps are spent. The budget of a program takes
// some seconds; a smaller one shows the same.
func TestStepsEndALoop(t *testing.T) {
	e := onMachine(t)
	ev := &evaluation{engine: e, out: newOutput(nil, false, "x", t.Logf)}
	_, err := ev.thread(t.Context(), lisp.Budget{Steps: 1_000_000}).Eval(e.base.Child(), "", `(defn f [n] (f (+ n 1))) (try (f 0) (catch e 1))`)
	if KindOf(err) != "budget" || !strings.Contains(err.Error(), "steps") {
		t.Errorf("got %v", err)
	}
}

// TestDeepTextsAreRefused: reading does not use up the stack.
func TestDeepTextsAreRefused(t *testing.T) {
	e := onMachine(t)
	for _, part := range []string{"(", "'", "[", "{", "`", "#(", "~", "~@", "(begin ", "[1 "} {
		began := time.Now()
		result := e.Eval(t.Context(), Job{Form: strings.Repeat(part, 250_000/len(part))}, nil)
		if kind := KindOf(result.Err); kind != "syntax" && kind != "budget" {
			t.Errorf("%q: %v", part, result.Err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("%q took %v", part, took)
		}
	}
}

// TestE17CancellingEndsPrograms: whoever goes away ends his program within a tenth of a second, whatever it is doing, and no
// catch and no finally holds it up.
func TestE17CancellingEndsPrograms(t *testing.T) {
	e := onMachine(t)
	for _, form := range []string{
		`(defn f [n] (f (+ n 1))) (f 0)`,
		`(defn f [n] (try (f2 n) (catch e (f n)))) (defn f2 [n] (f2 (+ n 1))) (f 0)`,
		`(begin (defn f [n] (f n)) (try (f 1) (finally (f 2))))`,
		`(foldl + 0 (map #(* %1 %1) (range 100000000)))`,
		`(sleep 100)`,
		`(sort (realize (map #(mod (* %1 7919) 1000003) (range 300000))))`,
	} {
		ctx, cancel := context.WithCancel(t.Context())
		began := make(chan time.Time, 1)
		time.AfterFunc(30*time.Millisecond, func() { began <- time.Now(); cancel() })
		result := e.Eval(ctx, Job{Form: form}, nil)
		took := time.Since(<-began)
		if kind := KindOf(result.Err); kind != "cancelled" {
			t.Errorf("%s: %v", form, result.Err)
		}
		if took > soon {
			t.Errorf("%s ended %v after it was cancelled", form, took)
		}
		cancel()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if result := e.Eval(ctx, Job{Form: `(defn f [n] (f n)) (f 0)`}, nil); KindOf(result.Err) != "timeout" {
		t.Errorf("out of time: %v", result.Err)
	}
}

// TestProgramsUseVerbs: what programs make of the verbs, their errors and their constants.
func TestProgramsUseVerbs(t *testing.T) {
	for _, c := range []struct{ form, want string }{
		{`(map #(hget %1 "name") (status "web-*"))`, `["web-1" "web-2"]`},
		{`(map (fn [s] (:state s)) (status 'web-1))`, `["running"]`},
		{`(try (restart "wbe-1") (catch 'not-found e (error-message e)))`, `"cannot restart wbe-1: no such process (did you mean web-1?)"`},
		{`(map (fn [f] (try (f) (catch e (error-message e)))) [#(status "web-[") #(usage "web-[") #(stop "web-[") #(stop "")])`,
			`["cannot show web-[: bad pattern" "cannot show web-[: bad pattern" "cannot stop web-[: bad pattern" "cannot stop \"\": no such process"]`},
		{`(try (status (str/repeat "x" 5000)) (catch e (< (len (error-message e)) 200)))`, `true`},
		{`(try (wait "web-1" "fatal" 5) (catch 'timeout e "late"))`, `"late"`},
		{`(try (stop) (reset 1) (catch e (error-kind e)))`, `"type"`},
		{`(try (status) (env) (catch 'arity e 1))`, `1`},
		{`(try (restart "web-1" "broken") (catch 'failed e 1))`, `1`},
		{`(try (restart "nope") (catch 'failed e 1))`, `error not-found`},
		{`(try (raise "mine") (catch 'raised e (error-message e)))`, `"mine"`},
		{`(aget (hget CONFIG "process") 0)`, ``},
		{`(hset! CONFIG "admin_listen" 1)`, `error`},
		{`(hset! (aget (hget CONFIG "process") 0) "name" "x")`, `error`},
		{`(begin (set! ARGV 1) ARGV)`, ``},
		{`(aset! ARGV 0 "x")`, `error`},
		{`[(aget ARGV 0) (len ARGV)]`, `["one" 2]`},
		{`(hget CONFIG "admin_listen")`, `9001`},
		{`(str/contains? (sexp-str CONFIG) "` + canary + `")`, `false`},
		{`(str/contains? (doc 'restart) "(restart NAME...)")`, `true`},
		{`(str/contains? (doc "map") "map")`, `true`},
		{`(str/contains? (doc map) "(map ")`, `true`},
		{`(str/contains? (doc restart) "(restart NAME...)")`, `true`},
		{`(str/contains? (doc 'os/exec) "/bin/sh")`, `true`},
		{`(> (len (help)) 25)`, `true`},
		{`(len (filter #(= %1 "restart") (apropos "st")))`, `1`},
		{`(begin (println "x") (exit 3))`, `exit 3`},
		{`(try (exit 4) (catch e 1) (finally (println "f")))`, `exit 4`},
		{`(def restart (fn [] "mine")) (restart)`, `"mine"`},
		{`(def + -) (+ 5 2)`, `3`},
		{`(+ 5 2)`, `7`},
		{`(hget (aget (add-proc {"name" "extra" "command" "/bin/x" "args" ["a" "b"] "env" {"A" "b"} "priority" 3 "autostart" true}) 0) "outcome")`, `"added"`},
		{`(len (add-proc "extra" "/bin/x" "a"))`, `1`},
		{`(add-proc {"name" map})`, `error type`},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, Policy{})
			defer w.end()
			result := w.engine.Eval(t.Context(), Job{Form: c.form, Argv: []string{"one", "two"}, Name: "x.glisp"}, nil)
			got := lisp.Print(result.Value)
			switch {
			case result.Err != nil:
				got = "error " + KindOf(result.Err)
			case result.Exit != 0:
				got = fmt.Sprintf("exit %d", result.Exit)
			}
			if c.want == "" && result.Err == nil || c.want == "error" && result.Err != nil {
				return
			}
			if got != c.want {
				t.Errorf("%s gives %s (%v), want %s", c.form, got, result.Err, c.want)
			}
		})
	}
}

// TestErrorsHaveTheirPlace: an error of a verb inside a program says where the call stands.
func TestErrorsHaveTheirPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{})
		defer w.end()
		result := w.engine.Eval(t.Context(), Job{Name: "x.glisp", Form: "(defn f [] \n  (restart \"nope\"))\n(f)"}, nil)
		if text := result.Err.Error(); !strings.HasPrefix(text, "x.glisp:2:3: cannot restart nope: no such process") {
			t.Errorf("got %s", text)
		}
		result = w.engine.Eval(t.Context(), Job{Name: "repl", Form: `(status "nope")`}, nil)
		if text := result.Err.Error(); !strings.HasPrefix(text, "repl:1:1: cannot show nope") {
			t.Errorf("got %s", text)
		}
	})
}

// TestPrintedLinesReachCallerAndLog: what a program prints goes to its caller as it happens and line by line to the log.
func TestPrintedLinesReachCallerAndLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{})
		defer w.end()
		out := make(arrivals)
		done := make(chan Result, 1)
		go func() {
			done <- w.engine.Eval(t.Context(), Job{Name: "x.glisp", Form: `(println "one" 1) (sleep 5) (printf "%s-" "two") (print "x")`, Streamed: true}, out)
			close(out)
		}()
		began := time.Now()
		first := <-out
		if after := time.Since(began); after != 0 {
			t.Errorf("the first line came after %v", after)
		}
		for part := range out {
			first += part
		}
		if result := <-done; result.Err != nil || first != "one 1\ntwo-x" {
			t.Errorf("printed %q, %v", first, result.Err)
		}
		if got := strings.Join(w.log, "|"); got != "x.glisp: one 1|x.glisp: two-x" {
			t.Errorf("logged %q", got)
		}
	})
}

// session is a caller of one session.
func (w *world) session(who, name string) func(form string) string {
	return func(form string) string {
		w.t.Helper()
		result := w.engine.Eval(w.t.Context(), Job{Form: form, Who: who, Session: name, Name: "repl"}, nil)
		if result.Err != nil {
			return "error " + KindOf(result.Err)
		}
		return lisp.Print(result.Value)
	}
}

// TestSessions: definitions survive from request to request and belong to who made them; *1, *2 and *e are set after each
// request, plain calls among them; a verb that was given another meaning has it in this session only.
func TestSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{})
		defer w.end()
		a := w.session("uid 1000 pid 7", "s")
		again := w.session("uid 1000 pid 8", "s")
		other := w.session("uid 1001 pid 7", "s")
		remote := w.session("tcp 127.0.0.1:5", "s")
		remoteAgain := w.session("tcp 127.0.0.1:6", "s")
		for _, c := range []struct {
			ask        func(string) string
			form, want string
		}{
			{a, `(def x 41) (defn f [] (+ x 1))`, `()`}, {again, `(f)`, `42`}, {a, `*1`, `42`}, {a, `(list *1 *2)`, `(42 42)`},
			{other, `x`, `error unbound`}, {remote, `x`, `error unbound`}, {other, `(error-kind *e)`, `"unbound"`}, {a, `*e`, `()`},
			{remote, `(def y 1)`, `()`}, {remoteAgain, `y`, `1`}, {remote, `*1`, `1`},
			{a, `(version)`, ``}, {a, `(hget *1 "version")`, `"v1.2.3"`}, {a, `(status "nope")`, `error not-found`}, {a, `(error-kind *e)`, `"not-found"`},
			{a, `(car 1)`, `error type`}, {a, `(error-kind *e)`, `"type"`}, {a, `(raise "x")`, `error raised`}, {a, `(error-message *e)`, `"x"`},
			{a, `(def *1 "mine")`, `()`}, {a, `*1`, `()`},
			{a, `(defn version [] "mine")`, ``}, {a, `(version)`, `"mine"`}, {other, `(hget (version) "version")`, `"v1.2.3"`},
			{a, `(defn mine [x] "says mine" x)`, ``}, {a, `(str/contains? (doc "mine") "says mine")`, `true`}, {a, `(doc "mine")`, "\"(mine x)   (function)\\nsays mine\""},
			{a, `(apropos "mine")`, `["mine"]`}, {other, `(doc "mine")`, `error not-found`},
			{a, `(os/setenv "K" "v")`, `()`}, {a, `(os/env "K")`, `"v"`}, {other, `(os/env "K")`, `""`},
			{a, `(defn spin [n] (if (= n 0) "done" (spin (- n 1))))`, ``}, {again, `(spin 1000)`, `"done"`},
		} {
			if got := c.ask(c.form); got != c.want && c.want != "" {
				t.Errorf("%s gives %s, want %s", c.form, got, c.want)
			}
		}
		<-time.After(sessionLife + time.Minute)
		synctest.Wait()
		if got := a(`x`); got != "error unbound" {
			t.Errorf("after an hour x is %s", got)
		}
	})
}

// TestSessionEndsUnderRestriction: once disable_rce is on, no definition of an earlier time is reachable.
func TestSessionEndsUnderRestriction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{})
		defer w.end()
		ask := w.session("uid 1000 pid 7", "s")
		ask(`(defn status [] (add-proc "x" "/bin/x"))`)
		if got := ask(`(status)`); got == "" || w.calls["add-proc"] != 1 {
			t.Fatalf("not shadowed: %s", got)
		}
		w.engine.SetPolicy(Policy{DisableRCE: true})
		if got := ask(`(status)`); !strings.Contains(got, `"web-1"`) || w.calls["add-proc"] != 1 {
			t.Errorf("the redefined verb was called: %s", got)
		}
	})
}

// TestDeliveredBeforeTheNext: a result is delivered before the next program of the session may change it.
func TestDeliveredBeforeTheNext(t *testing.T) {
	e := onMachine(t)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			text := ""
			result := e.Eval(t.Context(), Job{Form: fmt.Sprintf(`(if (hash? *1) (hset! *1 %d %d)) (if (hash? *1) *1 {})`, i, i), Who: "uid 1 pid 1", Session: "s",
				Deliver: func(r Result) { text += lisp.Print(r.Value) }}, nil)
			if result.Err != nil || !strings.HasPrefix(text, "{") || strings.Count(text, "{") != 1 {
				t.Errorf("delivered %q, %v", text, result.Err)
			}
		})
	}
	all.Wait()
	for _, job := range []Job{{Form: `(status "nope")`}, {Form: `(car 1)`}, {Form: `(status)`, Name: strings.Repeat("x", 1000)}, {Form: `(+ 1 1)`, Session: strings.Repeat("x", 1000)}} {
		count := 0
		job.Deliver = func(Result) { count++ }
		if e.Eval(t.Context(), job, nil); count != 1 {
			t.Errorf("%s was delivered %d times", job.Form, count)
		}
	}
}

// TestPlainCallsAnswerWhileProgramsSpin: eight programs that never end, and status goes on answering.
func TestPlainCallsAnswerWhileProgramsSpin(t *testing.T) {
	e := onMachine(t)
	ctx, cancel := context.WithCancel(t.Context())
	var spinning sync.WaitGroup
	begun := make(chan struct{}, 8)
	sleeping, leave := context.WithCancel(t.Context())
	slept := make(chan Result, 1)
	go func() {
		slept <- e.Eval(sleeping, Job{Form: `(println "x") (sleep 100)`, Streamed: true}, writerFunc(func(p []byte) { begun <- struct{}{} }))
	}()
	<-begun
	for range 8 {
		spinning.Go(func() {
			e.Eval(ctx, Job{Form: `(println "x") (defn f [n] (f (+ n 1))) (f 0)`, Streamed: true}, writerFunc(func(p []byte) { begun <- struct{}{} }))
		})
	}
	for range runningPrograms {
		<-begun
	}
	worst := time.Duration(0)
	for range 100 {
		began := time.Now()
		if result := e.Eval(t.Context(), Job{Form: `(status)`}, nil); result.Err != nil {
			t.Fatal(result.Err)
		}
		worst = max(worst, time.Since(began))
	}
	// One that waited meanwhile and whose caller goes away does not wait for those that spin.
	began := time.Now()
	leave()
	if result := <-slept; KindOf(result.Err) != "cancelled" || time.Since(began) > soon {
		t.Errorf("a waiting program ended after %v: %v", time.Since(began), result.Err)
	}
	cancel()
	spinning.Wait()
	t.Logf("the slowest of 100 took %v", worst)
	if worst > 500*time.Millisecond {
		t.Errorf("a plain call took %v", worst)
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) { f(p); return len(p), nil }

// TestE24ManyProgramsAtOnce: a hundred at the same time, each with definitions of its own; what does not fit is refused, and
// what runs sees nothing of the others. With -race it shows that they share nothing that changes.
func TestE24ManyProgramsAtOnce(t *testing.T) {
	e := NewEngine(EngineOptions{Host: &Host{Sup: core.New(core.Options{}), Config: func() map[string]any {
		return map[string]any{"process": []map[string]any{{"name": "web"}}}
	}}, Audit: io.Discard})
	var all sync.WaitGroup
	var mu sync.Mutex
	kinds := map[string]int{}
	for i := range 100 {
		all.Go(func() {
			form := fmt.Sprintf(`(def + *) (defmac unless2 [c x] `+"`(if ~c nil ~x)"+`) (defn f [n acc] (if (= n 0) acc (f (- n 1) (concat acc [n]))))
				(try (hset! CONFIG "x" %d) (catch e nil)) (map (fn [p] (:name p)) (hget CONFIG "process")) (println ARGV)
				(def x %d) (hset! {} x x) (f 50 []) (status) (help) (doc "map") (sleep 0.001) [x (unless2 false (+ 2 3))]`, i, i)
			var out bytes.Buffer
			result := e.Eval(t.Context(), Job{Form: form, Argv: []string{fmt.Sprint(i)}, Who: "uid 1 pid 1"}, &out)
			if result.Err == nil && (lisp.Print(result.Value) != fmt.Sprintf("[%d 6]", i) || !strings.Contains(out.String(), fmt.Sprint(i))) {
				t.Errorf("%d gave %s and printed %s", i, lisp.Print(result.Value), &out)
			}
			mu.Lock()
			kinds[KindOf(result.Err)]++
			mu.Unlock()
			if kind := KindOf(result.Err); kind != "" && kind != "overloaded" {
				t.Error(result.Err)
			}
		})
	}
	all.Wait()
	if kinds[""] < runningPrograms+queuedPrograms {
		t.Errorf("only %d of 100 ran: %v", kinds[""], kinds)
	}
}

// TestNothingOfAProgramIsSeenByTheNext: each has the names of the base as they are.
func TestNothingOfAProgramIsSeenByTheNext(t *testing.T) {
	e := onMachine(t)
	for _, form := range []string{`(def + -)`, `(defn map [] 1)`, `(defmac when [] 1)`, `(set! car 1)`, `(alias first2 car)`, `(override "car" (fn [x] 1))`, `(def status 1)`, `(def nil 1)`, `(def true false)`} {
		e.Eval(t.Context(), Job{Form: form}, nil)
		says(t, e, `[(+ 1 2) (map #(+ %1 1) [1]) (when true 2) (car '(3)) (function? status) (nil? nil) (not true) (defined? "first2")]`, `[3 [2] 2 3 true true false false]`)
	}
}
