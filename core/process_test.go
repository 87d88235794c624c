package core

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestStopDuringBackoffIsImmediate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("web", behaviour{exitAfter: time.Second, code: 1})
		s := boot(t, w, spec("web", func(s *Spec) { s.Care.RestartDelay = 30 * time.Second }))
		pass(2 * time.Second)
		if st := state(t, s, "web"); st.State != Backoff || !st.Want || st.Reason != "exit code 1" || st.NextTry.IsZero() {
			t.Fatalf("before the stop: %+v", st)
		}
		begun := time.Now()
		r, err := s.Stop(t.Context(), "web")
		if err != nil || r.Err() != nil || r[0].Did != "stopped" || time.Since(begun) != 0 {
			t.Fatalf("stop: %+v %v after %v", r, err, time.Since(begun))
		}
		pass(time.Hour)
		if w.count("web") != 1 {
			t.Errorf("started %d times", w.count("web"))
		}
	})
}

// A hung exec holds up nobody else, and the stop completes when exec is released.
func TestHungExecBlocksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		release := make(chan struct{})
		w.program("nfs", behaviour{hang: release})
		s := boot(t, w, spec("nfs", func(s *Spec) { s.Care.Autostart = false }), spec("web", func(s *Spec) { s.Care.Autostart = false }))
		begun := time.Now()
		started := make(chan Report, 1)
		go func() {
			r, _ := s.Start(t.Context(), "nfs")
			started <- r
		}()
		synctest.Wait()
		if r, err := s.Start(t.Context(), "web"); err != nil || r.Err() != nil || time.Since(begun) != 0 {
			t.Fatalf("start of another: %v %v after %v", r, err, time.Since(begun))
		}
		if st := state(t, s, "nfs"); st.State != Starting || st.PID != 0 {
			t.Errorf("hung: %+v", st)
		}
		if err := (<-started).Err(); !errors.Is(err, ErrTimeout) || !strings.Contains(err.Error(), "exec has not returned") {
			t.Errorf("the start says %v", err)
		}
		if st := state(t, s, "nfs"); st.State != Starting || st.Reason != "exec has not returned for 10s (its disk does not answer, or it was stopped; a stop gives it up)" {
			t.Errorf("after %v: %+v", time.Since(begun), st)
		}
		stopped := make(chan Report, 1)
		go func() {
			r, _ := s.Stop(t.Context(), "nfs")
			stopped <- r
		}()
		synctest.Wait()
		close(release)
		r := <-stopped
		if r.Err() != nil || r[0].State != Stopped || w.count("nfs") != 1 {
			t.Errorf("stop: %+v, started %d times", r, w.count("nfs"))
		}
	})
}

// What was stopped before its exec is given up when a stop has waited long enough: no stop waits for ever, and nothing is left.
func TestLaunchThatIsHaltedIsGivenUpByAStop(t *testing.T) {
	for how, c := range map[string]struct {
		stop func(context.Context, *Supervisor) (Report, error)
		want time.Duration
	}{
		"stop":         {func(ctx context.Context, s *Supervisor) (Report, error) { return s.Stop(ctx, "web") }, 7 * time.Second},
		"shutdown":     {func(ctx context.Context, s *Supervisor) (Report, error) { return s.Close(ctx, false) }, 7 * time.Second},
		"shutdown now": {func(ctx context.Context, s *Supervisor) (Report, error) { return s.Close(ctx, true) }, 0},
	} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.program("web", behaviour{halted: true})
				s := boot(t, w, spec("web", func(s *Spec) { s.Care.StopWait = 7 * time.Second }))
				pass(time.Minute)
				if st := state(t, s, "web"); st.State != Starting || !strings.HasPrefix(st.Reason, "exec has not returned for 1m") {
					t.Fatalf("before the stop: %+v", st)
				}
				begun := time.Now()
				r, err := c.stop(t.Context(), s)
				if err != nil || r.Err() != nil || r[0].State != Stopped || time.Since(begun) != c.want {
					t.Errorf("%+v %v after %v, want it done after %v", r, err, time.Since(begun), c.want)
				}
				events, _ := s.Journal().Since(0, 0)
				told := slices.ContainsFunc(events, func(e Event) bool { return e.Note == "exec has not returned; given up" })
				if !told || w.alive() != 0 || w.count("web") != 1 {
					t.Errorf("told %v, %d alive, started %d times: %+v", told, w.alive(), w.count("web"), events)
				}
			})
		})
	}
}

