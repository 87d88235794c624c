package core

import (
	"slices"
	"sync/atomic"
	"time"
)

// lagBounds are the upper bounds of a Lag's buckets; the last one has none.
var lagBounds = [...]time.Duration{time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, time.Second, 10 * time.Second}

// Lag tells how long messages and deadlines waited for the loop of their process, since the daemon began. The loops never
// wait themselves, so what is seen here is a machine that has no time for the daemon.
type Lag struct {
	Bounds []time.Duration // upper bounds of the buckets, ascending
	Counts []uint64        // how many waited so long and no longer than the next bound; one more than Bounds
	Sum    time.Duration
}

// Lag is the present one. It never waits.
func (s *Supervisor) Lag() Lag { return s.host.lag.read() }

type lag struct {
	counts [len(lagBounds) + 1]atomic.Uint64
	sum    atomic.Int64
}

func (l *lag) note(d time.Duration) {
	d = max(d, 0)
	i := 0
	for i < len(lagBounds) && d > lagBounds[i] {
		i++
	}
	l.counts[i].Add(1)
	l.sum.Add(int64(d))
}

func (l *lag) read() Lag {
	out := Lag{Bounds: slices.Clone(lagBounds[:]), Counts: make([]uint64, len(l.counts)), Sum: time.Duration(l.sum.Load())}
	for i := range l.counts {
		out.Counts[i] = l.counts[i].Load()
	}
	return out
}
