package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func pids(t *testing.T, s *Supervisor) map[string]int {
	t.Helper()
	all, err := s.Status()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, st := range all {
		out[st.Name] = st.PID
	}
	return out
}

func hundred(tweaks ...func(*Spec)) []Spec {
	out := make([]Spec, 100)
	for i := range out {
		out[i] = spec(fmt.Sprintf("web-%d", i), tweaks...)
	}
	return out
}

func TestRestartStormOfAllEndsWithAllRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		specs := hundred(func(s *Spec) { s.Care.Priority = len(s.Name) })[:50]
		for _, sp := range specs {
			w.program(sp.Name, behaviour{stopTakes: 10 * time.Millisecond})
		}
		s := boot(t, w, specs...)
		var clients sync.WaitGroup
		for range 5 {
			clients.Go(func() {
				if _, err := s.Restart(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		clients.Wait()
		if r, _ := s.Start(t.Context()); r.Err() != nil || w.alive() != 50 {
			t.Errorf("%v, %d run", r.Err(), w.alive())
		}
	})
}

func TestManyEndingTogetherAreAllSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		specs := hundred()
		for _, sp := range specs {
			w.program(sp.Name, behaviour{exitAfter: 10 * time.Millisecond})
		}
		specs = append(specs, spec("bad", func(s *Spec) { s.Care.Restart = Never }))
		w.program("bad", behaviour{exitAfter: 20 * time.Millisecond, code: 1})
		s := boot(t, w, specs...)
		if idle, _ := s.Idle(); idle {
			t.Error("idle while everything runs")
		}
		ends := 0
		if fatal, err := s.WaitIdle(t.Context()); err != nil || fatal != 1 {
			t.Errorf("%d are fatal, want 1; %v", fatal, err)
		}
		events, missed := s.Journal().Since(0, 0)
		for _, e := range events {
			if e.Exit != nil {
				ends++
				if e.PID == 0 {
					t.Errorf("an exit without its pid: %+v", e)
				}
			}
		}
		if ends != 101 || missed != 0 {
			t.Errorf("%d ends in the journal, %d missed; want 101", ends, missed)
		}
	})
}

func TestPriorityOrdersStartAndStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		prio := func(p int) func(*Spec) {
			return func(s *Spec) { s.Care.Priority = p; s.Care.StartGrace = time.Second }
		}
		for _, n := range []string{"a", "b1", "b2", "c"} {
			w.program(n, behaviour{stopTakes: 2 * time.Second})
		}
		begun := time.Now()
		s := boot(t, w, spec("c", prio(3)), spec("b1", prio(2)), spec("a", prio(-1)), spec("b2", prio(2)))
		if d := time.Since(begun); d != 3*time.Second {
			t.Errorf("three waves of a second took %v", d)
		}
		begun = time.Now()
		r, err := s.Close(t.Context(), false)
		if err != nil || r.Err() != nil || time.Since(begun) != 6*time.Second {
			t.Errorf("close: %v %v after %v", err, r.Err(), time.Since(begun))
		}
		got := strings.Join(w.order, " ")
		got = strings.NewReplacer("b1", "b", "b2", "b").Replace(got)
		if got != "+a +b +b +c -c -b -b -a" {
			t.Errorf("order: %s", got)
		}
		if names := []string{r[0].Name, r[1].Name, r[2].Name, r[3].Name}; !slices.Equal(names, []string{"c", "b1", "a", "b2"}) {
			t.Errorf("the report's order is %v, want the configuration's", names)
		}
	})
}

func TestRestartOfSeveralPrioritiesStopsAllFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := boot(t, w, spec("db"), spec("web", func(s *Spec) { s.Care.Priority = 5 }))
		if r, _ := s.Restart(t.Context()); r.Err() != nil || r[0].Did != "restarted" {
			t.Errorf("%+v", r)
		}
		if got := strings.Join(w.order, " "); got != "+db +web -web -db +db +web" {
			t.Errorf("order: %s", got)
		}
	})
}

