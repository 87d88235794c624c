package logs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// moveNeedsClose: what is opened here shares its deletion, so it can be renamed while it is open. What another program has open
// without that cannot; then the rotation is put off and the file written on.
const moveNeedsClose = false

// makeDirectory creates the directory of a log file and what is missing above it.
func makeDirectory(dir string) error { return os.MkdirAll(dir, 0o750) }

// directory is an open directory: it cannot be moved away while it is. Names are joined to its path.
type directory struct {
	path string
	file *os.File
	id   fileID
}

// openDirectory opens the directory of a log file.
func openDirectory(path string) (*directory, error) {
	f, err := openPath(path, windows.FILE_READ_ATTRIBUTES|windows.FILE_LIST_DIRECTORY, windows.OPEN_EXISTING, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	info, err := informationOf(f)
	if err == nil && info.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY == 0 {
		err = syscall.ENOTDIR
	}
	if err != nil {
		f.Close()
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return &directory{path: path, file: f, id: idOf(info)}, nil
}

func (d *directory) close() { d.file.Close() }

// openLog opens or creates the log file base for appending.
func (d *directory) openLog(base string) (*os.File, entry, error) {
	const append = windows.FILE_APPEND_DATA | windows.FILE_READ_ATTRIBUTES | windows.FILE_WRITE_ATTRIBUTES | windows.SYNCHRONIZE
	return d.open(base, append, windows.OPEN_ALWAYS)
}

// openRead opens a log file for reading.
func (d *directory) openRead(base string) (*os.File, entry, error) {
	return d.open(base, windows.GENERIC_READ, windows.OPEN_EXISTING)
}

func (d *directory) open(base string, access, how uint32) (*os.File, entry, error) {
	f, err := openPath(filepath.Join(d.path, base), access, how, shareAll|windows.FILE_FLAG_OPEN_REPARSE_POINT)
	if err != nil {
		return nil, entry{}, err
	}
	info, err := informationOf(f)
	if err == nil {
		switch {
		case info.FileAttributes&windows.FILE_ATTRIBUTE_REPARSE_POINT != 0:
			err = errSymlink
		case info.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0:
			err = errDirectory
		case !isDisk(f):
			err = errNotRegular
		}
	}
	if err != nil {
		f.Close()
		return nil, entry{}, err
	}
	return f, entryOf(info), nil
}

const shareAll = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE

// openPath opens what stands at the path, be it a directory. The sharing and the flags are different bits and come as one number.
func openPath(path string, access, how, shareAndFlags uint32) (*os.File, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	h, err := windows.CreateFile(name, access, shareAndFlags&shareAll, nil, how, shareAndFlags&^shareAll|windows.FILE_FLAG_BACKUP_SEMANTICS|windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(h), path), nil
}

// isDisk tells files from devices and pipes.
func isDisk(f *os.File) bool {
	kind, err := windows.GetFileType(windows.Handle(f.Fd()))
	return err == nil && kind == windows.FILE_TYPE_DISK
}

// create makes a file that must not exist yet.
func (d *directory) create(base string) (*os.File, error) {
	return os.OpenFile(filepath.Join(d.path, base), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
}

// touch sets when the last byte of a file came, in unix nanoseconds.
func (d *directory) touch(base string, modified int64) error {
	at := time.Unix(0, modified)
	return os.Chtimes(filepath.Join(d.path, base), at, at)
}

// deleted: a file that is open keeps its name here.
func deleted(*os.File) bool { return false }

// lowPriority: a goroutine has the priority of its process here.
func lowPriority() {}

// stat describes what stands at base itself, never what a link points to.
func (d *directory) stat(base string) (entry, error) {
	f, err := openPath(filepath.Join(d.path, base), windows.FILE_READ_ATTRIBUTES, windows.OPEN_EXISTING, shareAll|windows.FILE_FLAG_OPEN_REPARSE_POINT)
	if err != nil {
		return entry{}, err
	}
	defer f.Close()
	info, err := informationOf(f)
	if err != nil {
		return entry{}, err
	}
	return entryOf(info), nil
}

// rename gives old its new name; a file that already has that name is fs.ErrExist and stays.
func (d *directory) rename(old, name string) error {
	from, err := windows.UTF16PtrFromString(filepath.Join(d.path, old))
	if err != nil {
		return err
	}
	to, err := windows.UTF16PtrFromString(filepath.Join(d.path, name))
	if err != nil {
		return err
	}
	return windows.MoveFileEx(from, to, 0)
}

// OthersMayWrite is false: who may write to a directory is not looked at here.
func OthersMayWrite(string) bool           { return false }
func distrusted(string, fs.FileInfo) error { return nil }

func (d *directory) unlink(base string) error { return os.Remove(filepath.Join(d.path, base)) }

// names lists the directory in no order.
func (d *directory) names() ([]string, error) {
	f, err := os.Open(d.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

func informationOf(f *os.File) (info windows.ByHandleFileInformation, err error) {
	err = windows.GetFileInformationByHandle(windows.Handle(f.Fd()), &info)
	return info, err
}

func idOf(info windows.ByHandleFileInformation) fileID {
	return fileID{a: uint64(info.VolumeSerialNumber), b: uint64(info.FileIndexHigh)<<32 | uint64(info.FileIndexLow)}
}

func entryOf(info windows.ByHandleFileInformation) entry {
	return entry{
		id:       idOf(info),
		device:   uint64(info.VolumeSerialNumber),
		regular:  info.FileAttributes&(windows.FILE_ATTRIBUTE_DIRECTORY|windows.FILE_ATTRIBUTE_REPARSE_POINT|windows.FILE_ATTRIBUTE_DEVICE) == 0,
		links:    uint64(info.NumberOfLinks),
		size:     int64(info.FileSizeHigh)<<32 | int64(info.FileSizeLow),
		modified: info.LastWriteTime.Nanoseconds(),
	}
}

// folded is the spelling that all names of one file share: here case makes no difference.
func folded(path string) string { return strings.ToLower(path) }

func errnoName(err error) string {
	var no syscall.Errno
	if !errors.As(err, &no) {
		return ""
	}
	return no.Error()
}

// firstBytes is the size of the buffer that an idle stream owns: the system fills it while nobody looks.
const firstBytes = 512

// waiting is what a pump needs while it waits.
type waiting struct{ first []byte }

// arrive waits in the poller until there is something to read, or the end, and takes it; or until the deadline.
func (w *waiting) arrive(p *Pump, r *os.File, _ syscall.RawConn, _ func(fd uintptr) bool) error {
	if p.buf != nil {
		p.park()
	}
	if w.first == nil {
		w.first = make([]byte, firstBytes)
	}
	first := w.first[:min(firstBytes, maxLine-len(p.begun))]
	n, err := r.Read(first)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	p.hold()
	p.n = copy(p.buf[p.held:], first[:n]) // an error ends the stream as its end does
	if rest := p.buf[p.held+n:]; n == len(first) && len(rest) > 0 {
		more, _, _ := p.readNow(r, nil, rest)
		p.n += more
	}
	return nil
}

// readNow reads what is there now: n bytes of those that are there, 0 at the end of the stream, or wait when nothing is there.
func (p *Pump) readNow(r *os.File, _ syscall.RawConn, buf []byte) (n, there int, wait bool) {
	there, err := pendingBytes(r)
	if err != nil || there == 0 {
		return 0, 0, err == nil
	}
	for {
		// A deadline that is over is somebody's wake; whoever calls this looks afterwards at what it was for.
		r.SetReadDeadline(time.Time{})
		n, err = r.Read(buf)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, there, false
		}
	}
}

// pendingBytes says how much lies in the pipe now; an error is its end.
func pendingBytes(r *os.File) (int, error) {
	raw, err := r.SyscallConn()
	if err != nil {
		return 0, err
	}
	var there uint32
	failed := raw.Control(func(fd uintptr) {
		ok, _, errno := peekNamedPipe.Call(fd, 0, 0, 0, uintptr(unsafe.Pointer(&there)), 0)
		if ok == 0 {
			err = errno
		}
	})
	return int(there), errors.Join(failed, err)
}

var peekNamedPipe = windows.NewLazySystemDLL("kernel32.dll").NewProc("PeekNamedPipe")

// Pipes have the width that they have here, and the poller keeps them.
func widenPipe(uintptr, int) int                             { return 0 }
func pipeAllowance(int64) int64                              { return 0 }
func nap(time.Duration)                                      {}
func unpoll(*os.File) (fd uintptr, ok bool)                  { return 0, false }
func repoll(fd uintptr) *os.File                             { return os.NewFile(fd, "pipe") }
func readPipe(uintptr, []byte) (n int, wait bool, err error) { return 0, true, nil }
