package logs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// moveNeedsClose: a file opened by the standard library cannot be renamed
// while it is open.
const moveNeedsClose = true

// directory stands for the directory of a log file; names are joined to it.
type directory struct {
	path string
	id   fileID
}

func openDirectory(path string) (*directory, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.ENOTDIR}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	e, err := entryOfFile(f)
	return &directory{path: path, id: e.id}, err
}

func (d *directory) close() {}

func (d *directory) openLog(base string) (*os.File, entry, error) {
	return d.open(base, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
}

func (d *directory) openRead(base string) (*os.File, entry, error) {
	return d.open(base, os.O_RDONLY, 0)
}

func (d *directory) open(base string, flags int, mode fs.FileMode) (*os.File, entry, error) {
	path := filepath.Join(d.path, base)
	if info, err := os.Lstat(path); err == nil {
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			return nil, entry{}, errSymlink
		case info.IsDir():
			return nil, entry{}, errDirectory
		case !info.Mode().IsRegular():
			return nil, entry{}, errNotRegular
		}
	}
	f, err := os.OpenFile(path, flags, mode)
	if err != nil {
		return nil, entry{}, err
	}
	e, err := entryOfFile(f)
	if err == nil && !e.regular {
		err = errNotRegular
	}
	if err != nil {
		f.Close()
		return nil, entry{}, err
	}
	return f, e, nil
}

func (d *directory) stat(base string) (entry, error) {
	path := filepath.Join(d.path, base)
	info, err := os.Lstat(path)
	if err != nil {
		return entry{}, err
	}
	if !info.Mode().IsRegular() {
		return entry{}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return entry{}, err
	}
	defer f.Close()
	return entryOfFile(f)
}

func (d *directory) rename(old, name string) error {
	from, err := syscall.UTF16PtrFromString(filepath.Join(d.path, old))
	if err != nil {
		return err
	}
	to, err := syscall.UTF16PtrFromString(filepath.Join(d.path, name))
	if err != nil {
		return err
	}
	return syscall.MoveFile(from, to) // does not replace
}

func (d *directory) unlink(base string) error { return os.Remove(filepath.Join(d.path, base)) }

func (d *directory) names() ([]string, error) {
	f, err := os.Open(d.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

func entryOfFile(f *os.File) (entry, error) {
	info, err := f.Stat()
	if err != nil {
		return entry{}, err
	}
	var h syscall.ByHandleFileInformation
	if err := syscall.GetFileInformationByHandle(syscall.Handle(f.Fd()), &h); err != nil {
		return entry{}, err
	}
	return entry{
		id:       fileID{a: uint64(h.VolumeSerialNumber), b: uint64(h.FileIndexHigh)<<32 | uint64(h.FileIndexLow)},
		device:   uint64(h.VolumeSerialNumber),
		regular:  info.Mode().IsRegular(),
		size:     info.Size(),
		modified: info.ModTime().UnixNano(),
	}, nil
}

func errnoName(err error) string {
	var no syscall.Errno
	if !errors.As(err, &no) {
		return ""
	}
	return no.Error()
}

// readPipe waits in the system call: the thread is the price of a pipe here.
func readPipe(fd uintptr, buf []byte) (n int, wait bool, err error) {
	n, err = syscall.Read(syscall.Handle(fd), buf)
	if err == syscall.ERROR_BROKEN_PIPE {
		return 0, false, nil
	}
	return n, false, err
}

func pendingBytes(uintptr) int        { return 0 }
func widenPipe(uintptr, int) int      { return 0 }
func pipeAllowance(limit int64) int64 { return 0 }

// unpoll: there is no poller to leave here.
func unpoll(*os.File) (fd uintptr, ok bool) { return 0, false }
func repoll(fd uintptr) *os.File            { return os.NewFile(fd, "pipe") }
