package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"testing/synctest"
	"time"
)

func TestTheDaemonsLogIsOneLineForEachRecord(t *testing.T) {
	var out strings.Builder
	d := newDiary(&out)
	d.Logf("web: started\nforged: line \x1b[2J")
	d.log(slog.LevelWarn, "web: backoff", slog.String("process", "web"))
	d.set("json", "warn")
	d.Logf("not worth it")
	d.log(slog.LevelError, "web: fatal\n", slog.String("process", "web\n"), slog.Int("pid", 7))
	d.set("text", "debug")
	d.log(slog.LevelDebug, "all of it")
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	const stamp = `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\S+ `
	for i, want := range []string{stamp + `INFO  web: started$`, stamp + `INFO  forged: line \\x1b\[2J$`, stamp + `WARN  web: backoff$`,
		`^\{"time":"[^"]+Z","level":"ERROR","msg":"web: fatal\\n","process":"web\\n","pid":7\}$`, stamp + `DEBUG all of it$`} {
		if i >= len(lines) || !regexp.MustCompile(want).MatchString(lines[i]) {
			t.Fatalf("line %d: %q, want %s", i, lines, want)
		}
	}
	if got, next := d.tail(2, func() {}); len(lines) != 5 || next != 5 || strings.Join(got, "\n") != strings.Join(lines[3:], "\n") {
		t.Errorf("tail %q, next %d", got, next)
	}
	if got, _ := d.tail(100, func() {}); len(got) != 5 {
		t.Errorf("tail of all: %q", got)
	}
}

// The handler for people keeps what log/slog promises of handlers.
func TestTheTextHandlerIsAHandler(t *testing.T) {
	var out strings.Builder
	h := newTextHandler(&out, slog.LevelDebug)
	err := slogtest.TestHandler(h, func() []map[string]any {
		var all []map[string]any
		for line := range strings.Lines(out.String()) {
			words := strings.Fields(line)
			m := map[string]any{}
			if when, err := time.Parse(diaryTime, words[0]); err == nil {
				m[slog.TimeKey] = when
				words = words[1:]
			}
			m[slog.LevelKey] = words[0]
			for _, word := range words[1:] {
				key, value, isAttr := strings.Cut(word, "=")
				if !isAttr {
					m[slog.MessageKey] = word
					continue
				}
				at := m
				path := strings.Split(key, ".")
				for _, group := range path[:len(path)-1] {
					inner, ok := at[group].(map[string]any)
					if !ok {
						inner = map[string]any{}
						at[group] = inner
					}
					at = inner
				}
				at[path[len(path)-1]] = value
			}
			all = append(all, m)
		}
		return all
	})
	if err != nil {
		t.Error(err)
	}
}

