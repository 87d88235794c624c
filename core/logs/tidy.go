package logs

import (
	"errors"
	"io"
	"io/fs"
	"sync"
	"time"
)

// tidier looks after old files beside the pumps: it compresses them and removes
// those that have become too old. It is one goroutine of low priority while
// there is something to do, and one timer while a file waits to become too old.
type tidier struct {
	mu      sync.Mutex
	waiting map[*sink]struct{}
	due     map[*sink]time.Time // when the oldest file becomes too old
	timer   *time.Timer
	running bool
	closed  bool
	ended   sync.WaitGroup
}

// look asks for a look at the old files of a sink, soon.
func (t *tidier) look(s *sink) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	if t.waiting == nil {
		t.waiting = map[*sink]struct{}{}
	}
	t.waiting[s] = struct{}{}
	if !t.running {
		t.running = true
		t.ended.Go(t.run)
	}
}

func (t *tidier) run() {
	lowPriority()
	for {
		s := t.next()
		if s == nil {
			return
		}
		due := s.tidy(func() bool { return t.stopped() })
		t.mu.Lock()
		t.remember(s, due)
		t.mu.Unlock()
	}
}

// next takes a sink that is to be looked at; nil ends the goroutine.
func (t *tidier) next() *sink {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		for s := range t.waiting {
			delete(t.waiting, s)
			return s
		}
	}
	t.running = false
	return nil
}

func (t *tidier) stopped() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closed
}

// remember sets the timer to the next file that becomes too old. The caller holds t.mu.
func (t *tidier) remember(s *sink, due time.Time) {
	if t.due == nil {
		t.due = map[*sink]time.Time{}
	}
	delete(t.due, s)
	if !due.IsZero() && !t.closed {
		t.due[s] = due
	}
	t.arm()
}

func (t *tidier) arm() {
	var first time.Time
	for _, at := range t.due {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	switch {
	case first.IsZero():
		if t.timer != nil {
			t.timer.Stop()
			t.timer = nil
		}
	case t.timer == nil:
		t.timer = time.AfterFunc(max(0, time.Until(first)), t.wake)
	default:
		t.timer.Reset(max(0, time.Until(first)))
	}
}

// wake looks at those that have a file which has become too old.
func (t *tidier) wake() {
	now := time.Now()
	var ripe []*sink
	t.mu.Lock()
	for s, at := range t.due {
		if !at.After(now) {
			ripe = append(ripe, s)
			delete(t.due, s)
		}
	}
	t.arm() // the clock may have been set back meanwhile
	t.mu.Unlock()
	for _, s := range ripe {
		t.look(s)
	}
}

// forget: the sink is closed.
func (t *tidier) forget(s *sink) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.waiting, s)
	if _, waits := t.due[s]; waits {
		t.remember(s, time.Time{})
	}
}

// close ends what is under way; a compressed file that is not finished goes.
func (t *tidier) close() {
	t.mu.Lock()
	t.closed = true
	t.due = nil
	t.arm()
	t.mu.Unlock()
	t.ended.Wait()
}

// tidy compresses old files and removes those beyond the limits. It returns when the
// next becomes too old, zero if none does.
func (s *sink) tidy(stop func() bool) (due time.Time) {
	d, err := openDirectory(s.dir)
	if err != nil {
		return time.Time{}
	}
	defer d.close()
	files, unfinished, err := oldAndUnfinished(d, s.base)
	if err != nil {
		return time.Time{}
	}
	for _, name := range unfinished {
		if e, err := d.stat(name); err == nil && e.regular {
			d.unlink(name)
		}
	}
	for _, f := range files {
		if !s.compress.Load() || s.gone.Load() || stop() {
			break
		}
		if !f.plain {
			continue
		}
		if err := s.pack(d, f, stop); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errStopped) {
			s.grumble(reason(err))
			break
		}
	}
	s.olds.Lock()
	defer s.olds.Unlock()
	if s.gone.Load() {
		return time.Time{}
	}
	oldest, _ := s.retainLocked(d, time.Now(), s.reachedAside) // the next rotation complains
	if age := s.age.Load(); age > 0 && oldest > 0 {
		return time.Unix(0, oldest+age)
	}
	return time.Time{}
}

// grumble tells why compressing fails, once and not with each rotation.
func (s *sink) grumble(why string) {
	if s.grumbled == why {
		return
	}
	s.grumbled = why
	s.tell([]Notice{{Kind: NotCompressed, Path: s.path, Reason: why}})
}

// pack puts a compressed file in the place of an old one. At any time one of
// the two is whole: the old one goes when the other has its name and is on the
// disk.
func (s *sink) pack(d *directory, f old, stop func() bool) error {
	src, e, err := d.openRead(f.name)
	if err != nil {
		return err
	}
	defer src.Close()
	if f.packed { // a daemon was killed between the two, or somebody packed it himself
		if err := samePacked(d, f.name, src, stop); err != nil {
			return err
		}
		return s.replaceOld(d, f.name, e, false)
	}
	tmp := f.name + packingEnd
	dst, err := d.create(tmp)
	if err != nil {
		return err
	}
	err = packInto(dst, src, stop, func() { s.reachedAside(stepPacking) })
	if err == nil {
		err = dst.Sync()
	}
	err = errors.Join(err, dst.Close())
	if err == nil {
		err = d.touch(tmp, e.modified)
	}
	if err == nil {
		s.reachedAside(stepPacked)
		err = s.replaceOld(d, f.name, e, true)
	}
	if err != nil {
		d.unlink(tmp)
	}
	return err
}

// replaceOld gives the compressed file its name, if it has none yet, and removes the old one,
// unless that is gone or another by now.
func (s *sink) replaceOld(d *directory, name string, was entry, rename bool) error {
	s.olds.Lock()
	defer s.olds.Unlock()
	if s.gone.Load() {
		return errStopped
	}
	now, err := d.stat(name)
	if err != nil {
		return err
	}
	if now.id != was.id || now.size != was.size {
		return errors.New("somebody else writes to it")
	}
	if rename {
		if err := d.rename(name+packingEnd, name+packedEnd); err != nil {
			return err
		}
		s.reachedAside(stepNamed)
	}
	if err := d.unlink(name); err != nil {
		return err
	}
	s.reachedAside(stepPackedDone)
	return nil
}

// samePacked is nil when the packed file holds the very text of the plain one.
func samePacked(d *directory, name string, plain io.Reader, stop func() bool) error {
	f, e, err := d.openRead(name + packedEnd)
	if err != nil {
		return err
	}
	defer f.Close()
	p, err := openPacked(f, e.size)
	if err != nil {
		return err
	}
	a, b := make([]byte, packedBlock), make([]byte, packedBlock)
	for off := int64(0); ; {
		n, err := io.ReadFull(plain, a)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return err
		}
		m, rerr := p.ReadAt(b, off)
		if rerr != nil && rerr != io.EOF {
			return rerr
		}
		switch off += int64(n); {
		case n != m || string(a[:n]) != string(b[:m]):
			return errors.New("a compressed file of its name holds something else")
		case n < len(a):
			return nil
		case stop():
			return errStopped
		}
	}
}
