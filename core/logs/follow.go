package logs

import (
	"bytes"
	"context"
	"io"
	"time"
)

// Cursor is a place in a stream: how many of its bytes came before, counted
// from the opening of the stream. It stays valid while the stream lives.
type Cursor int64

// Line is one line of a stream as a follower sees it.
type Line struct {
	// Text is the line without its newline. Longer lines come in pieces of 64
	// KiB. The bytes are the program's own: who shows them on a terminal must
	// make control characters harmless.
	Text string
	// Missed, if not 0, is how many bytes were passed over just here because
	// the follower was too slow (or its cursor too old); Text is empty then.
	Missed int64
	// At is when the follower took the line up; of an older line when it came,
	// zero when that is not known.
	At time.Time
	// Cursor is the place behind this line, from where another Follow can go on.
	Cursor Cursor
}

// Follower gives the lines of a stream as they arrive. The pump never waits
// for it. Next is for one goroutine, Close for any.
type Follower struct {
	stream *Stream
	ctx    context.Context
	undo   func() bool
	wake   chan struct{}

	off     int64  // stream offset behind part and ready
	part    []byte // beginning of a line
	begun   int64  // offset of its first byte
	ready   []byte // read, not yet split
	at      time.Time
	skip    bool // in the middle of a line whose beginning was missed
	missed  int64
	scratch []byte
}

// Follow starts following: with what comes from now on, or with what came
// after a cursor as far as it is still in memory. It ends with ctx or Close.
func (s *Stream) Follow(ctx context.Context, from ...Cursor) *Follower {
	f := s.newFollower(ctx)
	s.mu.Lock()
	f.off = s.written
	if len(from) > 0 {
		f.off = min(max(int64(from[0]), 0), s.written)
	}
	s.follow(f)
	s.mu.Unlock()
	return f
}

func (s *Stream) newFollower(ctx context.Context) *Follower {
	f := &Follower{stream: s, ctx: ctx, wake: make(chan struct{}, 1)}
	f.undo = context.AfterFunc(ctx, f.leave)
	return f
}

// follow registers f; the caller holds s.mu.
func (s *Stream) follow(f *Follower) {
	f.begun = f.off
	if f.ctx.Err() == nil {
		s.followers[f] = struct{}{}
	}
}

// Close ends the follower; a Next under way returns io.EOF after what it has.
func (f *Follower) Close() {
	f.undo()
	f.leave()
}

func (f *Follower) leave() {
	s := f.stream
	s.mu.Lock()
	delete(s.followers, f)
	if len(s.followers) == 0 {
		limit := 0
		if s.out.onDisk() == nil {
			limit = keepIdle
		}
		s.ring.add(nil, limit)
	}
	s.mu.Unlock()
	f.nudge()
}

// nudge never waits: one nudge stands for any number.
func (f *Follower) nudge() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Next waits for the next line. Its error is the context's when that ended, and
// io.EOF when the stream or the follower was closed and nothing is left.
func (f *Follower) Next() (Line, error) {
	for {
		if line, ok := f.split(); ok {
			return line, nil
		}
		settled, over := f.fill()
		if len(f.ready) > 0 || f.missed > 0 && !f.skip {
			continue
		}
		if settled || over {
			if f.missed > 0 {
				f.skip = false
				continue
			}
			if len(f.part) > 0 {
				return f.take(f.part), nil
			}
		}
		if over {
			if err := f.ctx.Err(); err != nil {
				return Line{}, err
			}
			return Line{}, io.EOF
		}
		select {
		case <-f.wake:
		case <-f.ctx.Done():
			return Line{}, f.ctx.Err()
		}
	}
}

// fill takes over what the ring has for us. settled: nothing more comes for
// the line that has begun. over: nothing more comes at all.
func (f *Follower) fill() (settled, over bool) {
	s := f.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	_, on := s.followers[f]
	if start := s.ring.start(); f.off < start {
		f.missed += start - f.begun
		f.part = f.part[:0]
		f.off, f.begun = start, start
		f.skip = true
	}
	if n := min(int(s.written-f.off), maxLine); n > 0 {
		if cap(f.scratch) < n {
			f.scratch = make([]byte, max(n, 4<<10))
		}
		f.ready = f.scratch[:s.ring.read(f.off, f.scratch[:n])]
		f.off += int64(len(f.ready))
		f.at = time.Now()
		return false, false
	}
	return s.settled >= s.written, s.ended || !on
}

// split cuts the next line from what has been read.
func (f *Follower) split() (Line, bool) {
	if f.skip {
		i := bytes.IndexByte(f.ready, '\n')
		passed := len(f.ready)
		if i >= 0 {
			passed = i + 1
			f.skip = false
		}
		f.ready = f.ready[passed:]
		f.missed += int64(passed)
		f.begun += int64(passed)
		if f.skip && f.missed > 0 && passed >= maxLine {
			f.skip = false // no line end in sight
		}
	}
	if f.missed > 0 && !f.skip {
		line := Line{Missed: f.missed, At: f.at, Cursor: Cursor(f.begun)}
		f.missed = 0
		return line, true
	}
	if len(f.ready) == 0 {
		return Line{}, false
	}
	i := bytes.IndexByte(f.ready, '\n')
	if i < 0 {
		room := maxLine - len(f.part)
		k := min(room, len(f.ready))
		f.part = append(f.part, f.ready[:k]...)
		f.ready = f.ready[k:]
		if len(f.part) == maxLine {
			return f.take(f.part), true
		}
		return Line{}, false
	}
	f.part = append(f.part, f.ready[:i]...)
	f.ready = f.ready[i+1:]
	line := f.take(f.part)
	f.begun++
	line.Cursor++
	return line, true
}

// take makes a line of the bytes and goes behind it.
func (f *Follower) take(text []byte) Line {
	f.begun += int64(len(text))
	line := Line{Text: string(text), At: f.at, Cursor: Cursor(f.begun)}
	f.part = f.part[:0]
	return line
}
