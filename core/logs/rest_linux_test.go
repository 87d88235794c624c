package logs

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// resting says whether a pump has no goroutine now.
func resting(p *Pump) bool {
	w := &p.stream.set.watcher
	w.mu.Lock()
	defer w.mu.Unlock()
	return p.token != 0
}

// awaitRest waits until they have none.
func awaitRest(t *testing.T, pumps ...*Pump) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for _, p := range pumps {
		for !resting(p) {
			select {
			case <-tick.C:
			case <-late:
				t.Fatal("it does not rest")
			}
		}
	}
}

// attached is a pump with the end of its pipe that a child would have.
func attached(t *testing.T, s *Stream) (*Pump, *os.File) {
	t.Helper()
	r, w, err := pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return s.Attach(r), w
}

func TestIdleStreamsHaveNoGoroutine(t *testing.T) {
	const n = 300
	set := newSet(t, Options{})
	dir := t.TempDir()
	had := runtime.NumGoroutine()
	few := func(when string) {
		t.Helper()
		if more := runtime.NumGoroutine() - had; more > 10 {
			t.Errorf("%d goroutines for %d streams %s", more, n, when)
		}
	}
	var pumps []*Pump
	var writers []*os.File
	for i := range n {
		s := open(t, set, fmt.Sprint(i), Settings{Files: []string{filepath.Join(dir, fmt.Sprint(i))}})
		p, w := attached(t, s)
		pumps, writers = append(pumps, p), append(writers, w)
	}
	awaitRest(t, pumps...)
	few("that have said nothing yet")
	for _, w := range writers {
		io.WriteString(w, "hello\n")
	}
	for _, p := range pumps {
		for p.progress.Load() < 6 {
			runtime.Gosched()
		}
	}
	awaitRest(t, pumps...)
	few("that are silent again")
	for i, w := range writers {
		w.Close()
		<-pumps[i].Done()
		if got := content(t, filepath.Join(dir, fmt.Sprint(i))); got != "hello\n" {
			t.Fatalf("%d: %q", i, got)
		}
	}
}

// What may happen to a pump that rests.
func TestARestIsEndedByWhateverHappens(t *testing.T) {
	for _, one := range []struct {
		what string
		do   func(t *testing.T, p *Pump, w *os.File)
		want string
		ends bool
	}{
		{"the other end is closed", func(_ *testing.T, p *Pump, w *os.File) { w.Close(); <-p.Done() }, "before\n", true},
		{"a drain of nothing", func(_ *testing.T, p *Pump, w *os.File) { p.Drain() }, "before\n", false},
		{"a word and a drain", func(_ *testing.T, p *Pump, w *os.File) { io.WriteString(w, "word"); p.Drain() }, "before\nword", false},
		{"a word and a close", func(_ *testing.T, p *Pump, w *os.File) { io.WriteString(w, "word"); p.Close() }, "before\nword", true},
		{"a close of the stream", func(_ *testing.T, p *Pump, w *os.File) { io.WriteString(w, "word"); p.stream.Close() }, "before\nword", true},
		{"a close of everything", func(_ *testing.T, p *Pump, w *os.File) { io.WriteString(w, "word"); p.stream.set.Close() }, "before\nword", true},
		{"a close of the watcher", func(_ *testing.T, p *Pump, w *os.File) {
			p.stream.set.watcher.close()
			io.WriteString(w, "word")
			w.Close()
			<-p.Done()
		}, "before\nword", true},
		{"a failing watcher", func(t *testing.T, p *Pump, w *os.File) {
			p.stream.set.watcher.epoll.Close()
			<-p.stream.set.watcher.done
			io.WriteString(w, "word")
			w.Close()
			<-p.Done()
		}, "before\nword", true},
	} {
		t.Run(one.what, func(t *testing.T) {
			set := newSet(t, Options{})
			set.restAfter = time.Millisecond
			path := filepath.Join(t.TempDir(), "a.log")
			p, w := attached(t, open(t, set, "a", Settings{Files: []string{path}}))
			awaitRest(t, p)
			io.WriteString(w, "before\n")
			for p.progress.Load() < 7 {
				runtime.Gosched()
			}
			awaitRest(t, p)
			one.do(t, p, w)
			if got := content(t, path); got != one.want {
				t.Errorf("%q, want %q", got, one.want)
			}
			select {
			case <-p.Done():
				if !one.ends {
					t.Error("it has ended")
				}
			default:
				if one.ends {
					t.Error("it has not ended")
				}
				awaitRest(t, p) // also after a drain, for as long as a grandchild holds the pipe
				io.WriteString(w, "late\n")
				w.Close()
				<-p.Done()
				if got := content(t, path); got != one.want+"late\n" {
					t.Errorf("%q", got)
				}
			}
		})
	}
}

