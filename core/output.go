package core

import (
	"errors"
	"fmt"
	"sync"
	"syscall"

	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/logs"
)

// outlets are the streams of one process. They live as long as it is registered, over all its lives. Their own lock makes
// opening and changing one at a time; the pumps do not take it.
type outlets struct {
	set  *logs.Set // nil: nothing is captured
	name string

	mu             sync.Mutex
	stdout, stderr *logs.Stream // nil until something is captured
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
	o.mu.Lock()
	defer o.mu.Unlock()
	one := func(s **logs.Stream, stream string, files []string) error {
		settings := logs.Settings{Files: files, Size: want.Size, Count: want.Count}
		switch {
		case *s != nil && change != nil:
			return change(*s, settings)
		case *s != nil || !kept(files):
			return nil
		}
		opened, err := o.set.Open(o.name, stream, settings)
		if err == nil {
			*s = opened
		}
		return err
	}
	return errors.Join(one(&o.stdout, "stdout", want.Stdout), one(&o.stderr, "stderr", want.Stderr))
}

// wire is the wiring for a new child.
func (o *outlets) wire(want Output) pipes {
	if o.set == nil {
		return pipes{child.Null, child.Null}
	}
	return wiring(want)
}

// attach starts a pump for every pipe of the child.
func (o *outlets) attach(c child.Child) []*logs.Pump {
	o.mu.Lock()
	defer o.mu.Unlock()
	var pumps []*logs.Pump
	if r := c.Stdout(); r != nil && o.stdout != nil {
		pumps = append(pumps, o.stdout.Attach(r))
	}
	if r := c.Stderr(); r != nil && o.stderr != nil {
		pumps = append(pumps, o.stderr.Attach(r))
	}
	return pumps
}

// stream is "stdout" or "stderr"; nil when it is discarded.
func (o *outlets) stream(name string) *logs.Stream {
	o.mu.Lock()
	defer o.mu.Unlock()
	if name == "stderr" {
		return o.stderr
	}
	return o.stdout
}

// health is "" or what is wrong with writing the output: "degraded(ENOSPC, lost=12345)".
func (o *outlets) health() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range []*logs.Stream{o.stdout, o.stderr} {
		if s == nil {
			continue
		}
		if h := s.Health(); h.Degraded != "" {
			return fmt.Sprintf("degraded(%s, lost=%d)", h.Degraded, h.Lost)
		}
	}
	return ""
}

func (o *outlets) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var err error
	for _, s := range []**logs.Stream{&o.stdout, &o.stderr} {
		if *s != nil {
			err = errors.Join(err, (*s).Close())
			*s = nil
		}
	}
	return err
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
