package logs

import (
	"bytes"
	"errors"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Buffers are shared by all pumps and held only while bytes are there: an idle
// stream owns none. Who has a wide pipe reads it with wide ones.
type (
	buffer     [maxLine]byte
	wideBuffer [wideRead]byte
)

var (
	buffers     = sync.Pool{New: func() any { return new(buffer) }}
	wideBuffers = sync.Pool{New: func() any { return new(wideBuffer) }}
)

const (
	// drainPatience is how long Drain waits without any progress, when a file
	// blocks, before it lets the pump finish alone.
	drainPatience = 2 * time.Second
	// flushAfter is how long the beginning of a line is held back in a file
	// that several write to.
	flushAfter = time.Second
	// restAfter is how long nothing came when a pump goes to rest; it takes up
	// to twice as long, so that only one look at the clock is needed in it.
	restAfter = time.Second
	// A stream is busy when busyReads short reads came with less than
	// busyWithin between them; then a pause of gather lets one read take many
	// lines. The pause is worth it only with a pipe that does not fill in it.
	busyReads  = 8
	busyBlocks = 16 // long reads in quick succession
	busyWithin = time.Millisecond
	gather     = time.Millisecond
	shortRead  = 16 << 10
	// A goroutine that does nothing but calls of the kernel for ten milliseconds
	// is taken for one that hangs; then the runtime looks every 20 microseconds.
	yieldAfter = 5 * time.Millisecond
	// A pause that gathered less than thinBatch gains nothing. One does not say that the stream has calmed down: on a busy
	// machine the program may just not have had the processor.
	thinBatch   = 2 << 10
	thinBatches = 32
	widePipe    = 1 << 20
	wideRead    = 1 << 20
)

// Pump reads one pipe into one stream. While something comes now and then it
// is a goroutine, parked in the poller in between. When nothing has come for a
// second, and before anything has come, it rests: it has no goroutine then, and
// the watcher of the Set starts one as soon as there is something to read.
type Pump struct {
	stream *Stream
	r      atomic.Pointer[os.File] // nil while it rests
	token  uint64                  // the watcher's name for it while it rests, else 0; the watcher's lock protects it
	fd     uintptr                 // the pipe from the beginning of a rest until r has it again

	draining chan struct{} // closed by Drain
	closing  atomic.Bool   // set by Close
	drained  chan struct{} // closed when what the leader wrote has been delivered
	done     chan struct{} // closed at the end of the goroutine
	once     sync.Once
	progress atomic.Int64 // bytes delivered

	// the rest is the goroutine's own
	buf   []byte    // a buffer or a wideBuffer
	held  int       // bytes at the beginning of buf that wait for the end of their line
	begun []byte    // the same while there is no buffer
	n     int       // what the last read brought
	last  time.Time // of the last read
	quick int       // short reads in quick succession
	full  int       // long ones
	wide  int       // what the wider pipe took from the allowance; -1: refused
	armed bool      // a look at the clock will come
	heard bool      // something came since then
	stays bool      // with the poller for good

	yielded time.Time // to other goroutines, in a flood
	waiting
	load load
	shaper
}

func newPump(s *Stream, r *os.File) *Pump {
	p := &Pump{stream: s, stays: !rests, shaper: shaper{name: s.name, label: s.stream}}
	p.r.Store(r)
	for _, c := range []*chan struct{}{&p.draining, &p.drained, &p.done} {
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
	p.closing.Store(true)
	p.Drain()
	p.wake()
	p.wait(p.done)
	return nil
}

// Done is closed when the pump has ended: the pipe is at its end and everything
// was delivered.
func (p *Pump) Done() <-chan struct{} { return p.done }

// wake makes a parked or resting pump look up. One that is between the two
// looks for wishes by itself.
func (p *Pump) wake() {
	if p.stream.set.watcher.rouse(p) {
		return
	}
	if r := p.r.Load(); r != nil {
		r.SetReadDeadline(time.Unix(1, 0))
	}
}

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

// next is what a pump does after it was with the poller.
type next int

const (
	finish next = iota // the pipe is at its end, or cannot be read
	gush               // lines come one by one without a pause: flood
	doze               // nothing has come for long: rest
)

// run is the goroutine of a pump: until the end of its pipe or until it rests.
func (p *Pump) run() {
	if p.r.Load() == nil {
		p.r.Store(repoll(p.fd))
	}
	for {
		switch p.poll() {
		case gush:
			if p.flood() {
				continue
			}
		case doze:
			if p.rest() {
				return // another goroutine may have it already
			}
			continue
		}
		break
	}
	p.end()
	close(p.done)
}

// start is the beginning of a pump: it rests until something comes.
func (p *Pump) start() {
	if !p.rest() {
		go p.run()
	}
}

// rest leaves the pump to the watcher and says whether it was taken.
func (p *Pump) rest() bool {
	if p.stays {
		return false
	}
	fd, ok := unpoll(p.r.Load())
	if !ok {
		p.stays = true
		return false
	}
	p.armed = false
	if p.stream.set.watcher.rest(p, fd) {
		return true
	}
	p.r.Store(repoll(fd))
	p.stays = !p.wished()
	return false
}

// poll reads when the poller says so.
func (p *Pump) poll() next {
	r := p.r.Load()
	raw, err := r.SyscallConn()
	if err != nil {
		return finish
	}
	take := p.take
	p.quick, p.full = 0, 0
	p.remind()
	for {
		err := p.arrive(p, r, raw, take)
		switch {
		case err == nil && p.n <= 0:
			return finish
		case err == nil:
			p.heard = true
			p.deliver()
			p.leave()
			if p.rhythm(raw) {
				return gush
			}
			continue
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return finish
		}
		wished := p.wished()
		if !p.drainedAlready() && isClosed(p.draining) {
			if p.drain(r, raw) {
				return finish
			}
			close(p.drained)
		}
		if p.closing.Load() {
			p.drain(r, raw)
			return finish
		}
		if !p.heard { // or the line has just begun
			p.flush()
		}
		if !wished && p.armed && !p.heard && !p.stays {
			return doze
		}
		p.armed = false
		r.SetReadDeadline(time.Time{})
		p.remind()
	}
}

// remind repeats a wake that came while the deadline was for something else.
func (p *Pump) remind() {
	if p.wished() {
		p.r.Load().SetReadDeadline(time.Unix(1, 0))
	}
}

// wished: Drain or Close waits for something that is not done yet.
func (p *Pump) wished() bool {
	return !p.drainedAlready() && isClosed(p.draining) || p.closing.Load()
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
// them gather for a moment and takes them all. It returns true when the stream has calmed down or
// something is asked for, false at the end.
func (p *Pump) flood() bool {
	fd, ok := unpoll(p.r.Load())
	if !ok {
		p.giveUp()
		return true
	}
	set := p.stream.set
	naps := set.naps && set.napping.CompareAndSwap(false, true)
	if naps {
		defer set.napping.Store(false)
	}
	timer := time.NewTimer(gather)
	defer timer.Stop()
	for thin, pause := 0, gather; thin <= thinBatches && !isClosed(p.draining); p.pause(naps, pause, timer) {
		p.enter()
		p.hold()
		n, empty, _ := readPipe(fd, p.room())
		switch {
		case empty:
			n = 0
		case n <= 0:
			p.leave()
			p.r.Store(repoll(fd))
			return false
		default:
			p.n = n
			p.deliver()
		}
		p.leave()
		if thin++; n >= thinBatch {
			thin = 0
		}
		switch {
		case n > widePipe/2:
			pause = max(pause/2, gather/8)
		case n < widePipe/8:
			pause = min(pause*2, gather)
		}
	}
	p.r.Store(repoll(fd))
	p.armed = false
	p.park()
	return true
}

// pause lets bytes gather, at most until Drain is called. One pump at a time
// naps in the kernel, until the nap's end: the runtime's own timers wake three
// or four threads for each pause, which costs as much as the copying, and know
// no shorter one than a millisecond.
func (p *Pump) pause(naps bool, length time.Duration, timer *time.Timer) {
	if naps {
		nap(length)
		if now := time.Now(); now.Sub(p.yielded) > yieldAfter {
			p.yielded = now
			runtime.Gosched()
		}
		return
	}
	timer.Reset(length)
	select {
	case <-timer.C:
	case <-p.draining:
	}
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
	n, wait, _ := readPipe(fd, p.room()) // an error ends the stream as its end does
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
		if p.wide > 0 {
			p.buf = wideBuffers.Get().(*wideBuffer)[:]
		} else {
			p.buf = buffers.Get().(*buffer)[:]
		}
		p.held = copy(p.buf, p.begun)
		p.begun = nil
	}
}

// park gives the buffer back and keeps the beginning of a line, if any.
func (p *Pump) park() {
	if p.held > 0 {
		p.begun = bytes.Clone(p.buf[:p.held])
		p.look(flushAfter)
	} else if !p.armed && !p.stays {
		p.look(p.stream.set.restAfter)
	}
	p.release()
}

// look has the pump look up once, after a while: not a timer at rest, as it
// ends with the line or with the rest that it begins.
func (p *Pump) look(after time.Duration) {
	p.armed, p.heard = true, false
	p.r.Load().SetReadDeadline(time.Now().Add(after))
	p.remind()
}

func (p *Pump) release() {
	switch {
	case p.buf == nil:
		return
	case len(p.buf) == wideRead:
		wideBuffers.Put((*wideBuffer)(p.buf))
	default:
		buffers.Put((*buffer)(p.buf))
	}
	p.buf, p.held = nil, 0
}

// deliver passes on what was read. Where only whole lines go out, the beginning
// of a line waits for its end, at most 64 KiB and at most a second.
func (p *Pump) deliver() {
	have := p.held + p.n
	out := have
	if p.stream.byLine() {
		whole := p.held + bytes.LastIndexByte(p.buf[p.held:have], '\n') + 1
		if whole == p.held {
			whole = 0
		}
		if have-whole < maxLine { // else it is longer than what is kept together
			out = whole
		}
	}
	if out > 0 {
		p.emit(p.buf[:out])
		copy(p.buf, p.buf[out:have])
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
	} else if len(p.begun) > 0 {
		p.emit(p.begun)
	}
	p.begun = nil
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
	return p.wide > 0 && !isClosed(p.draining)
}

// widen asks for a wider pipe, once.
func (p *Pump) widen(raw syscall.RawConn) {
	if p.wide != 0 {
		return
	}
	raw.Control(func(fd uintptr) { p.wide = p.stream.set.widen(fd) })
	if p.wide == 0 {
		p.wide = -1
		return
	}
	p.begun = bytes.Clone(p.buf[:p.held]) // the next read takes a wide buffer
	p.release()
}