// An unfinished line is shown after a second; then the pump rests and has forgotten nothing.
func TestAHeldLineIsShownBeforeTheRest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	p, w := attached(t, open(t, newSet(t, Options{}), "a", Settings{Files: []string{path}, Format: JSON}))
	io.WriteString(w, "half")
	for p.progress.Load() < 4 {
		runtime.Gosched()
	}
	if got := content(t, path); got != "" {
		t.Errorf("%q at once", got)
	}
	awaitRest(t, p)
	if got := content(t, path); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"half"`) {
		t.Errorf("%q at rest", got)
	}
	io.WriteString(w, "rest\n")
	p.Close()
	if got := content(t, path); strings.Count(got, "\n") != 2 {
		t.Errorf("%q in the end", got)
	}
}

// Pumps go to rest and come back thousands of times while descriptors are used
// again, and each stream gets its own bytes, all of them, in order.
func TestRestLosesNothing(t *testing.T) {
	set := newSet(t, Options{})
	set.restAfter = 1
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 7))
			path := filepath.Join(dir, fmt.Sprint(i))
			s := open(t, set, fmt.Sprint(i), Settings{Files: []string{path}})
			var want bytes.Buffer
			for life := range big(200) {
				r, w, err := pipe()
				if err != nil {
					t.Error(err)
					return
				}
				p := s.Attach(r)
				for word := range random.IntN(20) {
					text := fmt.Sprintf("%d.%d.%d%s\n", i, life, word, strings.Repeat("x", random.IntN(2)*random.IntN(5000)))
					io.WriteString(w, text)
					want.WriteString(text)
					switch random.IntN(4) {
					case 0:
						<-time.After(time.Duration(random.IntN(300)) * time.Microsecond)
					case 1:
						runtime.Gosched()
					}
				}
				switch random.IntN(3) {
				case 0:
					w.Close()
					<-p.Done()
				case 1:
					p.Drain()
					if got := s.Health().Written; got != int64(want.Len()) {
						t.Errorf("%d bytes after a drain, want %d", got, want.Len())
					}
					w.Close()
					<-p.Done()
				case 2:
					p.Close()
					w.Close()
				}
			}
			if got := content(t, path); got != want.String() {
				t.Errorf("stream %d has %d bytes, want %d", i, len(got), want.Len())
			}
		})
	}
	all.Wait()
}

// A line that wakes a pump out of its rest is there as soon as one of a pump that does not rest, but for the start of a
// goroutine. The bound leaves room for a busy machine.
func TestALineOutOfRestIsThereAtOnce(t *testing.T) {
	const within = 20 * time.Millisecond
	set := newSet(t, Options{})
	set.restAfter = time.Millisecond
	s := open(t, set, "a", Settings{Files: []string{filepath.Join(t.TempDir(), "a.log")}})
	p, w := attached(t, s)
	f := s.Follow(soon(t))
	defer f.Close()
	best, sum := time.Hour, time.Duration(0)
	const times = 20
	for range times {
		awaitRest(t, p)
		begin := time.Now()
		io.WriteString(w, "hello\n")
		if line, err := f.Next(); err != nil || line.Text != "hello" {
			t.Fatalf("%+v, %v", line, err)
		}
		took := time.Since(begin)
		best, sum = min(best, took), sum+took
	}
	t.Logf("%v on the average, %v at best", sum/times, best)
	if best > within/10 || sum/times > within {
		t.Errorf("a line out of rest takes %v on the average and %v at best, want %v and %v", sum/times, best, within, within/10)
	}
}
