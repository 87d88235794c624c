package logs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/qjpcpu/supervisord/core/descriptors"
)

// retryEvery is how often a file that cannot be written is tried again, and
// how often a file is checked for having been moved; both only when there is
// something to write. Whether it was deleted is asked before each write: what
// goes into a file without a name is lost, into one with another name it is not.
const retryEvery = time.Second

// sink is the one writer of a file (or of the daemon's own stdout or stderr)
// for all streams that go there.
type sink struct {
	path, dir, base string
	out             io.Writer // where bytes go; nil discards
	notice          func(Notice)
	wrap            func(io.Writer) io.Writer // a test's fault, or nil
	step            func(step, int64)         // a test's look at a rotation, or nil

	refs  int      // streams that hold it; guarded by Set.mu
	names []string // spellings it is known under; guarded by Set.mu
	place place    // guarded by Set.mu

	writers         atomic.Int32 // pumps that write here
	limit, count    atomic.Int64
	age, totalLimit atomic.Int64
	compress        atomic.Bool
	later           func(*sink) // asks the tidier for a look; nil: there is none

	// olds is held by who removes or renames old files, over a few system calls.
	olds     sync.Mutex
	gone     atomic.Bool // closed or cleared: no file comes into being any more
	grumbled string      // the tidier's own

	// mu is held over a write. Nobody but those who write, or end writing,
	// takes it: a blocked disk must not block a reader.
	mu        sync.Mutex
	file      *os.File // nil for a device
	id        fileID
	dirID     fileID
	size      int64 // of the active file
	total     int64 // bytes since the beginning of the file found at the start
	gen       uint64
	openLine  bool    // the last byte was no newline
	last      *Stream // who wrote it
	checked   time.Time
	unsure    int64     // bytes since the last check
	stuck     time.Time // no further rotation before
	seq       uint64
	numbered  bool
	dirty     bool      // written since it was opened
	leftAt    time.Time // last change of the file
	parting   bool      // cleared: the name is given up, never open it again
	trouble   error
	retryAt   time.Time
	lost      loss   // not written into the file yet
	told      loss   // written, since the trouble began
	pending   []byte // rest of a gap record under way
	notices   []Notice
	complaint string
	syncing   sync.WaitGroup
	busySync  atomic.Bool

	// what readers see; its lock is held for a copy only
	view struct {
		sync.Mutex
		sinkView
		index index
	}
	lostBytes atomic.Int64
	degraded  atomic.Pointer[string]
}

// sinkView is where a sink stands.
type sinkView struct {
	gen         uint64 // how many files were opened before
	id          fileID // of the active one
	size, total int64
	found       int64 // size of the file when it was first opened
	foundTime   int64 // and when that was last written
}

// loss is what has not been announced in the file yet.
type loss struct {
	bytes, writes int64
	first, last   time.Time
}

// openFile makes a sink that writes into a file; the directory is made.
func openFile(path string, d *directory, notice func(Notice), wrap func(io.Writer) io.Writer) (*sink, error) {
	s := &sink{path: path, dir: filepath.Dir(path), base: filepath.Base(path), notice: notice, wrap: wrap}
	if err := finishRename(d, s.base); err != nil {
		return nil, fmt.Errorf("cannot open log %s: %w", path, err)
	}
	f, e, err := d.openLog(s.base)
	if err == nil && descriptors.Low(f.Fd()) {
		f.Close()
		err = syscall.EMFILE // the last ones are for commands
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open log %s: %w", path, err)
	}
	s.use(f, e, d)
	s.total = e.size
	s.openLine = e.size > 0 && !endsLine(d, s.base, e)
	s.view.found, s.view.foundTime = e.size, e.modified
	s.publish(time.Now())
	return s, nil
}

func endsLine(d *directory, base string, e entry) bool {
	f, got, err := d.openRead(base)
	if err != nil {
		return true
	}
	defer f.Close()
	var last [1]byte
	if _, err := f.ReadAt(last[:], got.size-1); err != nil || got.id != e.id {
		return true
	}
	return last[0] == '\n'
}

func (s *sink) use(f *os.File, e entry, d *directory) {
	s.file, s.id, s.dirID, s.size = f, e.id, d.id, e.size
	s.out = f
	if s.wrap != nil {
		s.out = s.wrap(f)
	}
	s.gen++
	s.unsure = 0
}

// write takes p from a stream and returns how much of it was lost. It waits for
// a slow disk and never fails. fresh: p begins on a line of its own. begins, if
// not nil, is told where the bytes begin before a reader can see them.
func (s *sink) write(p []byte, from *Stream, fresh bool, begins *atomic.Int64) (lost int) {
	s.mu.Lock()
	now := time.Now()
	before := s.total
	lost = s.put(p, from, fresh, now)
	if begins != nil {
		begins.Store(before)
	}
	if s.total != before || s.view.gen != s.gen {
		s.publishAt(before, now)
	}
	notices := s.notices
	s.notices = nil
	s.mu.Unlock()
	s.tell(notices)
	return lost
}

