package builtins

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/lisp"
)

var update = flag.Bool("update", false, "write REFERENCE.md")

// TestEveryVerbIsComplete: the table says of each verb all that help, reference and policy need.
func TestEveryVerbIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range Verbs() {
		if seen[v.Name] {
			t.Errorf("%s stands twice", v.Name)
		}
		seen[v.Name] = true
		if !regexp.MustCompile(`^[a-z-]+$`).MatchString(v.Name) || v.Doc == "" || v.Call == nil {
			t.Errorf("%q is incomplete", v.Name)
		}
		takesFunctions := v.registers || v.Name == "remove-hook" // so that their examples are programs
		if calls, err := Recognise(v.Example); !takesFunctions && (err != nil || len(calls) != 1 || calls[0].Head != v.Name) {
			t.Errorf("%s: the example %s is no plain call of it: %v", v.Name, v.Example, err)
		}
	}
	for _, name := range strings.Fields("status env env-reveal usage logs follow events history why maintail plan wait config version help doc apropos complete " +
		"start stop restart signal omit-exit-code reopen-logs reset reload shutdown add-proc remove-proc on every after hooks remove-hook") {
		if !seen[name] {
			t.Errorf("%s is missing", name)
		}
	}
}

// TestExamplesWork runs every verb's example. This daemon keeps no output, so that logs and follow say so; they have
// tests of their own; what a system lacks is refused by name.
func TestExamplesWork(t *testing.T) {
	for _, v := range Verbs() {
		t.Run(v.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Policy{})
				defer w.end()
				if v.Name == "reset" {
					_, _ = w.sup.Stop(t.Context(), "web-1")
				}
				result, _ := w.eval(v.Example)
				if lack := lacking[v.Name]; lack != "" {
					if result.Err == nil || !strings.Contains(result.Err.Error(), lack) {
						t.Errorf("%s: %v, want %s", v.Example, result.Err, lack)
					}
				} else if discards := v.Name == "logs" || v.Name == "follow"; discards {
					if KindOf(result.Err) != kindConflict {
						t.Errorf("%s: %v", v.Example, result.Err)
					}
				} else if result.Err != nil {
					t.Errorf("%s: %v", v.Example, result.Err)
				}
			})
		})
	}
}

// TestReferenceIsUpToDate holds REFERENCE.md to the table; go test -update writes it.
func TestReferenceIsUpToDate(t *testing.T) {
	want := Reference()
	if *update {
		if err := os.WriteFile("REFERENCE.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("REFERENCE.md")
	if err != nil || string(got) != want {
		t.Errorf("REFERENCE.md is not what the table says (%v); run go test ./builtins -update", err)
	}
}

func TestStatusHasItsKeysInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{})
		defer w.end()
		<-time.After(1500 * time.Millisecond) // virtual
		result, _ := w.eval(`(status)`)
		items, _ := result.Value.Elements()
		if len(items) != 5 {
			t.Fatalf("%d processes: %v", len(items), result.Err)
		}
		var keys []string
		first, _ := items[0].AsHash()
		first.Each(func(k, _ lisp.Value) bool { keys = append(keys, lisp.Display(k)); return true })
		if got, want := strings.Join(keys, " "), "name state want pid uptime started_at stopped_at restarts exit reason origin priority next_try deadline log log_bytes log_lost"; got != want {
			t.Errorf("keys %s, want %s", got, want)
		}
		for key, want := range map[string]string{"name": `"web-1"`, "state": `"running"`, "want": "true", "pid": "101", "uptime": "1.5", "stopped_at": "nil",
			"exit": "nil", "reason": "nil", "origin": `"file"`} {
			if v, _ := first.GetString(key); lisp.Print(v) != want && !(key == "pid" && v.Truthy()) && !(want == "nil" && v.IsNil()) {
				t.Errorf("%s is %s, want %s", key, lisp.Print(v), want)
			}
		}
		job, _ := items[2].AsHash()
		if exit, _ := job.GetString("exit"); lisp.Print(exit) != "0" {
			t.Errorf("the exit of job is %s", lisp.Print(exit))
		}
	})
}

