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

// regularOnes are the old files that are regular ones; what else has such a
// name is not ours to count or to remove.
func regularOnes(d *directory, files []old) []keptFile {
	var all []keptFile
	for _, f := range files {
		k := keptFile{old: f}
		regular := true
		for _, name := range f.names() {
			e, err := d.stat(name)
			regular = regular && err == nil && e.regular
			k.size += e.size
			k.modified = max(k.modified, e.modified)
		}
		if regular {
			all = append(all, k)
		}
	}
	return all
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

// retainLocked also returns what is left.
func (s *sink) retainLocked(d *directory, now time.Time, reached func(step)) (left []keptFile, err error) {
	files, err := oldFiles(d, s.base)
	if err != nil {
		return nil, err
	}
	count, age, room := int(s.count.Load()), s.age.Load(), int64(-1)
	if total := s.totalLimit.Load(); total > 0 {
		room = max(total-s.limit.Load(), 0)
	}
	all := regularOnes(d, files)
	sum := int64(0)
	for _, f := range all {
		sum += f.size
	}
	for i, f := range all {
		if len(all)-i <= count && (room < 0 || sum <= room) && (age <= 0 || now.UnixNano()-f.modified < age) {
			return all[i:], err
		}
		sum -= f.size
		for _, name := range f.names() {
			if uerr := d.unlink(name); uerr != nil && !errors.Is(uerr, fs.ErrNotExist) {
				err = uerr
			}
		}
		reached(stepUnlinked)
	}
	return nil, err
}
