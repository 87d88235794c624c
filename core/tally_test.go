package core

import (
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qjpcpu/supervisord/core/child"
)

// TestEveryExitIsCounted: by code and by signal, over restarts, stops and tries that became no process; none is forgotten
// when somebody asks for a start.
func TestEveryExitIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("flaky", behaviour{exitAfter: time.Second, code: 3})
		w.program("missing", behaviour{err: errMissing})
		s := boot(t, w,
			spec("web"),
			spec("flaky", func(s *Spec) { s.Care.MaxRestarts, s.Care.RestartWindow = 4, 0 }),
			spec("missing", func(s *Spec) { s.Care.Restart = Never }))
		if _, err := s.Wait(t.Context(), "flaky", Fatal); err != nil {
			t.Fatal(err)
		}
		w.program("flaky", behaviour{})
		for _, ask := range []func() (Report, error){
			func() (Report, error) { return s.Start(t.Context(), "flaky") },
			func() (Report, error) { return s.Stop(t.Context(), "flaky") },
		} {
			if r, err := ask(); err != nil || r.Err() != nil {
				t.Fatal(err, r.Err())
			}
		}
		got, err := s.Tally("flaky")
		if err != nil || got.Restarts != 4 || got.FailedLaunches != 0 || !maps.Equal(got.Exits, map[string]uint64{"3": 5, "TERM": 1}) {
			t.Errorf("flaky: %+v, %v", got, err)
		}
		if got, _ := s.Tally("missing"); got.FailedLaunches != 1 || got.Exits != nil {
			t.Errorf("missing: %+v", got)
		}
		if got, _ := s.Tally("web"); got.Restarts != 0 || got.Exits != nil || got.Stdout != nil {
			t.Errorf("web: %+v", got)
		}
		if _, err := s.Tally("nobody"); !errors.Is(err, ErrNotFound) {
			t.Errorf("nobody: %v", err)
		}
	})
}

func TestEndsBeyondTheMostAreCountedTogether(t *testing.T) {
	var all tally
	for code := range 200 {
		all.ended(child.Exit{Code: code})
		all.ended(child.Exit{Code: code})
	}
	got := all.read().Exits
	if len(got) != mostEnds+1 || got["0"] != 2 || got["31"] != 2 || got[OtherEnds] != 2*(200-mostEnds) {
		t.Errorf("got %v", got)
	}
}

// TestLagCountsHowLongTheLoopWasWaitedFor: in virtual time nobody waits, but everything is counted.
func TestLagCountsHowLongTheLoopWasWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := boot(t, w, spec("web"))
		if _, err := s.Restart(t.Context(), "web"); err != nil {
			t.Fatal(err)
		}
		got := s.Lag()
		if len(got.Counts) != len(got.Bounds)+1 || got.Counts[0] == 0 || got.Sum != 0 {
			t.Errorf("got %+v", got)
		}
	})
	var l lag
	for _, d := range []time.Duration{-time.Second, 0, time.Millisecond, 2 * time.Millisecond, time.Minute} {
		l.note(d)
	}
	got := l.read()
	if got.Counts[0] != 3 || got.Counts[1] != 1 || got.Counts[len(got.Counts)-1] != 1 || got.Sum != time.Minute+3*time.Millisecond {
		t.Errorf("got %+v", got)
	}
}
