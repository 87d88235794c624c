package builtins

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qjpcpu/supervisord/core"
)

// shownHook is an element of the value of (hooks).
type shownHook struct {
	ID                      int64
	Kind, What, From        string
	Calls, Failures, Missed int64
	Running                 bool
	LastRun, NextRun        string
	LastError               string `json:"last_error"`
	NextAt                  string `json:"next_run"`
}

// hooked runs f in a bubble with a daemon whose runner is at work.
func hooked(t *testing.T, policy Policy, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, policy)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); w.engine.RunHooks(ctx) }()
		f(t, w)
		w.end()
		cancel()
		<-done
	})
}

// script evaluates an init script and makes it count.
func (w *world) script(text string) {
	w.t.Helper()
	s, err := w.engine.EvalScript(w.t.Context(), "/etc/init.glisp", text, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.engine.UseScript(s)
	synctest.Wait()
}

// elapse lets virtual time go by.
func elapse(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (w *world) hooks() []shownHook {
	w.t.Helper()
	var all []shownHook
	w.value(`(hooks)`, &all)
	return all
}

// logged is how many lines of the log hold the text.
func (w *world) logged(text string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, line := range w.log {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// TestHooksOfTime: every comes again and again at its own beat, after comes once, and what a hook prints is in the log.
func TestHooksOfTime(t *testing.T) {
	hooked(t, Policy{}, func(t *testing.T, w *world) {
		w.script(`(def n 0)
(every "30s" (fn [] (set! n (+ n 1)) (println "beat" n)))
(after "5s" (fn [] (println "once")))`)
		elapse(4 * time.Second)
		if w.logged("once")+w.logged("beat") != 0 {
			t.Error("too early")
		}
		elapse(1 * time.Second)
		if w.logged("once") != 1 {
			t.Error("after 5s: not called")
		}
		elapse(25 * time.Second)
		if w.logged("beat 1") != 1 {
			t.Error("after 30s: not called")
		}
		elapse(10 * 30 * time.Second)
		if w.logged("beat 11") != 1 || w.logged("once") != 1 {
			t.Errorf("after 330s: %q", w.log)
		}
		all := w.hooks()
		if len(all) != 2 || all[0].Kind != "init_script" || all[0].What != "/etc/init.glisp" || all[0].Calls != 1 || all[1].Kind != "every" || all[1].What != "30s" ||
			all[1].Calls != 11 || all[1].Failures != 0 || all[1].From != "/etc/init.glisp:2:1" || all[1].NextAt == "" {
			t.Errorf("hooks: %+v", all)
		}
	})
}

// TestHooksOfEvents: a hook hears of what it waits for, of the boot too, with all that an event says.
func TestHooksOfEvents(t *testing.T) {
	hooked(t, Policy{}, func(t *testing.T, w *world) {
		elapse(2 * time.Second) // job has exited long before the script comes
		w.script(`
(on 'exited (fn [e] (println "exited" (:name e) (:from e) (:to e) (:exit e) (> (:pid e) 100) (> (:seq e) 0) (string? (:at e)))))
(on "stopping" (fn [e] (println "stopping" (:name e) (:who e) (:what e) (:note e))))
(on 'ended (fn [e] (println "ended" (:name e))))
(on 'fatal (fn [e] (println "fatal" (:name e))))
(on 'backoff (fn [e] (println "backoff" (:name e))))
(on 'any (fn [e] (hdel! e "name")))`)
		if w.logged("exited job running exited 0 true true true") != 1 || w.logged("fatal broken") != 1 {
			t.Errorf("of the boot: %q", w.log)
		}
		w.eval(`(stop "web-1")`)
		synctest.Wait()
		if w.logged(`stopping web-1 uid 0 pid 1 (stop "web-1") signal TERM`) != 1 || w.logged("ended web-1") != 1 {
			t.Errorf("of a stop: %q", w.log)
		}
		for _, one := range w.hooks() {
			if one.Failures > 0 {
				t.Errorf("%s %s: %s", one.Kind, one.What, one.LastError)
			}
		}
	})
}

func TestHooksAreCheckedWhenTheyAreRegistered(t *testing.T) {
	hooked(t, Policy{}, func(t *testing.T, w *world) {
		for form, want := range map[string]string{
			`(on 'exted (fn [e] 1))`:                  `invalid: cannot call on: there is no event exted (did you mean exited?): want one of any backoff ended exited fatal running starting stopped stopping`,
			`(on 'exited)`:                            `arity: cannot call on: got 1 argument, want 2 arguments`,
			`(on 'exited 5)`:                          `type: cannot call on: argument 2 is int, want a function`,
			`(on 'exited (fn [] 1))`:                  `arity: cannot call on: its function must take one argument, the event: (fn [e] ...)`,
			`(every "1s" (fn [e] 1))`:                 `arity: cannot call every: its function must take no argument: (fn [] ...)`,
			`(every "soon" (fn [] 1))`:                `invalid: cannot call every: "soon" is no time to wait`,
			`(every "1ms" (fn [] 1))`:                 `invalid: cannot call every: 1ms is too short, want at least 10ms`,
			`(every 0 (fn [] 1))`:                     `invalid: cannot call every: 0s is too short`,
			`(after -1 (fn [] 1))`:                    `invalid: cannot call after: -1 is no time to wait`,
			`(remove-hook 77)`:                        `not-found: cannot remove hook 77: there is none of this number`,
			`(remove-hook 'x)`:                        `type: cannot call remove-hook`,
			`(hooks 1)`:                               `arity: cannot call hooks`,
			`(on "exited" "restart")`:                 `type: cannot call on: argument 2 is string, want a function`,
			`(begin (every "1s" (fn [] 1)) (car 5))`:  `type: `, // and nothing is registered
			`(begin (every "1s" (fn [] 1)) (exit 3))`: `: `,
		} {
			result, _ := w.eval(form)
			got := KindOf(result.Err) + ": "
			if result.Err != nil {
				got += strings.TrimPrefix(result.Err.Error(), "1:1: ")
			}
			if !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s\nwant %s", form, got, want)
			}
		}
		if all := w.hooks(); len(all) != 1 || all[0].Kind != "every" { // (exit 3) is a good end of a program
			t.Errorf("hooks: %+v", all)
		}
	})
}

// TestHooksOfClients: a program may register hooks too. They outlive it, keep its definitions, take turns with its session,
// and go when disable_rce is switched on.
func TestHooksOfClients(t *testing.T) {
	hooked(t, Policy{}, func(t *testing.T, w *world) {
		w.eval(`(def n 5) (every "1s" (fn [] (set! n (+ n 1)) (println "client" n)))`)
		run := func(form string) Result {
			return w.engine.Eval(t.Context(), Job{Form: form, Who: "uid 7 pid 9", Session: "s"}, nil)
		}
		run(`(begin (def m 0) (on 'stopped (fn [e] (set! m (+ m 1)))))`)
		elapse(2500 * time.Millisecond)
		if w.logged("client 7") != 1 || w.logged("client 8") != 0 {
			t.Errorf("log %q", w.log)
		}
		w.eval(`(stop "web-1" "web-2")`)
		synctest.Wait()
		if result := run(`(+ m 0)`); fmt.Sprint(result.Err) != "<nil>" || result.Value != run(`(+ 1 1)`).Value {
			t.Errorf("m is %v %v", result.Value, result.Err)
		}
		all := w.hooks()
		if len(all) != 2 || !strings.HasSuffix(all[0].From, " by uid 0 pid 1") || !strings.HasSuffix(all[1].From, " by uid 7 pid 9") {
			t.Errorf("hooks %+v", all)
		}
		w.script(`(on 'fatal (fn [e] 1))`)
		w.eval(fmt.Sprintf(`(remove-hook %d)`, all[1].ID))
		w.engine.SetPolicy(Policy{DisableRCE: true})
		if all := w.hooks(); len(all) != 2 || all[1].What != "fatal" {
			t.Errorf("under disable_rce: %+v", all)
		}
		for _, form := range []string{`(on 'fatal (fn [e] 1))`, `(every "1s" (fn [] 1))`, `(after 1 (fn [] 1))`, `(remove-hook 3)`, `(every "1s" "x")`} {
			if result, _ := w.eval(form); KindOf(result.Err) != kindForbidden {
				t.Errorf("%s: %v", form, result.Err)
			}
		}
	})
}

// TestNoHookWaitsForASession: while a client's session is at work, the hooks that share its scope are left out and counted, one of
// after comes later, and all others go on.
func TestNoHookWaitsForASession(t *testing.T) {
	hooked(t, Policy{}, func(t *testing.T, w *world) {
		w.script(`(every "1s" (fn [] (println "operator")))`)
		run := func(form string) {
			w.engine.Eval(t.Context(), Job{Form: form, Who: "uid 7 pid 9", Session: "s"}, nil)
		}
		run(`(begin (every "1s" (fn [] (println "client"))) (on 'stopping (fn [e] (println "heard"))) (after 2 (fn [] (println "later"))))`)
		go run(`(begin (sleep 10.5) 1)`)
		elapse(4100 * time.Millisecond)
		w.eval(`(stop "web-1")`)
		elapse(6 * time.Second)
		if w.logged("operator") != 10 || w.logged("client")+w.logged("heard")+w.logged("later") != 0 {
			t.Errorf("log %q", w.log)
		}
		elapse(2 * time.Second)
		if w.logged("client") != 2 || w.logged("later") != 1 {
			t.Errorf("log %q", w.log)
		}
		if all := w.hooks(); all[2].Missed != 10 || all[2].Failures != 0 || all[3].Missed != 1 {
			t.Errorf("hooks %+v", all)
		}
	})
}

// TestHooksOfTheOperatorHaveFullPower: under disable_rce too, as they come from the operator's file.
func TestHooksOfTheOperatorHaveFullPower(t *testing.T) {
	hooked(t, Policy{DisableRCE: true}, func(t *testing.T, w *world) {
		w.script(`(defn look [] (println "secret" (:API_TOKEN (env-reveal "web-1"))) (add-proc "extra" "/bin/sleep") (os/getenv "PATH"))
(after 1 look)`)
		elapse(2 * time.Second)
		if w.logged("secret "+canary) != 1 || w.calls["add-proc"] != 1 {
			t.Errorf("log %q, hooks %+v", w.log, w.hooks())
		}
		if !strings.Contains(w.audit.String(), `"head":"add-proc"`) || !strings.Contains(w.audit.String(), `"who":"hook 1 (/etc/init.glisp:2:1)"`) {
			t.Errorf("audit %s", w.audit.String())
		}
	})
}

// TestHooksAreBounded: a call that loops, hoards or waits too long ends with kind budget, in the journal, the log and (hooks);
// the next hook has its turn.
func TestHooksAreBounded(t *testing.T) {
	hooked(t, Policy{}, func(t *testing.T, w *world) {
		w.script(`(after 1 (fn [] (while true nil)))
(after 2 (fn [] (str/repeat "x" 30000000)))
(after 3 (fn [] (sleep 60)))
(after 4 (fn [] (wait "web-1" "fatal" 60)))
(after 5 (fn [] (while true (println "flood"))))
(after 6 (fn [] (car 5)))
(after 7 (fn [] (exit 3)))
(after 8 (fn [] (exit 0)))
(after 9 (fn [] (println "the last one")))`)
		elapse(30 * time.Second)
		if w.logged("the last one") != 1 {
			t.Errorf("the last one was not called: %q", w.log)
		}
		var failures []string
		events, _ := w.sup.Journal().Since(0, 0)
		for _, e := range events {
			if e.Daemon {
				failures = append(failures, e.Name+" "+e.Cause.Who+" "+e.Cause.What+" "+e.Note)
			}
		}
		want := []string{
			`hook:1 /etc/init.glisp:1:1 after 1s failed: /etc/init.glisp:1:17: budget exceeded: more than 1000000 steps (no key raises it; let a hook do little,`,
			`hook:2 /etc/init.glisp:2:1 after 2s failed: /etc/init.glisp:2:17: budget exceeded: more than 16777216 bytes of memory`,
			`hook:3 /etc/init.glisp:3:1 after 3s failed: /etc/init.glisp:3:17: budget exceeded: more than 5s (no key raises it; let a hook do little,`,
			`hook:4 /etc/init.glisp:4:1 after 4s failed: /etc/init.glisp:4:17: budget exceeded: more than 5s`,
			`hook:5 /etc/init.glisp:5:1 after 5s failed: /etc/init.glisp:5:29: budget exceeded: output of more than 65536 bytes (no key raises it`,
			`hook:6 /etc/init.glisp:6:1 after 6s failed: /etc/init.glisp:6:17: cannot call car`,
			`hook:7 /etc/init.glisp:7:1 after 7s failed: it ended with (exit 3)`,
		}
		if len(failures) != len(want) {
			t.Fatalf("%d failures:\n%s", len(failures), strings.Join(failures, "\n"))
		}
		for i := range want {
			if !strings.HasPrefix(failures[i], want[i]) {
				t.Errorf("%s\nwant %s", failures[i], want[i])
			}
		}
		result, _ := w.eval(`(filter #(str/start-with? (:name %) "hook:") (events))`)
		if items, _ := result.Value.Elements(); len(items) != len(want) {
			t.Errorf("(events) shows %d of them: %v", len(items), result.Err)
		}
	})
}

// TestFailuresOfAHookAreToldSparingly: what fails again and again leaves room for others in the journal, and is counted.
func TestFailuresOfAHookAreToldSparingly(t *testing.T) {
	hooked(t, Policy{}, func(t *testing.T, w *world) {
		w.script(`(every "10ms" (fn [] (car 5)))`)
		before := w.sup.Journal().Last()
		elapse(10*time.Second + 5*time.Millisecond)
		if n := w.sup.Journal().Last() - before; n == 0 || n > 12 { // the 1st, 2nd, 4th, ... 512th time, and what the processes do
			t.Errorf("told %d times", n)
		}
		if all := w.hooks(); all[1].Failures != 1000 || all[1].Calls != 1000 || all[1].LastError == "" {
			t.Errorf("hooks %+v", all)
		}
	})
}

// TestSlowHookLeavesTimesOut: what passes while a hook is at work is left out and counted; nothing piles up.
func TestSlowHookLeavesTimesOut(t *testing.T) {
	hooked(t, Policy{}, func(t *testing.T, w *world) {
		w.script(`(every "1s" (fn [] (sleep 3.5) (println "slow")))`)
		elapse(1*time.Minute + 500*time.Millisecond)
		all := w.hooks()
		if all[1].Calls != 15 || all[1].Missed != 45 {
			t.Errorf("hooks %+v", all)
		}
	})
}

// TestOverrunIsCounted: events that were overwritten before the hooks had time are counted, and nobody waited for the hooks.
func TestOverrunIsCounted(t *testing.T) {
	hooked(t, Policy{}, func(t *testing.T, w *world) {
		w.script(`(on 'running (fn [e] (sleep 4)))`)
		elapse(time.Minute)
		began, journal := time.Now(), w.sup.Journal()
		for range 10_000 {
			journal.Add(core.Event{Name: "web-1", From: core.Starting, To: core.Running})
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("writing took %v of virtual time", took)
		}
		elapse(time.Minute)
		if missed := w.hooks()[1].Missed; missed < 5000 || w.logged("events are not kept any more") == 0 {
			t.Errorf("missed %d", missed)
		}
	})
}

// TestE29HookOfItsOwnProcessDoesNotDeadlock: a hook stops, restarts and reloads what it was called for, and shuts the daemon
// down. What takes longer than a moment goes on under a ticket; its failure is noted all the same.
func TestE29HookOfItsOwnProcessDoesNotDeadlock(t *testing.T) {
	hooked(t, Policy{}, func(t *testing.T, w *world) {
		w.script(`
(on 'stopped (fn [e] (when (= (:name e) "web-1") (println "again" (map #(:outcome %) (start (:name e))) (reload)))))
(on 'stopping (fn [e] (when (= (:name e) "slow") (println "told" (restart "slow")))))
(on 'exited (fn [e] (reset (:name e)) (try (start "broken") (catch e (println "caught" (error-kind e))))))`)
		if w.logged("caught failed") != 0 {
			t.Fatal("too early")
		}
		elapse(2 * time.Second)
		if w.logged("caught failed") != 1 {
			t.Errorf("log %q, %+v", w.log, w.hooks())
		}
		w.eval(`(stop "web-1")`)
		synctest.Wait()
		if w.logged(`again ["started"]`) != 1 || w.calls["reload"] != 1 {
			t.Errorf("log %q, %+v", w.log, w.hooks())
		}
		began := time.Now()
		go w.eval(`(stop "slow")`)
		elapse(1500 * time.Millisecond)
		if w.logged(`told [{"name" "slow" "outcome" "under way"}]`) != 1 || time.Since(began) > 2*time.Second {
			t.Errorf("log %q, %+v", w.log, w.hooks())
		}
		elapse(2 * time.Minute)
		var all []struct{ State string }
		if w.value(`(status "slow")`, &all); all[0].State != "running" {
			t.Errorf("slow is %s", all[0].State)
		}
		w.script(`(after 0 (fn [] (shutdown "now")))`)
		elapse(time.Second)
		if w.calls["shutdown"] != 1 {
			t.Error("no shutdown")
		}
	})
}

// TestFailureUnderATicketIsNoted: the hook went on, but its record says what became of it.
func TestFailureUnderATicketIsNoted(t *testing.T) {
	hooked(t, Policy{}, func(t *testing.T, w *world) {
		w.host.Reload = func(context.Context) (core.Report, error) {
			<-time.After(3 * time.Second)
			return nil, errors.New("the configuration is broken")
		}
		w.script(`(every "1m" (fn [] (println "told" (:outcome (first (reload))))))`)
		elapse(62 * time.Second)
		if w.logged("told under way") != 1 || w.hooks()[1].Failures != 0 {
			t.Errorf("log %q", w.log)
		}
		elapse(2 * time.Second)
		if one := w.hooks()[1]; one.Failures != 1 || !strings.Contains(one.LastError, "the configuration is broken") {
			t.Errorf("hook %+v", one)
		}
	})
}

// TestHooksHaveCoroutines: what waits in one of them holds up no other, and none outlives its call.
func TestHooksHaveCoroutines(t *testing.T) {
	hooked(t, Policy{}, func(t *testing.T, w *world) {
		w.script(`(def shared (make-chan 5))
(after 1 (fn []
  (let [c (go (wait "web-1" "fatal" 3)) r (go (restart "slow"))]
    (sleep 0.1)
    (println "meanwhile" (:state (first (status "slow"))))
    (try (<! c) (catch e (println "caught" (error-kind e))))
    (println "ticket" (:outcome (first (<! r))))
    (send! shared 1)
    (go (sleep 100) (println "never")))))
(after 10 (fn [] (println "got" (<! shared))))`)
		elapse(1200 * time.Millisecond)
		if w.logged("meanwhile stopping") != 1 {
			t.Errorf("log %q", w.log)
		}
		elapse(5 * time.Minute)
		if w.logged("caught timeout") != 1 || w.logged("ticket under way") != 1 || w.logged("never") != 0 {
			t.Errorf("log %q, hooks %+v", w.log, w.hooks())
		}
		if w.logged("got 1") != 1 {
			t.Errorf("a channel does not reach over calls: %q, %+v", w.log, w.hooks())
		}
	})
}

// TestScriptIsReplacedAsAWhole: the hooks of an evaluation replace those of the one before it, not those of clients; no event
// is lost or heard twice between them; what an old hook registers afterwards is dropped.
func TestScriptIsReplacedAsAWhole(t *testing.T) {
	hooked(t, Policy{}, func(t *testing.T, w *world) {
		w.script(`(on 'starting (fn [e] (println "old" (:name e)))) (every "1s" (fn [] (sleep 3) (after 1 (fn [] (println "never")))))`)
		w.eval(`(every "1h" (fn [] 1))`)
		if w.logged("old web-1") != 1 {
			t.Errorf("log %q", w.log)
		}
		elapse(1500 * time.Millisecond) // the old hook is at work
		w.eval(`(restart "web-2")`)
		w.script(`(on 'starting (fn [e] (println "new" (:name e))))`)
		elapse(10 * time.Second)
		if w.logged("new web-2") != 1 || w.logged("new web-1") != 0 || w.logged("old web-2") != 1 || w.logged("never") != 0 {
			t.Errorf("log %q", w.log)
		}
		if all := w.hooks(); len(all) != 3 || all[0].Calls != 2 || all[1].Kind != "every" || all[2].What != "starting" {
			t.Errorf("hooks %+v", all)
		}
		w.engine.UseScript(nil)
		if all := w.hooks(); len(all) != 1 || all[0].Kind != "every" {
			t.Errorf("without a script: %+v", all)
		}
	})
}

// TestBrokenScriptChangesNothing: every mistake is found with its place, and the hooks stay as they are.
func TestBrokenScriptChangesNothing(t *testing.T) {
	hooked(t, Policy{}, func(t *testing.T, w *world) {
		w.script(`(every "1h" (fn [] 1))`)
		for text, want := range map[string]string{
			"(def x 1)\n  (on 'exited (fn [e] (restrat (:name e))))": `init_script: /etc/init.glisp:2:24: cannot find restrat: no such name (did you mean restart?)`,
			"(def x 1":                 `init_script: /etc/init.glisp:1:`,
			"\n(on 'exted (fn [e] 1))": `init_script: /etc/init.glisp:2:1: cannot call on: there is no event exted (did you mean exited?)`,
			"(every \"1s\" (fn [] 1))\n(restart \"web-1\")": `init_script: /etc/init.glisp:2:1: cannot call restart here: an init script only registers hooks while it is evaluated: (after 0 (fn [] (restart ...)))`,
			"(add-proc \"x\" \"y\")":                        `init_script: /etc/init.glisp:1:1: cannot call add-proc here`,
			"(every \"1s\" (fn [] 1))\n(while true nil)":    `init_script: /etc/init.glisp:2:1: budget exceeded: more than 20000000 steps (no key raises it; let an init script register hooks only,`,
			"(sleep 6)":      `init_script: /etc/init.glisp:1:1: budget exceeded: more than 5s`,
			"(exit 1)":       `init_script: /etc/init.glisp: it ended with (exit 1)`,
			"(nope)\n(nada)": "init_script: /etc/init.glisp:1:2: cannot find nope: no such name\ninit_script: /etc/init.glisp:2:2: cannot find nada: no such name",
		} {
			s, err := w.engine.EvalScript(t.Context(), "/etc/init.glisp", text, nil)
			if s != nil || KindOf(err) != kindInvalid || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s: %v\nwant %s", text, err, want)
			}
		}
		if all := w.hooks(); len(all) != 2 || all[1].What != "1h0m0s" {
			t.Errorf("hooks %+v", all)
		}
		w.engine.ScriptFailed("/etc/init.glisp", errors.New("init_script: /etc/init.glisp:1:2: no"))
		if all := w.hooks(); len(all) != 2 || all[0].LastError != "/etc/init.glisp:1:2: no" || all[0].Failures != 1 {
			t.Errorf("hooks %+v, log %q", all, w.log)
		}
	})
}

// TestHooksAreLimitedInNumber: also when a hook registers them.
func TestHooksAreLimitedInNumber(t *testing.T) {
	hooked(t, Policy{}, func(t *testing.T, w *world) {
		w.script(`(every "10ms" (fn [] (every "1h" (fn [] 1))))`)
		elapse(10 * time.Second)
		all := w.hooks()
		if len(all) != mostHooks+1 || !strings.Contains(all[1].LastError, "cannot call every: there are 256 hooks already") {
			t.Errorf("%d hooks, %s", len(all), all[1].LastError)
		}
	})
}

// TestRestartsDoNotWaitForHooks: while a hook that loops or sleeps is at work all the time, a restart takes no virtual time at
// all, as without it.
func TestRestartsDoNotWaitForHooks(t *testing.T) {
	hooked(t, Policy{}, func(t *testing.T, w *world) {
		w.script(`(every "10ms" (fn [] (sleep 10)))
(on 'any (fn [e] (sleep 10)))
(every "10ms" (fn [] (while true nil)))`)
		elapse(time.Second)
		began := time.Now()
		for range 100 {
			if result, _ := w.eval(`(restart "web-1")`); result.Err != nil {
				t.Fatal(result.Err)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("100 restarts took %v", took)
		}
		elapse(time.Minute)
	})
}
