package core

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// inUse is the memory of the heap and the stacks.
func inUse() uint64 {
	runtime.GC()
	runtime.GC() // the first one shrinks stacks, the second sees it
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// A process at rest is one goroutine and little memory: a thousand of them leave half of the daemon's 16 MB to others.
func TestIdleProcessIsSmall(t *testing.T) {
	const n, limit = 1000, 8 << 10 // bytes of heap and stack per process, the fake child's included
	specs := make([]Spec, n)
	for i := range specs {
		specs[i] = spec(fmt.Sprintf("p%d", i))
	}
	w := newWorld(t)
	before, had := inUse(), runtime.NumGoroutine()
	s := New(Options{Starter: w})
	if r, err := s.Apply(t.Context(), specs); err != nil || r.Err() != nil {
		t.Fatal(err, r.Err())
	}
	deadline := time.After(10 * time.Second)
	for runtime.NumGoroutine() > had+n { // launches hand themselves in and end
		select {
		case <-deadline:
			t.Fatalf("%d goroutines for %d processes", runtime.NumGoroutine()-had, n)
		default:
			runtime.Gosched()
		}
	}
	each := (inUse() - before) / n
	t.Logf("%d bytes per idle process", each)
	if each > 2*limit { // the race detector doubles it
		t.Errorf("%d bytes per idle process, want at most %d", each, limit)
	}
	end(t, s, w)
}
