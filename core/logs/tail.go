package logs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
	"unsafe"
)

// maxTail bounds the memory of one answer; older lines beyond it are left out, and LeftOut stands before the others.
const maxTail = 8 << 20

// LeftOut is the first line of an answer that had no room for older ones that were wanted too.
const LeftOut = "... older lines are left out: one answer takes at most 8 MiB ..."

// lineCost is what a line takes besides its bytes: millions of empty ones must
// not take more memory than the bound says.
const lineCost = int(unsafe.Sizeof(Line{}))

// Tail returns the last n lines (oldest first) that came at or after since and
// match; a zero since and a nil match leave nothing out. It reads the first
// configured file that is one, backwards over its rotated files, compressed
// ones too, and no further than needed; without a file it looks into the last
// 16 KiB kept in memory.
//
// When a line came is known to the millisecond where the format writes it. Else
// it is known for what came in this daemon's life, to about a tenth of how long
// ago it was; before that only by whole files: with the time of its last line a
// file is too old or is not, and the lines' At is zero.
//
// A file that several streams share shows the lines of all. Lines over 64 KiB
// come in pieces, and one answer holds at most 8 MiB: then LeftOut is its first
// line. An unfinished last line is a line. Of a line only Text and At are set.
func (s *Stream) Tail(n int, since time.Time, match *regexp.Regexp) ([]Line, error) {
	lines, _, err := s.tail(n, since, match, nil)
	return lines, err
}

// TailFollow is Tail and a Follow that begins exactly where it ends: no line
// is missing between the two and none comes twice.
func (s *Stream) TailFollow(ctx context.Context, n int, since time.Time, match *regexp.Regexp) ([]Line, *Follower, error) {
	f := s.newFollower(ctx)
	lines, part, err := s.tail(n, since, match, f)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	f.part = part
	f.begun -= int64(len(part))
	return lines, f, nil
}

// tail also registers f, if any, at the place where the lines end; part is
// then the unfinished line before that place.
func (s *Stream) tail(n int, since time.Time, match *regexp.Regexp, f *Follower) (lines []Line, part []byte, err error) {
	q := query{n: n, since: since, match: match, floor: math.MinInt64, timed: Format(s.format.Load()).hasTime()}
	s.mu.Lock()
	k := s.out.onDisk()
	limit := int64(math.MaxInt64)
	if f != nil {
		f.off = s.written
		s.follow(f)
		if k != nil {
			// What the follower will give is behind this place in the file: all
			// that comes, and what has come but is not kept yet.
			limit = k.look().total
			if begins := s.unkept.Load(); begins >= 0 {
				limit = min(limit, begins)
			}
		}
	}
	if k == nil {
		held := make([]byte, s.ring.n)
		s.ring.read(s.ring.start(), held)
		start := s.ring.start()
		q.index = s.index.copy()
		if !since.IsZero() {
			q.floor, _ = s.index.since(since.UnixNano(), s.written)
		}
		s.mu.Unlock()
		if start > 0 { // the first line has lost its beginning
			if i := bytes.IndexByte(held, '\n'); i >= 0 {
				held, start = held[i+1:], start+int64(i)+1
			}
		}
		b := &backward{src: []segment{{r: bytes.NewReader(held), size: int64(len(held)), off: start}}}
		return q.collect(b, f != nil)
	}
	s.mu.Unlock()
	return k.answer(q, limit, f != nil)
}

