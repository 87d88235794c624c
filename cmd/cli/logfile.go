package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/qjpcpu/supervisord/core/config"
)

// The daemon's own files are rotated at ownSize megabytes, and ownBackups old ones are kept.
const (
	ownSize    = 100
	ownBackups = 10
)

// rotated opens one of the daemon's own files for appending, rotated, 0600 from birth. A path that is something else than
// a regular file is refused. There must be only one such writer per path for the daemon's life.
func rotated(path string) (*lumberjack.Logger, error) {
	// lumberjack opens by name, at each rotation and after each Close, and follows what it finds there.
	if err := config.CheckOwnFile(path); err != nil {
		return nil, err
	}
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("cannot open log %s: %w", path, err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("cannot open log %s: it is no regular file", path)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open log: %w", err)
	}
	if err := file.Close(); err != nil {
		return nil, fmt.Errorf("cannot open log: %w", err)
	}
	return &lumberjack.Logger{Filename: path, MaxSize: ownSize, MaxBackups: ownBackups, LocalTime: true}, nil
}

// ownLog opens the daemon's log. The names of the standard streams and of the null device mean just these.
func (s *session) ownLog(path string) (io.Writer, func() error, error) {
	none := func() error { return nil }
	switch path {
	case "", "/dev/stderr":
		return s.stdio.Err, none, nil
	case "/dev/stdout":
		return s.stdio.Out, none, nil
	case "/dev/null":
		return io.Discard, none, nil
	}
	if err := config.CheckOwnFile(path); err != nil { // before a directory is made in a place that is none
		return nil, none, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, none, fmt.Errorf("cannot open log %s: %w", path, err)
	}
	file, err := rotated(path)
	if err != nil {
		return nil, none, err
	}
	return file, file.Close, nil
}

// logsElsewhere tells whether the daemon's log is not what its standard streams show.
func (d *daemon) logsElsewhere() bool {
	switch d.ownLogPath {
	case "", "/dev/stderr", "/dev/stdout":
		return false
	}
	return true
}

// rotatedName is what lumberjack puts between the stem and the extension of a rotated file.
var rotatedName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$`) })

// clearOwnLog removes the daemon's log and its rotated files, by the rules of purge.
func clearOwnLog(path string) ([]string, error) {
	backups, err := ownBackupsOf(path)
	if err != nil {
		return nil, fmt.Errorf("cannot remove the log: %w", err)
	}
	return purge(append([]string{path}, backups...))
}
