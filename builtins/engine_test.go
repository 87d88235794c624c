package builtins

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qjpcpu/supervisord/lisp"
)

// TestPlainCallsNeverWaitForPrograms: with every place for programs taken, a plain call answers, and a program is refused.
func TestPlainCallsNeverWaitForPrograms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{})
		defer w.end()
		for range runningPrograms + queuedPrograms {
			w.engine.gate.all <- struct{}{}
		}
		for range runningPrograms {
			w.engine.gate.turns <- struct{}{}
		}
		if result, _ := w.eval(`(status)`); result.Err != nil {
			t.Errorf("status: %v", result.Err)
		}
		if result, _ := w.eval(`(begin (status))`); KindOf(result.Err) != "overloaded" {
			t.Errorf("a program: %v", result.Err)
		}
	})
}

// TestGateBoundsPrograms: four run, others wait for their turn, one that steps aside lets another in, and a caller who
// goes away leaves no place taken.
func TestGateBoundsPrograms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		release := make(chan struct{})
		running := make(chan int, 100)
		for i := range runningPrograms {
			go func() {
				p, _ := g.enter(t.Context())
				running <- i
				<-release
				p.leave()
			}()
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := g.enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a fifth one: %v", err)
		}
		if len(g.all) != runningPrograms || len(running) != runningPrograms {
			t.Errorf("%d places taken, %d run", len(g.all), len(running))
		}
		close(release)
		synctest.Wait()
		p, err := g.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p.aside(t.Context(), func() {
			if len(g.turns) != 0 || len(g.all) != 1 {
				t.Errorf("aside: %d turns, %d places", len(g.turns), len(g.all))
			}
		})
		p.leave()
		if len(g.turns) != 0 || len(g.all) != 0 {
			t.Errorf("left: %d turns, %d places", len(g.turns), len(g.all))
		}
	})
}

// TestATimeLimitIsSaidInWords: of what follows until it is ended too, on either way.
func TestATimeLimitIsSaidInWords(t *testing.T) {
	for _, form := range []string{`(events "follow")`, `(wait "web-1" "fatal" 1000)`, `(begin (events "follow"))`, `(begin (sleep "1000s"))`} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, Policy{})
			defer w.end()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := w.engine.Eval(ctx, Job{Form: form, Streamed: true}, nil).Err
			if KindOf(err) != kindTimeout || strings.Contains(err.Error(), "context") {
				t.Errorf("%s: %v (%s)", form, err, KindOf(err))
			}
		})
	}
}

// TestProgramsThatWaitHoldUpNoOther: a program gives its turn away while it waits, in a verb, for a time or for a coroutine, so that
// twice as many as may run are no more in the way of the next than none.
func TestProgramsThatWaitHoldUpNoOther(t *testing.T) {
	for _, form := range []string{`(begin (wait "web-1" "fatal" 1000))`, `(begin (sleep "1000s"))`, `(<! (go (sleep "1000s")))`} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, Policy{})
			defer w.end()
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan string, 2*runningPrograms)
			for range cap(ended) {
				go func() { ended <- KindOf(w.engine.Eval(ctx, Job{Form: form}, nil).Err) }()
			}
			synctest.Wait()
			began := time.Now()
			result, _ := w.eval(`(begin (+ 1 2))`)
			if took := time.Since(began); result.Err != nil || lisp.Print(result.Value) != "3" || took != 0 {
				t.Errorf("beside %s: %v, %v after %v", form, lisp.Print(result.Value), result.Err, took)
			}
			cancel()
			for range cap(ended) {
				if kind := <-ended; kind != "cancelled" {
					t.Errorf("%s: ended as %q", form, kind)
				}
			}
		})
	}
}

