package logs

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestAGrandchildHoldingThePipeDelaysNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{path}})
	c := start(t, s, "holder 3000")
	c.wait(t)
	select {
	case <-c.pump.drained:
	default:
		t.Error("the end of the leader's output was not told, its owner waited for as long as one waits for a bad disk")
	}
	select {
	case <-c.pump.Done():
		t.Error("the pipe is at its end; nobody held it")
	default:
	}
	got := content(t, path)
	if n := strings.Count(got, "line "); n != 3000 || !strings.HasSuffix(got, "the end without a newline") {
		t.Errorf("%d lines, end %q", n, got[max(0, len(got)-40):])
	}
	// A new life writes while the old grandchild still holds its pipe.
	run(t, s, "lines 3 20")
	c.stdin.Close() // the grandchild says its last word and goes
	<-c.pump.Done()
	if got = content(t, path); !strings.HasSuffix(got, "late word\n") {
		t.Errorf("the grandchild's word is missing: %q", got[max(0, len(got)-40):])
	}
}

func TestDrainEndsAlthoughAGrandchildFloods(t *testing.T) {
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{filepath.Join(t.TempDir(), "a.log")}, Size: 1 << 20})
	r, w, err := pipe()
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var flood sync.WaitGroup
	flood.Go(func() {
		block := bytes.Repeat([]byte("flood\n"), 10_000)
		for {
			select {
			case <-stop:
				return
			default:
				w.Write(block)
			}
		}
	})
	p := s.Attach(r)
	begin := time.Now()
	p.Drain()
	if took := time.Since(begin); took > drainPatience {
		t.Errorf("Drain took %v", took)
	}
	select {
	case <-p.drained:
	default:
		t.Error("Drain gave up")
	}
	close(stop)
	flood.Wait()
	w.Close()
	<-p.Done()
}

// However fast the grandchild is: here it writes as much as was read before the next look into the pipe.
func TestDrainReadsWhatWasThereAndNoMore(t *testing.T) {
	const most = 10_000
	r, w, err := pipe()
	if err != nil {
		t.Fatal(err)
	}
	var refills atomic.Int32
	set := newSet(t, Options{})
	set.wrap = func(string) func(io.Writer) io.Writer {
		return func(disk io.Writer) io.Writer {
			return writerFunc(func(p []byte) (int, error) {
				if refills.Add(1) < most {
					w.Write(p) // there is room: this much was just taken out
				}
				return disk.Write(p)
			})
		}
	}
	s := open(t, set, "a", Settings{Files: []string{filepath.Join(t.TempDir(), "a.log")}})
	io.WriteString(w, "the leader's last line\n")
	p := s.Attach(r)
	p.Drain()
	select {
	case <-p.drained:
	default:
		t.Error("Drain gave up")
	}
	if n := refills.Load(); n >= most {
		t.Error("Drain waited until the grandchild had said everything")
	}
	refills.Store(most)
	w.Close()
	<-p.Done()
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// slow is a disk that takes its time for each write.
type slow struct {
	w     io.Writer
	pause time.Duration
}

func (s slow) Write(p []byte) (int, error) {
	<-time.After(s.pause)
	return s.w.Write(p)
}

func TestASlowDiskLosesNothingOfWhatTheLeaderWrote(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	set := newSet(t, Options{})
	set.wrap = func(string) func(io.Writer) io.Writer {
		return func(w io.Writer) io.Writer { return slow{w, 150 * time.Millisecond} }
	}
	s := open(t, set, "a", Settings{Files: []string{path}})
	c := start(t, s, "holder 3000")
	c.wait(t)
	if n := strings.Count(content(t, path), "line "); n != 3000 {
		t.Errorf("%d of 3000 lines", n)
	}
	c.stdin.Close()
	<-c.pump.Done()
}

func TestABlockedDiskDoesNotHoldDrainForEver(t *testing.T) {
	gate := make(chan struct{})
	set := newSet(t, Options{})
	set.wrap = func(path string) func(io.Writer) io.Writer {
		return func(w io.Writer) io.Writer { return gated{w, gate} }
	}
	dir := t.TempDir()
	stuck := open(t, set, "stuck", Settings{Files: []string{filepath.Join(dir, "stuck.log")}})
	set.wrap = nil
	quiet := open(t, set, "quiet", Settings{Files: []string{filepath.Join(dir, "quiet.log")}})
	c := start(t, stuck, "lines 10 20")
	c.wait(t) // returns after drainPatience
	begin := time.Now()
	say(t, quiet, "fine\n")
	stuck.Health()
	if _, err := texts(stuck.Tail(1, time.Time{}, nil)); err != nil {
		t.Error(err)
	}
	if err := stuck.Apply(Settings{Files: []string{filepath.Join(dir, "other.log")}, Size: 5, Count: 1000}); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("others waited %v", took)
	}
	close(gate)
	<-c.pump.Done()
	all, _ := io.ReadAll(concat(t, append(history(t, filepath.Join(dir, "stuck.log")), history(t, filepath.Join(dir, "other.log"))...)))
	if got := string(all); strings.Count(got, "\n") != 10 {
		t.Errorf("got %q", got)
	}
}

