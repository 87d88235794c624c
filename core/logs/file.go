package logs

import (
	"errors"
	"path/filepath"
)

// fileID tells files apart whatever their names.
type fileID struct{ a, b uint64 }

// entry is what is known of something in a directory.
type entry struct {
	id       fileID
	device   uint64
	regular  bool
	links    uint64 // names it has; 0 when that is not known
	size     int64
	modified int64 // unix nanoseconds
}

var (
	errSymlink    = errors.New("is a symbolic link")
	errDirectory  = errors.New("is a directory")
	errNotRegular = errors.New("is not a regular file")
)

// The three names that mean something other than a file.
const (
	devStdout = "/dev/stdout"
	devStderr = "/dev/stderr"
	devNull   = "/dev/null"
)

func device(path string) bool {
	return path == devStdout || path == devStderr || path == devNull
}

// absolute is the one spelling under which a configured path is known.
func absolute(path string) (string, error) {
	if device(path) {
		return path, nil
	}
	return filepath.Abs(path)
}

// reason is the short word for an error in reports: the errno's name if it
// has one.
func reason(err error) string {
	if name := errnoName(err); name != "" {
		return name
	}
	return err.Error()
}
