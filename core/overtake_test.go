package core

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestAProgramInTheBackgroundIsToldOf: what puts itself into the background has exited, and what was ended with it is in its status
// and in its journal; a stop that ends a tree is none of that.
func TestAProgramInTheBackgroundIsToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("web", behaviour{exitAfter: time.Second, leaves: 3})
		w.program("db", behaviour{leaves: 3})
		s := boot(t, w, spec("web"), spec("db"))
		pass(time.Minute)
		const want = "exit code 0; 3 processes that it left were ended (a program must stay in the foreground)"
		if st := state(t, s, "web"); st.State != Exited || st.Reason != want || st.Want {
			t.Errorf("%+v", st)
		}
		events, _ := s.Journal().Since(0, 0)
		if last := events[len(events)-1]; last.Name != "web" || last.Note != want {
			t.Errorf("%+v", last)
		}
		if r, err := s.Stop(t.Context(), "db"); err != nil || r.Err() != nil || state(t, s, "db").Reason != "" {
			t.Errorf("%+v %v, then %+v", r, err, state(t, s, "db"))
		}
	})
}

// Who stops a process while a reload renews it wants it down; the reload must not start it again behind his back.
func TestStopDuringAReloadIsNotUndoneByIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("slow", behaviour{stopTakes: 5 * time.Second})
		w.program("web", behaviour{stopTakes: time.Second})
		specs := []Spec{spec("slow"), spec("web"), spec("db")}
		s := boot(t, w, specs...)
		done := make(chan Report, 1)
		want := []Spec{specs[0], specs[1], specs[2]}
		for i := range want {
			want[i].Launch.Args = []string{"-v"}
		}
		go func() {
			r, err := s.Apply(t.Context(), want)
			if err != nil {
				t.Error(err)
			}
			done <- r
		}()
		pass(2 * time.Second) // web is down and will be started when slow is
		if r, err := s.Stop(t.Context(), "web"); err != nil || r.Err() != nil {
			t.Error(err, r.Err())
		}
		if r := <-done; r.Err() != nil || r[1].Did != "renewed" || r[1].State != Stopped {
			t.Errorf("%+v", r)
		}
		synctest.Wait()
		for name, up := range map[string]bool{"slow": true, "web": false, "db": true} {
			if st := state(t, s, name); st.Want != up || (st.State == Running) != up {
				t.Errorf("%+v", st)
			}
		}
		if r, _ := s.Start(t.Context(), "web"); r.Err() != nil || w.commands["web"].Args[0] != "-v" {
			t.Errorf("%+v", r)
		}
	})
}

// A stop that was configured to be patient for an hour can be hurried by a reload.
func TestShorterWaitsHoldForTheStopUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("web", behaviour{stubborn: true})
		patient := spec("web", func(s *Spec) { s.Care.StopWait = time.Hour })
		s := boot(t, w, patient)
		begun := time.Now()
		done := make(chan error, 1)
		go func() {
			r, err := s.Stop(t.Context(), "web")
			if err == nil {
				err = r.Err()
			}
			done <- err
		}()
		pass(time.Minute)
		hasty := patient
		hasty.Care.StopWait = 2 * time.Second
		if r, err := s.Apply(t.Context(), []Spec{hasty}); err != nil || r.Err() != nil || r[0].Did != "tuned" {
			t.Fatal(err, r)
		}
		if err := <-done; err != nil || time.Since(begun) != time.Minute+2*time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}

func TestUnkillableFillsNoJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("nfs", behaviour{stubborn: true, undead: true})
		s := boot(t, w, spec("nfs", func(s *Spec) { s.Care.StopWait, s.Care.KillWait = time.Second, 0 }))
		s.Stop(t.Context(), "nfs")
		before := s.Journal().Last()
		pass(time.Hour)
		if n := s.Journal().Last() - before; n > 2 {
			t.Errorf("%d events in an hour", n)
		}
		if n := w.child("nfs").killed(); n < 1000 {
			t.Errorf("killed %d times", n)
		}
		w.child("nfs").rest()
	})
}

// A leader that ended within its grace is never called running, however long its tree takes to go.
func TestDeadLeaderIsNotCalledRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("web", behaviour{exitAfter: time.Second, code: 1, lingers: time.Minute})
		s := New(Options{Starter: w})
		r, err := s.Apply(t.Context(), []Spec{spec("web", func(s *Spec) { s.Care.StartGrace = 5 * time.Second })})
		if err != nil || r.Err() == nil || r.Err().Error() != "cannot start web: exit code 1; the rest of it has not ended yet" {
			t.Errorf("%v, %v", err, r)
		}
		for range 50 {
			pass(time.Second)
			if st := state(t, s, "web"); st.State == Running {
				t.Fatalf("%+v", st)
			}
		}
		end(t, s, w)
	})
}

// A system that cannot fork (no processes, no memory left) is not asked thousands of times a second, also with a delay of zero.
func TestFailingForkIsNotRepeatedWithoutAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("web", behaviour{err: errors.New("resource temporarily unavailable"), temporary: true})
		s := New(Options{Starter: w})
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.Apply(t.Context(), []Spec{spec("web", func(s *Spec) { s.Care.RestartDelay, s.Care.RestartDelayMax = 0, 0 })})
		}()
		pass(time.Second)
		<-done
		if n := w.count("web"); n < 5 || n > 12 {
			t.Errorf("%d tries in a second", n)
		}
		end(t, s, w)
	})
}
