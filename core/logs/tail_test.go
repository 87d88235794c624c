package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTailReadsOverRotatedFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{path}, Size: 3000, Count: 1000})
	var want []string
	for i := range 1000 {
		want = append(want, fmt.Sprintf("line %d %s", i, strings.Repeat("y", i%50)))
	}
	say(t, s, strings.Join(want, "\n")+"\n")
	if len(history(t, path)) < 5 {
		t.Fatal("no rotation")
	}
	for _, n := range []int{0, 1, 10, 500, 1000, 5000} {
		got, err := texts(s.Tail(n, time.Time{}, nil))
		if err != nil || !slices.Equal(got, want[max(0, 1000-n):]) {
			t.Errorf("Tail(%d): %d lines, %v", n, len(got), err)
		}
	}
	got, err := texts(s.Tail(3, time.Time{}, regexp.MustCompile(`^line \d*7 `)))
	if err != nil || len(got) != 3 || !strings.HasPrefix(got[0], "line 977 ") || !strings.HasPrefix(got[2], "line 997 ") {
		t.Errorf("matching %q, %v", got, err)
	}
}

func TestTailKnowsWhenALineCame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	os.WriteFile(path, []byte("from an earlier life\n"), 0o600)
	long := time.Now().Add(-time.Hour)
	os.Chtimes(path, long, long)
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{path}})
	say(t, s, "old 1\nold 2\n")
	<-time.After(300 * time.Millisecond)
	mark := time.Now()
	say(t, s, "new 1\nnew 2\n")
	for since, want := range map[time.Time]string{
		mark: "[new 1 new 2]", mark.Add(-time.Minute): "[old 1 old 2 new 1 new 2]", time.Now().Add(time.Hour): "[]",
		mark.Add(-2 * time.Hour): "[from an earlier life old 1 old 2 new 1 new 2]",
	} {
		if got, err := texts(s.Tail(100, since, nil)); err != nil || fmt.Sprint(got) != want {
			t.Errorf("since %v: %q, %v; want %s", since, got, err, want)
		}
	}
}

func TestTheIndexStaysSmallAndKnowsTheLastMinutesBest(t *testing.T) {
	var x index
	second := int64(time.Second)
	const end = 30 * 24 * 3600 / 10 // a write each ten seconds, for thirty days
	for i := range int64(end) {
		x.add(i, 10*i*second)
	}
	if len(x.spans) > indexSpans {
		t.Errorf("%d spans", len(x.spans))
	}
	for _, ago := range []int64{1, 6, 60, 360, 6 * 360, 6 * 60 * 24, 6 * 60 * 24 * 7, 6 * 60 * 24 * 29} { // in tens of seconds
		at := end - ago
		off, _ := x.since(10*at*second, end)
		if off > at || at-off > 1+ago/10 {
			t.Errorf("since %v ago: %v too much", time.Duration(10*ago*second), time.Duration(10*(at-off)*second))
		}
		if came := x.at(at); came.UnixNano() > 10*at*second {
			t.Errorf("the byte of %v ago is said to be younger", time.Duration(10*ago*second))
		}
	}
	if off, _ := x.since(20*end*second, end); off != end {
		t.Errorf("offset %d", off)
	}
	var burst index // all at once, then at the same time after the clock was set back
	for i := range int64(10_000) {
		burst.add(i, i*indexGrain)
	}
	for i := range int64(10_000) {
		burst.add(10_000+i, 5)
	}
	if len(burst.spans) > indexSpans {
		t.Errorf("%d spans", len(burst.spans))
	}
}

func TestWithoutAFileTheLastLinesAreInMemory(t *testing.T) {
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{"/dev/null"}})
	say(t, s, "one\n")
	if cap(s.ring.buf) > 1024 {
		t.Errorf("%d bytes for one line", cap(s.ring.buf))
	}
	var text strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&text, "line %d\n", i)
	}
	say(t, s, text.String())
	if cap(s.ring.buf) > keepIdle {
		t.Errorf("%d bytes", cap(s.ring.buf))
	}
	got, err := texts(s.Tail(2, time.Time{}, nil))
	if err != nil || fmt.Sprint(got) != "[line 4998 line 4999]" {
		t.Errorf("%q, %v", got, err)
	}
	got, err = texts(s.Tail(5000, time.Time{}, nil))
	if err != nil || len(got) < 1000 || !strings.HasPrefix(got[0], "line ") {
		t.Errorf("%d lines from %q, %v", len(got), got[0], err)
	}
	if got, _ := texts(s.Tail(5, time.Now().Add(time.Minute), nil)); len(got) != 0 {
		t.Errorf("from the future: %q", got)
	}
}