// A restart of it begins another launch, which can be given up as well.
func TestLaunchThatIsHaltedIsLaunchedAgainByARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("web", behaviour{halted: true})
		s := boot(t, w, spec("web", func(s *Spec) { s.Care.StopWait = time.Second }))
		pass(time.Minute)
		w.program("web", behaviour{})
		if r, err := s.Restart(t.Context(), "web"); err != nil || r.Err() != nil || w.count("web") != 2 {
			t.Errorf("restart: %+v %v, started %d times", r, err, w.count("web"))
		}
	})
}

// Storms from many clients end with what was accepted last, and never with two lives at once.
func TestStormLeavesOneLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("web", behaviour{stopTakes: 3 * time.Millisecond, lingers: time.Millisecond})
		s := boot(t, w, spec("web", func(s *Spec) { s.Care.StartGrace = time.Millisecond }))
		var clients sync.WaitGroup
		for c := range 8 {
			clients.Go(func() {
				rng := rand.New(rand.NewPCG(1, uint64(c)))
				for range 200 {
					pass(time.Duration(rng.IntN(5)) * time.Millisecond)
					var err error
					switch rng.IntN(3) {
					case 0:
						_, err = s.Start(t.Context(), "web")
					case 1:
						_, err = s.Stop(t.Context(), "web")
					case 2:
						_, err = s.Restart(t.Context(), "web")
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		clients.Wait()
		if r, _ := s.Stop(t.Context()); r.Err() != nil || w.alive() != 0 {
			t.Errorf("last stop: %v, %d alive", r.Err(), w.alive())
		}
		if r, _ := s.Start(t.Context()); r.Err() != nil || w.alive() != 1 {
			t.Errorf("last start: %v, %d alive", r.Err(), w.alive())
		}
	})
}

func TestStubbornChildIsKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("web", behaviour{stubborn: true})
		s := boot(t, w, spec("web", func(s *Spec) { s.Care.StopWait = time.Second }))
		begun := time.Now()
		r, _ := s.Stop(t.Context(), "web")
		if r.Err() != nil || time.Since(begun) != time.Second {
			t.Errorf("stop: %v after %v", r.Err(), time.Since(begun))
		}
		st := state(t, s, "web")
		if st.Exit == nil || st.Exit.Signal != 9 || st.Reason != "had to be killed" || st.PID != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// What KILL cannot end stays stopping, with the reason; whoever waits is told, and it is killed again.
func TestUnkillableIsSaidAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("nfs", behaviour{stubborn: true, undead: true})
		s := boot(t, w, spec("nfs", func(s *Spec) { s.Care.StopWait, s.Care.KillWait = time.Second, 2*time.Second }), spec("web"))
		begun := time.Now()
		r, err := s.Stop(t.Context(), "nfs")
		if err != nil || !errors.Is(r.Err(), ErrFailed) || r.Err().Error() != "cannot stop nfs: unkillable: 1 left, state D in nfs_wait" {
			t.Errorf("stop says %v, %v", r.Err(), err)
		}
		if d := time.Since(begun); d != 3*time.Second {
			t.Errorf("after %v, want stop_wait and kill_wait", d)
		}
		if st := state(t, s, "nfs"); st.State != Stopping || !strings.HasPrefix(st.Reason, "unkillable") {
			t.Errorf("%+v", st)
		}
		if r, _ := s.Restart(t.Context(), "nfs"); r.Err() == nil || w.count("nfs") != 1 {
			t.Errorf("restart of what cannot be ended: %v, started %d times", r.Err(), w.count("nfs"))
		}
		if r, _ := s.Stop(t.Context(), "web"); r.Err() != nil {
			t.Error(r.Err())
		}
		pass(10 * time.Second)
		if n := w.child("nfs").killed(); n < 4 {
			t.Errorf("killed %d times in 10s", n)
		}
		if r, _ := s.Stop(t.Context(), "nfs"); r.Err() == nil {
			t.Error("a later stop says that it is done")
		}
		w.child("nfs").rest()
		synctest.Wait()
		if st := state(t, s, "nfs"); st.State != Stopped {
			t.Errorf("after its end: %+v", st)
		}
	})
}

