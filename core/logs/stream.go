package logs

import (
	"errors"
	"os"
	"slices"
	"sync"
	"sync/atomic"
)

const (
	keepIdle    = 16 << 10  // memory of a stream that has no file to look into
	keepFollow  = 256 << 10 // while somebody follows
	streamEnded = "the stream is closed"
)

// Stream is the output of one process: its stdout or its stderr. It outlives
// the children whose pipes are attached to it one after the other.
type Stream struct {
	name, stream string
	set          *Set

	apply  sync.Mutex   // one changer at a time; held while files are opened
	format atomic.Int32 // a Format

	mu        sync.Mutex // held for moments only
	out       *outputs
	pumps     map[*Pump]struct{}
	followers map[*Follower]struct{}
	ring      ring
	index     index
	taken     int64 // bytes read from the program
	written   int64 // bytes given out in the stream's format: what followers count
	lost      int64
	settled   int64 // up to here no line is to be waited for
	closed    bool  // no more pumps
	ended     bool  // nothing more comes

	// unkept is where in the first file the bytes begin that are written there
	// and not yet kept here, -1 if there are none.
	unkept atomic.Int64
}

// outputs are the files of a stream from one Apply to the next. Who writes
// holds it as a user, so that a change never waits for a write.
type outputs struct {
	files   []string // as configured
	sinks   []*sink
	users   int
	retired bool
}

// onDisk is the sink whose file Tail reads, nil if there is none.
func (o *outputs) onDisk() *sink {
	for _, k := range o.sinks {
		if k.dir != "" {
			return k
		}
	}
	return nil
}

// Attach starts a pump that reads r into the stream until its end. r must be
// the read end of a pipe, non-blocking and registered with the poller; it is
// the pump's from now on, which closes it. carries, at most one word, is what
// JSON lines call an output that is not only the stream's own ("both").
func (s *Stream) Attach(r *os.File, carries ...string) *Pump {
	p := newPump(s, r)
	if len(carries) > 0 {
		p.shaper.label = carries[0]
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		r.Close()
		close(p.done)
		return p
	}
	s.pumps[p] = struct{}{}
	for _, k := range s.out.sinks {
		k.writers.Add(1)
	}
	s.mu.Unlock()
	p.start()
	return p
}

// detach is the end of a pump.
func (s *Stream) detach(p *Pump) {
	s.mu.Lock()
	delete(s.pumps, p)
	for _, k := range s.out.sinks {
		k.writers.Add(-1)
	}
	s.mu.Unlock()
}

// byLine: only whole lines go out, as they become objects, or as somebody else
// writes into one of our files.
func (s *Stream) byLine() bool {
	if Format(s.format.Load()) == JSON {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.out.sinks {
		if k.writers.Load() > 1 {
			return true
		}
	}
	return false
}

// piece is a part of a stream on its way.
type piece struct {
	bytes   []byte // in the stream's format
	taken   int    // how many bytes of the program it is made of
	fresh   bool   // it begins a line of its own whatever stands before it
	settled bool   // nothing more belongs to an unfinished line at the end
}

// deliver writes a piece into every file and shows it to followers.
func (s *Stream) deliver(c piece) {
	p := c.bytes
	s.mu.Lock()
	o := s.out
	o.users++
	s.mu.Unlock()
	lost := 0
	first := o.onDisk()
	if len(p) > 0 {
		for _, k := range o.sinks {
			var begins *atomic.Int64
			if k == first {
				begins = &s.unkept
			}
			lost += k.write(p, s, c.fresh, begins)
		}
	}
	s.mu.Lock()
	o.users--
	release := o.retired && o.users == 0
	s.lost += int64(lost)
	s.taken += int64(c.taken)
	if len(p) > 0 {
		s.keep(p)
		s.unkept.Store(-1)
	}
	if c.settled {
		s.settled = s.written
	}
	if len(s.followers) > 0 {
		for f := range s.followers {
			f.nudge()
		}
	}
	s.mu.Unlock()
	if release {
		s.set.release(o.sinks)
	}
}

// keep counts p and remembers as much of it as somebody may ask for.
func (s *Stream) keep(p []byte) {
	limit := 0
	if s.out.onDisk() == nil {
		limit = keepIdle
		s.index.add(s.written, s.set.now())
	}
	if len(s.followers) > 0 {
		limit = keepFollow
	}
	s.written += int64(len(p))
	s.ring.add(p, limit)
}

// Apply changes where output goes and when files are rotated, for running
// children too. When a file cannot be opened, nothing has changed.
func (s *Stream) Apply(to Settings) error {
	s.apply.Lock()
	defer s.apply.Unlock()
	s.mu.Lock()
	was, closed := s.out, s.closed
	s.mu.Unlock()
	if closed {
		return errors.New("cannot change the log of " + s.name + ": " + streamEnded)
	}
	files := slices.Clone(to.Files)
	if slices.Equal(files, was.files) {
		s.format.Store(int32(to.Format))
		s.set.tune(was.sinks, to)
		return nil
	}
	sinks, err := s.set.acquire(to)
	if err != nil {
		return err
	}
	s.format.Store(int32(to.Format))
	s.replace(&outputs{files: files, sinks: sinks})
	return nil
}

// replace puts new outputs in the place of the old ones, which go when their
// last writer is through. The error is that of closing files.
func (s *Stream) replace(to *outputs) error {
	s.mu.Lock()
	was := s.out
	pumps := int32(len(s.pumps))
	for _, k := range to.sinks {
		k.writers.Add(pumps)
	}
	for _, k := range was.sinks {
		k.writers.Add(-pumps)
	}
	s.out = to
	was.retired = true
	idle := was.users == 0
	s.mu.Unlock()
	if !idle {
		return nil
	}
	return s.set.release(was.sinks)
}

// Health is how the stream is doing; it never waits.
func (s *Stream) Health() Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := Health{Written: s.taken, Lost: s.lost}
	for _, k := range s.out.sinks {
		if word := k.degraded.Load(); word != nil && h.Degraded == "" {
			h.Degraded = *word
		}
	}
	return h
}

// Close ends the stream: pipes still open are read empty and closed, followers
// get what is left and then io.EOF, and files that no other stream writes are
// brought to the disk and closed. It waits for a blocked disk at most as long
// as Pump.Drain does.
func (s *Stream) Close() error {
	s.apply.Lock()
	defer s.apply.Unlock()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	pumps := make([]*Pump, 0, len(s.pumps))
	for p := range s.pumps {
		pumps = append(pumps, p)
	}
	s.mu.Unlock()
	var all sync.WaitGroup
	for _, p := range pumps {
		all.Go(func() { p.Close() })
	}
	all.Wait()
	s.set.forget(s)
	err := s.replace(&outputs{})
	s.mu.Lock()
	s.ended = true
	for f := range s.followers {
		f.nudge()
	}
	s.mu.Unlock()
	return err
}
