package config

import (
	"os"
	"path/filepath"
	"testing"
)

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