// A full disk costs lines that are counted, and nothing feeds on its own errors.
func TestALogThatCannotBeWrittenIsCounted(t *testing.T) {
	d := newDiary(failing{})
	for range 3 {
		d.Logf("a line")
	}
	if got, _ := d.tail(10, func() {}); len(got) != 3 || d.Lost() != 3 {
		t.Errorf("%q, %d lost", got, d.Lost())
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestFollowingTheDaemonsLogGivesEachLineOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(new(strings.Builder))
		d.Logf("one")
		_, next := d.tail(10, func() {})
		got := make(chan []string, 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			lines, after, err := d.await(ctx, next)
			if err != nil || after != 2 {
				t.Errorf("%d, %v", after, err)
			}
			got <- lines
		}()
		synctest.Wait()
		d.Logf("two")
		if lines := <-got; len(lines) != 1 || !strings.HasSuffix(lines[0], "two") {
			t.Errorf("%q", lines)
		}
		for i := range diaryLines + 50 {
			d.Logf("flood %d", i)
		}
		lines, after, err := d.await(ctx, 2)
		if err != nil || len(lines) != diaryLines+1 || lines[0] != "... 50 lines passed over, too slow a reader ..." || after != 2+diaryLines+50 || !strings.HasSuffix(lines[1], "flood 50") {
			t.Errorf("%d lines, the first %q, next %d; %v", len(lines), lines[0], after, err)
		}
		cancel()
		if _, _, err := d.await(ctx, after); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// What a daemon before this one wrote, and what was rotated, belongs to the tail.
func TestTheTailOfTheDaemonsLogReachesBack(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "d.log")
	write := func(name string, from, to int) {
		var b strings.Builder
		for i := from; i < to; i++ {
			fmt.Fprintf(&b, "old %d\n", i)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("d-2026-01-01T00-00-00.000.log", 0, 10)
	write("d-2026-01-02T00-00-00.000.log", 10, 20)
	write("d-other.log", 100, 200)
	write("d.log", 20, 30)
	w, err := rotated(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	d := &daemon{diary: newDiary(w), ownLogPath: path}
	d.diary.Logf("new")
	for n, first := range map[int]string{0: "", 1: "new", 2: "old 29", 11: "old 20", 12: "old 19", 31: "old 0", 1000: "old 0"} {
		lines, next, err := d.ownTail(n)
		if err != nil || next != 1 || len(lines) != min(n, 31) || n > 0 && !strings.HasSuffix(lines[0], first) {
			t.Errorf("%d: %d lines, %.80q, next %d, %v", n, len(lines), lines, next, err)
		}
	}
	if err := errors.Join(w.Close(), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
	if lines, _, err := d.ownTail(5); err != nil || len(lines) != 1 {
		t.Errorf("without the file: %q, %v", lines, err)
	}
	var object struct{ Msg string }
	d.diary.set("json", "info")
	d.diary.Logf("as JSON")
	lines, _, _ := d.ownTail(1)
	if err := json.Unmarshal([]byte(lines[0]), &object); err != nil || object.Msg != "as JSON" {
		t.Errorf("%q, %v", lines, err)
	}
}

// stuck is a disk that hangs: it says when a write has come, and takes nothing until it is let go. Then it takes what comes.
type stuck struct {
	came, gone chan struct{}
	first      sync.Once
	took       strings.Builder
}

func (s *stuck) Write(p []byte) (int, error) {
	s.first.Do(func() { close(s.came) })
	<-s.gone
	return s.took.Write(p)
}

// TestALogThatHangsHoldsNobodyUp: who logs waits for a moment, once; later ones and who reads the log do not. What hangs for long loses
// lines, which are counted at once and told in the log when it takes lines again, and those it has are in their order.
func TestALogThatHangsHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &stuck{came: make(chan struct{}), gone: make(chan struct{})}
		d := newDiary(disk)
		takes := func(want time.Duration, what string, do func()) {
			t.Helper()
			began := time.Now()
			if do(); time.Since(began) != want {
				t.Errorf("%s takes %v, want %v", what, time.Since(began), want)
			}
		}
		takes(hangsAfter, "the first line", func() { d.Logf("line 0") })
		<-disk.came
		const more = 10_000
		takes(0, "the lines after it", func() {
			for i := range more {
				d.Logf("line %d %s", i+1, strings.Repeat("x", 100))
			}
		})
		lost := int(d.Lost())
		if lost == 0 || lost > more-spooled/200 {
			t.Errorf("%d of %d lines are lost", lost, more)
		}
		takes(0, "the tail", func() {
			called := false
			lines, next := d.tail(1, func() { called = true })
			if called || next != more+1 || len(lines) != 1 || !strings.Contains(lines[0], fmt.Sprintf("line %d ", more)) {
				t.Errorf("the file is read: %v; %.80q, next %d", called, lines, next)
			}
		})
		close(disk.gone)
		synctest.Wait()
		lines := strings.Split(strings.TrimSuffix(disk.took.String(), "\n"), "\n")
		for i, line := range lines[:more-lost+1] {
			if !strings.Contains(line+" ", fmt.Sprintf("line %d ", i)) {
				t.Fatalf("line %d is %.80q", i, line)
			}
		}
		if rest := lines[more-lost+1:]; len(rest) != 1 || !strings.HasSuffix(rest[0], fmt.Sprintf("WARN  %d lines could not be written to this log", lost)) {
			t.Errorf("after them %.200q", rest)
		}
		takes(0, "a line when it takes them again", func() { d.Logf("the end") })
		if !strings.HasSuffix(disk.took.String(), "the end\n") || int(d.Lost()) != lost {
			t.Errorf("not written at once, or %d lost", d.Lost())
		}
	})
}

// TestTheTailWaitsForNoDisk: what the disk gives later than anybody waits for is given back.
func TestTheTailWaitsForNoDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &stuck{came: make(chan struct{}), gone: make(chan struct{})}
		path := filepath.Join(t.TempDir(), "d.log")
		if err := os.WriteFile(path, []byte("of an earlier daemon\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		d := &daemon{diary: newDiary(disk), ownLogPath: path}
		go d.diary.Logf("a line")
		<-disk.came
		if lines, _, err := d.ownTail(10); err != nil || len(lines) != 1 || !strings.HasSuffix(lines[0], "a line") {
			t.Errorf("%q, %v", lines, err)
		}
		close(disk.gone)
	})
}