type gated struct {
	w    io.Writer
	gate chan struct{}
}

func (g gated) Write(p []byte) (int, error) {
	<-g.gate
	return g.w.Write(p)
}

func TestTheLastFragmentIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{path}})
	say(t, s, "one\ntwo")
	if got := content(t, path); got != "one\ntwo" {
		t.Errorf("got %q", got)
	}
	lines, err := texts(s.Tail(5, time.Time{}, nil))
	if err != nil || fmt.Sprint(lines) != "[one two]" {
		t.Errorf("tail %q %v", lines, err)
	}
	// Also where the beginning of a line waits for its end: in a file of several writers, and as a JSON object.
	for _, format := range []Format{Raw, JSON} {
		path := filepath.Join(t.TempDir(), "shared.log")
		set := newSet(t, Options{})
		one := open(t, set, "one", Settings{Files: []string{path}, Format: format})
		other := open(t, set, "other", Settings{Files: []string{path}, Format: format})
		r, w, err := pipe()
		if err != nil {
			t.Fatal(err)
		}
		p := other.Attach(r)
		say(t, one, "whole\nfragm", "ent")
		if got := content(t, path); strings.Count(got, "whole") != 1 || strings.Count(got, "fragment") != 1 {
			t.Errorf("%v: got %q", format, got)
		}
		w.Close()
		<-p.Done()
	}
}

func TestOneEndlessLineCostsNoMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{path, "/dev/null"}, Size: 100 << 20, Count: 20})
	f := s.Follow(soon(t))
	defer f.Close()
	size := 64 << 20
	if os.Getenv("SUPERVISORD_FULL") == "1" {
		size = 1 << 30
	}
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	c := start(t, s, fmt.Sprintf("long %d", size))
	var most uint64
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for done := false; !done; {
		select {
		case <-c.pump.Done():
			done = true
		case <-tick.C:
		}
		runtime.ReadMemStats(&now)
		most = max(most, now.HeapInuse)
	}
	c.wait(t)
	if more := int64(most) - int64(before.HeapInuse); more > 32<<20 {
		t.Errorf("%d MiB more memory", more>>20)
	}
	if h := s.Health(); h.Written != int64(size) || h.Lost != 0 {
		t.Errorf("health %+v", h)
	}
	if lines, err := texts(s.Tail(3, time.Time{}, nil)); err != nil || len(lines) != 3 || len(lines[0]) != maxLine {
		t.Errorf("tail of an endless line: %d pieces, %v", len(lines), err)
	}
}

