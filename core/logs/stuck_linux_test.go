package logs

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_FSYNC, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EIO)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		panic(err)
	}
	if _, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program))); e != 0 {
		panic(e)
	}
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
