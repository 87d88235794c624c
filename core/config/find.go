package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Find says which configuration file is meant, as an absolute path: the explicit one (the -c of a command line); else the one
// that SUPERVISORD_CONF names; else the first that exists of ./supervisord.conf, DIR/../conf/supervisord.conf,
// DIR/supervisord.conf and /etc/supervisord.conf, where DIR is the folder of the real executable. "" means that there is none.
// One that is named need not exist: Load says so, and a daemon whose file was removed can still be found.
func Find(explicit string) (string, error) {
	return finder{os.Getenv, os.Getwd, os.Executable, "/etc/supervisord.conf"}.find(explicit)
}

// finder is where Find looks.
type finder struct {
	getenv     func(string) string
	getwd      func() (string, error)
	executable func() (string, error)
	system     string
}

func (f finder) find(explicit string) (string, error) {
	here, err := f.getwd()
	if err != nil {
		return "", fmt.Errorf("cannot find the configuration: the current directory is unknown: %w", err)
	}
	named := explicit
	if named == "" {
		named = f.getenv("SUPERVISORD_CONF")
	}
	if named != "" {
		return absolute(named, here), nil
	}
	candidates := []string{filepath.Join(here, fileName)}
	if exe, err := f.executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		dir := filepath.Dir(exe)
		candidates = append(candidates, filepath.Join(dir, "..", "conf", fileName), filepath.Join(dir, fileName))
	}
	for _, path := range append(candidates, f.system) {
		switch info, err := os.Stat(path); {
		case err == nil && !info.IsDir():
			return path, nil
		case err == nil, errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		default:
			return "", fmt.Errorf("cannot find the configuration: %w", err)
		}
	}
	return "", nil
}

// fileName is what a configuration file is called.
const fileName = "supervisord.conf"