// TailFile is Tail for a log that no stream has open now: that of a process which was not started since the daemon was. A
// file that is not there has no lines.
func TailFile(path string, format Format, n int, since time.Time, match *regexp.Regexp) ([]Line, error) {
	path, err := absolute(path)
	if err != nil {
		return nil, err
	}
	s := &sink{path: path, dir: filepath.Dir(path), base: filepath.Base(path)}
	d, err := openDirectory(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e, err := d.stat(s.base)
	d.close()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	s.view.sinkView = sinkView{id: e.id, size: e.size, total: e.size, found: e.size, foundTime: e.modified}
	lines, _, err := s.answer(query{n: n, since: since, match: match, timed: format.hasTime()}, math.MaxInt64, false)
	return lines, err
}

// TailOf returns the last n lines of a text that continues over files: the first size bytes of newest, and before them the
// older files whole, the youngest first. It closes newest; an older file that cannot be read ends the text.
func TailOf(newest *os.File, size int64, older []string, n int) ([]Line, error) {
	b := &backward{src: []segment{{r: newest, size: size, file: newest}}}
	off := int64(0)
	b.older = func() (segment, error) {
		if len(older) == 0 {
			return segment{}, io.EOF
		}
		f, err := os.Open(older[0])
		if err != nil {
			return segment{}, io.EOF
		}
		info, err := f.Stat()
		if err != nil || !info.Mode().IsRegular() {
			f.Close()
			return segment{}, io.EOF
		}
		older = older[1:]
		off -= info.Size()
		return segment{r: f, size: info.Size(), off: off, file: f}, nil
	}
	defer b.close()
	lines, _, err := query{n: n, floor: math.MinInt64}.collect(b, false)
	return lines, err
}

// answer reads the files of the sink up to the offset limit.
func (s *sink) answer(q query, limit int64, split bool) (lines []Line, part []byte, err error) {
	b, floor, err := s.open(limit, q.since)
	if err != nil {
		return nil, nil, err
	}
	defer b.close()
	q.floor = floor
	s.view.Lock()
	q.index = s.view.index.copy()
	s.view.Unlock()
	return q.collect(b, split)
}

// query is which lines are wanted.
type query struct {
	n     int
	since time.Time
	match *regexp.Regexp
	floor int64 // lines that end at or before it are too old
	index index // when the text came
	timed bool  // the lines themselves say it
}

func (q query) collect(b *backward, split bool) (lines []Line, part []byte, err error) {
	bytesLeft := maxTail
	for first := true; first || len(lines) < q.n; first = false {
		line, end, whole, err := b.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		if first && split && !whole {
			part = bytes.Clone(line)
			continue
		}
		if end <= q.floor || q.n <= 0 {
			break
		}
		at := q.index.at(end - 1)
		if q.timed {
			if exact, ok := lineTime(line); ok {
				at = exact
			}
			if !at.IsZero() && at.Before(q.since.Truncate(time.Millisecond)) {
				break
			}
		}
		if q.match != nil && !q.match.Match(line) {
			continue
		}
		if bytesLeft -= len(line) + lineCost; bytesLeft < 0 {
			lines = append(lines, Line{Text: LeftOut})
			break
		}
		lines = append(lines, Line{Text: string(line), At: at})
	}
	slices.Reverse(lines)
	return lines, part, nil
}

// segment is a stretch of log text; off is the offset of its first byte.
type segment struct {
	r    io.ReaderAt
	size int64
	off  int64
	file *os.File
}

// backward reads lines from the last to the first over segments, the newest
// first, as if they were one text.
type backward struct {
	src   []segment
	older func() (segment, error) // the next older one; io.EOF when there is none
	buf   []byte                  // unread; its end is at the offset end
	end   int64
	begun bool
}

func (b *backward) close() {
	for _, s := range b.src {
		if s.file != nil {
			s.file.Close()
		}
	}
}

// next returns the line before the last one returned, valid until the next
// call, and the offset behind it. whole: a newline ends it.
func (b *backward) next() (line []byte, end int64, whole bool, err error) {
	if !b.begun {
		b.begun = true
		if err := b.load(); err != nil {
			return nil, 0, false, err
		}
	}
	end = b.end
	for len(b.buf) == 0 {
		if err := b.load(); err != nil {
			return nil, 0, false, err
		}
	}
	body := b.buf
	if body[len(body)-1] == '\n' {
		whole = true
		body = body[:len(body)-1]
	}
	for {
		if i := bytes.LastIndexByte(body, '\n'); i >= 0 {
			line = body[i+1:]
			b.end -= int64(len(b.buf) - i - 1)
			b.buf = b.buf[:i+1]
			return line, end, whole, nil
		}
		if len(body) >= maxLine {
			line = body[len(body)-maxLine:]
			keep := len(body) - maxLine
			b.end -= int64(len(b.buf) - keep)
			b.buf = b.buf[:keep]
			return line, end, whole, nil
		}
		tail := len(b.buf) - len(body)
		if err := b.load(); err == io.EOF {
			line = body
			b.end -= int64(len(b.buf))
			b.buf = nil
			return line, end, whole, nil
		} else if err != nil {
			return nil, 0, false, err
		}
		body = b.buf[:len(b.buf)-tail]
	}
}

// load puts the block before the unread bytes in front of them.
func (b *backward) load() error {
	for {
		if len(b.src) == 0 || b.src[0].size == 0 {
			if b.older == nil {
				return io.EOF
			}
			s, err := b.older()
			if err != nil {
				return err
			}
			b.close()
			b.src = []segment{s}
			continue
		}
		s := &b.src[0]
		if len(b.buf) == 0 {
			b.end = s.off + s.size
		}
		n := min(s.size, maxLine)
		block := make([]byte, int(n)+len(b.buf))
		got, err := s.r.ReadAt(block[:n], s.size-n)
		if int64(got) < n { // somebody truncated it meanwhile
			if err != nil && err != io.EOF {
				return err
			}
			s.size = 0
			continue
		}
		copy(block[n:], b.buf)
		b.buf = block
		s.size -= n
		return nil
	}
}

// open prepares reading the file of a sink backwards from the offset limit, or
// from its end when that is nearer, and finds the offset that since means.
func (s *sink) open(limit int64, since time.Time) (*backward, int64, error) {
	d, err := openDirectory(s.dir)
	if err != nil {
		return nil, 0, err
	}
	defer d.close()
	v, f, e, files, err := s.active(d)
	if err != nil {
		return nil, 0, &fs.PathError{Op: "open", Path: s.path, Err: err}
	}
	b := &backward{}
	off := v.total - v.size
	if f != nil {
		b.src = []segment{{r: f, size: within(e.size, off, limit), off: off, file: f}}
	}
	floor, youngest := int64(math.MinInt64), int64(math.MinInt64)
	if !since.IsZero() {
		youngest = since.UnixNano()
		floor = s.floor(youngest)
	}
	b.older = s.older(files, off, limit, floor, youngest)
	return b, floor, nil
}

// within is how much of a file that begins at off lies before the limit. (Files from before this daemon begin below 0.)
func within(size, off, limit int64) int64 { return max(min(off+size, limit)-off, 0) }

// active opens the file that stands where the view says, together with the
// view and the files rotated before it. It may have been rotated since: then it
// is among the old ones. Without any file f is nil.
func (s *sink) active(d *directory) (v sinkView, f *os.File, e entry, before []old, err error) {
	for try := 0; ; try++ {
		v = s.look()
		f, e, err = d.openRead(s.base)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return v, nil, e, nil, err
		}
		files, lerr := oldFiles(d, s.base)
		if lerr != nil {
			if f != nil {
				f.Close()
			}
			return v, nil, e, nil, lerr
		}
		at := len(files)
		for i := len(files) - 1; i >= 0 && at == len(files); i-- {
			if got, err := d.stat(files[i].name); err == nil && got.id == v.id {
				at = i
			}
		}
		if f != nil && e.id == v.id || try == 8 {
			return v, f, e, files[:at], nil
		}
		if at < len(files) {
			older, oe, oerr := d.openRead(files[at].name)
			if oerr == nil && oe.id == v.id {
				if f != nil {
					f.Close()
				}
				return v, older, oe, files[:at], nil
			}
		}
		if f != nil { // moved or deleted while we looked
			f.Close()
		}
	}
}