func TestTheRingHoldsTheNewestBytes(t *testing.T) {
	var r ring
	var all []byte
	for i := range 3000 {
		limit := []int{2000, 700, 5000}[i/1000]
		p := []byte(fmt.Sprintf("%d,%s", i, strings.Repeat("r", i%900)))
		all = append(all, p...)
		r.add(p, limit)
		if r.n > limit || r.end != int64(len(all)) {
			t.Fatalf("step %d: %d bytes, end %d", i, r.n, r.end)
		}
		got := make([]byte, r.n)
		if n := r.read(r.start(), got); n != r.n || string(got) != string(all[len(all)-n:]) {
			t.Fatalf("step %d: wrong bytes", i)
		}
	}
	r.add(nil, 0)
	if r.buf != nil || r.start() != r.end {
		t.Error("nothing was to be kept")
	}
}

func TestFollowersGetEveryLineOnceAfterTheTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{path}, Size: 500, Count: 1000})
	r, w, err := pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := s.Attach(r)
	const n = 3000
	go func() {
		for i := range n {
			fmt.Fprintf(w, "line %d\n", i)
		}
		w.Close()
	}()
	for s.Health().Written < 5000 {
		<-time.After(time.Millisecond)
	}
	lines, f, err := textsAnd(s.TailFollow(soon(t), n, time.Time{}, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for len(lines) < n {
		line, err := f.Next()
		if err != nil {
			t.Fatalf("after %d lines: %v", len(lines), err)
		}
		if line.Missed > 0 {
			t.Fatalf("missed %d", line.Missed)
		}
		lines = append(lines, line.Text)
	}
	for i, line := range lines {
		if line != fmt.Sprintf("line %d", i) {
			t.Fatalf("line %d is %q", i, line)
		}
	}
	<-p.Done()
}

func TestASlowFollowerIsToldWhatItMissed(t *testing.T) {
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{filepath.Join(t.TempDir(), "a.log")}})
	f := s.Follow(soon(t))
	run(t, s, "lines 50000 100") // nobody reads meanwhile
	var missed, seen int64
	for seen+missed < 5_000_000 {
		line, err := f.Next()
		if err != nil {
			t.Fatal(err)
		}
		if missed += line.Missed; line.Missed == 0 {
			if len(line.Text) != 99 {
				t.Fatalf("half a line: %q", line.Text)
			}
			seen += 100
		}
		if int64(line.Cursor) != seen+missed {
			t.Fatalf("cursor %d after %d", line.Cursor, seen+missed)
		}
	}
	if missed == 0 || seen == 0 || seen+missed != 5_000_000 {
		t.Errorf("seen %d, missed %d", seen, missed)
	}
	g := s.Follow(soon(t), Cursor(5_000_000-300)) // as far as it is in memory
	if line, err := g.Next(); err != nil || !strings.HasPrefix(line.Text, "000049997") {
		t.Errorf("%+v %v", line, err)
	}
	g.Close()
	f.Close()
	if _, err := f.Next(); err != io.EOF {
		t.Errorf("after Close: %v", err)
	}
	if s.ring.buf != nil {
		t.Error("the ring is kept although nobody follows")
	}
}

