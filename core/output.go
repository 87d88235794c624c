package core

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/logs"
)

// outlets are the streams of one process. They live as long as it is registered, over all its lives.
type outlets struct {
	set  *logs.Set // nil: nothing is captured
	name string

	change sync.Mutex // one opens, changes or closes at a time; held while a file system takes as long as it likes

	stdout, stderr atomic.Pointer[logs.Stream] // nil until something is captured; who looks waits for nobody
}

// open opens what is to be captured and is not open yet, before a launch.
func (o *outlets) open(want Output) error { return o.each(want, nil) }

// apply changes what is open and opens what is to be captured besides. What is no longer kept stays open, discarding, as the
// living child still has its pipe.
func (o *outlets) apply(want Output) error { return o.each(want, (*logs.Stream).Apply) }

func (o *outlets) each(want Output, change func(*logs.Stream, logs.Settings) error) error {
	if o.set == nil {
		return nil
	}
	o.change.Lock()
	defer o.change.Unlock()
	one := func(at *atomic.Pointer[logs.Stream], stream string, files []string) error {
		settings := want.settings(files)
		s := at.Load()
		switch {
		case s != nil && change != nil:
			return change(s, settings)
		case s != nil || !kept(files):
			return nil
		}
		opened, err := o.set.Open(o.name, stream, settings)
		if err == nil {
			at.Store(opened)
		}
		return err
	}
	return both(one(&o.stdout, "stdout", want.Stdout), one(&o.stderr, "stderr", want.Stderr))
}

// settings is what a stream with these files is told.
func (o Output) settings(files []string) logs.Settings {
	return logs.Settings{Files: files, Size: o.Size, Count: o.Count, Age: o.Age, Total: o.Total, Compress: o.Compress, Format: o.Format}
}

// both is one error, on one line, of what happened to stdout and to stderr.
func both(stdout, stderr error) error {
	switch {
	case stdout == nil:
		return stderr
	case stderr == nil, stderr.Error() == stdout.Error():
		return stdout
	}
	return fmt.Errorf("%w; %w", stdout, stderr)
}

// wire is the wiring for a new child.
func (o *outlets) wire(want Output) pipes {
	if o.set == nil {
		return pipes{child.Null, child.Null}
	}
	return wiring(want)
}

// attach starts a pump for every pipe of the child.
func (o *outlets) attach(c child.Child, w pipes) []*logs.Pump {
	var pumps []*logs.Pump
	if r, s := c.Stdout(), o.stdout.Load(); r != nil && s != nil {
		if w.stderr == child.Same {
			pumps = append(pumps, s.Attach(r, "both"))
		} else {
			pumps = append(pumps, s.Attach(r))
		}
	}
	if r, s := c.Stderr(), o.stderr.Load(); r != nil && s != nil {
		pumps = append(pumps, s.Attach(r))
	}
	return pumps
}

// stream is "stdout" or "stderr"; nil when it is discarded.
func (o *outlets) stream(name string) *logs.Stream {
	if name == "stderr" {
		return o.stderr.Load()
	}
	return o.stdout.Load()
}

// health tells how writing the output goes: how much came, how much was lost, and what is wrong now.
func (o *outlets) health(in *Status) {
	for _, s := range [...]*logs.Stream{o.stdout.Load(), o.stderr.Load()} {
		if s == nil {
			continue
		}
		h := s.Health()
		in.LogBytes += h.Written
		in.LogLost += h.Lost
		if in.Log == "" {
			in.Log = h.String()
		}
	}
}

func (o *outlets) close() error {
	o.change.Lock()
	defer o.change.Unlock()
	end := func(at *atomic.Pointer[logs.Stream]) error {
		if s := at.Swap(nil); s != nil {
			return s.Close()
		}
		return nil
	}
	return both(end(&o.stdout), end(&o.stderr))
}

// passing reports whether opening a file may succeed later without anybody changing anything: a start that fails for it is
// tried again.
func passing(err error) bool {
	for _, e := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EROFS, syscall.EMFILE, syscall.ENFILE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
