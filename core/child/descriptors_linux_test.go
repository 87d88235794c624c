package child

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestAPipeDoesNotTakeTheLastDescriptors: those are for commands. What was opened meanwhile is closed again.
func TestAPipeDoesNotTakeTheLastDescriptors(t *testing.T) {
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &before)
	var files []*os.File
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	top := uint64(0)
	for top < 64 { // of a limit above it 16 are kept
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
		top = uint64(f.Fd())
	}
	leave := func(n uint64) {
		t.Helper()
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: top + 1 + n, Max: before.Max}); err != nil {
			t.Fatal(err)
		}
	}
	leave(8)
	for range 100 { // many more than are left
		if r, w, err := pipe("x"); !errors.Is(err, unix.EMFILE) || r != nil || w != nil {
			t.Fatalf("with a few descriptors left: %v, %v, %v; want EMFILE", r, w, err)
		}
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatalf("what was left is taken: %v", err)
	}
	files = append(files, f)
	leave(40)
	r, w, err := pipe("x")
	if err != nil {
		t.Fatalf("with many left: %v", err)
	}
	r.Close()
	w.Close()
}