func (s *sink) tell(notices []Notice) {
	if s.notice != nil {
		for _, n := range notices {
			s.notice(n)
		}
	}
}

func (s *sink) put(p []byte, from *Stream, fresh bool, now time.Time) (lost int) {
	if s.trouble != nil {
		if now.Before(s.retryAt) || !s.mend(from, now) {
			return s.miss(len(p), now)
		}
	} else if s.file != nil {
		gone := !s.parting && deleted(s.file)
		if gone || now.Sub(s.checked) >= retryEvery {
			if err := s.check(now); err != nil && gone {
				s.fail(err, now)
				return s.miss(len(p), now)
			}
		}
	}
	if s.openLine && (fresh || s.last != nil && s.last != from) {
		// Somebody else's unfinished line stands there: ours begins on its own.
		if _, err := s.emit([]byte{'\n'}); err != nil {
			s.fail(err, now)
			return s.miss(len(p), now)
		}
	}
	s.last = from
	for len(p) > 0 {
		n, full := len(p), false
		if limit := s.limit.Load(); s.file != nil && limit > 0 && !now.Before(s.stuck) {
			n, full = cut(p, s.size, limit, s.openLine)
		}
		if n > 0 {
			done, err := s.emit(p[:n])
			p = p[done:]
			if err != nil {
				s.fail(err, now)
				return s.miss(len(p), now)
			}
		}
		if full && len(p) > 0 {
			if err := s.rotate(now); err != nil {
				s.stuck = now.Add(retryEvery)
				s.complain(NotRotated, err)
			}
		}
	}
	return 0
}

// emit writes all of p or says how much went before the error.
func (s *sink) emit(p []byte) (done int, err error) {
	if s.out == nil {
		done = len(p)
	}
	for done < len(p) {
		n, werr := s.out.Write(p[done:])
		if n > 0 {
			done += min(n, len(p)-done)
		}
		if werr == nil && n <= 0 {
			werr = io.ErrShortWrite
		}
		if werr != nil {
			err = werr
			break
		}
	}
	if done > 0 {
		s.size += int64(done)
		s.total += int64(done)
		s.unsure += int64(done)
		s.openLine = p[done-1] != '\n'
		s.dirty = true
	}
	return done, err
}

// fail begins a time of trouble.
func (s *sink) fail(err error, now time.Time) {
	if s.trouble == nil {
		s.note(Notice{Kind: Degraded, Path: s.path, Reason: reason(err)})
	}
	s.trouble = err
	s.retryAt = now.Add(retryEvery)
	word := reason(err)
	s.degraded.Store(&word)
}

// miss counts n bytes as lost.
func (s *sink) miss(n int, now time.Time) int {
	if s.lost.writes == 0 {
		s.lost.first = now
	}
	s.lost.bytes += int64(n)
	s.lost.writes++
	s.lost.last = now
	s.lostBytes.Add(int64(n))
	return n
}

// mend tries whether writing works again and says in the file what is missing, as a line of the stream from.
func (s *sink) mend(from *Stream, now time.Time) bool {
	s.retryAt = now.Add(retryEvery)
	if s.file != nil {
		if err := s.check(now); err != nil && !s.parting && deleted(s.file) {
			s.fail(err, now)
			return false
		}
		if !spaceTrouble(s.trouble) {
			s.freshen(now)
		}
	}
	fresh := false // the record in pending has not begun to be written
	for {
		if len(s.pending) == 0 {
			if s.lost.writes == 0 {
				break
			}
			s.pending, fresh = s.record(from, now), true
		}
		done, err := s.emit(s.pending)
		if fresh && done > 0 {
			s.told.bytes += s.lost.bytes
			s.told.writes += s.lost.writes
			s.lost, fresh = loss{}, false
		}
		s.pending = s.pending[done:]
		if err != nil {
			if fresh {
				s.pending = nil
			}
			s.fail(err, now)
			return false
		}
	}
	s.note(Notice{Kind: Recovered, Path: s.path, Reason: reason(s.trouble), Bytes: s.told.bytes, Writes: s.told.writes})
	s.told = loss{}
	s.trouble = nil
	s.degraded.Store(nil)
	return true
}

// record is the line that tells of a loss; it stands on a line of its own.
func (s *sink) record(from *Stream, now time.Time) []byte {
	const clock = "15:04:05"
	line := from.mark(now, fmt.Sprintf("lost %d bytes in %d writes %s–%s (%s)",
		s.lost.bytes, s.lost.writes, s.lost.first.Format(clock), s.lost.last.Format(clock), reason(s.trouble)))
	if s.openLine {
		line = append([]byte{'\n'}, line...)
	}
	return line
}

// spaceTrouble: the file itself is good, there is no room for more.
func spaceTrouble(err error) bool {
	switch errnoName(err) {
	case "ENOSPC", "EDQUOT", "EFBIG":
		return true
	}
	return false
}

