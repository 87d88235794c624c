package logs

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// With a last fragment that no newline ends; "held" while a grandchild holds the pipe.
func TestOutputIsByteExactOverFiftyRotations(t *testing.T) {
	for _, kind := range []string{"text", "bytes", "held"} {
		t.Run(kind, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.log")
			size := big(200 << 20)
			set := newSet(t, Options{})
			s := open(t, set, "a", Settings{Files: []string{path}, Size: int64(size / 64), Count: 1000})
			c := start(t, s, fmt.Sprintf("%s %d 7", kind, size))
			c.wait(t)
			if kind == "held" {
				select {
				case <-c.pump.Done():
					t.Error("nobody holds the pipe")
				default:
				}
			} else {
				<-c.pump.Done()
			}
			files := history(t, path)
			if len(files) < 51 {
				t.Errorf("%d files, want more than 50 rotations", len(files))
			}
			want := text(size, 7)
			if kind == "bytes" {
				want = anything(size, 7)
			}
			if sum(t, concat(t, files)) != sum(t, want) {
				t.Errorf("what is in the files is not what was written")
			}
			if kind != "bytes" {
				linesAreWhole(t, files)
			}
			if h := s.Health(); h.Written != int64(size) || h.Lost != 0 || h.Degraded != "" {
				t.Errorf("health %+v", h)
			}
			c.stdin.Close()
			<-c.pump.Done()
		})
	}
}

// linesAreWhole: every file but the last ends at a line end.
func linesAreWhole(t *testing.T, files []string) {
	t.Helper()
	for _, path := range files[:len(files)-1] {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		end, _ := f.Seek(-1, io.SeekEnd)
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, end); err != nil || last[0] != '\n' {
			t.Errorf("%s ends with %q, %v", path, last, err)
		}
		f.Close()
	}
}

func TestARotationNeverTearsALine(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		limit := int64(1 + random.IntN(3000))
		var text bytes.Buffer
		for text.Len() < 8000 {
			text.WriteString(strings.Repeat("z", random.IntN(2*int(limit))) + "\n")
		}
		rest, size, openLine := text.Bytes(), int64(0), false
		for len(rest) > 0 {
			chunk := rest[:min(len(rest), 1+random.IntN(4000))]
			rest = rest[len(chunk):]
			for len(chunk) > 0 {
				n, full := cut(chunk, size, limit, openLine)
				if n > 0 {
					openLine = chunk[n-1] != '\n'
					size += int64(n)
					chunk = chunk[n:]
				}
				if n == 0 && !full {
					t.Fatal("no progress")
				}
				if full {
					if openLine {
						t.Fatalf("a line is torn at limit %d", limit)
					}
					size = 0
				}
			}
		}
	}
}

func TestALineLongerThanTheLimitIsCutAtTheLimit(t *testing.T) {
	long := bytes.Repeat([]byte{'x'}, 3*maxLine)
	if n, full := cut(long, 0, maxLine, false); n != maxLine || !full {
		t.Errorf("cut at %d %v", n, full)
	}
	if n, full := cut(long, 100, maxLine, true); n != maxLine-100 || !full {
		t.Errorf("cut at %d %v", n, full)
	}
	// The end of the line is within 64 KiB behind the limit: it stays whole.
	long[maxLine+500] = '\n'
	if n, full := cut(long, 100, maxLine, true); n != maxLine+501 || !full {
		t.Errorf("cut at %d %v", n, full)
	}
	// A line that would not fit goes into the next file as a whole, rather than beyond the limit of this one.
	if n, full := cut([]byte("abcdef\n"), 98, 100, false); n != 0 || !full {
		t.Errorf("cut at %d %v", n, full)
	}
	// It came in small pieces and never ended: at most 64 KiB beyond.
	if n, full := cut([]byte("xxxx"), 1000+maxLine-2, 1000, true); n != 2 || !full {
		t.Errorf("cut at %d %v", n, full)
	}
	if n, full := cut([]byte("xxxx"), 1000+maxLine, 1000, true); n != 0 || !full {
		t.Errorf("cut at %d %v", n, full)
	}
}

func TestSizeZeroNeverRotates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{path}, Count: 3})
	run(t, s, "text 3000000 1")
	if files := history(t, path); len(files) != 1 {
		t.Errorf("files: %v", files)
	}
}