func TestFollowEndsWithItsContextAndWithTheStream(t *testing.T) {
	set := newSet(t, Options{})
	s := open(t, set, "a", Settings{Files: []string{filepath.Join(t.TempDir(), "a.log")}})
	ctx, cancel := context.WithCancel(context.Background())
	f := s.Follow(ctx)
	cancel()
	if _, err := f.Next(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	g := s.Follow(soon(t))
	say(t, s, "last\nfragment")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"last", "fragment"} {
		if line, err := g.Next(); err != nil || line.Text != want {
			t.Errorf("%+v %v", line, err)
		}
	}
	if _, err := g.Next(); err != io.EOF {
		t.Errorf("got %v", err)
	}
	if err := s.Apply(Settings{}); err == nil {
		t.Error("a closed stream was changed")
	}
	if s, err := set.Open("a", "stdout", Settings{}); err != nil { // the name is free again
		t.Error(err)
	} else if _, err := set.Open("a", "stdout", Settings{}); err == nil {
		t.Error("opened twice")
	} else {
		s.Close()
	}
}

// A daemon before this one wrote the files; with a format that has times each line says when it came.
func TestLinesWithTimesAreFoundByTimeAfterARestart(t *testing.T) {
	for _, format := range []Format{Time, JSON} {
		dir := t.TempDir()
		path := filepath.Join(dir, "a.log")
		now := time.Now().Truncate(time.Millisecond)
		var files [][]byte
		for hours := 5; hours >= 0; hours-- {
			s := shaper{name: "a", label: "stdout"}
			out, _ := s.shape(nil, format, []byte("first\n"), now.Add(-time.Duration(hours)*time.Hour-time.Minute))
			out, _ = s.shape(out, format, []byte("second\n"), now.Add(-time.Duration(hours)*time.Hour))
			files = append(files, out)
		}
		for i, text := range files[:5] {
			os.WriteFile(filepath.Join(dir, oldName("a.log", now, uint64(i+1))), text, 0o600)
		}
		os.WriteFile(path, files[5], 0o600)
		s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{path}, Format: format})
		for since, want := range map[time.Duration]int{30 * time.Second: 1, 2 * time.Minute: 2, 61 * time.Minute: 4, 3*time.Hour + time.Second: 7, 100 * time.Hour: 12} {
			got, err := s.Tail(100, now.Add(-since), nil)
			if err != nil || len(got) != want {
				t.Errorf("%v since %v: %d lines, want %d; %v", format, since, len(got), want, err)
			}
			if len(got) > 0 && !got[len(got)-1].At.Equal(now) {
				t.Errorf("%v: the last line is said to be of %v", format, got[len(got)-1].At)
			}
			again, err := TailFile(path, format, 100, now.Add(-since), nil)
			if err != nil || !slices.Equal(again, got) {
				t.Errorf("%v since %v: a file that nobody has open: %d lines, %v", format, since, len(again), err)
			}
		}
	}
}

func TestLinesKnowWhenTheyCame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	os.WriteFile(path, []byte("from an earlier life\n"), 0o600)
	set := newSet(t, Options{})
	for _, s := range []*Stream{open(t, set, "a", Settings{Files: []string{path}}), open(t, set, "b", Settings{})} {
		begin := time.Now()
		say(t, s, "one\n")
		<-time.After(200 * time.Millisecond)
		middle := time.Now()
		say(t, s, "two\n")
		got, err := s.Tail(10, time.Time{}, nil)
		if s.name == "a" {
			if len(got) != 3 || !got[0].At.IsZero() {
				t.Fatalf("%+v: of the first line nothing can be known", got)
			}
			got = got[1:]
		}
		if err != nil || len(got) != 2 || got[0].At.Before(begin) || got[0].At.After(middle) || got[1].At.Before(middle) || got[1].At.After(time.Now()) {
			t.Errorf("%s: %+v, %v", s.name, got, err)
		}
	}
}

func TestAFileThatIsNotThereHasNoLines(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "a.log"), filepath.Join(dir, "no", "such", "folder", "a.log")} {
		if got, err := TailFile(path, Raw, 10, time.Time{}, nil); err != nil || len(got) != 0 {
			t.Errorf("%v, %v", got, err)
		}
	}
	os.WriteFile(filepath.Join(dir, oldName("a.log", time.Now(), 1)), []byte("only an old one\n"), 0o600)
	if got, err := texts(TailFile(filepath.Join(dir, "a.log"), Raw, 10, time.Time{}, nil)); err != nil || fmt.Sprint(got) != "[only an old one]" {
		t.Errorf("%q, %v", got, err)
	}
}
