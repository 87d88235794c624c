package logs

import (
	"errors"
	"io/fs"
	"time"
)

// keptFile is an old file and what is known of it on the disk.
type keptFile struct {
	old
	size     int64 // bytes on the disk
	modified int64 // when its last byte came, unix nanoseconds
}

// kept looks at an old file; what else has such a name is not ours to count or
// to remove.
func (d *directory) kept(f old) (k keptFile, ours bool) {
	k.old, ours = f, true
	for _, name := range f.names() {
		e, err := d.stat(name)
		ours = ours && err == nil && e.regular
		k.size += e.size
		k.modified = max(k.modified, e.modified)
	}
	return k, ours
}

// retain removes old files, the oldest first, until the rest keeps within the
// limits: in number, in age, and in bytes together with an active file of full
// size. Only regular files go whose names oldName made, in the directory that
// is open.
func (s *sink) retain(d *directory, now time.Time) error {
	s.olds.Lock()
	defer s.olds.Unlock()
	_, err := s.retainLocked(d, now, s.reached)
	return err
}

// retainLocked also returns when the last byte of the oldest file that stays
// came, 0 if none stays. It looks at no more files than it has to: there may be
// a hundred thousand.
func (s *sink) retainLocked(d *directory, now time.Time, reached func(step)) (oldest int64, err error) {
	files, err := oldFiles(d, s.base)
	if err != nil {
		return 0, err
	}
	count, age, over := int(s.count.Load()), s.age.Load(), int64(0)
	if total := s.totalLimit.Load(); total > 0 {
		over = s.limit.Load() - total
		for _, f := range files {
			if k, ours := d.kept(f); ours {
				over += k.size
			}
		}
	}
	for i, f := range files {
		many := len(files)-i > count
		if !many && over <= 0 && age <= 0 {
			return 0, err
		}
		k, ours := d.kept(f)
		if !ours {
			continue
		}
		if !many && over <= 0 && (age <= 0 || now.UnixNano()-k.modified < age) {
			return k.modified, err
		}
		over -= k.size
		for _, name := range f.names() {
			if uerr := d.unlink(name); uerr != nil && !errors.Is(uerr, fs.ErrNotExist) {
				err = uerr
			}
		}
		reached(stepUnlinked)
	}
	return 0, err
}