// TestErrorsOfVerbs: kind and text of what goes wrong.
func TestErrorsOfVerbs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{DisableRCE: true})
		defer w.end()
		for _, c := range []struct{ form, kind, text string }{
			{`(status "wbe-1")`, "not-found", `cannot show wbe-1: no such process \(did you mean web-1\?\)$`},
			{`(restart "web-1" "nope")`, "not-found", `nope: no such process`},
			{`(stop "x-*")`, "not-found", `x-\*: matches no process`},
			{`(env)`, "arity", `cannot call env: got no argument, want 1 argument: \(env NAME\)$`},
			{`(env "web-1" "web-2")`, "arity", `got 2 arguments, want 1 argument`},
			{`(env 1)`, "type", `argument 1 is int, want a string: \(env NAME\)$`},
			{`(wait "web-1" "running")`, "arity", `got 2 arguments, want 3 arguments: \(wait NAME STATE SECONDS\)$`},
			{`(logs "web-1" 3)`, "type", `argument 2 is int, want a string: \(logs NAME... OPTION...\)$`},
			{`(wait "web-1" "runing" 1)`, "invalid", `did you mean running`},
			{`(wait "web-1" "fatal" 2)`, "timeout", `web-1`},
			{`(wait "web-1" "fatal" -1)`, "invalid", `-1`},
			{`(wait "web-1" "fatal" "1")`, "type", `argument 3 is string, want a whole number`},
			{`(wait "wbe" "fatal" 1)`, "not-found", `wbe`},
			{`(signal "web-1" "TREM")`, "invalid", `did you mean TERM`},
			{`(signal "broken" "TERM")`, "conflict", `not running`},
			{`(signal "nope" "TERM")`, "not-found", `cannot signal nope`},
			{`(shutdown "clean")`, "invalid", `want now, clear`},
			{`(logs "lnes=3")`, "invalid", `did you mean lines`},
			{`(logs "lines=x")`, "invalid", `number of lines`},
			{`(logs "match=(")`, "invalid", `match`},
			{`(logs "since=yesterday")`, "invalid", `duration`},
			{`(logs "stream=both")`, "invalid", `stdout or stderr`},
			{`(logs "wbe")`, "not-found", `cannot show wbe`},
			{`(events "folow")`, "invalid", `want follow`},
			{`(events 1 2)`, "type", `want "follow"`},
			{`(wait "nope-*" "running" 1)`, "not-found", `cannot wait for nope-\*: matches no process`},
			{`(wait "web-*" "fatal" 0)`, "timeout", `cannot wait for web-1 to be fatal: it is running`},
			{`(wait "web-1" "up" 0)`, "invalid", `want stopped, starting`},
			{`(why "web-*")`, "invalid", `web-\* is a pattern, want the name of one process`},
			{`(env "web-?")`, "invalid", `web-\? is a pattern`},
			{`(history "[w]eb-1")`, "invalid", `is a pattern`},
			{`(events "json")`, "invalid", `want follow`},
			{`(events "follow" "jsno")`, "invalid", `want json`},
			{`(events "follow" 3)`, "type", `want "follow"`},
			{`(events "lines=x" "follow")`, "invalid", `lines is "x", want a number of events up to 1000000`},
			{`(events "lines=-1")`, "invalid", `lines is "-1"`},
			{`(events "lines=2" "lines=3")`, "invalid", `argument 2 is "lines=3", want follow`},
			{`(events "follow" "lines=3")`, "invalid", `argument 2 is "lines=3", want json`},
			{`(events "lines=2" 1)`, "type", `want "follow"`},
			{`(history "nope")`, "not-found", `cannot show nope`},
			{`(why "nope")`, "not-found", `cannot show nope`},
			{`(doc "restrat")`, "not-found", `did you mean restart`},
			{`(maintail -1)`, "invalid", `-1`},
			{`(maintail "json")`, "invalid", `want follow`},
			{`(maintail 1 "follow" "jsno")`, "invalid", `argument 3 is "jsno", want json`},
			{`(maintail "follow" 3)`, "type", `want "json"`},
			{`(maintail 3 4)`, "type", `want "follow"`},
			{`(logs "json=true")`, "invalid", `json is an option of follow`},
			{`(follow "json=yes")`, "invalid", `want true or false`},
			{`(follow "jsno=true")`, "invalid", `did you mean json`},
			{`(status true)`, "type", `argument 1 is bool`},
		} {
			result, _ := w.eval(c.form)
			if kind := KindOf(result.Err); kind != c.kind || !regexp.MustCompile(c.text).MatchString(result.Err.Error()) {
				t.Errorf("%s: %s: %v, want %s: %s", c.form, kind, result.Err, c.kind, c.text)
			}
		}
	})
}