// A restart of several priorities passes a moment in which nothing runs: that is not the end of the work.
func TestRestartIsNeverIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := boot(t, w, spec("db"), spec("web", func(s *Spec) { s.Care.Priority = 5 }))
		ctx, cancel := context.WithCancel(t.Context())
		idle := make(chan error, 1)
		go func() {
			_, err := s.WaitIdle(ctx)
			idle <- err
		}()
		synctest.Wait()
		s.Restart(t.Context())
		synctest.Wait()
		if len(idle) != 0 {
			t.Error("idle in between")
		}
		s.Stop(t.Context())
		if err := <-idle; err != nil {
			t.Error(err)
		}
		cancel()
	})
}

func TestEqualPrioritiesStopInParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		specs := make([]Spec, 1000)
		for i := range specs {
			specs[i] = spec(fmt.Sprintf("p%d", i))
			w.program(specs[i].Name, behaviour{stopTakes: time.Second})
		}
		s := boot(t, w, specs...)
		begun := time.Now()
		if r, _ := s.Stop(t.Context()); r.Err() != nil || time.Since(begun) != time.Second {
			t.Errorf("1000 processes that take 1s to stop took %v: %v", time.Since(begun), r.Err())
		}
	})
}

func TestNothingStartsAfterTheDecisionToStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		release := make(chan struct{})
		specs := hundred(func(s *Spec) { s.Care.StartGrace = time.Minute })[:50]
		for i, sp := range specs {
			specs[i].Care.Priority = i / 10
			if i < 5 {
				w.program(sp.Name, behaviour{hang: release})
			}
			if i == 7 {
				w.program(sp.Name, behaviour{exitAfter: time.Millisecond, code: 1})
			}
		}
		s := New(Options{Starter: w})
		applied := make(chan Report, 1)
		go func() {
			r, err := s.Apply(t.Context(), specs)
			if err != nil {
				t.Error(err)
			}
			applied <- r
		}()
		pass(time.Second)
		before := w.total()
		closed := make(chan Report, 1)
		go func() {
			r, _ := s.Close(t.Context(), false)
			closed <- r
		}()
		pass(time.Second)
		close(release)
		if r := <-applied; !errors.Is(r.Err(), ErrFailed) {
			t.Errorf("the boot that was cut off says %v", r.Err())
		}
		if r := <-closed; r.Err() != nil {
			t.Error(r.Err())
		}
		pass(time.Hour)
		if n := w.total(); n != before || w.alive() != 0 {
			t.Errorf("%d starts after the decision, %d alive", n-before, w.alive())
		}
		if _, err := s.Start(t.Context()); !errors.Is(err, ErrClosing) || !errors.Is(err, ErrConflict) {
			t.Errorf("start after close: %v", err)
		}
		if _, err := s.Apply(t.Context(), specs); !errors.Is(err, ErrClosing) {
			t.Errorf("apply after close: %v", err)
		}
		if r, err := s.Close(t.Context(), true); err != nil || r.Err() != nil {
			t.Errorf("a third close: %v %v", r.Err(), err)
		}
	})
}

func TestSecondCloseHurries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		specs := hundred(func(s *Spec) { s.Care.StopWait = 30 * time.Second })
		for i, sp := range specs {
			specs[i].Care.Priority = i % 7
			w.program(sp.Name, behaviour{stubborn: true})
		}
		s := boot(t, w, specs...)
		begun := time.Now()
		first := make(chan Report, 1)
		go func() {
			r, _ := s.Close(t.Context(), false)
			first <- r
		}()
		pass(time.Second)
		if r, err := s.Close(t.Context(), true); err != nil || r.Err() != nil {
			t.Error(err, r.Err())
		}
		if r := <-first; r.Err() != nil || time.Since(begun) != time.Second || w.alive() != 0 {
			t.Errorf("first close: %v after %v, %d alive", r.Err(), time.Since(begun), w.alive())
		}
	})
}

func TestCloseIsBoundedByWhatItCannotKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("nfs", behaviour{stubborn: true, undead: true})
		s := boot(t, w, spec("nfs", func(s *Spec) { s.Care.Priority = 9 }), spec("web"))
		begun := time.Now()
		r, err := s.Close(t.Context(), false)
		if err != nil || r.Err() == nil || time.Since(begun) != 15*time.Second {
			t.Errorf("%v %v after %v, want the reason after stop_wait + kill_wait", err, r.Err(), time.Since(begun))
		}
		if st := state(t, s, "web"); st.State != Stopped {
			t.Errorf("the others: %+v", st)
		}
		w.child("nfs").rest()
		synctest.Wait()
		if r, _ := s.Close(t.Context(), true); r.Err() != nil {
			t.Error(r.Err())
		}
	})
}

// A reload touches what changed and nothing else; applying the same again changes nothing.
func TestReloadTouchesOnlyWhatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := boot(t, w, hundred()...)
		before := pids(t, s)
		if p := s.Plan(hundred()); p.Changed() {
			t.Errorf("the same again is a change: %+v", p)
		}
		last := s.Journal().Last()
		r, err := s.Apply(t.Context(), hundred())
		if err != nil || r.Err() != nil || len(r) != 100 || r[5].Did != "kept" || r[5].PID == 0 || s.Journal().Last() != last {
			t.Errorf("the same again: %v %+v, %d events", err, r[5], s.Journal().Last()-last)
		}
		want := hundred()
		want[17].Launch.Env = map[string]string{"PORT": "80"}
		want[18].Care.StopWait = time.Minute
		want[19].Output.Size = 1 << 20
		r, err = s.Apply(t.Context(), want)
		if err != nil || r.Err() != nil {
			t.Fatal(err, r.Err())
		}
		if r[17].Did != "renewed" || !slices.Equal(r[17].Reasons, []string{"env.PORT"}) ||
			r[18].Did != "tuned" || !slices.Equal(r[18].Reasons, []string{"stop_wait_secs"}) || r[19].Did != "tuned" {
			t.Errorf("%+v", r[17:20])
		}
		after := pids(t, s)
		for name, pid := range after {
			if (pid != before[name]) != (name == "web-17") {
				t.Errorf("%s: pid %d, was %d", name, pid, before[name])
			}
		}
		if env := w.commands["web-17"].Env; !slices.Contains(env, "PORT=80") {
			t.Errorf("environment %v", env)
		}
		if s.Plan(want).Changed() {
			t.Error("what was applied still differs")
		}
	})
}

func TestConcurrentReloadsQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := boot(t, w, hundred()...)
		var clients sync.WaitGroup
		for range 10 {
			clients.Go(func() {
				want := hundred()
				want[3].Launch.Args = []string{"new"}
				if r, err := s.Apply(t.Context(), append(want, spec("extra"))); err != nil || r.Err() != nil {
					t.Error(err, r.Err())
				}
			})
		}
		clients.Wait()
		if w.count("web-3") != 2 || w.count("extra") != 1 || w.total() != 102 {
			t.Errorf("web-3 %d, extra %d, all %d starts", w.count("web-3"), w.count("extra"), w.total())
		}
	})
}

// What fails at run time does not undo the others.
func TestOneBadStepDoesNotStopTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("wbe", behaviour{err: errMissing})
		w.program("nfs", behaviour{stubborn: true, undead: true})
		s := boot(t, w, spec("old"), spec("web"), spec("nfs"))
		r, err := s.Apply(t.Context(), []Spec{spec("web", func(s *Spec) { s.Launch.Dir = anywhere }), spec("wbe"), spec("new")})
		if err != nil {
			t.Fatal(err)
		}
		var did []string
		for _, o := range r {
			did = append(did, o.Name+" "+o.Did)
		}
		if got := strings.Join(did, ", "); got != "web renewed, wbe failed, new added, old removed, nfs failed" {
			t.Error(got)
		}
		err = r.Err()
		if !errors.Is(err, ErrFailed) || err.Error() != "cannot start wbe: exec /bin/wbe: no such file or directory; cannot remove nfs: cannot stop nfs: unkillable: 1 left, state D in nfs_wait" {
			t.Error(err)
		}
		if _, err := s.Spec("old"); !errors.Is(err, ErrNotFound) {
			t.Errorf("what was removed is there: %v", err)
		}
		w.child("nfs").rest()
		synctest.Wait()
		if r, err := s.Apply(t.Context(), s.Specs()[:2]); err != nil || r.Err() != nil {
			t.Errorf("the removal again: %v %v", err, r.Err())
		}
		if names, _ := s.Select(); !slices.Equal(names, []string{"web", "wbe"}) {
			t.Errorf("left: %v", names)
		}
	})
}

func TestInvalidSpecsTouchNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := boot(t, w, spec("web"))
		last := s.Journal().Last()
		for what, want := range map[string][]Spec{
			"twice":      {spec("web"), spec("web")},
			"no command": {spec("new"), {Name: "web", Care: DefaultCare()}},
			"bad name":   {spec("new"), spec("../x")},
		} {
			if _, err := s.Apply(t.Context(), want); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if s.Journal().Last() != last || w.total() != 1 {
			t.Error("something was touched")
		}
	})
}

func TestRenewKeepsTheWishOfTheUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("oneshot", behaviour{exitAfter: time.Second})
		w.program("broken", behaviour{err: errMissing})
		names := []string{"stopped", "running", "oneshot", "broken", "waiting"}
		w.program("waiting", behaviour{exitAfter: time.Second, code: 1})
		var specs []Spec
		for _, n := range names {
			specs = append(specs, spec(n, func(s *Spec) { s.Care.RestartDelay, s.Care.RestartDelayMax = time.Hour, time.Hour }))
		}
		s := boot(t, w, specs...)
		s.Stop(t.Context(), "stopped")
		pass(2 * time.Second)
		w.program("broken", behaviour{})
		w.program("waiting", behaviour{})
		want := slices.Clone(specs)
		for i := range want {
			want[i].Launch.Args = []string{"-v"}
		}
		if r, err := s.Apply(t.Context(), want); err != nil || r.Err() != nil {
			t.Fatal(err, r.Err())
		}
		for name, starts := range map[string]int{"stopped": 1, "running": 2, "oneshot": 2, "broken": 2, "waiting": 2} {
			if w.count(name) != starts {
				t.Errorf("%s was started %d times, want %d", name, w.count(name), starts)
			}
		}
		if st := state(t, s, "stopped"); st.State != Stopped || st.Want {
			t.Errorf("%+v", st)
		}
		s.Start(t.Context(), "stopped")
		if args := w.commands["stopped"].Args; !slices.Equal(args, []string{"-v"}) {
			t.Errorf("the next start has %v", args)
		}
	})
}

func TestUnknownNameFailsBeforeAnythingIsTouched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := boot(t, w, spec("web-1"), spec("web-2"), spec("db"))
		_, err := s.Stop(t.Context(), "db", "web-3")
		if !errors.Is(err, ErrNotFound) || err.Error() != "cannot stop web-3: no such process (did you mean web-1?)" || w.alive() != 3 {
			t.Errorf("%v, %d alive", err, w.alive())
		}
		if _, err := s.Stop(t.Context(), "x*"); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "x*: matches no process") {
			t.Error(err)
		}
		if _, err := s.Stop(t.Context(), "web-["); !errors.Is(err, ErrInvalid) {
			t.Error(err)
		}
		if r, err := s.Stop(t.Context(), "web-*", "web-1"); err != nil || len(r) != 2 || w.alive() != 1 {
			t.Errorf("%+v %v, %d alive", r, err, w.alive())
		}
		if names, err := s.Select("d?", "web-2"); err != nil || !slices.Equal(names, []string{"web-2", "db"}) {
			t.Error(names, err)
		}
	})
}

func TestWaitSeesAStateThatPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("web", behaviour{exitAfter: time.Second, code: 1})
		s := boot(t, w, spec("web"))
		if st, err := s.Wait(t.Context(), "web", Backoff); err != nil || st.State != Backoff {
			t.Errorf("%+v %v", st, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if st, err := s.Wait(ctx, "web", Fatal); !errors.Is(err, ErrTimeout) || st.Name != "web" || !strings.HasPrefix(err.Error(), "cannot wait for web to be fatal: it is ") {
			t.Errorf("%+v %v", st, err)
		}
		gone := make(chan error, 1)
		go func() {
			_, err := s.Wait(t.Context(), "web", Fatal)
			gone <- err
		}()
		synctest.Wait()
		s.Apply(t.Context(), nil)
		if err := <-gone; !errors.Is(err, ErrNotFound) {
			t.Errorf("waiting for what is removed: %v", err)
		}
	})
}

func TestEveryEventCarriesItsCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := boot(t, w, spec("web", func(s *Spec) { s.Care.RestartJitter = 0 }))
		ctx := WithCause(t.Context(), Cause{"uid 7", `(restart "web")`})
		last := s.Journal().Last()
		s.Restart(ctx, "web")
		w.child("web").rest()
		pass(time.Second)
		events, _ := s.Journal().Since(last, 0)
		var got []string
		for _, e := range events {
			who := e.Cause.Who
			if who == "" {
				who = "itself"
			}
			got = append(got, fmt.Sprintf("%s>%s %s", e.From, e.To, who))
		}
		want := "running>stopping uid 7, stopping>starting uid 7, starting>running uid 7, running>backoff itself, backoff>starting supervisord, starting>running supervisord"
		if strings.Join(got, ", ") != want {
			t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
		}
	})
}

func TestIdleDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := boot(t, w, hundred()...)
		last := s.Journal().Last()
		pass(24 * time.Hour)
		if s.Journal().Last() != last || w.total() != 100 {
			t.Error("something happened by itself")
		}
		for _, p := range s.processes() {
			if p.timer != nil && p.timer.Stop() {
				t.Errorf("%s: a timer runs", p.name)
			}
		}
		if st := state(t, s, "web-3"); st.Uptime() != 24*time.Hour {
			t.Errorf("uptime %v", st.Uptime())
		}
	})
}

// While a process is being removed nobody gives it a new life.
func TestARemovalIsNotOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("web", behaviour{stubborn: true})
		s := boot(t, w, spec("web"))
		removed := make(chan error, 1)
		go func() {
			r, err := s.Apply(t.Context(), nil)
			removed <- errors.Join(err, r.Err())
		}()
		pass(time.Second) // it ignores its stop signal
		for _, start := range []func(context.Context, ...string) (Report, error){s.Start, s.Restart} {
			if r, err := start(t.Context(), "web"); err != nil || !errors.Is(r[0].Err, ErrConflict) {
				t.Errorf("%v, %v; want a conflict", err, r)
			}
		}
		if err := <-removed; err != nil || w.count("web") != 1 {
			t.Errorf("%v after %d starts", err, w.count("web"))
		}
		end(t, s, w)
	})
}

// An operation that ends without an event ends the waiting for idleness too; before its end nothing is idle.
func TestTheEndOfAnOperationIsHeardByWhoWaitsForIdleness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Starter: newWorld(t)})
		s.changing.Add(1)
		if idle, _ := s.Idle(); idle {
			t.Error("idle while an operation is at work")
		}
		ended := false
		time.AfterFunc(time.Second, func() { ended = true; s.changed() })
		if _, err := s.WaitIdle(t.Context()); err != nil || !ended {
			t.Errorf("%v, the operation has ended: %v", err, ended)
		}
	})
}

// What a change was about to add when the supervisor began to close does not come in.
func TestNothingIsAddedToASupervisorThatCloses(t *testing.T) {
	w := newWorld(t)
	s := New(Options{Starter: w})
	s.closing.Store(true)
	if p := newProcess(s.host, nil, spec("web")); s.admit(p) || len(s.processes()) != 0 {
		t.Error("it was let in")
	}
}
