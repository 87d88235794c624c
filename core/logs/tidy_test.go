package logs

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// unpacked is everything in a log and its old files, compressed ones too, as zcat would give it.
func unpacked(t testing.TB, path string) []byte {
	t.Helper()
	var all bytes.Buffer
	for _, f := range oldOf(t, path) {
		name := filepath.Join(filepath.Dir(path), f.names()[0])
		text := []byte(content(t, name))
		if !f.plain {
			z, err := gzip.NewReader(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if text, err = io.ReadAll(z); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		all.Write(text)
	}
	active, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) { // a daemon may be killed before there is one
		t.Fatal(err)
	}
	all.Write(active)
	return all.Bytes()
}

// tidied waits until nothing is left to be tidied.
func tidied(set *Set) { set.tidier.ended.Wait() }

func glob(t testing.TB, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestOldFilesAreCompressedAndNoByteIsLost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	size := big(60 << 20)
	set := newSet(t, Options{})
	s := open(t, set, "a", Settings{Files: []string{path}, Size: int64(size / 20), Count: 1000, Compress: true})
	run(t, s, fmt.Sprintf("text %d 7", size))
	tidied(set)
	packed := glob(t, path+".*.gz")
	if left := glob(t, path+".*[0-9]"); len(left) != 0 || len(packed) < 19 || len(glob(t, path+".*.tmp")) != 0 {
		t.Errorf("%d packed, left: %v", len(packed), left)
	}
	whole := unpacked(t, path)
	if sum(t, bytes.NewReader(whole)) != sum(t, text(size, 7)) {
		t.Error("the text in the files is not what was written")
	}
	for _, name := range packed {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != ofTheGroup || info.Size() > int64(size/20/3) {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	// What stands in them is read as if they were not compressed.
	lines := strings.Split(string(whole), "\n")
	for _, n := range []int{1, 1000, len(lines) / 2} {
		got, err := texts(s.Tail(n, time.Time{}, nil))
		if want := lines[len(lines)-len(got):]; err != nil || len(got) != n && n <= 1000 || !slices.Equal(got, want) {
			t.Errorf("Tail(%d): %d lines, %v", n, len(got), err)
		}
	}
	first, err := texts(s.Tail(1, time.Time{}, regexp.MustCompile(`^1 `)))
	if err != nil || len(first) != 1 || first[0] != lines[1] {
		t.Errorf("the second line of all: %.100q, %v", first, err)
	}
	if got := set.Files("a"); len(got) != len(packed)+1 {
		t.Errorf("%d files, %d of them packed", len(got), len(packed))
	}
	removed, err := set.Clear()
	if removedStays {
		set.Close()
	}
	if err != nil || len(removed) != len(packed)+1 || len(glob(t, path+"*")) != 0 {
		t.Errorf("%d removed, %v; left %v", len(removed), err, glob(t, path+"*"))
	}
}

func TestPackedTextIsReadAtAnyPlace(t *testing.T) {
	for _, size := range []int{0, 1, packedBlock - 1, packedBlock, packedBlock + 1, 3*packedBlock + 777} {
		want, err := io.ReadAll(text(size, 3))
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(filepath.Join(t.TempDir(), "x.gz"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := packInto(f, bytes.NewReader(want), func() bool { return false }, func() {}); err != nil {
			t.Fatal(err)
		}
		info, _ := f.Stat()
		p, err := openPacked(f, info.Size())
		if err != nil || p.size != int64(size) {
			t.Fatalf("%d: %+v, %v", size, p, err)
		}
		for off := 0; off < size; off += 1 + size/7 {
			got := make([]byte, min(100_000, size-off))
			if n, err := p.ReadAt(got, int64(off)); n != len(got) || err != nil || !bytes.Equal(got, want[off:off+n]) {
				t.Errorf("%d at %d: %d, %v", size, off, n, err)
			}
		}
		if n, err := p.ReadAt(make([]byte, 10), int64(size)); n != 0 || err != io.EOF {
			t.Errorf("behind the end: %d, %v", n, err)
		}
	}
}

func TestDamagedAndForeignCompressedFilesHideNothingElse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	var foreign bytes.Buffer
	z := gzip.NewWriter(&foreign)
	z.Write([]byte("by gzip 1\nby gzip 2\n"))
	z.Close()
	for i, text := range [][]byte{[]byte("no gzip at all"), foreign.Bytes(), foreign.Bytes()[:20]} {
		os.WriteFile(filepath.Join(dir, oldName("a.log", time.Now(), uint64(i+1))+".gz"), text, 0o600)
	}
	os.WriteFile(path, []byte("active\n"), 0o600)
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{path}})
	got, err := texts(s.Tail(10, time.Time{}, nil))
	if err != nil || fmt.Sprint(got) != "[by gzip 1 by gzip 2 active]" {
		t.Errorf("%q, %v", got, err)
	}
}

func FuzzAnyCompressedFileIsSafeToRead(f *testing.F) {
	var b bytes.Buffer
	packInto(&b, strings.NewReader("some text\n"), func() bool { return false }, func() {})
	f.Add(b.Bytes())
	f.Add([]byte("\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x08\x00SV\x04\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := os.Create(filepath.Join(t.TempDir(), "x"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		file.Write(data)
		p, err := openPacked(file, int64(len(data)))
		if err != nil {
			return
		}
		buf := make([]byte, 1000)
		for _, off := range []int64{0, p.size / 2, p.size - 1, p.size} {
			if off >= 0 {
				p.ReadAt(buf, off)
			}
		}
	})
}

// The daemon is killed in the middle of compressing; the one after it ends what was begun.
func TestCompressingKilledInAnyStepLosesAndDoublesNothing(t *testing.T) {
	whole, err := io.ReadAll(text(killedBytes, 7))
	if err != nil {
		t.Fatal(err)
	}
	for at := stepPacking; at <= stepPackedDone; at++ {
		for _, times := range []int{1, 7} {
			t.Run(fmt.Sprintf("step %d, time %d", at, times), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "a.log")
				out, err := exec.Command(os.Args[0], childWord, "rotate", path, strconv.Itoa(int(at)), strconv.Itoa(times), "1000", "compress").Output()
				if how := (*exec.ExitError)(nil); !errors.As(err, &how) || how.Exited() && how.ExitCode() != 1 { // 1: by force, on Windows
					t.Fatalf("%v: %s", err, out)
				}
				total, err := strconv.Atoi(strings.TrimSpace(string(out)))
				if err != nil {
					t.Fatal(err)
				}
				held := unpacked(t, path)
				if len(held) < total || !bytes.HasPrefix(whole, held) {
					t.Errorf("%d bytes were written at least, what is held of them (%d) is not their beginning", total, len(held))
				}
				set := newSet(t, Options{})
				s := open(t, set, "a", Settings{Files: []string{path}, Size: killedSize, Count: 1000, Compress: true})
				tidied(set)
				if got := unpacked(t, path); !bytes.Equal(got, held) {
					t.Errorf("%d bytes after the restart, %d before", len(got), len(held))
				}
				if left := append(glob(t, path+".*[0-9]"), glob(t, path+".*.tmp")...); len(left) != 0 {
					t.Errorf("left: %v", left)
				}
				lines, err := texts(s.Tail(1<<20, time.Time{}, nil))
				if err != nil || strings.Join(lines, "\n") != strings.TrimSuffix(string(held), "\n") {
					t.Errorf("the tail is not all that is held: %v", err)
				}
			})
		}
	}
}

func TestACompressedFileOfAnotherTextIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	name := filepath.Join(dir, oldName("a.log", time.Now(), 1))
	os.WriteFile(name, []byte("the text\n"), 0o600)
	f, _ := os.Create(name + ".gz")
	packInto(f, strings.NewReader("another text\n"), func() bool { return false }, func() {})
	f.Close()
	var told atomic.Int32
	set := newSet(t, Options{Notice: func(n Notice) {
		if n.Kind == NotCompressed && strings.Contains(n.String(), "something else") {
			told.Add(1)
		}
	}})
	s := open(t, set, "a", Settings{Files: []string{path}, Count: 5, Compress: true})
	tidied(set)
	if content(t, name) != "the text\n" || told.Load() != 1 {
		t.Errorf("told %d times", told.Load())
	}
	if got, err := texts(s.Tail(5, time.Time{}, nil)); err != nil || fmt.Sprint(got) != "[the text]" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestAllFilesTogetherStayWithinTheTotal(t *testing.T) {
	for _, compress := range []bool{false, true} {
		dir := t.TempDir()
		path := filepath.Join(dir, "a.log")
		decoy := filepath.Join(dir, "a.log.1")
		os.WriteFile(decoy, make([]byte, 200_000), 0o600)
		set := newSet(t, Options{})
		to := Settings{Files: []string{path}, Size: 20_000, Count: 1000, Total: 100_000, Compress: compress}
		s := open(t, set, "a", to)
		most, last := int64(0), int64(0)
		for i := range 100 {
			say(t, s, strings.Repeat(fmt.Sprintf("line %d\n", i), 700))
			sum := int64(0)
			for _, file := range set.Files("a") {
				if info, err := os.Stat(file); err == nil {
					sum += info.Size()
				} else if !os.IsNotExist(err) {
					t.Fatal(err)
				}
			}
			most, last = max(most, sum), sum
		}
		if last < 60_000 && !compress {
			t.Errorf("%d bytes are kept of the 100000 allowed", last)
		}
		tidied(set)
		if most > 100_000 && !compress || most > 120_000 || most < 60_000 && !compress { // one file may stand there twice for a moment
			t.Errorf("compressed %v: %d bytes at most", compress, most)
		}
		if got, err := texts(s.Tail(1, time.Time{}, nil)); err != nil || fmt.Sprint(got) != "[line 99]" {
			t.Errorf("%q %v", got, err)
		}
		// A reload that wants less gets it at once.
		to.Total = 40_000
		if err := s.Apply(to); err != nil {
			t.Fatal(err)
		}
		tidied(set)
		sum := int64(0)
		for _, file := range set.Files("a") {
			info, _ := os.Stat(file)
			sum += info.Size()
		}
		if sum > 40_000 {
			t.Errorf("compressed %v: %d bytes after the reload", compress, sum)
		}
		if _, err := os.Stat(decoy); err != nil {
			t.Error(err)
		}
	}
}