func TestCountKeepsThatManyOldFilesBesideTheActiveOne(t *testing.T) {
	for _, count := range []int{0, 1, 5} {
		path := filepath.Join(t.TempDir(), "a.log")
		s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{path}, Size: 10_000, Count: count})
		run(t, s, "text 1000000 1")
		if files := history(t, path); len(files) != count+1 {
			t.Errorf("count %d: files %v", count, files)
		}
	}
}

func TestRetentionRemovesOnlyWhatIsOurs(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	decoys := []string{"a.log.1", "a.log.gz", "a.log.20260101T000000Z", "a.log.20260101T000000Z-1", "a.log.20260101T000000Z-0000001",
		"a.log.20261301T000000Z-000001", "a.log.20260101T000000Z-1.gz", "a.log.20260101T000000Z-000001.gz.tmp.x", "xa.log.20260101T000000Z-000001", "b.log.20260101T000000Z-000001",
		"a.log.20260101T000000Z-00000x", "a.log." + anyName}
	for _, name := range decoys {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(path+".20250101T000000Z-000001", 0o700); err != nil { // our name, but a directory
		t.Fatal(err)
	}
	victim := filepath.Join(t.TempDir(), "victim")
	os.WriteFile(victim, []byte("v"), 0o600)
	ours := []string{path + ".20250101T000000Z-000001", path + ".20250101T000000Z-000002"}
	os.Symlink(victim, ours[1]) // our name, but a symlink
	if _, err := os.Lstat(ours[1]); err != nil {
		ours = ours[:1] // Wine 8 says that it made a link, and did not
	}
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{path}, Size: 10_000, Count: 2})
	run(t, s, "text 1000000 1")
	for _, name := range decoys {
		if content(t, filepath.Join(dir, name)) != name {
			t.Errorf("decoy %s changed", name)
		}
	}
	if content(t, victim) != "v" {
		t.Errorf("the victim was written")
	}
	for _, name := range ours {
		if _, err := os.Lstat(name); err != nil {
			t.Errorf("%v", err)
		}
	}
	if n := len(history(t, path)); n > 5 {
		t.Errorf("%d files kept", n)
	}
}

func TestARotationNeverReplacesAnOlderFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	set := newSet(t, Options{})
	s := open(t, set, "a", Settings{Files: []string{path}, Size: 100, Count: 1000})
	say(t, s, strings.Repeat("a", 60)+"\n", strings.Repeat("b", 60)+"\n")
	// The clock is set back and the very next name is taken, for many seconds to come.
	now := time.Now()
	taken := map[string]string{}
	for i := range 30 {
		name := filepath.Join(dir, oldName("a.log", now.Add(time.Duration(i)*time.Second), 2))
		os.WriteFile(name, []byte(name), 0o600)
		taken[name] = name
	}
	say(t, s, strings.Repeat("c", 60)+"\n")
	say(t, s, strings.Repeat("d", 60)+"\n")
	for name, want := range taken {
		if content(t, name) != want {
			t.Errorf("%s was replaced", name)
		}
	}
	for _, file := range history(t, path) { // nor did it do without: another name was found
		if info, err := os.Stat(file); err != nil || taken[file] == "" && info.Size() > 100 {
			t.Errorf("%s has grown beyond its limit: %v", file, err)
		}
	}
	all, _ := io.ReadAll(concat(t, history(t, path)))
	for _, c := range "abcd" {
		if n := bytes.Count(all, bytes.Repeat([]byte(string(c)), 60)); n != 1 {
			t.Errorf("%c stands %d times in the files", c, n)
		}
	}
}

func TestOldFilesAreOrderedByNumberNotByClock(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	future := time.Now().Add(1000 * time.Hour)
	for i := range 3 {
		os.WriteFile(filepath.Join(dir, oldName("a.log", future, uint64(i+1))), []byte(fmt.Sprintf("old %d\n", i)), 0o600)
	}
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{path}, Size: 10, Count: 2})
	say(t, s, "first line\n", "second line\n", "third line\n")
	all, _ := io.ReadAll(concat(t, history(t, path)))
	if string(all) != "first line\nsecond line\nthird line\n" {
		t.Errorf("kept %q", all)
	}
}

func TestOldNamesAreReadBack(t *testing.T) {
	at := time.Date(2026, 11, 24, 2, 3, 4, 0, time.UTC)
	for _, seq := range []uint64{1, 999_999, 1_000_000, 1 << 40} {
		if got, ok := parseOld("x", oldName("x", at, seq)); !ok || got != seq {
			t.Errorf("%s: %d %v", oldName("x", at, seq), got, ok)
		}
	}
}
