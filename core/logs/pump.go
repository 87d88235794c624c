package logs

import (
	"bytes"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Buffers of 64 KiB are shared by all pumps and held only while bytes are
// there: an idle stream owns none.
type buffer [maxLine]byte

var buffers = sync.Pool{New: func() any { return new(buffer) }}

const (
	// drainPatience is how long Drain waits without any progress, when a file
	// blocks, before it lets the pump finish alone.
	drainPatience = 2 * time.Second
	// flushAfter is how long the beginning of a line is held back in a file
	// that several write to.
	flushAfter = time.Second
	// A stream is busy when busyReads short reads came with less than
	// busyWithin between them; then a pause of gather lets one read take many
	// lines. The pause is worth it only with a pipe that does not fill in it.
	busyReads  = 8
	busyBlocks = 16 // long reads in quick succession
	busyWithin = time.Millisecond
	gather     = time.Millisecond
	shortRead  = 16 << 10
	// A pause that gathered less than this gains nothing.
	thinBatch = 2 << 10
	widePipe  = 1 << 20
)

// Pump reads one pipe into one stream. It is one goroutine, parked in the
// poller while there is nothing to read.
type Pump struct {
	stream *Stream
	r      atomic.Pointer[os.File]

	draining chan struct{} // closed by Drain
	closing  chan struct{} // closed by Close
	drained  chan struct{} // closed when what the leader wrote has been delivered
	done     chan struct{} // closed at the end of the goroutine
	once     sync.Once
	ending   sync.Once
	progress atomic.Int64 // bytes delivered

	// the rest is the goroutine's own
	buf   *buffer
	held  int       // bytes at the beginning of buf that wait for the end of their line
	rest  []byte    // the same while there is no buffer
	n     int       // what the last read brought
	last  time.Time // of the last read
	quick int       // short reads in quick succession
	full  int       // long ones
	wide  int       // what the wider pipe took from the allowance; -1: refused
	waiting
	load load
	shaper
}

func newPump(s *Stream, r *os.File) *Pump {
	p := &Pump{stream: s, shaper: shaper{name: s.name, label: s.stream}}
	p.r.Store(r)
	for _, c := range []*chan struct{}{&p.draining, &p.closing, &p.drained, &p.done} {
		*c = make(chan struct{})
	}
	return p
}

// Drain is to be called after the leader of the child was reaped: all that it
// wrote is then in the pipe. Drain returns when these bytes have been
// delivered, whoever else still holds the pipe open. The pump goes on by
// itself until the last holder closes it, so that a grandchild that was meant
// to stay does not die of a closed pipe.
//
// When a file blocks and nothing moves for two seconds, Drain returns as well;
// the bytes follow when the file moves again. It may be called more than once
// and from several goroutines.
func (p *Pump) Drain() {
	p.once.Do(func() {
		close(p.draining)
		p.wake()
	})
	p.wait(p.drained)
}

// Close reads what is in the pipe now and then closes it, although somebody
// may still hold the other end. It waits like Drain.
func (p *Pump) Close() error {
	p.ending.Do(func() { close(p.closing) })
	p.Drain()
	p.wake()
	p.wait(p.done)
	return nil
}

// Done is closed when the pump has ended: the pipe is at its end and everything
// was delivered.
func (p *Pump) Done() <-chan struct{} { return p.done }

// wake makes a parked pump look up.
func (p *Pump) wake() { p.r.Load().SetReadDeadline(time.Unix(1, 0)) }

// wait waits for c as long as bytes move.
func (p *Pump) wait(c <-chan struct{}) {
	select {
	case <-c:
		return
	case <-p.done:
		return
	default:
	}
	t := time.NewTimer(drainPatience)
	defer t.Stop()
	for seen := p.progress.Load(); ; {
		select {
		case <-c:
			return
		case <-p.done:
			return
		case <-t.C:
			now := p.progress.Load()
			if now == seen {
				return
			}
			seen = now
			t.Reset(drainPatience)
		}
	}
}

func (p *Pump) run() {
	defer close(p.done)
	defer p.end()
	for p.poll() && p.flood() {
	}
}

// poll reads when the poller says so, until the end (false) or until so many
// short reads come that it pays to let them gather (true).
func (p *Pump) poll() (busy bool) {
	r := p.r.Load()
	raw, err := r.SyscallConn()
	if err != nil {
		return false
	}
	take := p.take
	p.quick, p.full = 0, 0
	p.remind()
	for {
		err := p.arrive(p, r, raw, take)
		switch {
		case err == nil && p.n <= 0:
			return false
		case err == nil:
			p.deliver()
			p.leave()
			if p.rhythm(raw) {
				return true
			}
			continue
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return false
		}
		if !p.drainedAlready() && isClosed(p.draining) {
			if p.drain(r, raw) {
				return false
			}
			close(p.drained)
		}
		if isClosed(p.closing) {
			p.drain(r, raw)
			return false
		}
		p.flush()
		r.SetReadDeadline(time.Time{})
		p.remind()
	}
}

// remind repeats a wake that came while the deadline was for something else.
func (p *Pump) remind() {
	if !p.drainedAlready() && isClosed(p.draining) || isClosed(p.closing) {
		p.wake()
	}
}

func (p *Pump) drainedAlready() bool { return isClosed(p.drained) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// flood reads a pipe into which lines are written one by one without a pause.
// Away from the poller, which would wake a thread for each of them, it lets
// them gather for a millisecond and takes them all. It returns true when the
// stream has calmed down or something is asked for, false at the end.
func (p *Pump) flood() bool {
	fd, ok := unpoll(p.r.Load())
	if !ok {
		p.giveUp()
		return true
	}
	pause := time.NewTimer(gather)
	defer pause.Stop()
	for {
		batch, more := 0, true
		for more {
			p.enter()
			p.hold()
			n, wait, _ := readPipe(fd, p.buf[p.held:])
			if wait {
				break
			}
			if p.n = n; n <= 0 {
				p.leave()
				p.r.Store(repoll(fd))
				return false
			}
			p.deliver()
			p.leave()
			batch += n
			more = n >= shortRead && !isClosed(p.draining)
		}
		p.leave()
		if batch < thinBatch || isClosed(p.draining) {
			break
		}
		pause.Reset(gather)
		select {
		case <-pause.C:
		case <-p.draining:
		}
	}
	r := repoll(fd)
	p.r.Store(r)
	p.park()
	return true
}

// giveUp keeps the stream with the poller for good.
func (p *Pump) giveUp() {
	p.stream.set.narrow(p.wide)
	p.wide = -1
}

// end is the end of the stream: an unfinished line is all there is.
func (p *Pump) end() {
	p.leave()
	p.flush()
	p.release()
	p.stream.deliver(piece{settled: true})
	p.stream.detach(p)
	p.stream.set.narrow(p.wide)
	p.r.Load().Close()
}

// take reads once; false parks the pump until there is something to read, and
// then it owns no buffer.
func (p *Pump) take(fd uintptr) bool {
	p.enter()
	p.hold()
	n, wait, _ := readPipe(fd, p.buf[p.held:]) // an error ends the stream as its end does
	if wait {
		p.leave()
		p.park()
		return false
	}
	p.n = n
	return true
}

// hold sees to it that there is a buffer with room in it.
func (p *Pump) hold() {
	if p.buf == nil {
		p.buf = buffers.Get().(*buffer)
		p.held = copy(p.buf[:], p.rest)
		p.rest = nil
	}
}

// park gives the buffer back and keeps the beginning of a line, if any.
func (p *Pump) park() {
	if p.held > 0 {
		p.rest = bytes.Clone(p.buf[:p.held])
		// One look at the clock later, not a timer at rest: it ends with the line.
		p.r.Load().SetReadDeadline(time.Now().Add(flushAfter))
		p.remind()
	}
	p.release()
}

func (p *Pump) release() {
	if p.buf != nil {
		buffers.Put(p.buf)
		p.buf, p.held = nil, 0
	}
}

// deliver passes on what was read. Where only whole lines go out, the beginning
// of a line waits for its end, at most 64 KiB and at most a second.
func (p *Pump) deliver() {
	have := p.held + p.n
	out := have
	if p.stream.byLine() {
		if i := bytes.LastIndexByte(p.buf[p.held:have], '\n'); i >= 0 {
			out = p.held + i + 1
		} else if have < len(p.buf) {
			out = 0
		}
	}
	if out > 0 {
		p.emit(p.buf[:out])
		copy(p.buf[:], p.buf[out:have])
	}
	p.held = have - out
	p.load.add(p.n)
	p.progress.Add(int64(p.n))
}

// flush passes on the beginning of a line that was held back.
func (p *Pump) flush() {
	if p.buf != nil && p.held > 0 {
		p.emit(p.buf[:p.held])
		p.held = 0
	} else if len(p.rest) > 0 {
		p.emit(p.rest)
	}
	p.rest = nil
}

// emit gives bytes of the program to the stream, in the stream's format.
func (p *Pump) emit(b []byte) {
	format := Format(p.stream.format.Load())
	if format == Raw {
		p.stream.deliver(piece{bytes: b, taken: len(b)})
		p.inside = b[len(b)-1] != '\n'
		return
	}
	out := shaped.Get().(*[]byte)
	now := time.Now()
	for len(b) > 0 {
		fresh := !p.inside || format == JSON
		lines, rest := p.shape((*out)[:0], format, b, now)
		p.stream.deliver(piece{bytes: lines, taken: len(b) - len(rest), fresh: fresh})
		b = rest
		if cap(lines) <= 4*maxLine {
			*out = lines
		}
	}
	shaped.Put(out)
}

// drain delivers what is in the pipe now and says whether that was its end.
// What others write meanwhile is not waited for, or a flood would never end.
func (p *Pump) drain(r *os.File, raw syscall.RawConn) (end bool) {
	left := 1
	for first := true; left > 0; first = false {
		p.hold()
		n, there, wait := p.readNow(r, raw, p.buf[p.held:])
		if wait {
			break
		}
		if p.n = n; first {
			left = max(there, 1)
		}
		if p.n <= 0 {
			return true
		}
		left -= p.n
		p.deliver()
	}
	p.flush()
	p.release()
	p.stream.deliver(piece{settled: true})
	return false
}

// rhythm sees when a program writes without a pause and gives it a wider pipe.
// When it writes line by line, and a pipe that holds a millisecond's worth of
// them was granted, it is time for flood.
func (p *Pump) rhythm(raw syscall.RawConn) (busy bool) {
	if p.wide < 0 {
		return false
	}
	now := time.Now()
	since := now.Sub(p.last)
	p.last = now
	if since > busyWithin {
		p.quick, p.full = 0, 0
		return false
	}
	if p.n >= shortRead {
		p.quick = 0
		if p.full++; p.full == busyBlocks {
			p.widen(raw)
		}
		return false
	}
	if p.quick++; p.quick < busyReads {
		return false
	}
	p.widen(raw)
	return p.wide > 0
}

// widen asks for a wider pipe, once.
func (p *Pump) widen(raw syscall.RawConn) {
	if p.wide != 0 {
		return
	}
	raw.Control(func(fd uintptr) { p.wide = p.stream.set.widen(fd) })
	if p.wide == 0 {
		p.wide = -1
	}
}