func (s *sink) look() sinkView {
	s.view.Lock()
	defer s.view.Unlock()
	return s.view.sinkView
}

// floor is the offset before which everything came before t.
func (s *sink) floor(t int64) int64 {
	s.view.Lock()
	defer s.view.Unlock()
	off, oldest := s.view.index.since(t, s.view.total)
	if oldest {
		if s.view.foundTime >= t {
			return math.MinInt64
		}
		return max(s.view.found, min(off, s.view.total))
	}
	return off
}

// older opens the rotated files one by one, the newest first, as far as they
// matter.
func (s *sink) older(files []old, off, limit, floor, youngest int64) func() (segment, error) {
	return func() (segment, error) {
		for len(files) > 0 && off > floor {
			name := files[len(files)-1].name
			files = files[:len(files)-1]
			d, err := openDirectory(s.dir)
			if err != nil {
				return segment{}, err
			}
			text, modified, err := openOld(d, name)
			d.close()
			if err != nil { // deleted by retention meanwhile, or not ours
				continue
			}
			if modified < youngest {
				text.file.Close()
				break
			}
			off -= text.size
			text.off, text.size = off, within(text.size, off, limit)
			return text, nil
		}
		return segment{}, io.EOF
	}
}

// openOld opens an old file for reading, compressed or not; it may become compressed just now. The segment has no offset yet.
func openOld(d *directory, name string) (segment, int64, error) {
	f, e, err := d.openRead(name)
	if err == nil {
		return segment{r: f, size: e.size, file: f}, e.modified, nil
	}
	if f, e, err = d.openRead(name + packedEnd); err != nil {
		return segment{}, 0, err
	}
	p, err := openPacked(f, e.size)
	if err == nil {
		return segment{r: p, size: p.size, file: f}, e.modified, nil
	}
	end, size, err := openForeign(f)
	if err != nil {
		f.Close()
		return segment{}, 0, err
	}
	return segment{r: atEnd{end, size - int64(len(end))}, size: size, file: f}, e.modified, nil
}

// atEnd is the end of a text whose beginning is not at hand: there it reads nothing, and a reader takes it for short.
type atEnd struct {
	text   []byte
	begins int64
}

func (a atEnd) ReadAt(b []byte, off int64) (int, error) {
	if off < a.begins {
		return 0, io.EOF
	}
	return bytes.NewReader(a.text).ReadAt(b, off-a.begins)
}
