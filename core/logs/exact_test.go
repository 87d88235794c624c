package logs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A line that is written while TailFollow looks is given once: the writer is held here between the file and the memory of
// the stream, in the notice of a file that was deleted.
func TestALineWrittenDuringTailFollowComesOnce(t *testing.T) {
	for _, before := range []string{"", "before\n"} {
		path := filepath.Join(t.TempDir(), "a.log")
		written, looked := make(chan struct{}), make(chan struct{})
		set := newSet(t, Options{Notice: func(n Notice) {
			if n.Kind == Reopened {
				close(written)
				<-looked
			}
		}})
		s := open(t, set, "a", Settings{Files: []string{path}})
		if before != "" {
			say(t, s, before)
			<-time.After(retryEvery) // so that the next write looks at the path
		}
		if err := os.Rename(path, path+".away"); before != "" && err != nil {
			t.Fatal(err)
		}
		r, w, err := pipe()
		if err != nil {
			t.Fatal(err)
		}
		p := s.Attach(r)
		w.WriteString("one\n")
		<-written
		tail, f, err := textsAnd(s.TailFollow(soon(t), 10, time.Time{}, nil))
		close(looked)
		if err != nil {
			t.Fatal(err)
		}
		w.WriteString("two\n")
		w.Close()
		p.Drain()
		got := slices.Clone(tail)
		for len(got) == 0 || got[len(got)-1] != "two" {
			line, err := f.Next()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, line.Text)
		}
		f.Close()
		if text := strings.Join(got, " "); text != "one two" {
			t.Errorf("after %q: %q", before, text)
		}
	}
}

func TestTailShowsWhatAnotherStreamWroteIntoTheFile(t *testing.T) {
	set := newSet(t, Options{})
	to := Settings{Files: []string{filepath.Join(t.TempDir(), "both.log")}}
	a, b := open(t, set, "a", to), open(t, set, "b", to)
	say(t, a, "from a\n")
	say(t, b, "from b\n")
	for _, s := range []*Stream{a, b} {
		got, err := texts(s.Tail(10, time.Time{}, nil))
		if err != nil || strings.Join(got, ", ") != "from a, from b" {
			t.Errorf("%q, %v", got, err)
		}
		got, f, err := textsAnd(s.TailFollow(soon(t), 10, time.Time{}, nil))
		if err != nil || strings.Join(got, ", ") != "from a, from b" {
			t.Errorf("followed: %q, %v", got, err)
		}
		f.Close()
	}
}

func TestATailOfEmptyLinesTakesNoMoreMemoryThanItsBound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	if err := os.WriteFile(path, []byte(strings.Repeat("\n", 2<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, newSet(t, Options{}), "a", Settings{Files: []string{path}})
	got, err := texts(s.Tail(1<<30, time.Time{}, nil))
	if err != nil || len(got) != 1+maxTail/lineCost || got[0] != LeftOut || got[1] != "" {
		t.Errorf("%d lines, the first is %q, %v", len(got), got[0], err)
	}
	if got, err = texts(s.Tail(maxTail/lineCost, time.Time{}, nil)); err != nil || len(got) != maxTail/lineCost || got[0] != "" {
		t.Errorf("nothing that was wanted is left out, and of %d lines the first is %q, %v", len(got), got[0], err)
	}
}
