package cli

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// hangsAfter is how long somebody waits for a line to be written, once: who comes later does not wait, until it is.
	hangsAfter = 250 * time.Millisecond
	// spooled bounds what waits for a writer that hangs, in bytes; what is more is lost and counted.
	spooled = 256 << 10
)

// spool writes whole lines in the order in which they come, to something that may hang: a terminal that was paused, a pipe that
// nobody reads, a network's disk. Whoever adds a line never waits, and who settles not for long, and the loss of lines is counted.
// There is a goroutine only while there is something to do. Safe for concurrent use.
type spool struct {
	w    io.Writer
	lost atomic.Int64  // lines that were not written
	gap  func(n int64) // called with how many were lost, when a line was written again; adds and does not settle

	mu    sync.Mutex
	work  []task
	size  int  // bytes of the lines in it
	busy  bool // a goroutine is at it
	hangs bool // somebody has waited in vain, and nothing was written since

	told int64 // of the lost ones; drain's
}

// task is lines to write, or something to do between two lines.
type task struct {
	lines []byte
	do    func()
}

// add takes a whole line.
func (s *spool) add(line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.size+len(line) > spooled {
		s.lost.Add(1)
		return
	}
	s.size += len(line)
	if n := len(s.work); n > 0 && s.work[n-1].do == nil {
		s.work[n-1].lines = append(s.work[n-1].lines, line...)
		return
	}
	s.begin(task{lines: bytes.Clone(line)})
}

// begin adds a task. The lock is held.
func (s *spool) begin(t task) {
	s.work = append(s.work, t)
	if !s.busy {
		s.busy = true
		go s.drain()
	}
}

// between has something done when the lines so far are written, and before those that come. It returns false, and nothing will be
// done, while the writer hangs.
func (s *spool) between(do func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hangs {
		return false
	}
	s.begin(task{do: do})
	return true
}

// settle returns when the lines so far are written, or lost, or the writer hangs.
func (s *spool) settle() {
	settled := make(chan struct{})
	if s.between(func() { close(settled) }) {
		s.await(settled)
	}
}

// await reports whether it happened before the writer counts as one that hangs.
func (s *spool) await(happened <-chan struct{}) bool {
	limit := time.NewTimer(hangsAfter)
	defer limit.Stop()
	select {
	case <-happened:
		return true
	case <-limit.C:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hangs = s.busy
	return false
}

// drain does what there is to do.
func (s *spool) drain() {
	for {
		s.mu.Lock()
		work := s.work
		s.work, s.size, s.hangs, s.busy = nil, 0, false, len(work) > 0
		s.mu.Unlock()
		if len(work) == 0 {
			return
		}
		for _, t := range work {
			if t.do != nil {
				t.do()
				continue
			}
			s.write(t.lines)
		}
	}
}

func (s *spool) write(lines []byte) {
	n, err := s.w.Write(lines)
	if err != nil {
		s.lost.Add(int64(bytes.Count(lines[n:], []byte("\n"))))
		return
	}
	if lost := s.lost.Load(); lost > s.told && s.gap != nil {
		untold := lost - s.told
		s.told = lost
		s.gap(untold)
	}
}
