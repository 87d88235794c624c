package builtins

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/qjpcpu/supervisord/lisp"
)

// bypasses are attempts to get past disable_rce, by family. All are refused.
func bypasses() map[string][]string {
	long := strings.Repeat("a", longestForm)
	return map[string][]string{
		"execute": {`(add-proc "x" "/bin/sh" "-c" "id")`, `(remove-proc "web-1")`, `(env-reveal "web-1")`, `(add-proc)`, `  (add-proc "x" "y")  `,
			`(add-proc {"name" "x" "command" "/bin/sh"})`, `(exec "id")`, `(os/exec "id")`, `(os/command ["id"])`, `(os/setenv "A" "b")`, `(sh "id")`,
			`(update-proc "x")`, `(set-env "a" "b")`, `(on "exited" "x")`, `(every "1s" "x")`, `(http-get "x")`, `(include "/etc/passwd")`, `(source-file "x")`,
			`(import "x")`, `(load "x")`, `(eval "(add-proc)")`, `(read "x")`, `(exit 0)`, `(println "x")`},
		"nested": {`(status (add-proc "x" "y"))`, `(status (status))`, `(status ())`, `(restart (car ["web-1"]))`, `((status))`, `(status(status))`,
			`(status "a"(add-proc "x" "y"))`, `(status [ "web-1" ])`, `(status {"a" "b"})`, `(status ["web-1"])`, `(logs {"lines" 3})`, `(begin (status))`,
			`(let [x 1] (status))`, `(if true (status))`, `(-> "web-1" status)`, `(->> "web-1" (status))`},
		"head": {`("status")`, `(1 2)`, `((symbol "status"))`, `((fn [] (status)))`, `(:status)`, `(STATUS)`, `(Status)`, `(status.)`, `(status/x)`, `(st*tus)`,
			`()`, `( status)`, `(true)`, `(status1)`, `(_)`, `(-)`, `(- 1 2)`, `(statusadd-proc)`, `(status-)`, `(quote status)`},
		"quote": {`'(status)`, "`(status)", "`(status ~(add-proc \"x\" \"y\"))", "`(status ~@(add-proc))", `(status 'web-1)`, `(doc 'restart)`, `(status ~x)`,
			`(quote (status))`, `(status . "x")`, `(status . ("x"))`, "(status `web-1`)"},
		"reader": {`#(status)`, `(status #'x)`, `(status #(add-proc "x" "y"))`, "(status #`raw`)", `(status 0B6162)`, `(status #\a)`, `(status #a)`, `#!status`, `#_(x)(status)`,
			`(status #"re")`, `#|x|#(status)`, `{status}`, `[status]`, `{(status) 1}`, `(status @x)`, `^{:a 1}(status)`, `(status :web-1)`},
		"define": {`(def status add-proc)`, `(defn status [] 1)`, `(defmac status [] 1)`, `(alias "status" "add-proc")`, `(override "status" "x")`, `(set! status 1)`,
			`(fn [] 1)`, `(let [] 1)`, `(apply status [])`, `(map status ["x"])`, `(compose "a" "b")`, `(symbol "add-proc")`, `(def x 1) (status)`},
		"several": {`(status) (add-proc "x" "y")`, `(add-proc "x" "y") (status)`, "(status)\n(env-reveal \"web-1\")", `(restart "web-1")(remove-proc "x")`, `(status) x`, `x (status)`,
			`(status) 1`, `(status) "x"`, `(status) )`, `(status))`, `(status`, `(status "x`, ``, ` `, `; (status)`, `(status) '`, `(status) (`, `(restart "web-1") (status (x))`},
		"hidden": {"; x\r(add-proc \"x\" \"y\")", "; x\u2028(add-proc \"x\" \"y\")", "(status) ; x\r(add-proc \"x\")", "(status\x00)", "(status)\x00(add-proc)", "\ufeff(status)",
			"(status \"web\x00-1\")", "; \u202e (status)\n(status)", "(status \"\u202e\")", "(status)\v", "(status)\f", "(sta\x08tus)", "(status ;\r\"x\")", "; \x85\n(status)",
			"(status \"\u200b\")", "(status)\u00a0", "(status \"a\rb\")", "(status \"\x1b[2J\")", "\xff(status)", "(status \"\xff\")"},
		"homoglyph": {"(ѕtatus)", "(status\u200b)", "（status）", "(statu\u0073\u0301)", "(ｓtatus)", "(\u202estatus)", "(sta\u00adtus)", "(status \u201cx\u201d)", "(stаtus)", "(status\u3000\"x\")"},
		"words":     {`(status web-1)`, `(status web.1)`, `(status nil)`, `(status +1)`, `(status 1.5)`, `(status 1e5)`, `(status 0x1F)`, `(status 1_000)`, `(status truefalse)`, `(status True)`, `(status -)`, `(status --now)`, `(status 123456789012345678901234567890)`, `(status .5)`, `(status 1"x")`, `(status "x"1)`, `(status "a""b")`, `(status "a"true)`, `(status true"x")`, `(status;x` + "\n)", `(status"x")`, `(status -1a)`},
		"hooks": {`(on "exited" (fn [e] (os/exec "id")))`, `(on 'exited (fn [e] 1))`, `(every "1s" (fn [] 1))`, `(after "0s" (fn [] 1))`, `(remove-hook 1)`,
			`(after "0s" "x")`, `(every "1s" "(add-proc)")`},
		"compile time": {`(defmac m [] (os/exec "id")) (m)`, `(defmacro status [] 1)`, `(macroexpand "(status)")`, `(include "x.glisp")`, `(require "x")`, `(use "x")`, `(ns x)`,
			`(load-file "x")`, `(go (add-proc "x" "y"))`, `(future (status))`, `(comment (status))`},
		"threading": {`(-> "x" (add-proc "y"))`, `(->> (status) (map name))`, `((comp status) "x")`, `((partial status "x"))`, `(apply add-proc ["x" "y"])`, `(call "status")`,
			`(funcall status)`, `(try (status) (catch e 1))`, `(finally (status))`, `(loop [] (status))`, `(while true (status))`, `(dotimes [i 3] (stop "x"))`, `(cond true (status))`, `(do (status))`},
		"strings as code": {`(eval-string "(add-proc)")`, `(read-string "(status)")`, `(str (status))`, `(format "%s" (status))`, `(symbol-value "status")`, `(resolve "status")`, `(intern "status")`},
		"files and network": {`(os/read-file "/etc/passwd")`, `(os/write-file "/tmp/x" "y")`, `(os/remove "/tmp/x")`, `(http/get "http://169.254.169.254/")`, `(os/env "PATH")`, `(os/exit 1)`,
			`(log-path "web-1" "/etc/passwd")`, `(pid-path "web-1" "/x")`, `(http/serve 80)`},
		"switches": {`(set-policy "off")`, `(disable-rce false)`, `(set! CONFIG "disable_rce" false)`, `(config "disable_rce" false) (def x 1)`, `(hset! CONFIG "disable_rce" false)`, `(reload) (def x 1)`,
			`CONFIG`, `ARGV`, `status`, `add-proc`, `"(add-proc)"`, `42`, `true`},
		"encodings": {"+ACg-add-proc+ACk-", "KGFkZC1wcm9jICJ4IiAieSIp", "\xff\xfe(\x00s\x00t\x00", "%28add-proc%29", "&#40;status&#41;", `\u0028status\u0029`, `\x28status\x29`, "(status)\x1a(add-proc)", "(status)\x04"},
		"brackets":  {`[status]`, `<status>`, `{"form" "(status)"}`, `((`, `(((status)))`, `(status))(`, `)(status)(`, `(status]`, `(status}`, `[(status)]`, `((status) (status))`, `(status (`},
		"names":     {`(status@web)`, `(status! "x")`, `(status? "x")`, `(status* "x")`, `(status+ "x")`, `(_status)`, `(.status)`, `(status,"x")`, `(status,)`, `(status:web)`, `(status #web)`, `(status %1)`, `(status &rest)`, `(status $x)`, `(status ~)`},
		"escapes":   {`(status "web\u002d1")`, `(status "\"")`, `(status "\\")`, `(status "a\nb")`, `(status "\x41")`},
		"size":      {`(status "` + long + `")`, `(status ` + strings.Repeat(" ", longestForm) + `)`, `(status ` + strings.Repeat(`"a" `, 2000) + `)`, strings.Repeat("(", 100000), `(` + long + `)`, `(status` + strings.Repeat(" ; x\n", 2000) + `)`},
	}
}

