package logs

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A full file that cannot be given another name, or has one and no other can be opened in its place (here for want of a
// descriptor), is written on: nothing is lost and nothing stands anywhere twice, it is said once, and again when it happens again.
func TestARotationThatFailsLosesNothing(t *testing.T) {
	for name, at := range map[string]step{"cannot be renamed": stepFull, "no other can be opened": stepRenamed} {
		t.Run(name, func(t *testing.T) {
			var before unix.Rlimit
			if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
				t.Fatal(err)
			}
			limit := func(most uint64) {
				if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: most, Max: before.Max}); err != nil {
					t.Error(err)
				}
			}
			defer limit(before.Cur)
			said := map[NoticeKind]int{}
			set := newSet(t, Options{Notice: func(n Notice) { said[n.Kind]++ }})
			fails := false
			set.step = func(now step, _ int64) {
				if fails && now == at {
					limit(3) // what is open stays open
				}
			}
			path := filepath.Join(t.TempDir(), "a.log")
			s := open(t, set, "a", Settings{Files: []string{path}, Size: 100, Count: 1000})
			var all strings.Builder
			say := func() {
				line := fmt.Sprintf("line %04d\n", all.Len()/10)
				all.WriteString(line)
				s.deliver(piece{bytes: []byte(line), taken: len(line)})
			}
			for turn := 1; turn <= 2; turn++ {
				fails = true
				if at == stepFull {
					limit(3)
				}
				for range 25 {
					say()
				}
				if said[NotRotated] != turn {
					t.Errorf("turn %d: said %v, want it to be told once", turn, said)
				}
				fails = false
				limit(before.Cur)
				had := len(oldOf(t, path))
				for begin := time.Now(); len(oldOf(t, path)) == had; <-time.After(20 * time.Millisecond) {
					say()
					if time.Since(begin) > 10*time.Second {
						t.Fatal("it is not rotated when that is possible again")
					}
				}
			}
			text, err := io.ReadAll(concat(t, history(t, path)))
			if err != nil || string(text) != all.String() {
				t.Errorf("%d bytes in %d files, want %d: %v", len(text), len(oldOf(t, path)), all.Len(), err)
			}
			if h := s.Health(); h.Lost != 0 || h.Degraded != "" {
				t.Errorf("%+v", h)
			}
		})
	}
}

// The disk may fail after the system has taken a file's bytes: only a sync tells (man 2 fsync). A full file and one that is closed
// are synced, and an old one goes only when its compressed copy has been; a sync that fails is told.
func TestAFileThatDoesNotReachTheDiskIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	out, err := exec.Command(os.Args[0], childWord, "unsynced", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{
		"cannot bring a full file of log " + path + " to the disk: EIO; the end of it may be lost\n",
		"cannot compress an old file of log " + path + ": EIO; it stays as it is\n",
		"closing: cannot close log " + path + ": sync a.log: input/output error\n",
	} {
		if strings.Count(string(out), want) != 1 {
			t.Errorf("it said %q, want %q once", out, want)
		}
	}
	if old := oldOf(t, path); len(old) != 1 || !old[0].plain || old[0].packed {
		t.Errorf("old files: %+v, want the one as it was", old)
	}
}

// unsynced is a daemon in a world where no file reaches the disk.
func unsynced(path string) {
	withoutCall(unix.SYS_FSYNC, unix.EIO)
	told := make(chan string, 16)
	set := New(Options{Notice: func(n Notice) { told <- n.String() }})
	s, err := set.Open("a", "stdout", Settings{Files: []string{path}, Size: 10, Count: 5, Compress: true})
	if err != nil {
		panic(err)
	}
	for range 2 {
		s.deliver(piece{bytes: []byte("a line of text\n"), taken: 15})
	}
	for range 2 {
		fmt.Println(<-told)
	}
	fmt.Println("closing:", set.Close())
}

// withoutCall lets a system call of this process fail.
func withoutCall(call uint32, errno syscall.Errno) {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		panic(err)
	}
	if _, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program))); e != 0 {
		panic(e)
	}
}

// An old file that cannot be removed keeps no full file from being rotated, and it is said once.
func TestAnOldFileThatCannotBeRemovedDelaysNoRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	out, err := exec.Command(os.Args[0], childWord, "unremovable", path).CombinedOutput()
	want := "cannot remove old files of log " + path + " that are beyond its limits: EPERM; they stay\n"
	if err != nil || string(out) != want {
		t.Errorf("%v: it said %q, want %q", err, out, want)
	}
	if old := oldOf(t, path); len(old) != 9 {
		t.Errorf("%d old files, want one for each of 10 lines but the last", len(old))
	}
}

