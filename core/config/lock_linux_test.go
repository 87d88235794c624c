package config

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestWhatAKilledDaemonHadForkedKeepsNobodyFromStarting: its lock is open in what it had just forked, until that has become another
// program or has ended. The next daemon waits for that, and not for a daemon that lives.
func TestWhatAKilledDaemonHadForkedKeepsNobodyFromStarting(t *testing.T) {
	place := Place{Lock: filepath.Join(t.TempDir(), "lock")}
	killed := exec.Command("/bin/true")
	if err := killed.Run(); err != nil {
		t.Fatal(err)
	}
	lock, err := place.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.SetPID(killed.Process.Pid); err != nil {
		t.Fatal(err)
	}
	forked := exec.Command("/bin/sleep", "0.3")
	forked.ExtraFiles = []*os.File{lock.file}
	if err := forked.Start(); err != nil {
		t.Fatal(err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(place.Lock, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if inherit(file, time.Millisecond) {
		t.Error("the lock was free at once")
	}
	next, err := place.Acquire()
	if err != nil {
		t.Fatalf("the next daemon is refused: %v", err)
	}
	if pid := place.Holder(); pid != os.Getpid() {
		t.Errorf("the lock is held by %d", pid)
	}
	next.Close()
	if err := forked.Wait(); err != nil {
		t.Error(err)
	}
}

// TestTheLockOfAFileThatWasReplacedIsNone: who has waited for the lock of a file, and meanwhile another daemon has that of a new
// file by the name, is no daemon.
func TestTheLockOfAFileThatWasReplacedIsNone(t *testing.T) {
	place := Place{Lock: filepath.Join(t.TempDir(), "lock")}
	ended := exec.Command("/bin/true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	first, err := place.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if err := first.SetPID(ended.Process.Pid); err != nil { // so that one waits for its end
		t.Fatal(err)
	}
	info, err := first.file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	refused := make(chan error)
	go func() {
		lock, err := place.Acquire()
		if err == nil {
			lock.Close()
		}
		refused <- err
	}()
	waiter := fmt.Sprintf(":%d ", info.Sys().(*syscall.Stat_t).Ino)
	for waits := false; !waits; { // the system says so in /proc/locks: man 5 proc
		select {
		case err := <-refused:
			t.Fatalf("it did not wait: %v", err)
		case <-time.After(time.Millisecond):
		}
		text, err := os.ReadFile("/proc/locks")
		if err != nil {
			t.Skipf("who waits for a lock is not told here: %v", err)
		}
		for line := range strings.Lines(string(text)) {
			waits = waits || strings.Contains(line, "-> ") && strings.Contains(line, waiter)
		}
	}
	if err := os.Remove(place.Lock); err != nil {
		t.Fatal(err)
	}
	second, err := place.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	first.Close()
	var held *HeldError
	if err := <-refused; !errors.As(err, &held) || held.PID != os.Getpid() {
		t.Errorf("got %v, want that pid %d has the lock", err, os.Getpid())
	}
}

// TestWhoLooksKeepsNoDaemonFromStarting: a command may ask for the holder at the very moment when a daemon takes the lock.
func TestWhoLooksKeepsNoDaemonFromStarting(t *testing.T) {
	place := Place{Lock: filepath.Join(t.TempDir(), "lock")}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				if pid := place.Holder(); pid != 0 && pid != os.Getpid() {
					t.Errorf("the lock is held by %d", pid)
				}
			}
		}
	}()
	for range 3000 {
		lock, err := place.Acquire()
		if err != nil {
			t.Error(err)
			break
		}
		if err := lock.Close(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	<-stopped
}
