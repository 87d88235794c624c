package logs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/windows"
)

const (
	anyName        = "+"   // a name cannot hold * or end in a point here
	ofTheGroup     = 0o666 // files have no modes
	directoryStays = true  // the directory of an open log cannot be moved
)

// removedStays: an open file that is removed keeps its name until it is closed, in Wine 8 and in Windows before 2018
// (FILE_DISPOSITION_POSIX_SEMANTICS).
var removedStays = func() bool {
	f, err := os.CreateTemp("", "removed")
	if err != nil {
		panic(err)
	}
	f.Close()
	if f, err = openToRead(f.Name()); err != nil {
		panic(err)
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		panic(err)
	}
	_, err = os.Lstat(f.Name())
	return err == nil
}()

var pipes atomic.Int64

// pipe makes a pipe as core/child makes them: the poller reads it, which it cannot with an anonymous one.
func pipe() (r, w *os.File, err error) {
	name, err := windows.UTF16PtrFromString(fmt.Sprintf(`\\.\pipe\logs-test-%d-%d`, os.Getpid(), pipes.Add(1)))
	if err != nil {
		return nil, nil, err
	}
	reader, err := windows.CreateNamedPipe(name, windows.PIPE_ACCESS_INBOUND|windows.FILE_FLAG_OVERLAPPED, 0, 1, 0, 1<<16, 0, nil)
	if err != nil {
		return nil, nil, err
	}
	writer, err := windows.CreateFile(name, windows.GENERIC_WRITE, 0, nil, windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		windows.CloseHandle(reader)
		return nil, nil, err
	}
	return os.NewFile(uintptr(reader), "pipe"), os.NewFile(uintptr(writer), "pipe"), nil
}

// TestAFileHasManySpellings: two processes that log to one file under two spellings share one writer of it, so it rotates as one
// and loses nothing.
func TestAFileHasManySpellings(t *testing.T) {
	dir := t.TempDir()
	set := newSet(t, Options{})
	path := filepath.Join(dir, "both.log")
	a := open(t, set, "a", Settings{Files: []string{path}, Size: 1000, Count: 100})
	b := open(t, set, "b", Settings{Files: []string{filepath.Join(strings.ToUpper(dir), "BOTH.log"), path}, Size: 1000, Count: 100})
	for i := range 200 {
		say(t, a, fmt.Sprintf("a %d\n", i))
		say(t, b, fmt.Sprintf("b %d\n", i))
	}
	count := map[string]int{}
	for _, name := range history(t, path) {
		for line := range strings.Lines(content(t, name)) {
			count[strings.TrimSpace(line)]++
		}
	}
	for i := range 200 {
		for _, who := range "ab" {
			if line := fmt.Sprintf("%c %d", who, i); count[line] != 1 {
				t.Errorf("%q stands there %d times", line, count[line])
			}
		}
	}
}

// openToRead opens a file in a way that does not keep it from being renamed.
func openToRead(path string) (*os.File, error) {
	return openPath(path, windows.GENERIC_READ, windows.OPEN_EXISTING, shareAll)
}
