package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
)

// Files lists the regular log files of a process, of both its streams: the
// active ones and the rotated ones beside them, sorted. Files shared with
// other processes are among them.
func (set *Set) Files(name string) []string {
	var found []string
	for _, s := range set.sinks(name) {
		d, err := openDirectory(s.dir)
		if err != nil {
			continue
		}
		for _, base := range s.own(d) {
			found = append(found, filepath.Join(s.dir, base))
		}
		d.close()
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// Clear removes the log files of all streams that are open: what they write to
// now and what was rotated away from it. Only regular files go, on the same
// device as their directory, by their names in the directory that was
// configured, and the active one only if it is the very file that is open:
// never a device, never a directory, nothing behind a symbolic link. What was
// removed is returned, sorted, also with an error; the error names what could
// not be.
//
// It is for the end of a daemon: what is still written to these streams
// afterwards goes nowhere. Call it before closing the streams.
func (set *Set) Clear() (removed []string, err error) {
	var problems []error
	for _, s := range set.sinks("") {
		gone, err := s.clear()
		removed = append(removed, gone...)
		if err != nil {
			problems = append(problems, err)
		}
	}
	slices.Sort(removed)
	return removed, errors.Join(problems...)
}

// own are the names of this sink's regular files in the directory.
func (s *sink) own(d *directory) []string {
	var names []string
	if e, err := d.stat(s.base); err == nil && e.regular {
		names = append(names, s.base)
	}
	files, unfinished, _ := oldAndUnfinished(d, s.base)
	all := unfinished
	for _, f := range files {
		all = append(all, f.names()...)
	}
	for _, name := range all {
		if e, err := d.stat(name); err == nil && e.regular {
			names = append(names, name)
		}
	}
	return names
}

func (s *sink) clear() (removed []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil, nil
	}
	d, err := openDirectory(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot clear log %s: %w", s.path, err)
	}
	defer d.close()
	if d.id != s.dirID {
		return nil, fmt.Errorf("cannot clear log %s: another directory stands at %s", s.path, s.dir)
	}
	s.parting = true
	s.limit.Store(0)
	s.olds.Lock()
	defer s.olds.Unlock()
	s.gone.Store(true)
	var problems []error
	for _, base := range s.own(d) {
		path := filepath.Join(s.dir, base)
		e, serr := d.stat(base)
		switch {
		case errors.Is(serr, fs.ErrNotExist):
			continue
		case serr == nil && (!e.regular || e.device != d.id.a):
			serr = errNotRegular
		case serr == nil && base == s.base && e.id != s.id:
			serr = errors.New("another file stands there")
		}
		if serr == nil {
			serr = d.unlink(base)
		}
		if serr != nil {
			problems = append(problems, fmt.Errorf("cannot remove log %s: %w", path, serr))
			continue
		}
		removed = append(removed, path)
	}
	return removed, errors.Join(problems...)
}
