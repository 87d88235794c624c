//go:build unix

package descriptors

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestTheLastDescriptorsAreKept takes what is not low, and finds that many more can still be opened.
func TestTheLastDescriptorsAreKept(t *testing.T) {
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	const most = 80
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: most, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &before)
	var files []*os.File
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	open := func() (uintptr, bool) {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return 0, false
		}
		files = append(files, f)
		return f.Fd(), true
	}
	low, veryLow := 0, 0
	for fd, ok := open(); ok; fd, ok = open() {
		if Low(fd) {
			low++
		}
		if VeryLow(fd) {
			veryLow++
			if !Low(fd) {
				t.Errorf("%d is very low and not low", fd)
			}
		}
	}
	if low != reserve || veryLow != reserve/2 {
		t.Errorf("%d and %d of %d descriptors were low and very low, want %d and %d", low, veryLow, most, reserve, reserve/2)
	}
	if kept(40) != 10 || kept(1<<20) != reserve {
		t.Error("a small limit keeps too many, or a large one too few")
	}
}
