package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxName leaves room for what a rotation adds to a file's name.
const maxName = 255 - 40

// ErrOthers is wrapped by a problem that somebody else can have made, and can make at any time: it stands in a directory that
// others than root and the daemon may write to.
var ErrOthers = errors.New("others may write to its directory")

// Check looks at configured log files without opening or creating anything and
// returns every problem, joined: a directory, FIFO, socket, symbolic link or
// device (other than /dev/stdout, /dev/stderr and /dev/null, by these names) in
// a file's place, a path that leads through something that is no directory, and
// for a privileged daemon what others may have put there. See [ErrOthers].
func Check(files []string) error {
	var problems []error
	for _, path := range files {
		if err := check(path); err != nil {
			problems = append(problems, fmt.Errorf("cannot log to %q: %w", path, err))
		}
	}
	return errors.Join(problems...)
}

func check(path string) error {
	switch {
	case device(path):
		return nil
	case path == "":
		return errors.New("the name is empty")
	case strings.ContainsRune(path, 0):
		return errors.New("the name contains a NUL byte")
	case strings.HasSuffix(path, string(filepath.Separator)):
		return errors.New("it names a directory")
	case len(filepath.Base(path)) > maxName:
		return fmt.Errorf("the name is longer than %d bytes", maxName)
	}
	path, err := absolute(path)
	if err != nil {
		return err
	}
	if info, err := os.Lstat(path); err == nil {
		why := refuse(info.Mode())
		if why == nil {
			why = distrusted(path, info)
		}
		return blame(path, why)
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		switch {
		case err == nil && !info.IsDir():
			return blame(dir, fmt.Errorf("%s is not a directory", dir))
		case err == nil:
			return nil
		case !errors.Is(err, fs.ErrNotExist):
			if _, lerr := os.Lstat(dir); lerr == nil || dir == filepath.Dir(dir) {
				return err
			}
		default:
			if _, lerr := os.Lstat(dir); lerr == nil {
				return blame(dir, fmt.Errorf("%s is a symbolic link to nowhere", dir))
			}
		}
	}
}

// blame tells a problem that others can have made from one of the configuration's.
func blame(path string, why error) error {
	if why == nil || !OthersMayWrite(filepath.Dir(path)) {
		return why
	}
	return foreign{why}
}

// foreign is a problem that others can have made.
type foreign struct{ error }

func (f foreign) Is(target error) bool { return target == ErrOthers }
func (f foreign) Unwrap() error        { return f.error }

// refuse says why a file of this kind cannot be a log.
func refuse(mode fs.FileMode) error {
	switch {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		return errDirectory
	case mode&fs.ModeSymlink != 0:
		return errSymlink
	case mode&fs.ModeNamedPipe != 0:
		return errors.New("is a FIFO")
	case mode&fs.ModeSocket != 0:
		return errors.New("is a socket")
	case mode&fs.ModeDevice != 0:
		return errors.New("is a device (only /dev/stdout, /dev/stderr and /dev/null are allowed, by these names)")
	}
	return errNotRegular
}