func TestWritersOfOneFileDoNotTearEachOthersLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dir", "a.log")
	os.MkdirAll(filepath.Dir(path), 0o755)
	link := filepath.Join(t.TempDir(), "link")
	os.Symlink(filepath.Dir(path), link)
	set := newSet(t, Options{})
	to := Settings{Files: []string{path}, Size: 300_000, Count: 1000}
	again := Settings{Files: []string{path, filepath.Join(filepath.Dir(path), ".", "a.log"), filepath.Join(link, "a.log")}, Size: 300_000, Count: 1000}
	var children []*running
	tags := "pqrs"
	for i, tag := range tags {
		s := open(t, set, string(tag), []Settings{to, again}[i%2])
		children = append(children, start(t, s, fmt.Sprintf("tagged %c 3000", tag)))
	}
	for _, c := range children {
		c.wait(t)
		<-c.pump.Done()
	}
	files := history(t, path)
	if len(files) < 3 {
		t.Errorf("no rotation: %v", files)
	}
	linesAreWhole(t, files)
	all, err := io.ReadAll(concat(t, files))
	if err != nil {
		t.Fatal(err)
	}
	next := map[string]int{}
	whole := regexp.MustCompile(`^<([pqrs]) (\d+) ([pqrs]*)>$`)
	for line := range strings.Lines(string(all)) {
		m := whole.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil || m[2] != fmt.Sprint(next[m[1]]) || m[3] != strings.Repeat(m[1], next[m[1]]%300) {
			t.Fatalf("torn, lost, repeated or out of order: %.100q", line)
		}
		next[m[1]]++
	}
	for _, tag := range tags {
		if next[string(tag)] != 3000 {
			t.Errorf("%c: %d lines", tag, next[string(tag)])
		}
	}
}

func TestAnUnfinishedLineInASharedFileIsHeldAndThenShown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	set := newSet(t, Options{})
	a, b := open(t, set, "a", Settings{Files: []string{path}}), open(t, set, "b", Settings{Files: []string{path}})
	ra, wa, _ := pipe()
	rb, wb, _ := pipe()
	pa, pb := a.Attach(ra), b.Attach(rb)
	f := a.Follow(soon(t))
	defer f.Close()
	io.WriteString(wa, "whole\nbegin")
	f.Next()
	io.WriteString(wb, "other\n")
	g := b.Follow(soon(t), 0)
	defer g.Close()
	for b.Health().Written < 6 {
		<-g.wake
	}
	if got := content(t, path); got != "whole\nother\n" {
		t.Errorf("got %q", got)
	}
	for a.Health().Written < 11 { // after flushAfter
		<-f.wake
	}
	io.WriteString(wb, "more\n")
	wb.Close()
	<-pb.Done()
	wa.Close()
	<-pa.Done()
	if got := content(t, path); got != "whole\nother\nbegin\nmore\n" {
		t.Errorf("got %q", got)
	}
}

func TestEveryFileGetsEveryByte(t *testing.T) {
	dir := t.TempDir()
	x, y := filepath.Join(dir, "x"), filepath.Join(dir, "y")
	var mu sync.Mutex
	var out bytes.Buffer
	set := newSet(t, Options{Stdout: locked{&mu, &out}})
	s := open(t, set, "a", Settings{Files: []string{x, "/dev/stdout", y, "/dev/null", "/dev/stderr"}})
	run(t, s, "text 100000 9")
	want := sum(t, text(100000, 9))
	if sum(t, concat(t, []string{x})) != want || sum(t, concat(t, []string{y})) != want || sum(t, &out) != want {
		t.Error("the copies differ")
	}
}

type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func TestAClosedStdoutCostsNothing(t *testing.T) {
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{filepath.Join(t.TempDir(), "a.log")}})
	c := start(t, s, "closed")
	<-c.pump.Done() // the pipe is at its end although the program lives
	c.stdin.Close()
	c.wait(t)
	c.pump.Drain()
	c.pump.Close()
}

