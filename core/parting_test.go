package core

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestAStopCommandRunsAfterTheSignalAndEndsWithTheProcess: the program ignores the signal and heeds the command, or neither;
// the command ends by itself, or hangs, or cannot be started.
func TestAStopCommandRunsAfterTheSignalAndEndsWithTheProcess(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			name    string
			command behaviour
			heeds   time.Duration // 0: the program does not
			takes   time.Duration
			note    string // "" = none
		}{
			{"heeded", behaviour{exitAfter: time.Second}, 2 * time.Second, 2 * time.Second, ""},
			{"hangs", behaviour{}, 2 * time.Second, 2 * time.Second, "stop_command: signal KILL"},
			{"fails", behaviour{exitAfter: time.Second, code: 3}, 0, 10 * time.Second, "stop_command: exit code 3"},
			{"missing", behaviour{err: errMissing}, 0, 10 * time.Second, "stop_command: exec /bin/bye: no such file or directory"},
		} {
			w := newWorld(t)
			w.program("web", behaviour{stubborn: true})
			w.program("web+stop", c.command)
			s := boot(t, w, spec("web", func(s *Spec) {
				s.Care.StopCommand = []string{"/bin/bye", "now"}
				s.Launch.Dir, s.Launch.Env = folder, map[string]string{"A": "b"}
			}))
			pid := state(t, s, "web").PID
			if c.heeds > 0 {
				program := w.child("web")
				time.AfterFunc(c.heeds, program.rest)
			}
			begun := time.Now()
			if r, err := s.Stop(t.Context(), "web"); err != nil || r.Err() != nil || time.Since(begun) != c.takes {
				t.Errorf("%s: %v %v after %v", c.name, r, err, time.Since(begun))
			}
			if n := w.alive(); n != 0 {
				t.Errorf("%s: stopped, and %d are left", c.name, n)
			}
			ran := w.commands["web+stop"]
			if ran.Path != "/bin/bye" || !slices.Equal(ran.Args, []string{"now"}) || ran.Dir != folder ||
				!slices.Contains(ran.Env, "A=b") || !slices.Contains(ran.Env, PIDKey+"="+strconv.Itoa(pid)) {
				t.Errorf("%s: ran %+v", c.name, ran)
			}
			events, _ := s.Journal().Since(0, 1000)
			var notes []string
			for _, e := range events {
				if strings.HasPrefix(e.Note, "stop_command: ") {
					notes = append(notes, e.Note)
				}
			}
			if got := strings.Join(notes, ", "); got != c.note {
				t.Errorf("%s: noted %q, want %q", c.name, got, c.note)
			}
			end(t, s, w)
		}
	})
}

// TestAStopCommandBelongsToOneLife: a restart waits for its end.
func TestAStopCommandBelongsToOneLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := boot(t, w, spec("web", func(s *Spec) { s.Care.StopCommand = []string{"/bin/bye"} }))
		for range 3 {
			if r, err := s.Restart(t.Context(), "web"); err != nil || r.Err() != nil {
				t.Fatalf("%v %v", r, err)
			}
		}
		if n, m := w.count("web"), w.count("web+stop"); n != 4 || m != 3 || w.alive() != 1 {
			t.Errorf("started %d times, the command %d times, %d alive", n, m, w.alive())
		}
	})
}

// TestAStopCommandIsNotAimedAtADeadLeader: its number may be somebody else's by now.
func TestAStopCommandIsNotAimedAtADeadLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.program("web", behaviour{exitAfter: time.Second, lingers: time.Minute})
		s := boot(t, w, spec("web", func(s *Spec) { s.Care.StopCommand = []string{"/bin/bye"} }))
		pass(2 * time.Second) // the leader has ended, the rest of its tree has not
		if r, err := s.Stop(t.Context(), "web"); err != nil || r.Err() != nil {
			t.Fatalf("%v %v", r, err)
		}
		if n := w.count("web+stop"); n != 0 {
			t.Errorf("stop_command ran %d times for a leader that is dead", n)
		}
		events, _ := s.Journal().Since(0, 0)
		for _, e := range events {
			if strings.Contains(e.Note, "cannot") {
				t.Errorf("noted %q: what is left of its tree was signalled", e.Note)
			}
		}
		end(t, s, w)
	})
}