// TestSessionsSurviveAndExpire: definitions stay between calls, not beyond an hour without use; the number is bounded.
func TestSessionsSurviveAndExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions(lisp.NewBase(), Verbs())
		// count waits for the timers and tells how many sessions there are, and whether one is among them.
		count := func(name string) (int, bool) {
			synctest.Wait()
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.all), s.all[sessionID{"uid 1", name}] != nil
		}
		in := func(name string, do func(*lisp.Env)) {
			t.Helper()
			one, leave, err := s.open(t.Context(), sessionID{"uid 1", name})
			if err != nil {
				t.Fatal(err)
			}
			do(one.env)
			leave()
		}
		in("a", func(e *lisp.Env) { e.Define("x", lisp.Int(1)); e.Define("status", lisp.Int(2)) })
		if !s.shadows(sessionID{"uid 1", "a"}, "status") || s.shadows(sessionID{"uid 1", "a"}, "stop") || s.shadows(sessionID{"uid 2", "a"}, "status") {
			t.Error("shadowed verbs")
		}
		<-time.After(59 * time.Minute)
		in("a", func(e *lisp.Env) {
			if v, ok := e.Lookup("x"); !ok || lisp.Print(v) != "1" {
				t.Error("forgotten too early")
			}
		})
		<-time.After(59 * time.Minute)
		if n, _ := count("a"); n != 1 {
			t.Error("forgotten within the hour of its last use")
		}
		<-time.After(2 * time.Minute)
		if n, _ := count("a"); n != 0 {
			t.Error("not forgotten")
		}
		for i := range mostSessions + 10 {
			in(strings.Repeat("s", i+1), func(*lisp.Env) {})
			<-time.After(time.Millisecond)
		}
		if n, first := count("s"); n != mostSessions || first {
			t.Errorf("%d sessions, the oldest among them: %v", n, first)
		}
		if _, _, err := s.open(t.Context(), sessionID{"uid 1", strings.Repeat("s", longestSession+1)}); KindOf(err) != "invalid" {
			t.Errorf("a long name: %v", err)
		}
		// Two callers of one session come one after the other, and an impatient one leaves nothing behind.
		newest := sessionID{"uid 1", strings.Repeat("s", mostSessions+10)}
		_, leave, _ := s.open(t.Context(), newest)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := s.open(ctx, newest); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a second one: %v", err)
		}
		leave()
		if s.all[newest].users != 0 {
			t.Error("users left")
		}
	})
}

// TestOutputIsBoundedUnlessStreamed: the part that fits arrives, then kind budget; a stream goes on; lines reach the log
// without control characters.
func TestOutputIsBoundedUnlessStreamed(t *testing.T) {
	var log []string
	note := func(format string, args ...any) { log = append(log, args[1].(string)) }
	var to bytes.Buffer
	o := newOutput(&to, false, "x", note)
	n, err := o.Write(make([]byte, bufferedOutput+1))
	if n != bufferedOutput || to.Len() != n || KindOf(err) != "budget" {
		t.Errorf("wrote %d of %d: %v", n, to.Len(), err)
	}
	to.Reset()
	log = nil
	o = newOutput(&to, true, "x", note)
	if n, err := o.Write(make([]byte, 2*bufferedOutput)); n != 2*bufferedOutput || err != nil {
		t.Errorf("streamed %d: %v", n, err)
	}
	o.flush()
	log = nil
	for _, part := range []string{"a", "b\nc\x1b[2J\n", "\n", "d"} {
		_, _ = o.Write([]byte(part))
	}
	o.flush()
	if got := strings.Join(log, "|"); got != "ab|c?[2J|d" {
		t.Errorf("logged %q", got)
	}
}

// TestFaultStaysInside: a verb that panics is an error of kind failed; the stack is in the daemon's log alone, and the
// audit log has its end.
func TestFaultStaysInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Policy{})
		defer w.end()
		verb := w.engine.verbs["stop"]
		verb.Call = func(*Host, *lisp.Thread, []lisp.Value) (lisp.Value, error) { panic("ouch password=" + canary) }
		w.engine.verbs["stop"] = verb
		w.engine.base = lisp.NewBase([]lisp.Prim{{Name: "boom", Params: "", Fn: func(*lisp.Thread, []lisp.Value) (lisp.Value, error) { panic("ouch") }}})
		var delivered []string
		deliver := func(r Result) { delivered = append(delivered, KindOf(r.Err)) }
		w.engine.Eval(t.Context(), Job{Form: `(+ 1 (boom))`, Deliver: deliver}, nil)
		w.engine.Eval(t.Context(), Job{Form: `(+ 1 1)`, Session: "s", Deliver: func(r Result) {
			if r.Err == nil {
				panic("ouch")
			}
			deliver(r)
		}}, nil)
		w.engine.Eval(t.Context(), Job{Form: `(+ 1 1)`, Session: "s", Deliver: deliver}, nil)
		if got := strings.Join(delivered, ","); got != "failed,failed," {
			t.Errorf("delivered %q", got)
		}
		w.audit.Reset()
		result, _ := w.eval(`(stop)`)
		if KindOf(result.Err) != "failed" || result.Err.Error() != "internal error" {
			t.Errorf("got %v", result.Err)
		}
		if text := strings.Join(w.log, ""); !strings.Contains(text, "goroutine") || !strings.Contains(text, "ouch password=****") || strings.Contains(text, canary) {
			t.Errorf("the log has no stack, or a secret: %s", text)
		}
		if all := w.records(); len(all) != 2 || all[1].Phase != "end" || all[1].Outcome != "failed" {
			t.Errorf("audit %+v", all)
		}
	})
}