func TestSettingsChangeUnderARunningChild(t *testing.T) {
	dir := t.TempDir()
	x, y := filepath.Join(dir, "x"), filepath.Join(dir, "y")
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{x}, Size: 5_000, Count: 1000})
	c := start(t, s, "text 20000000 3")
	for i := range 40 {
		file := []string{x, y}[i%2]
		if err := s.Apply(Settings{Files: []string{file}, Size: int64(5_000 + 100_000*i), Count: 1000}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Apply(Settings{Files: []string{x, filepath.Join(dir, "x", "impossible")}}); err == nil {
		t.Error("a file below a file was accepted")
	}
	c.wait(t)
	<-c.pump.Done()
	total := int64(0)
	for _, path := range []string{x, y} {
		for _, file := range history(t, path) {
			if info, err := os.Stat(file); err == nil {
				total += info.Size()
			}
		}
	}
	if total != 20_000_000 {
		t.Errorf("%d bytes in the files", total)
	}
}

// A reload that changes how a file is rotated changes it for the file that is open.
func TestRotationSettingsChangeInPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	to := Settings{Files: []string{path}, Count: 1000}
	s := open(t, newSet(t, Options{}), "a", to)
	line := strings.Repeat("x", 60) + "\n"
	say(t, s, line, line, line)
	if n := len(history(t, path)); n != 1 {
		t.Fatalf("%d files without a limit", n)
	}
	to.Size = 100
	if err := s.Apply(to); err != nil {
		t.Fatal(err)
	}
	say(t, s, line, line, line)
	if n := len(history(t, path)); n != 4 {
		t.Errorf("%d files with a limit, want one with the first three lines and three of a line each", n)
	}
	to.Count = 1
	if err := s.Apply(to); err != nil {
		t.Fatal(err)
	}
	say(t, s, line)
	if n := len(history(t, path)); n != 2 {
		t.Errorf("%d files, want the active one and one old", n)
	}
}

func TestIdleStreamsOwnNoBuffer(t *testing.T) {
	set := newSet(t, Options{})
	dir := t.TempDir()
	const n = 300
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var writers []*os.File
	var pumps []*Pump
	for i := range n {
		s := open(t, set, fmt.Sprint(i), Settings{Files: []string{filepath.Join(dir, fmt.Sprint(i))}, Size: 1 << 20, Count: 3})
		r, w, err := pipe()
		if err != nil {
			t.Skip(err)
		}
		writers = append(writers, w)
		pumps = append(pumps, s.Attach(r))
		io.WriteString(w, "hello\n")
		for pumps[i].progress.Load() < 6 {
			runtime.Gosched()
		}
	}
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	used := int64(after.HeapAlloc+after.StackInuse) - int64(before.HeapAlloc+before.StackInuse)
	t.Logf("%d bytes for each idle stream", used/n)
	if used/n > 12<<10 { // about half of it without the race detector
		t.Errorf("an idle stream costs %d bytes", used/n)
	}
	for i, w := range writers {
		w.Close()
		<-pumps[i].Done()
	}
}

// faulty fails, or writes short, as it is told to.
type faulty struct {
	w    io.Writer
	fail *atomic.Pointer[error]
	most int
}

func (f faulty) Write(p []byte) (int, error) {
	if err := f.fail.Load(); err != nil && *err != nil {
		n, _ := f.w.Write(p[:min(3, len(p)/2)])
		return n, *err
	}
	if f.most > 0 && len(p) > f.most {
		return f.w.Write(p[:f.most])
	}
	return f.w.Write(p)
}

func TestShortWritesAreContinued(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	set := newSet(t, Options{})
	set.wrap = func(string) func(io.Writer) io.Writer {
		return func(w io.Writer) io.Writer { return faulty{w: w, fail: new(atomic.Pointer[error]), most: 777} }
	}
	s := open(t, set, "a", Settings{Files: []string{path}, Size: 20_000, Count: 1000})
	run(t, s, "text 500000 4")
	if sum(t, concat(t, history(t, path))) != sum(t, text(500000, 4)) {
		t.Error("bytes lost or repeated")
	}
}