// With the clock: what the machine decides is what happens.
func TestDelaysGrowAndStartResetsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("web", behaviour{exitAfter: time.Millisecond, code: 1})
		s := boot(t, w, spec("web", func(s *Spec) { s.Care.RestartJitter = 0; s.Care.MaxRestarts = 5 }))
		if st, err := s.Wait(t.Context(), "web", Fatal); err != nil || st.Restarts != 5 || st.Reason != "exit code 1; gave up after 5 restarts within 60s" || !st.Want {
			t.Fatalf("%+v %v", st, err)
		}
		at := w.times("web")
		for i, want := 1, 10*time.Millisecond; i < len(at); i, want = i+1, 2*want {
			if gap := at[i] - at[i-1]; gap != want+time.Millisecond {
				t.Errorf("gap %d is %v, want %v", i, gap, want+time.Millisecond)
			}
		}
		r, _ := s.Start(t.Context(), "web")
		if r.Err() != nil || r[0].Did != "started" {
			t.Errorf("start after fatal: %+v", r)
		}
		if _, err := s.Wait(t.Context(), "web", Fatal); err != nil || w.count("web") != 12 {
			t.Errorf("after the start it was tried %d times in all, want 12 (%v)", w.count("web"), err)
		}
		if r, _ := s.Reset(t.Context(), "web"); r.Err() != nil {
			t.Error(r.Err())
		}
		if _, err := s.Wait(t.Context(), "web", Fatal); err != nil || w.count("web") != 18 {
			t.Errorf("after the reset it was tried %d times in all, want 18 (%v)", w.count("web"), err)
		}
	})
}

func TestDelayOfZeroRestartsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := boot(t, w, spec("web", func(s *Spec) { s.Care.RestartDelay = 0 }))
		begun := time.Now()
		w.child("web").rest()
		synctest.Wait()
		if st := state(t, s, "web"); st.State != Running || st.Restarts != 1 || time.Since(begun) != 0 {
			t.Errorf("%+v after %v", st, time.Since(begun))
		}
	})
}

func TestStartSaysWhyItFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("missing", behaviour{err: errMissing})
		w.program("tight", behaviour{err: errors.New("resource temporarily unavailable"), temporary: true})
		w.program("weak", behaviour{exitAfter: time.Second, code: 3})
		w.program("oneshot", behaviour{exitAfter: time.Second})
		w.program("hasty", behaviour{exitAfter: 1, code: 1})
		off := func(s *Spec) { s.Care.Autostart = false }
		grace := func(s *Spec) { s.Care.StartGrace = 2 * time.Second }
		s := boot(t, w, spec("missing", off), spec("tight", off), spec("weak", off, grace), spec("oneshot", off, grace), spec("hasty", off), spec("steady", off, grace))
		r, err := s.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		byName := map[string]Outcome{}
		for _, o := range r {
			byName[o.Name] = o
		}
		for name, want := range map[string]struct {
			did   string
			state State
			kind  error
			text  string
		}{
			"missing": {"failed", Fatal, ErrSpawn, "no such file"},
			"tight":   {"failed", Backoff, ErrSpawn, "temporarily"},
			"weak":    {"failed", Backoff, ErrFailed, "cannot start weak: exit code 3"},
			"oneshot": {"exited", Exited, nil, ""},
			"hasty":   {"started", Running, nil, ""}, // start_secs 0: exec was the start
			"steady":  {"started", Running, nil, ""},
		} {
			o := byName[name]
			if o.Did != want.did || o.State != want.state || !errors.Is(o.Err, want.kind) || o.Err != nil && !strings.Contains(o.Err.Error(), want.text) {
				t.Errorf("%s: %+v, want %+v", name, o, want)
			}
		}
		if errors.Is(byName["weak"].Err, ErrSpawn) {
			t.Error("an exit counts as a failed launch")
		}
		if err := r.Err(); !errors.Is(err, ErrFailed) || strings.Contains(err.Error(), "steady") {
			t.Errorf("the report says %v", err)
		}
	})
}

func TestWishesAreIdempotent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := boot(t, w, spec("web"))
		ask := func(f func(context.Context, ...string) (Report, error), want string, starts int) {
			t.Helper()
			r, err := f(t.Context(), "web")
			if err != nil || r.Err() != nil || r[0].Did != want || w.count("web") != starts {
				t.Errorf("%+v %v, started %d times; want %q and %d", r, err, w.count("web"), want, starts)
			}
		}
		ask(s.Start, "already running", 1)
		ask(s.Stop, "stopped", 1)
		ask(s.Stop, "already stopped", 1)
		ask(s.OmitExitCode, "not running", 1)
		ask(s.Restart, "started", 2)
		ask(s.Restart, "restarted", 3)
		ask(s.OmitExitCode, "marked", 3)
		ask(s.Reset, "reset", 3)
		w.child("web").rest()
		synctest.Wait()
		if st := state(t, s, "web"); st.State != Exited || st.Want {
			t.Errorf("a marked life ended as %+v", st)
		}
	})
}

func TestLaterWishWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("web", behaviour{stopTakes: time.Second})
		s := boot(t, w, spec("web", func(s *Spec) { s.Care.StartGrace = time.Second }))
		background := func(f func(context.Context, ...string) (Report, error)) <-chan Report {
			c := make(chan Report, 1)
			go func() {
				r, err := f(t.Context(), "web")
				if err != nil {
					t.Error(err)
				}
				c <- r
			}()
			synctest.Wait()
			return c
		}
		stop := background(s.Stop)
		restart := background(s.Restart) // restart while stopping
		if r := <-stop; !errors.Is(r.Err(), ErrSuperseded) || !errors.Is(r.Err(), ErrConflict) {
			t.Errorf("stop, overtaken by restart: %v", r.Err())
		}
		start := background(s.Start)
		if r := <-restart; r.Err() != nil || r[0].State != Running || r[0].Did != "restarted" {
			t.Errorf("restart: %+v", r)
		}
		if r := <-start; r.Err() != nil || r[0].PID == 0 {
			t.Errorf("start: %+v", r)
		}
		if w.count("web") != 2 {
			t.Errorf("started %d times", w.count("web"))
		}
		restart = background(s.Restart)
		stop = background(s.Stop)
		if r := <-restart; !errors.Is(r.Err(), ErrSuperseded) {
			t.Errorf("restart, overtaken by stop: %v", r.Err())
		}
		if r := <-stop; r.Err() != nil {
			t.Error(r.Err())
		}
	})
}

func TestImpatientCallerLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("web", behaviour{stopTakes: 5 * time.Second})
		s := boot(t, w, spec("web"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r, err := s.Stop(ctx, "web")
		if !errors.Is(err, ErrTimeout) || len(r) != 1 || r[0].State != Stopping {
			t.Errorf("%+v %v", r, err)
		}
		pass(5 * time.Second)
		if st := state(t, s, "web"); st.State != Stopped {
			t.Errorf("the stop did not go on: %+v", st)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Start(gone, "web"); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		synctest.Wait()
	})
}

// The end of a life is the end of its tree: no new life, and no answer to a stop, before.
func TestStopMeansGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("web", behaviour{lingers: 4 * time.Second})
		s := boot(t, w, spec("web"))
		begun := time.Now()
		if r, _ := s.Restart(t.Context(), "web"); r.Err() != nil || time.Since(begun) != 4*time.Second {
			t.Errorf("restart: %v after %v", r.Err(), time.Since(begun))
		}
		w.child("web").rest()
		synctest.Wait()
		if st := state(t, s, "web"); st.State != Running || !strings.Contains(st.Reason, "not ended yet") {
			t.Errorf("leader ended: %+v", st)
		}
		begun = time.Now()
		if r, _ := s.Stop(t.Context(), "web"); r.Err() != nil || time.Since(begun) != 4*time.Second {
			t.Errorf("stop: %v after %v", r.Err(), time.Since(begun))
		}
	})
}

func TestLeaderThatDiesInItsGraceWasNoStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("web", behaviour{exitAfter: time.Second, code: 1, lingers: 5 * time.Second})
		s := boot(t, w, spec("web", func(s *Spec) { s.Care.StartGrace, s.Care.Autostart = 2*time.Second, false }))
		if r, _ := s.Start(t.Context(), "web"); r.Err() == nil || r[0].State != Backoff {
			t.Errorf("%+v", r)
		}
	})
}

func TestSignalReachesOnlyARunningProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := boot(t, w, spec("web"))
		if err := s.Signal(t.Context(), "web", 10); err != nil || w.child("web").sigs[0] != 10 {
			t.Errorf("%v, got %v", err, w.child("web").sigs)
		}
		s.Stop(t.Context())
		if err := s.Signal(t.Context(), "web", 10); !errors.Is(err, ErrConflict) {
			t.Errorf("signal to a stopped process: %v", err)
		}
		if err := s.Signal(t.Context(), "wbe", 10); !errors.Is(err, ErrNotFound) || err.Error() != "cannot signal wbe: no such process (did you mean web?)" {
			t.Errorf("signal to nobody: %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("web", behaviour{exitAfter: time.Second, lingers: time.Minute})
		s := boot(t, w, spec("web"))
		pass(2 * time.Second)
		if err := s.Signal(t.Context(), "web", 10); !errors.Is(err, ErrConflict) || err.Error() != "cannot signal web: its leader has ended" {
			t.Errorf("signal to one whose tree is left: %v", err)
		}
	})
}