// TestFailedReportNamesTheFailed: what is left of a report when some of several fail.
func TestFailedReportNamesTheFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{})
		defer w.end()
		result, _ := w.eval(`(restart "web-1" "broken")`)
		var raised *lisp.Error
		if !errors.As(result.Err, &raised) || raised.Kind != "failed" || !strings.Contains(raised.Msg, "cannot restart broken") || strings.Contains(raised.Msg, "web-1") {
			t.Fatalf("%v", result.Err)
		}
		items, _ := raised.Value.Elements()
		if len(items) != 2 || !strings.Contains(lisp.Print(items[0]), `"outcome" "restarted"`) || !strings.Contains(lisp.Print(items[1]), `"outcome" "failed"`) {
			t.Errorf("report %s", lisp.Print(raised.Value))
		}
	})
}

// TestCauseIsWhoAndWhat: the journal knows who asked, and with which words.
func TestCauseIsWhoAndWhat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{})
		defer w.end()
		w.eval(`(restart   "web-1")`)
		var events []struct {
			Seq             int
			At, Who, What   string
			Name, From, To  string
			Exit, Note, PID any
		}
		w.value(`(history "web-1")`, &events)
		last := events[len(events)-1]
		if last.Who != "uid 0 pid 1" || last.What != `(restart "web-1")` {
			t.Errorf("cause %q %q", last.Who, last.What)
		}
	})
}

func TestFollowedEventsEndWithTheirReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{DisableRCE: true})
		defer w.end()
		ctx, cancel := context.WithCancelCause(t.Context())
		out := &lines{}
		done := make(chan Result, 1)
		go func() { done <- w.engine.Eval(ctx, Job{Form: `(events "follow")`, Streamed: true}, out) }()
		synctest.Wait()
		w.eval(`(stop "web-1")`)
		synctest.Wait()
		if text := out.String(); !strings.Contains(text, `web-1  stopped by uid 0: (stop "web-1"), SIGTERM sent (pid 10`) {
			t.Errorf("got %q", text)
		}
		short, enough := context.WithTimeout(t.Context(), time.Second)
		defer enough()
		objects := &lines{}
		w.engine.Eval(short, Job{Form: `(events 0 "follow" "json")`, Streamed: true}, objects)
		var seen int
		for line := range strings.Lines(objects.String()) {
			var e struct {
				Seq            int
				Name, To, Text string
			}
			if err := json.Unmarshal([]byte(line), &e); err != nil || e.Name == "" || e.Text == "" {
				t.Errorf("%q is no event: %v", line, err)
			}
			if seen++; e.Seq != seen {
				t.Errorf("event %d is the %dth line", e.Seq, seen)
			}
		}
		if seen < 3 {
			t.Errorf("%d events were followed: %s", seen, objects)
		}
		cancel(errors.New("the daemon is shutting down"))
		if result := <-done; KindOf(result.Err) != "cancelled" || !strings.Contains(result.Err.Error(), "ended: the daemon is shutting down") {
			t.Errorf("got %v", result.Err)
		}
	})
}

