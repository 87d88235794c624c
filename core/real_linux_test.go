package core

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// exclusive holds a lock with all of its tree, and tells when somebody else holds it.
func exclusive(lock string) {
	file, err := os.OpenFile(lock, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		_ = os.WriteFile(lock+".double", []byte(err.Error()), 0o600)
		os.Exit(98)
	}
	for range 3 {
		attr := &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2, file.Fd()}, Sys: &syscall.SysProcAttr{Setsid: true}}
		if _, err := syscall.ForkExec("/bin/sleep", []string{"sleep", "1000"}, attr); err != nil {
			os.Exit(97)
		}
	}
	_ = os.WriteFile(lock+".ready", nil, 0o600)
	block()
}

// Eight people start, stop and restart one process as they like: there are never two lives of it, not even of its
// descendants, and the last word holds.
func TestRealStormNeverHasTwoLives(t *testing.T) {
	turns := 8
	if os.Getenv("SUPERVISORD_FULL") != "" {
		turns = 25
	}
	lock := filepath.Join(t.TempDir(), "lock")
	s := real(t, does("exclusive "+lock, func(s *Spec) { s.Name = "one"; s.Care.StopWait, s.Care.StartGrace = time.Second, 30*time.Millisecond }))
	free := func() bool {
		file, err := os.OpenFile(lock, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
	}
	var all sync.WaitGroup
	for client := range 8 {
		all.Go(func() {
			for turn := range turns {
				ask := []func(context.Context, ...string) (Report, error){s.Start, s.Stop, s.Restart}[(client*7+turn*5+turn*turn)%3]
				if _, err := ask(t.Context(), "one"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if r, err := s.Stop(t.Context(), "one"); err != nil || r.Err() != nil {
		t.Fatal(err, r.Err())
	}
	for range 3 {
		_ = os.Remove(lock + ".ready")
		if r, err := s.Start(t.Context(), "one"); err != nil || r.Err() != nil || state(t, s, "one").State != Running {
			t.Errorf("start: %v %v, it is %s", err, r.Err(), state(t, s, "one").State)
		}
		ready := func() bool { _, err := os.Stat(lock + ".ready"); return err == nil }
		for deadline := time.Now().Add(20 * time.Second); !ready(); runtime.Gosched() {
			if time.Now().After(deadline) {
				t.Fatal("it does not take its lock")
			}
		}
		if r, err := s.Stop(t.Context(), "one"); err != nil || r.Err() != nil || state(t, s, "one").State != Stopped {
			t.Errorf("stop: %v %v, it is %s", err, r.Err(), state(t, s, "one").State)
		}
		if !free() {
			t.Error("something of it is left after a stop")
		}
	}
	if text, err := os.ReadFile(lock + ".double"); err == nil {
		t.Errorf("two lives met: %s", text)
	}
}
