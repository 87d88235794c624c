//go:build windows

package child

import (
	"errors"
	"os"
)

// errWindows is what everything here answers until processes are supervised on Windows.
var errWindows = errors.New("not supported on Windows in this version")

// Options are what a Host is told once.
type Options struct {
	CgroupMode string
	Instance   string
	Logf       func(format string, args ...any)
}

// Host would start children; on Windows it refuses.
type Host struct{}

// NewHost refuses.
func NewHost(Options) (*Host, error) { return nil, errWindows }

// Start refuses.
func (*Host) Start(c Command) (Child, error) {
	return nil, &LaunchError{Step: "exec", Path: c.Path, Err: errWindows}
}

// Close does nothing.
func (*Host) Close() error { return nil }

// Features is empty.
func (*Host) Features() []string { return nil }

// Orphans is zero: Windows has none.
func (*Host) Orphans() uint64 { return 0 }

// Detached is a daemon to be started by a command that will end.
type Detached struct {
	Path  string
	Args  []string
	Env   []string
	Dir   string
	Files []*os.File
}

// Detach refuses.
func Detach(Detached) (int, error) { return 0, errWindows }
