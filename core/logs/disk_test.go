package logs

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestAFailingFileIsCountedAndAnnounced(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EIO, syscall.EDQUOT, syscall.EROFS, syscall.ENOSPC} {
		word := reason(errno)
		t.Run(word, func(t *testing.T) { failingFile(t, errno, word) })
	}
}

func failingFile(t *testing.T, errno error, word string) {
	path := filepath.Join(t.TempDir(), "a.log")
	var fail atomic.Pointer[error]
	var mu sync.Mutex
	var notices []Notice
	set := newSet(t, Options{Notice: func(n Notice) { mu.Lock(); notices = append(notices, n); mu.Unlock() }})
	set.wrap = func(string) func(io.Writer) io.Writer {
		return func(w io.Writer) io.Writer { return faulty{w: w, fail: &fail} }
	}
	s := open(t, set, "a", Settings{Files: []string{path}})
	say(t, s, "before\n")
	broken := error(&os.PathError{Op: "write", Path: path, Err: errno})
	fail.Store(&broken)
	say(t, s, "lost line 1\n")
	say(t, s, "lost line 2\n")
	if h := s.Health(); h.Degraded != word || h.Lost != 21 || h.String() != "degraded("+word+", lost=21)" {
		t.Errorf("health %+v", h)
	}
	fail.Store(nil)
	for s.Health().Degraded != "" { // tried once a second, only when something comes
		<-time.After(50 * time.Millisecond)
		say(t, s, ".\n")
	}
	say(t, s, "after\n")
	got := content(t, path)
	if !strings.HasPrefix(got, "before\nlos\n-- supervisord: lost ") || !strings.HasSuffix(got, "after\n") || strings.Count(got, "("+word+") --\n") != 1 {
		t.Errorf("file: %q", got)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(notices) != 2 || notices[0].Kind != Degraded || notices[1].Kind != Recovered || notices[1].Bytes != s.Health().Lost {
		t.Errorf("notices %v", notices)
	}
}

// An error that is the descriptor's and not the disk's (ESTALE after the server of a network file system came back) never
// goes away by itself: the path is opened again.
func TestAnErrorOfTheDescriptorEndsWithAnotherOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	var opened atomic.Int32
	set := newSet(t, Options{})
	set.wrap = func(string) func(io.Writer) io.Writer {
		return func(w io.Writer) io.Writer {
			if opened.Add(1) > 1 {
				return w
			}
			return writerFunc(func([]byte) (int, error) {
				return 0, &os.PathError{Op: "write", Path: path, Err: syscall.ESTALE}
			})
		}
	}
	s := open(t, set, "a", Settings{Files: []string{path}})
	say(t, s, "lost\n")
	for begin := time.Now(); s.Health().Degraded != ""; { // tried once a second, only when something comes
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("it was opened %d times and is still %s", opened.Load(), s.Health())
		}
		<-time.After(50 * time.Millisecond)
		say(t, s, ".\n")
	}
	say(t, s, "after\n")
	if got := content(t, path); !strings.HasSuffix(got, "after\n") || strings.Contains(got, "lost\n") {
		t.Errorf("got %q", got)
	}
}

func TestAMovedOrDeletedFileIsOpenedAnew(t *testing.T) {
	times := 0
	for name, move := range map[string]func(path string) error{
		"moved":   func(path string) error { times++; return os.Rename(path, fmt.Sprint(path, ".", times)) },
		"deleted": os.Remove,
		"with its directory": func(path string) error {
			return os.RemoveAll(filepath.Dir(path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "deleted" && removedStays {
				t.Skip("an open file that is removed keeps its name here") // Wine 8
			}
			if name == "with its directory" && directoryStays {
				t.Skip("a directory in use is not removed here")
			}
			path := filepath.Join(t.TempDir(), "sub", "a.log")
			var notices atomic.Int32
			set := newSet(t, Options{Notice: func(n Notice) {
				if n.Kind == Reopened {
					notices.Add(1)
				}
			}})
			s := open(t, set, "a", Settings{Files: []string{path}})
			say(t, s, "one\n")
			if err := move(path); err != nil {
				t.Fatal(err)
			}
			for begin := time.Now(); ; <-time.After(20 * time.Millisecond) {
				say(t, s, "more\n")
				if _, err := os.Stat(path); err == nil {
					break
				}
				if time.Since(begin) > 2*time.Second {
					t.Fatal("not there again after two seconds of writing")
				}
			}
			// At once when asked.
			if err := move(path); err != nil {
				t.Fatal(err)
			}
			if name == "moved" || name == "deleted" {
				if err := set.Reopen(); err != nil {
					t.Fatal(err)
				}
				say(t, s, "new\n")
				if got := content(t, path); got != "new\n" {
					t.Errorf("got %q", got)
				}
				if notices.Load() != 2 {
					t.Errorf("%d notices", notices.Load())
				}
			}
		})
	}
}

// Whether the file still has a name is asked before each write, not once a second.
func TestNothingIsLostAfterTheFileWasDeleted(t *testing.T) {
	if removedStays {
		t.Skip("an open file that is removed keeps its name here")
	}
	path := filepath.Join(t.TempDir(), "a.log")
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{path}})
	say(t, s, "before\n")
	for i := range 20 {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		word := fmt.Sprintf("line %d\n", i)
		say(t, s, word)
		if got := content(t, path); got != word {
			t.Fatalf("the new file holds %q, want %q", got, word)
		}
	}
	if h := s.Health(); h.Lost != 0 || h.Degraded != "" {
		t.Errorf("%+v", h)
	}
}