// TestTheLastEventsAndThenThoseThatCome: (events "lines=N" "follow") prints the last N that are kept and goes on with what happens,
// each once, also while much happens as it begins.
func TestTheLastEventsAndThenThoseThatCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{DisableRCE: true})
		defer w.end()
		synctest.Wait()
		journal := w.host.Sup.Journal()
		happen := func(n int) {
			for range n {
				journal.Add(core.Event{Name: "web-1", Note: "x"})
			}
		}
		happen(50)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for _, c := range []struct {
			form          string
			before, after int // how much happens while it begins, and when it waits
			old           int // so many of those that were there come first; -1: not to be foretold
		}{
			{`(events "lines=7" "follow" "json")`, 0, 3, 7},
			{`(events 3 "lines=1000000" "follow" "json")`, 0, 3, int(journal.Last()) - 3 + 3},
			{`(events 3 "lines=1" "follow" "json")`, 0, 3, 1},
			{`(events 9999 "lines=1" "follow" "json")`, 0, 3, 0},
			{`(events 1 "lines=0" "follow" "json")`, 0, 3, 0},
			{`(events "lines=7" "follow" "json")`, 1000, 3, -1},
		} {
			out, end := &lines{}, journal.Last()
			go w.engine.Eval(ctx, Job{Form: c.form, Streamed: true}, out)
			happen(c.before)
			synctest.Wait()
			happen(c.after)
			synctest.Wait()
			var seqs []uint64
			for line := range strings.Lines(out.String()) {
				var e struct{ Seq uint64 }
				if err := json.Unmarshal([]byte(line), &e); err != nil || len(seqs) > 0 && e.Seq != seqs[len(seqs)-1]+1 {
					t.Errorf("%s: after event %v comes %s (%v)", c.form, seqs[len(seqs)-1:], line, err)
				}
				seqs = append(seqs, e.Seq)
			}
			if c.form == `(events 9999 "lines=1" "follow" "json")` {
				if len(seqs) > 0 {
					t.Errorf("%s: %v", c.form, seqs)
				}
				continue
			}
			if len(seqs) == 0 || seqs[len(seqs)-1] != journal.Last() || c.old >= 0 && seqs[0] != end+1-uint64(c.old) || seqs[0] < end+1-7 && c.old < 0 {
				t.Errorf("%s: %d events were there, %d are now: it told %v", c.form, end, journal.Last(), seqs)
			}
		}
		for form, n := range map[string]int{`(events "lines=7")`: 7, `(events 2 "lines=0")`: 0, `(events 2 "lines=1000000")`: int(journal.Last()) - 2} {
			var all []struct{ Seq uint64 }
			if w.value(form, &all); len(all) != n || n > 0 && all[n-1].Seq != journal.Last() {
				t.Errorf("%s: %v", form, all)
			}
		}
	})
}

func TestKindOfKnowsEverySentinel(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""}, {errors.New("x"), "failed"},
		{core.ErrNotFound, "not-found"}, {&core.NotFoundError{Name: "x"}, "not-found"}, {core.ErrConflict, "conflict"}, {core.ErrInvalid, "invalid"},
		{core.ErrSuperseded, "conflict"}, {core.ErrClosing, "conflict"}, {core.ErrFailed, "failed"}, {core.ErrTimeout, "timeout"}, {core.ErrSpawn, "failed"},
		{context.Canceled, "cancelled"}, {context.DeadlineExceeded, "timeout"}, {lisp.Errorf("budget", "x"), "budget"},
		{core.Report{{Name: "a", Err: core.ErrConflict}}.Err(), "conflict"},
		{core.Report{{Name: "a", Err: core.ErrConflict}, {Name: "b"}}.Err(), "failed"},
	} {
		if got := KindOf(c.err); got != c.want {
			t.Errorf("%v is %s, want %s", c.err, got, c.want)
		}
		if c.err != nil {
			if got := KindOf(errors.Join(errors.New("cannot do it"), c.err)); got != c.want {
				t.Errorf("wrapped %v is %s, want %s", c.err, got, c.want)
			}
		}
	}
}
