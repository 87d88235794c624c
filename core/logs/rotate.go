package logs

import (
	"bytes"
	"errors"
	"io/fs"
	"time"
)

// maxLine is the length up to which a line is kept whole, by a rotation and
// among several writers of one file.
const maxLine = 64 << 10

// cut says how many bytes of p the current file of the given size still takes
// and whether it is full after them. openLine: the file ends inside a line.
// A newline is searched for only in the chunk that crosses the limit.
func cut(p []byte, size, limit int64, openLine bool) (n int, full bool) {
	if limit <= 0 || size+int64(len(p)) <= limit {
		return len(p), false
	}
	room := int(max(limit-size, 0))
	if i := bytes.LastIndexByte(p[:room], '\n'); i >= 0 {
		return i + 1, true
	}
	if !openLine && size > 0 {
		return 0, true // the line begins with p: all of it goes into the next file
	}
	most := limit + maxLine - size
	if most <= 0 {
		return 0, true
	}
	reach := int(min(int64(len(p)), most))
	if i := bytes.IndexByte(p[room:reach], '\n'); i >= 0 {
		return room + i + 1, true
	}
	if int64(len(p)) < most {
		return len(p), false // its end may still come
	}
	if room > 0 {
		return room, true
	}
	return reach, true
}

// step is how far a rotation has come. It may be killed at any of them: what was
// written then stands in the files, once and in order.
type step int

const (
	stepFull     step = iota // nothing is done yet
	stepRenamed              // the full file has its old name, there is no active one
	stepOpened               // there is one
	stepUnlinked             // one of the files beyond the limits is gone
	stepDone
	stepPacking // a part of an old file stands in a compressed one of a preliminary name
	stepPacked  // all of it does
	stepNamed   // the compressed file has its name, the old file has its own too
	stepPackedDone
)

func (s *sink) reached(at step) {
	if s.step != nil {
		s.step(at, s.total)
	}
}

// reachedAside is reached for the tidier, which does not hold s.mu.
func (s *sink) reachedAside(at step) {
	if s.step != nil {
		s.step(at, s.look().total)
	}
}

// rotate gives the full file its old name and opens a new one in its place.
// Whatever fails, the file that is open stays open and can be written on; the
// reason is returned. The caller holds s.mu.
func (s *sink) rotate(now time.Time) error {
	d, err := openDirectory(s.dir)
	if err != nil {
		return err
	}
	defer d.close()
	e, err := d.stat(s.base)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil || d.id != s.dirID || e.id != s.id {
		return s.renew(d, now) // it was moved, or another directory stands there
	}
	if !s.numbered {
		files, err := oldFiles(d, s.base)
		if err != nil {
			return err
		}
		if len(files) > 0 {
			s.seq = files[len(files)-1].seq
		}
		s.numbered = true
	}
	s.reached(stepFull)
	if moveNeedsClose {
		s.file.Close()
	}
	for {
		s.seq++
		err = d.rename(s.base, oldName(s.base, now, s.seq))
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil && !moveNeedsClose {
		return err
	}
	s.reached(stepRenamed)
	if oerr := s.replace(d, now); oerr != nil {
		return oerr // the next check sees that the file has moved and tries again
	}
	if err != nil {
		return err
	}
	s.reached(stepOpened)
	if err := s.retain(d, now); err != nil {
		s.complain(NotRemoved, err)
	} else {
		s.complaint = ""
	}
	s.reached(stepDone)
	if s.later != nil && (s.age.Load() > 0 || s.compress.Load()) {
		s.later(s)
	}
	return nil
}

// finishRename ends a rotation that was killed on a file system whose rename is
// made of a link and an unlink: the active file has an old name already, and
// what would be written to it now would stand under both.
func finishRename(d *directory, base string) error {
	e, err := d.stat(base)
	if err != nil || !e.regular || e.links < 2 {
		return nil // opening it will say what is wrong
	}
	files, err := oldFiles(d, base)
	if err != nil {
		return err
	}
	for _, f := range files {
		if old, err := d.stat(f.name); err == nil && old.id == e.id {
			return d.unlink(base)
		}
	}
	return nil
}