// What would go into a file without a name, as no other can be opened, is lost and counted; the gap is told in the next one.
func TestWhatADeletedFileWouldTakeIsCountedAsLost(t *testing.T) {
	if directoryStays {
		t.Skip("a directory in use is not removed here")
	}
	dir := filepath.Join(t.TempDir(), "sub")
	path := filepath.Join(dir, "a.log")
	set := newSet(t, Options{})
	s := open(t, set, "a", Settings{Files: []string{path}})
	say(t, s, "before\n")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	say(t, s, "nobody will read this\n")
	if h := s.Health(); h.Lost != 22 || h.Degraded == "" {
		t.Errorf("%+v, want 22 bytes lost", h)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := set.Reopen(); err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); s.Health().Degraded != ""; <-time.After(20 * time.Millisecond) {
		say(t, s, "again\n")
		if time.Since(begin) > 5*time.Second {
			t.Fatal("the file does not work again")
		}
	}
	h, text := s.Health(), content(t, path)
	gap := fmt.Sprintf("-- supervisord: lost %d bytes in ", h.Lost)
	if !strings.HasPrefix(text, gap) || !strings.HasSuffix(text, "again\n") {
		t.Errorf("%+v, the new file holds %q", h, text)
	}
}

func TestCopyTruncateLeavesNoHole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{path}, Size: 1 << 20, Count: 3})
	say(t, s, strings.Repeat("x", 9999)+"\n")
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	say(t, s, "after\n")
	if got := content(t, path); got != "after\n" {
		t.Errorf("%d bytes", len(got))
	}
	if got, err := texts(s.Tail(3, time.Time{}, nil)); err != nil || fmt.Sprint(got) != "[after]" {
		t.Errorf("tail %q, %v", got, err)
	}
}

func TestClearRemovesOnlyOurRegularFiles(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	path := filepath.Join(dir, "a; rm -rf $(x) %x% "+anyName+".log")
	swapped, moved := filepath.Join(dir, "swapped.log"), filepath.Join(dir, "moved", "m.log")
	victim := filepath.Join(elsewhere, "m.log")
	os.WriteFile(victim, []byte("v"), 0o600)
	os.WriteFile(filepath.Join(elsewhere, oldName("m.log", time.Now(), 1)), []byte("v"), 0o600)
	decoys := []string{"other.log", path[len(dir)+1:] + ".1", "a", "swapped.log.gz"}
	for _, name := range decoys {
		os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600)
	}
	var out bytes.Buffer
	set := newSet(t, Options{Stdout: locked{new(sync.Mutex), &out}})
	a := open(t, set, "a", Settings{Files: []string{path, "/dev/stdout", "/dev/null"}, Size: 2000, Count: 3})
	b := open(t, set, "b", Settings{Files: []string{swapped}})
	c := open(t, set, "c", Settings{Files: []string{moved}})
	say(t, a, "begin\n")
	run(t, a, "text 100000 1")
	say(t, b, "b\n")
	say(t, c, "c\n")
	files := set.Files("a")
	if !slices.Equal(files, sorted(history(t, path))) || len(files) != 4 {
		t.Errorf("files of a: %q", files)
	}
	if got := set.Files("b"); !slices.Equal(got, []string{swapped}) {
		t.Errorf("files of b: %q", got)
	}
	if directoryStays {
		files = append(files, swapped, moved)
	} else {
		// A symlink and a symlinked directory are put there.
		os.Rename(filepath.Dir(moved), filepath.Join(dir, "gone"))
		os.Symlink(elsewhere, filepath.Dir(moved))
		os.Rename(swapped, swapped+".away")
		os.Symlink(victim, swapped)
	}
	removed, err := set.Clear()
	if !slices.Equal(sorted(removed), sorted(files)) {
		t.Errorf("removed %q, want %q", removed, files)
	}
	if !directoryStays && (err == nil || !strings.Contains(err.Error(), moved)) {
		t.Errorf("error %v", err)
	}
	for _, name := range decoys {
		if content(t, filepath.Join(dir, name)) != name {
			t.Errorf("%s changed", name)
		}
	}
	if content(t, victim) != "v" || len(history(t, victim)) != 2 {
		t.Error("something behind a link was touched")
	}
	if _, err := os.Lstat(swapped); err != nil && !directoryStays {
		t.Errorf("the symlink: %v", err)
	}
	say(t, a, "too late\n")
	if removedStays {
		set.Close()
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("a late word brought the file back")
	}
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}
