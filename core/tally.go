package core

import (
	"maps"
	"sync"

	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/logs"
)

// mostEnds is how many different ends of a process are counted apart: what comes beyond is counted together, so that a
// program that exits with ever new codes takes no ever new memory.
const mostEnds = 32

// OtherEnds stands for all ends beyond the first 32 different ones in [Tally.Exits].
const OtherEnds = "other"

// Tally is what a process has been through since it was registered. Unlike in its Status, nothing in it is ever forgotten
// but by the end of the daemon or the removal of the process.
type Tally struct {
	Restarts       uint64            // starts that nobody asked for
	FailedLaunches uint64            // tries that never became a process
	Exits          map[string]uint64 // ended lives by exit code or by name of the signal
	Stdout, Stderr *logs.Health      // nil when that output is not kept
}

// Tally is the present one of a process; ErrNotFound when there is none of the name. It never waits.
func (s *Supervisor) Tally(name string) (Tally, error) {
	p, err := s.process(name)
	if err != nil {
		return Tally{}, err
	}
	t := p.tally.read()
	t.Stdout, t.Stderr = health(p.out.stdout.Load()), health(p.out.stderr.Load())
	return t, nil
}

func health(s *logs.Stream) *logs.Health {
	if s == nil {
		return nil
	}
	h := s.Health()
	return &h
}

// tally is written by the loop of its process and read by anybody.
type tally struct {
	mu             sync.Mutex
	restarts       uint64
	failedLaunches uint64
	exits          map[string]uint64 // nil before the first end
}

func (t *tally) read() Tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Tally{Restarts: t.restarts, FailedLaunches: t.failedLaunches, Exits: maps.Clone(t.exits)}
}

func (t *tally) restarted() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.restarts++
}

func (t *tally) unborn() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failedLaunches++
}

func (t *tally) ended(x child.Exit) {
	end := x.Word()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.exits == nil {
		t.exits = map[string]uint64{}
	}
	if _, known := t.exits[end]; !known && len(t.exits) >= mostEnds {
		end = OtherEnds
	}
	t.exits[end]++
}