// TestDisableRCERefuses (F-RCE) runs every attempt, and sees that no verb was reached and nothing was done, at little cost.
func TestDisableRCERefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{DisableRCE: true})
		defer w.end()
		reached := 0
		for name, verb := range w.engine.verbs {
			verb.Call = func(*Host, *lisp.Thread, []lisp.Value) (lisp.Value, error) { reached++; return lisp.Nil, nil }
			w.engine.verbs[name] = verb
		}
		last, total := w.sup.Journal().Last(), 0
		var before, after runtime.MemStats
		for family, forms := range bypasses() {
			for _, form := range forms {
				total++
				runtime.ReadMemStats(&before)
				result, out := w.eval(form)
				runtime.ReadMemStats(&after)
				if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
					t.Errorf("%s: %.80q takes %d bytes to be refused", family, form, took)
				}
				if KindOf(result.Err) != "forbidden" || out != "" || !strings.Contains(result.Err.Error(), "disable_rce is on") {
					t.Errorf("%s: %.80q: %v", family, form, result.Err)
				}
			}
		}
		if now := w.sup.Journal().Last(); now != last || len(w.calls) != 0 || reached != 0 {
			t.Errorf("something was done: %d events, %v, %d verbs", now-last, w.calls, reached)
		}
		t.Logf("%d attempts", total)
		if total < 200 {
			t.Errorf("only %d attempts", total)
		}
		refusals := 0
		for _, r := range w.records() {
			if r.Decision == "forbidden" && r.Phase == "" {
				refusals++
			}
		}
		if refusals != total {
			t.Errorf("%d refusals in the audit log, want %d", refusals, total)
		}
	})
}