func unremovable(path string) {
	withoutCall(unix.SYS_UNLINKAT, unix.EPERM)
	set := New(Options{Notice: func(n Notice) { fmt.Println(n) }})
	s, err := set.Open("a", "stdout", Settings{Files: []string{path}, Size: 10, Count: 2})
	if err != nil {
		panic(err)
	}
	for range 10 {
		s.deliver(piece{bytes: []byte("a line of text\n"), taken: 15})
	}
	if err := set.Close(); err != nil {
		panic(err)
	}
}

// roomy takes as many bytes as there is room for.
type roomy struct {
	w    io.Writer
	room *atomic.Int64
	full *atomic.Int64 // how often there was not enough
}

func (r roomy) Write(p []byte) (int, error) {
	n, err := min(int(r.room.Load()), len(p)), error(nil)
	if n < len(p) {
		r.full.Add(1)
		err = syscall.ENOSPC
	}
	if n > 0 {
		n, _ = r.w.Write(p[:n])
		r.room.Add(-int64(n))
	}
	return n, err
}

// A disk may stay full over many tries to tell of the loss, and may have room for a part of what there is to tell: what is told in
// the end is all that was lost, each byte once.
func TestALossThatGoesOnIsToldOnceAndInFull(t *testing.T) {
	var room, full atomic.Int64
	room.Store(7)
	path := filepath.Join(t.TempDir(), "a.log")
	set := newSet(t, Options{})
	set.wrap = func(string) func(io.Writer) io.Writer {
		return func(w io.Writer) io.Writer { return roomy{w, &room, &full} }
	}
	s := open(t, set, "a", Settings{Files: []string{path}})
	lines := 0
	until := func(what string, holds func() bool) {
		t.Helper()
		for begin := time.Now(); !holds(); <-time.After(20 * time.Millisecond) {
			s.deliver(piece{bytes: []byte("a line\n"), taken: 7})
			lines++
			if time.Since(begin) > 20*time.Second {
				t.Fatalf("waited in vain: %s", what)
			}
		}
	}
	until("two tries have failed", func() bool { return full.Load() == 3 })
	room.Store(20) // the beginning of the record
	until("a part of it is written", func() bool { return full.Load() == 4 })
	room.Store(1 << 30)
	until("it works again", func() bool { return lines > 0 && s.Health().Degraded == "" })
	text, told := content(t, path), 0
	for _, m := range gapRecord.FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Error(err)
		}
		told += n
	}
	if h := s.Health(); int64(told) != h.Lost || told == 0 {
		t.Errorf("told of %d bytes, lost %d: %q", told, h.Lost, text)
	}
	if kept := len(gapRecord.ReplaceAllString(text, "")); kept+told != 7*lines {
		t.Errorf("%d bytes are there and %d lost, of %d: %q", kept, told, 7*lines, text)
	}
}

// A file that was moved, and in whose place no other can be opened, is written on where it is now; that is told once, and over
// when another can be opened.
func TestAMovedFileIsWrittenOnWhileNoOtherCanBeOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	said := map[NoticeKind]int{}
	set := newSet(t, Options{Notice: func(n Notice) { said[n.Kind]++ }})
	s := open(t, set, "a", Settings{Files: []string{path}})
	lines := 0
	write := func(least time.Duration, holds func() bool) {
		t.Helper()
		for begin := time.Now(); !holds() || time.Since(begin) < least; <-time.After(20 * time.Millisecond) {
			s.deliver(piece{bytes: []byte("a line\n"), taken: 7})
			lines++
			if time.Since(begin) > 20*time.Second {
				t.Fatalf("waited in vain; said %v", said)
			}
		}
	}
	if err := os.Rename(path, path+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	write(5*retryEvery/2, func() bool { return said[NotReopened] > 0 })
	if h := s.Health(); said[NotReopened] != 1 || h.Degraded != errDirectory.Error() || h.Lost != 0 {
		t.Errorf("said %v, %+v", said, h)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(0, func() bool { return said[Reopened] > 0 })
	if h := s.Health(); h.Degraded != "" || h.Lost != 0 {
		t.Errorf("it works again: %+v", h)
	}
	if got := len(content(t, path+".moved")) + len(content(t, path)); got != 7*lines {
		t.Errorf("%d bytes are there, of %d", got, 7*lines)
	}
}