// freshen opens the same path again after an error of the descriptor (EIO,
// ESTALE, EBADF), which may never go away by itself.
func (s *sink) freshen(now time.Time) {
	d, err := openDirectory(s.dir)
	if err != nil {
		return
	}
	defer d.close()
	if f, e, err := d.openLog(s.base); err == nil {
		if e.id != s.id {
			s.total += e.size
		}
		s.file.Close()
		s.use(f, e, d)
		s.checked = now
	}
}

// check opens the file anew when another one, or none, stands at its path, and
// learns the size it really has (somebody may have truncated it). After an error
// the present one is still open.
func (s *sink) check(now time.Time) error {
	s.checked = now
	if s.parting {
		return nil
	}
	d, err := openDirectory(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeDirectory(s.dir); err == nil {
			d, err = openDirectory(s.dir)
		}
	}
	if err != nil {
		return err
	}
	defer d.close()
	e, err := d.stat(s.base)
	if err == nil && e.id == s.id && s.dirID == d.id {
		if e.size != s.size {
			s.total += max(e.size-s.size, 0)
			s.size = e.size
		}
		s.unsure = 0
		return nil
	}
	return s.renew(d, now)
}

// renew opens the path anew after somebody moved or deleted the file.
func (s *sink) renew(d *directory, now time.Time) error {
	old := s.unsure
	if err := s.replace(d, now); err != nil {
		word := reason(err)
		s.degraded.Store(&word)
		s.complain(NotReopened, err)
		return err
	}
	if s.trouble == nil {
		s.degraded.Store(nil)
	}
	s.complaint = ""
	s.numbered = false
	s.note(Notice{Kind: Reopened, Path: s.path, Bytes: old})
	return nil
}

// replace opens the file that is to stand at the path and lets go of the
// present one; on an error the present one stays.
func (s *sink) replace(d *directory, now time.Time) error {
	f, e, err := d.openLog(s.base)
	if err != nil {
		return err
	}
	s.letGo(s.file, now)
	s.use(f, e, d)
	s.total += e.size
	if e.size > 0 {
		s.openLine = !endsLine(d, s.base, e)
	}
	s.checked = now
	return nil
}

// letGo closes a file that is no longer written; its bytes are brought to the
// disk on the side, so that a rotation does not wait. In a flood that fills
// files within a second that is left to the kernel: it would slow down the rest.
func (s *sink) letGo(f *os.File, now time.Time) {
	flood := now.Sub(s.leftAt) < time.Second
	s.leftAt = now
	if flood || !s.busySync.CompareAndSwap(false, true) {
		f.Close()
		return
	}
	s.syncing.Go(func() {
		err := f.Sync()
		f.Close()
		s.busySync.Store(false)
		if err != nil {
			s.tell([]Notice{{Kind: NotSynced, Path: s.path, Reason: reason(err)}})
		}
	})
}

// reopen is the operator's wish to look at the path now.
func (s *sink) reopen() error {
	s.mu.Lock()
	if s.file == nil {
		s.mu.Unlock()
		return nil
	}
	now := time.Now()
	s.check(now)
	e, err := s.standing()
	if err == nil && e.id != s.id {
		err = errors.New("another file stands there")
	}
	s.publish(now)
	notices := s.notices
	s.notices = nil
	s.mu.Unlock()
	s.tell(notices)
	if err != nil {
		return fmt.Errorf("cannot reopen log %s: %w", s.path, err)
	}
	return nil
}

// standing describes what stands at the path.
func (s *sink) standing() (entry, error) {
	d, err := openDirectory(s.dir)
	if err != nil {
		return entry{}, err
	}
	defer d.close()
	return d.stat(s.base)
}

// close ends the sink: a gap not yet told is told if that works now.
func (s *sink) close() error {
	s.gone.Store(true)
	s.mu.Lock()
	now := time.Now()
	if s.trouble != nil {
		s.mend(s.last, now)
	}
	notices := s.notices
	s.notices = nil
	var err error
	if s.file != nil {
		if s.dirty {
			err = s.file.Sync()
		}
		err = errors.Join(err, s.file.Close())
		s.file, s.out = nil, nil
	}
	s.mu.Unlock()
	s.syncing.Wait()
	s.tell(notices)
	if err != nil {
		return fmt.Errorf("cannot close log %s: %w", s.path, err)
	}
	return nil
}

// complain notes what keeps failing once, not each second.
func (s *sink) complain(kind NoticeKind, err error) {
	if text := kind.String() + reason(err); s.complaint != text {
		s.complaint = text
		s.note(Notice{Kind: kind, Path: s.path, Reason: reason(err)})
	}
}

func (s *sink) note(n Notice) {
	if s.notice != nil {
		s.notices = append(s.notices, n)
	}
}

func (s *sink) publish(now time.Time) { s.publishAt(s.total, now) }

// publishAt shows readers where the sink stands; the bytes from before on are new.
func (s *sink) publishAt(before int64, now time.Time) {
	v := &s.view
	v.Lock()
	v.gen, v.id, v.size, v.total = s.gen, s.id, s.size, s.total
	if s.total > before {
		v.index.add(before, now.UnixNano())
	}
	v.Unlock()
}
