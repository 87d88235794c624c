package builtins

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/qjpcpu/supervisord/lisp"
)

// mostSource bounds the text of a program that is included, in bytes.
const mostSource = 4 << 20

// LoadFile is the [lisp.Thread.Load] of a program that may include files: a relative name starts where the file lies that
// includes, else at the working directory. The daemon has none: a program that was sent to it includes nothing.
func LoadFile(name, from string) (text, path string, err error) {
	if name == "" || strings.Contains(name, "\x00") {
		return "", "", lisp.Errorf(kindInvalid, "cannot include %q: it is no name of a file", cut(name, 64))
	}
	path = name
	if home, err := os.UserHomeDir(); err == nil && strings.HasPrefix(name, "~/") {
		path = filepath.Join(home, name[2:])
	}
	if !filepath.IsAbs(path) && from != "" {
		if beside := filepath.Join(filepath.Dir(from), path); isThere(beside) {
			path = beside
		}
	}
	file, err := openRegular(path, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", lisp.Errorf(kindNotFound, "cannot include %w", bare(err))
	}
	if err != nil {
		return "", "", fmt.Errorf("cannot include %w", bare(err))
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, mostSource+1))
	if err != nil {
		return "", "", fmt.Errorf("cannot include %w", bare(err))
	}
	if len(data) > mostSource {
		return "", "", lisp.Errorf(kindTooLarge, "cannot include %s: it has more than %d MiB", path, mostSource>>20)
	}
	return string(data), path, nil
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
