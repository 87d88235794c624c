package logs

import (
	"runtime"
	"time"
)

// turnstile lets only as many pumps work at a time as there are processors to
// work on, those that move much: each takes a turn for one buffer. Without it a
// hundred programs that write as fast as they can, and the threads that read
// them, would all wait for the processors at once, and so would whoever wants
// an answer of the daemon. With it only the programs whose pipes are being
// emptied can run. Pumps that move little never wait here.
type turnstile chan struct{}

const (
	// A pump moves much when it brought heavyBytes within heavyTime, or heavyRead
	// at once: then its program writes faster than it is read, however long the
	// pump had to wait for a processor since the last time.
	heavyBytes = 128 << 10
	heavyTime  = 50 * time.Millisecond
	heavyRead  = 32 << 10
	// A turn that lasts as long as turnPatience is held by a disk that blocks:
	// it does not count any more. Pumps whose turns last longer than slowTurn
	// one after the other wait for a slow disk and not for a processor: they
	// take none, and hold nobody up.
	turnPatience = 250 * time.Millisecond
	slowTurn     = 20 * time.Millisecond
	slowTurns    = 3
)

func newTurnstile() turnstile {
	t := make(turnstile, max(1, runtime.GOMAXPROCS(0)/2))
	for range cap(t) {
		t <- struct{}{}
	}
	return t
}

// enter waits for a turn, in the order of asking, and says whether it had to.
func (t turnstile) enter() (waited bool) {
	select {
	case <-t:
		return false
	default:
	}
	late := time.NewTimer(turnPatience)
	defer late.Stop()
	select {
	case <-t:
	case <-late.C:
	}
	return true
}

// leave ends a turn. One that had been given up is not given back.
func (t turnstile) leave() {
	select {
	case t <- struct{}{}:
	default:
	}
}

// load is how much a pump has moved lately.
type load struct {
	began time.Time
	bytes int
	heavy bool
	full  bool      // the last read was one of heavyRead
	crowd bool      // others wanted the last turn too
	turn  bool      // it has a turn now
	since time.Time // when the present piece of work began
	slow  int       // pieces of work that took long, less those that did not
}

// add counts what was moved.
func (l *load) add(n int) {
	l.full = n >= heavyRead
	if l.bytes += n; l.bytes < heavyBytes && !l.heavy {
		return
	}
	now := time.Now()
	if took := now.Sub(l.began); took > heavyTime || l.bytes >= heavyBytes {
		l.heavy = l.bytes >= heavyBytes && took <= heavyTime
		l.began, l.bytes = now, 0
	}
}

// enter takes a turn for a pump that moves much.
func (p *Pump) enter() {
	l := &p.load
	if !l.heavy && !l.full || !l.since.IsZero() {
		return
	}
	if l.slow < slowTurns {
		l.crowd = p.stream.set.turns.enter()
		l.turn = true
	}
	l.since = time.Now()
}

// room is where the next bytes go. In a crowd it is small, so that a turn is
// short and nobody has more of it than the others.
func (p *Pump) room() []byte {
	if p.load.crowd {
		return p.buf[p.held:min(p.held+maxLine, len(p.buf))]
	}
	return p.buf[p.held:]
}

// leave gives it back.
func (p *Pump) leave() {
	l := &p.load
	if l.since.IsZero() {
		return
	}
	if time.Since(l.since) > slowTurn {
		l.slow = min(l.slow+1, 2*slowTurns)
	} else {
		l.slow = max(l.slow-1, 0)
	}
	if l.turn {
		p.stream.set.turns.leave()
	}
	l.turn, l.since = false, time.Time{}
}
