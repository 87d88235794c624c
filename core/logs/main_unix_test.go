//go:build unix

package logs

import "os"

// pipe makes a pipe as core/child makes them: the poller reads it.
func pipe() (r, w *os.File, err error) { return os.Pipe() }

// openToRead opens a file in a way that does not keep it from being renamed.
func openToRead(path string) (*os.File, error) { return os.Open(path) }
