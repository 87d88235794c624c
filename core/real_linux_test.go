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
	"unsafe"

	"golang.org/x/sys/unix"
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

// A pid file may lie on a disk that does not answer (here the kernel asks before it is opened, man 7 fanotify, and gets no answer):
// the end of a life waits for it, and the loop of the process does not.
func TestRealPIDFileThatHangsDoesNotHaltTheLoop(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root is asked by the kernel")
	}
	file := filepath.Join(t.TempDir(), "serve.pid")
	s := real(t, does("serve", func(s *Spec) { s.Launch.PIDFile = file }))
	asks, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK, unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		t.Skipf("no fanotify here: %v", err)
	}
	asking := os.NewFile(uintptr(asks), "fanotify")
	answered := sync.OnceFunc(func() { asking.Close() }) // its end lets everything through
	t.Cleanup(answered)
	if err := unix.FanotifyMark(asks, unix.FAN_MARK_ADD, unix.FAN_OPEN_PERM, unix.AT_FDCWD, file); err != nil {
		t.Skipf("the kernel does not ask before open: %v", err)
	}
	stopped := make(chan Report, 1)
	go func() {
		r, _ := s.Stop(context.Background(), "serve")
		stopped <- r
	}()
	question := make([]byte, 4096)
	if err := asking.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, err := asking.Read(question); err != nil || n == 0 {
		t.Fatalf("nobody opens the pid file: %v", err)
	}
	opened := (*unix.FanotifyEventMetadata)(unsafe.Pointer(&question[0]))
	defer unix.Close(int(opened.Fd))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := s.Responsive(ctx); err != nil {
		t.Error(err)
	}
	answered()
	if r := <-stopped; r.Err() != nil {
		t.Error(r.Err())
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the pid file is left")
	}
}
