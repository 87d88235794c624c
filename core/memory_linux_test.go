package core

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/logs"
)

// piped is a Starter of children that exist only as two pipes.
type piped struct {
	*world
	mu    sync.Mutex
	pipes map[string]*pipedChild
}

type pipedChild struct {
	child.Child
	out, err   *os.File
	outW, errW *os.File
}

func (p *pipedChild) Stdout() *os.File { return p.out }
func (p *pipedChild) Stderr() *os.File { return p.err }

func (p *piped) Start(c child.Command) (child.Child, error) {
	kid, err := p.world.Start(c)
	if err != nil {
		return nil, err
	}
	k := &pipedChild{Child: kid}
	for _, at := range []struct{ r, w **os.File }{{&k.out, &k.outW}, {&k.err, &k.errW}} {
		if *at.r, *at.w, err = os.Pipe(); err != nil {
			return nil, err
		}
	}
	p.mu.Lock()
	p.pipes[c.Name] = k
	p.mu.Unlock()
	return k, nil
}

// A thousand captured processes that have said something and are silent now: one goroutine each, and little memory.
func TestThousandIdleCapturedProcessesAreSmall(t *testing.T) {
	const n, limit = 1000, 18 << 10 // bytes of heap and stack per process: the owner, two pumps, two streams, two files
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Cur < 7*n {
		t.Skipf("needs %d descriptors, %d are allowed", 7*n, files.Cur)
	}
	dir := t.TempDir()
	specs := make([]Spec, n)
	for i := range specs {
		name := fmt.Sprintf("p%d", i)
		specs[i] = spec(name)
		specs[i].Output = Output{Stdout: []string{filepath.Join(dir, name+".out")}, Stderr: []string{filepath.Join(dir, name+".err")}, Size: 1 << 20, Count: 3}
	}
	w := &piped{world: newWorld(t), pipes: map[string]*pipedChild{}}
	set := logs.New(logs.Options{})
	before, had := inUse(), runtime.NumGoroutine()
	s := New(Options{Starter: w, Logs: set})
	if r, err := s.Apply(t.Context(), specs); err != nil || r.Err() != nil {
		t.Fatal(err, r.Err())
	}
	for _, k := range w.pipes {
		fmt.Fprintln(k.outW, "hello")
		fmt.Fprint(k.errW, "half a line")
	}
	deadline := time.After(30 * time.Second)
	for name := range w.pipes {
		for _, stream := range []string{"stdout", "stderr"} {
			for {
				out, err := s.Stream(name, stream)
				if err != nil {
					t.Fatal(err)
				}
				if out.Health().Written > 0 {
					break
				}
				select {
				case <-deadline:
					t.Fatalf("%s of %s was not read", stream, name)
				default:
					runtime.Gosched()
				}
			}
		}
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for more := n + 11; more > n+10; more = runtime.NumGoroutine() - had { // until the pumps rest
		select {
		case <-deadline:
			t.Fatalf("%d goroutines for %d processes", more, n)
		case <-tick.C:
		}
	}
	each := (inUse() - before) / n
	t.Logf("%d bytes per idle captured process", each)
	if each > limit {
		t.Errorf("%d bytes per idle captured process, want at most %d", each, limit)
	}
	for _, k := range w.pipes {
		k.outW.Close()
		k.errW.Close()
	}
	end(t, s, w.world)
	if err := set.Close(); err != nil {
		t.Error(err)
	}
	for tries := 0; runtime.NumGoroutine() > had+5; tries++ {
		if tries > 1_000_000 {
			t.Fatalf("%d goroutines are left", runtime.NumGoroutine()-had)
		}
		runtime.Gosched()
	}
}