func TestOldFilesGoAtTheirAge(t *testing.T) {
	dir := t.TempDir() // its files have the real clock's times, the daemon below has a virtual one
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(dir, "a.log")
		age := func(i int, at time.Duration) string {
			name := filepath.Join(dir, oldName("a.log", time.Now(), uint64(i)))
			os.WriteFile(name, []byte("x\n"), 0o600)
			os.Chtimes(name, time.Now().Add(-at), time.Now().Add(-at))
			return name
		}
		ancient, day, young := age(1, 100*time.Hour), age(2, 23*time.Hour), age(3, time.Hour)
		set := New(Options{})
		to := Settings{Files: []string{path}, Count: 100, Age: 24 * time.Hour}
		s, err := set.Open("a", "stdout", to)
		if err != nil {
			t.Fatal(err)
		}
		there := func() (n int) {
			synctest.Wait()
			for _, name := range []string{ancient, day, young} {
				if _, err := os.Stat(name); err == nil {
					n++
				}
			}
			return n
		}
		if there() != 2 {
			t.Errorf("%d files at the start", there())
		}
		<-time.After(59 * time.Minute)
		if there() != 2 {
			t.Errorf("%d files before a day is over", there())
		}
		<-time.After(2 * time.Minute)
		if there() != 1 {
			t.Errorf("%d files after a day, nothing having been written", there())
		}
		to.Age = 30 * time.Minute // by a reload
		if err := s.Apply(to); err != nil {
			t.Fatal(err)
		}
		if there() != 0 {
			t.Errorf("%d files after the reload", there())
		}
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestALogWithoutOldFilesSetsNoTimer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	set := newSet(t, Options{})
	s := open(t, set, "a", Settings{Files: []string{path}, Size: 1000, Count: 3, Age: time.Hour, Compress: true})
	tidied(set)
	if set.tidier.timer != nil {
		t.Error("a timer runs for nothing")
	}
	say(t, s, strings.Repeat("line\n", 300))
	tidied(set)
	if set.tidier.timer == nil {
		t.Error("no timer for the old file")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if set.tidier.timer != nil {
		t.Error("a timer runs for a file that is closed")
	}
}