// TestArgumentsAreData: whatever stands in a string reaches the verb as it stands there, and means a name and nothing else.
func TestArgumentsAreData(t *testing.T) {
	for _, text := range []string{"--now", "--all", "-rf", "all", "web;id", "web && id", "$(id)", "`id`", "../../etc/passwd", "/etc/passwd", "web-1\nweb-2", "web-1 web-2",
		"web-1,web-2", "%s%s%n", "(add-proc)", "{{x}}", "${PATH}", "~root", "CON", "web-1'", "1; DROP", "https://x/", "wеb-1", "ｗeb-1", "WEB-1", ""} {
		for _, verb := range []string{"status", "stop", "restart", "start", "history", "why", "env", "logs", "reset"} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Policy{DisableRCE: true})
				defer w.end()
				last := w.sup.Journal().Last()
				result, _ := w.eval(fmt.Sprintf("(%s \"%s\")", verb, text))
				if kind := KindOf(result.Err); kind != "not-found" && kind != "invalid" && kind != "arity" {
					t.Errorf("(%s %q): %v", verb, text, result.Err)
				}
				if w.sup.Journal().Last() != last || len(w.calls) > 0 {
					t.Errorf("(%s %q) did something", verb, text)
				}
			})
		}
	}
}

// TestRefusalsNameTheForm: what is not allowed, and why.
func TestRefusalsNameTheForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{DisableRCE: true})
		defer w.end()
		for form, want := range map[string]string{
			`(add-proc "x" "y")`:              "1:1: forbidden: add-proc is not allowed: disable_rce is on",
			`(add-proc {"name" "x"})`:         "1:1: forbidden: add-proc is not allowed: disable_rce is on",
			"\n (env-reveal \"x\")":           "2:2: forbidden: env-reveal is not allowed: disable_rce is on",
			`(strat "web-1")`:                 "1:1: forbidden: strat is not allowed: disable_rce is on (did you mean start?)",
			`(restart (car x))`:               "1:1: forbidden: this program is not allowed: disable_rce is on, which leaves plain calls of verbs such as (restart \"web\"); here is a nested form at 1:10",
			`(status "a\n")`:                  "1:1: forbidden: this program is not allowed: disable_rce is on, which leaves plain calls of verbs such as (restart \"web\"); here is a backslash in a string at 1:11",
			`'x`:                              "forbidden: this program is not allowed: disable_rce is on, which leaves plain calls of verbs such as (restart \"web\"); here is something that is no call at 1:1",
			`(status) (add-proc "x" "y" "z")`: "1:10: forbidden: add-proc is not allowed: disable_rce is on",
		} {
			if result, _ := w.eval(form); result.Err == nil || result.Err.Error() != want {
				t.Errorf("%s: %v, want %s", form, result.Err, want)
			}
		}
	})
}

