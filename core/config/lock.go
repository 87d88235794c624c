package config

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Lock is the right to be the daemon of a configuration. It lasts until Close or the end of the process, however that comes.
type Lock struct{ file *os.File }

// HeldError is what Acquire returns when another daemon has the lock.
type HeldError struct {
	PID  int    // of the holder; 0 when it has not written it yet
	Path string // of the lock file
}

func (e *HeldError) Error() string {
	if e.PID == 0 {
		return "a daemon of this configuration is running already (lock " + e.Path + ")"
	}
	return fmt.Sprintf("a daemon of this configuration is running already: pid %d (lock %s)", e.PID, e.Path)
}

// lastBreath is how long Acquire waits for the lock of a daemon that has ended.
const lastBreath = 5 * time.Second

// Acquire takes the lock of the place and writes the pid of this process into it. A *HeldError means that another daemon has it, which
// is not waited for. What is waited for, some seconds at most, is the end of what a killed daemon had just forked, which has the lock
// open until its exec or its end. The file is never removed: two daemons could otherwise hold locks of two files with one name; for the
// same reason a file that was replaced between opening and locking is opened again.
func (p Place) Acquire() (*Lock, error) {
	for range 100 {
		f, err := os.OpenFile(p.Lock, os.O_RDWR|os.O_CREATE|noFollow, 0o600)
		if err != nil {
			return nil, fmt.Errorf("cannot open the lock: %w", err)
		}
		ok, err := tryLock(f)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("cannot lock %s: %w", p.Lock, err)
		}
		if !ok {
			pid := pidIn(f)
			if pid == 0 || !hasEnded(pid) {
				f.Close()
				return nil, &HeldError{PID: pid, Path: p.Lock}
			}
			if !inherit(f, lastBreath) {
				return nil, &HeldError{Path: p.Lock}
			}
		}
		if !current(f, p.Lock) {
			f.Close()
			continue
		}
		l := &Lock{f}
		if err := l.SetPID(os.Getpid()); err != nil {
			f.Close()
			return nil, err
		}
		return l, nil
	}
	return nil, errors.New("cannot lock " + p.Lock + ": it is replaced again and again")
}

// inherit waits for the lock of an open file, and tells whether it came in time. If not, the file is no longer the caller's: it is closed,
// when the system has answered at the latest.
func inherit(f *os.File, patience time.Duration) bool {
	got, tooLate := make(chan error), make(chan struct{})
	go func() {
		err := takeLock(f)
		select {
		case got <- err:
		case <-tooLate:
			f.Close() // not before: its number could be another file's by then
		}
	}()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case err := <-got:
		if err != nil {
			f.Close()
		}
		return err == nil
	case <-late.C:
		close(tooLate)
		return false
	}
}

// Holder is the pid of the daemon that has the lock of the place, 0 if none has it or that cannot be seen.
func (p Place) Holder() int {
	f, err := os.OpenFile(p.Lock, os.O_RDWR|noFollow, 0)
	if err != nil {
		return 0
	}
	defer f.Close()
	if !isLocked(f) {
		return 0
	}
	return pidIn(f)
}

// SetPID writes who holds the lock.
func (l *Lock) SetPID(pid int) error {
	text := strconv.Itoa(pid) + "\n"
	// Written over, then cut: a reader in between never sees an empty file that was not empty before.
	_, err := l.file.WriteAt([]byte(text), 0)
	if err == nil {
		err = l.file.Truncate(int64(len(text)))
	}
	if err != nil {
		return fmt.Errorf("cannot write the lock %s: %w", l.file.Name(), err)
	}
	return nil
}

// Close gives the lock up.
func (l *Lock) Close() error { return l.file.Close() }

// current reports whether the open file is still the one with that name.
func current(f *os.File, path string) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(path)
	return err == nil && os.SameFile(open, named)
}

func pidIn(f *os.File) int {
	buf := make([]byte, 32)
	n, _ := f.ReadAt(buf, 0)
	line, _, _ := strings.Cut(string(buf[:n]), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid < 0 {
		return 0
	}
	return pid
}
