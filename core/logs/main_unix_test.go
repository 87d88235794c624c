//go:build unix

package logs

import "os"

// pipe makes a pipe as core/child makes them: the poller reads it.
func pipe() (r, w *os.File, err error) { return os.Pipe() }
