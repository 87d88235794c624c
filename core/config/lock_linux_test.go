package config

import (
	"os"
	"os/exec"
	"path/filepath"
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
