package logs

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Floods that wait for a disk, one that blocks and one that is slow, hold up no flood whose disk is well.
func TestABadDiskHoldsUpNoOtherFlood(t *testing.T) {
	gate := make(chan struct{})
	set := newSet(t, Options{})
	dir := t.TempDir()
	flood := func(name string, wrap func(io.Writer) io.Writer) (written func() int64, end func()) {
		set.wrap = func(string) func(io.Writer) io.Writer { return wrap }
		s := open(t, set, name, Settings{Files: []string{filepath.Join(dir, name)}, Size: 4 << 20})
		r, w, err := pipe()
		if err != nil {
			t.Fatal(err)
		}
		p := s.Attach(r)
		var writer sync.WaitGroup
		writer.Go(func() {
			block := []byte(strings.Repeat("flood\n", 10_000))
			for {
				if _, err := w.Write(block); err != nil {
					return // it was closed
				}
			}
		})
		return p.progress.Load, func() {
			w.Close()
			writer.Wait()
			<-p.Done()
		}
	}
	after := int64(1 << 20) // what is bad begins to be so when it is known to move much
	var ends []func()
	for i := range cap(set.turns) + 1 {
		_, end := flood(fmt.Sprintf("blocked%d", i), func(w io.Writer) io.Writer { return &later{w: w, left: after, bad: func() { <-gate }} })
		_, slow := flood(fmt.Sprintf("slow%d", i), func(w io.Writer) io.Writer {
			return &later{w: w, left: after, bad: func() { <-time.After(100 * time.Millisecond) }}
		})
		ends = append(ends, end, slow)
	}
	well, end := flood("well", func(w io.Writer) io.Writer { return w })
	ends = append(ends, end)
	<-time.After(2 * time.Second) // each of the others has been found out
	before := well()
	<-time.After(time.Second)
	if moved := well() - before; moved < 10<<20 {
		t.Errorf("%d bytes in a second", moved)
	}
	close(gate)
	for _, end := range ends {
		end()
	}
	if n := len(set.turns); n != cap(set.turns) {
		t.Errorf("%d turns are left of %d", n, cap(set.turns))
	}
}

// later is a disk that is bad after so many bytes.
type later struct {
	w    io.Writer
	left int64
	bad  func()
}

func (l *later) Write(p []byte) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		l.bad()
	}
	return l.w.Write(p)
}

func TestTurnsComeInTheOrderOfAskingAndAreNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := make(turnstile, 1)
		turns <- struct{}{}
		turns.enter()
		var mu sync.Mutex
		var order []int
		for i := range 3 {
			go func() {
				turns.enter()
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				turns.leave()
			}()
			synctest.Wait()
		}
		turns.leave()
		synctest.Wait()
		if fmt.Sprint(order) != "[0 1 2]" || len(turns) != 1 {
			t.Errorf("%v, %d turns", order, len(turns))
		}
		turns.enter() // and it never comes back in time
		begun := time.Now()
		turns.enter()
		if took := time.Since(begun); took != turnPatience {
			t.Errorf("waited %v", took)
		}
		turns.leave()
		turns.leave()
		if len(turns) != 1 {
			t.Errorf("%d turns", len(turns))
		}
	})
}

func TestOnlyWhoMovesMuchWaitsForATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &load{began: time.Now()}
		for range 1000 { // a megabyte a second
			l.add(1 << 10)
			<-time.After(time.Millisecond)
		}
		if l.heavy {
			t.Error("a quiet stream is called heavy")
		}
		for range 100 {
			l.add(64 << 10)
			<-time.After(time.Millisecond)
		}
		if !l.heavy {
			t.Error("a flood is not seen")
		}
		for range 10 {
			l.add(64 << 10)
			<-time.After(time.Second)
		}
		if l.heavy {
			t.Error("the end of a flood is not seen")
		}
	})
}
