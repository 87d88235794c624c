//go:build unix

package logs

import (
	"os"

	"golang.org/x/sys/unix"
)

const (
	anyName        = "*"   // what a name may hold here and elsewhere not
	ofTheGroup     = 0o640 // the mode of a log file
	removedStays   = false // an open file that is removed keeps its name
	directoryStays = false // the directory of an open log cannot be moved
)

// Files get the modes that are asked for, whatever the umask of whoever runs the tests.
func init() { unix.Umask(0o022) }

// pipe makes a pipe as core/child makes them: the poller reads it.
func pipe() (r, w *os.File, err error) { return os.Pipe() }

// openToRead opens a file in a way that does not keep it from being renamed.
func openToRead(path string) (*os.File, error) { return os.Open(path) }
