package logs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const (
	killedBytes = 1 << 20
	killedSize  = 20000
)

// rotateAndDie is the daemon of the tests below. It tells how much it had written.
func rotateAndDie(path string, in step, times, count int, compress bool) {
	set := New(Options{})
	set.step = func(at step, total int64) {
		if at != in {
			return
		}
		if times--; times == 0 {
			fmt.Println(total)
			self, _ := os.FindProcess(os.Getpid())
			self.Kill()
			select {}
		}
	}
	s, err := set.Open("a", "stdout", Settings{Files: []string{path}, Size: killedSize, Count: count, Compress: compress})
	if err != nil {
		fmt.Println(err)
		os.Exit(9)
	}
	r, w, err := pipe()
	if err != nil {
		os.Exit(9)
	}
	p := s.Attach(r)
	io.Copy(w, text(killedBytes, 7))
	w.Close()
	<-p.Done()
	tidied(set)
	fmt.Println("nobody killed it")
	os.Exit(9)
}

func TestRotationKilledInAnyStepLosesAndDoublesNothing(t *testing.T) {
	whole, err := io.ReadAll(text(killedBytes, 7))
	if err != nil {
		t.Fatal(err)
	}
	for at := stepFull; at <= stepDone; at++ {
		for _, times := range []int{1, 3, 10} {
			for _, count := range []int{3, 1000} {
				if at == stepUnlinked && count == 1000 {
					continue // nothing is beyond it
				}
				t.Run(fmt.Sprintf("step %d, time %d, count %d", at, times, count), func(t *testing.T) {
					path := filepath.Join(t.TempDir(), "a.log")
					killed(t, whole, path, at, times, count)
				})
			}
		}
	}
}

func killed(t *testing.T, whole []byte, path string, at step, times, count int) {
	decoy := path + ".20260101T000000Z-1" // like an old name, and none
	if err := os.WriteFile(decoy, []byte("decoy"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(os.Args[0], childWord, "rotate", path, strconv.Itoa(int(at)), strconv.Itoa(times), strconv.Itoa(count)).Output()
	// Windows knows no signals: who was ended by force has the exit code 1.
	if how := (*exec.ExitError)(nil); !errors.As(err, &how) || how.Exited() && how.ExitCode() != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	total, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err != nil && at != stepRenamed {
		t.Error(err)
	}
	// The next daemon goes on where this one was killed.
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{path}, Size: killedSize, Count: count})
	if held := everything(t, path); !bytes.HasSuffix(whole[:total], held) || count > 100 && len(held) != total {
		t.Errorf("%d bytes were written, what is held of them (%d) is not their end", total, len(held))
	}
	rest := bytes.Repeat([]byte("and then the next daemon wrote this\n"), 3000)
	say(t, s, string(rest))
	files, held := history(t, path), everything(t, path)
	if want := append(whole[:total:total], rest...); !bytes.HasSuffix(want, held) || count > 100 && len(held) != len(want) {
		t.Errorf("%d of %d bytes after the restart, not the end of what was written", len(held), len(want))
	}
	if count < 100 && len(files) != count+1 {
		t.Errorf("%d files, want %d old ones: %v", len(files), count, files)
	}
	seen, number := map[string]bool{}, regexp.MustCompile(`-(\d+)$`)
	for i, file := range files[:len(files)-1] {
		n := number.FindString(file)
		if want := fmt.Sprintf("-%06d", i+1); seen[n] || count > 100 && n != want {
			t.Errorf("file %d is %s, want its number to be %s", i, file, want)
		}
		seen[n] = true
	}
	if text := content(t, decoy); text != "decoy" {
		t.Errorf("the decoy holds %q", text)
	}
}

func everything(t *testing.T, path string) []byte {
	t.Helper()
	var all []byte
	for _, file := range history(t, path) { // closed at once: on Windows what is open cannot go
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return all
}

// Where a rename is a link and an unlink, a kill between the two leaves one file under two names.
func TestRotationKilledBetweenLinkAndUnlinkIsFinished(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	old := path + ".20260101T000000Z-000004"
	if err := os.WriteFile(path, []byte("old line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(path, old); err != nil {
		t.Skip(err)
	}
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{path}, Count: 10})
	say(t, s, "new line\n")
	if a, b := content(t, old), content(t, path); a != "old line\n" || b != "new line\n" {
		t.Errorf("the old file holds %q, the active one %q", a, b)
	}
}