// TestDisableRCELeavesObserveAndOperate: plain calls of all other verbs still work, with blanks and comments.
func TestDisableRCELeavesObserveAndOperate(t *testing.T) {
	for _, form := range []string{`(status)`, "\t(status\n\"web-1\" ; the first\r\n)\r\n; ende – schön\n", `(status)(status)`, "(wait \"web-1\" \"running\" 007)", `(doc "restart")`, `(doc "map")`,
		`(apropos "sta")`, `(stop "web-1") (start "web-1") (status)`, `(restart "web-*")`, `(logs "match=ü" "web-9")`, `(reload)`, `(plan)`, `(signal "web-1" 15)`, `(maintail 3)`} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, Policy{DisableRCE: true})
			defer w.end()
			result, _ := w.eval(form)
			if kind := KindOf(result.Err); kind != "" && kind != "not-found" {
				t.Errorf("%s: %v", form, result.Err)
			}
		})
	}
}

// TestNothingRunsBeforeAllIsChecked: one bad call among good ones, and none is made.
func TestNothingRunsBeforeAllIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{DisableRCE: true})
		defer w.end()
		last := w.sup.Journal().Last()
		w.eval(`(stop "web-1") (reload) (add-proc "x" "y")`)
		if w.sup.Journal().Last() != last || len(w.calls) > 0 {
			t.Error("a call was made")
		}
	})
}

// sameAsReader holds the recogniser to the reader: what the one accepts, the other reads as the same.
func sameAsReader(text string, calls []Call) error {
	forms, err := lisp.Read("", text)
	if err != nil {
		return fmt.Errorf("the reader refuses it: %w", err)
	}
	if len(forms) != len(calls) {
		return fmt.Errorf("%d forms, %d calls", len(forms), len(calls))
	}
	for i, call := range calls {
		want := lisp.List(append([]lisp.Value{lisp.Sym(call.Head)}, call.Args...)...)
		if !lisp.Equal(forms[i], want) || lisp.Print(forms[i]) != lisp.Print(want) {
			return fmt.Errorf("the reader reads %s, the recogniser %s", lisp.Print(forms[i]), lisp.Print(want))
		}
	}
	return nil
}

func seeds(f *testing.F) {
	for _, forms := range bypasses() {
		for _, form := range forms {
			f.Add(form)
		}
	}
	for _, form := range []string{`(status)`, `(status "web-1" 1 -2 007 -0 true false)`, "; c\n(a-b \"x\ny\" ; c\r\n 1)\t(c)"} {
		f.Add(form)
	}
}

// FuzzRecogniseAgreesWithReader is the first law of the policy.
func FuzzRecogniseAgreesWithReader(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		if calls, err := Recognise(text); err == nil {
			if err := sameAsReader(text, calls); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}

// FuzzPolicy is the second: whatever passes under disable_rce calls exactly the verbs that stand there, each allowed, once;
// whatever does not calls none.
func FuzzPolicy(f *testing.F) {
	seeds(f)
	var called []string
	e := NewEngine(EngineOptions{Host: &Host{}, Policy: Policy{DisableRCE: true}})
	for name, verb := range e.verbs {
		verb.Call = func(*Host, *lisp.Thread, []lisp.Value) (lisp.Value, error) {
			called = append(called, name)
			return lisp.Nil, nil
		}
		e.verbs[name] = verb
	}
	f.Fuzz(func(t *testing.T, text string) {
		called = nil
		result := e.Eval(t.Context(), Job{Form: text}, nil)
		if result.Err != nil {
			if KindOf(result.Err) != "forbidden" || len(called) != 0 {
				t.Errorf("%q: %v after %v", text, result.Err, called)
			}
			return
		}
		forms, err := lisp.Read("", text)
		if err != nil || len(forms) != len(called) {
			t.Fatalf("%q: %d forms (%v), called %v", text, len(forms), err, called)
		}
		for i, form := range forms {
			items, _ := form.Elements()
			if head, _ := items[0].AsSymbol(); head != called[i] || e.verbs[head].Power == Execute {
				t.Errorf("%q called %v", text, called)
			}
		}
	})
}
