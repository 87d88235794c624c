package child

import (
	"bytes"
	"encoding/binary"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A fork shares this program's memory until its exec has come so far that it needs that no more (vfork), and Go keeps a part of
// its scheduler busy all the while: a fork whose exec hangs halts this whole program at its next collection of garbage. What an
// exec waits for until that point is that files are looked up, may be opened, and give their first page: the program's and those
// of its interpreters (load_elf_binary and begin_new_exec in the kernel's fs/). So the same is waited for here before, in calls
// that give the scheduler its part back. What hangs, hangs here. Between this and the fork something may still begin to hang;
// that is a moment, and not as long as a disk is sick.

// atExecveCheck has execveat(2) do everything that may refuse an exec, and stop there (Linux 6.14). It is how those are asked who
// are asked about execs alone (FAN_OPEN_EXEC_PERM, man 7 fanotify).
const atExecveCheck = 0x10000

// maxInterpreters is how often one program may name another, as the kernel has it (fs/exec.c).
const maxInterpreters = 5

// rehearsals remembers for a moment what did not hang, as a thousand starts at once are often of one program.
type rehearsals struct {
	mayAsk bool // see tryExec

	mu   sync.Mutex
	past map[string]time.Time // by the program's path
}

// A rehearsal costs some 30 microseconds (BenchmarkRehearse), so one in a tenth of a second costs nothing; no more than so many
// are remembered.
const (
	rehearsalLasts   = 100 * time.Millisecond
	rehearsalsAtMost = 256
)

// wait waits for what an exec of the program in the folder will wait for. That something is wrong with it is for the exec to
// say.
func (r *rehearsals) wait(program, dir string) {
	r.mu.Lock()
	last, done := r.past[program]
	r.mu.Unlock()
	if done && time.Since(last) < rehearsalLasts {
		return
	}
	begun := time.Now()
	page := make([]byte, 4096)
	for path, ask, i := program, true, 0; path != "" && i < maxInterpreters; i++ {
		path, ask = r.look(abs(path, dir), ask, page)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.past == nil || len(r.past) >= rehearsalsAtMost {
		r.past = map[string]time.Time{}
	}
	r.past[program] = begun
}

// look does one file and returns the interpreter it names, "" without one, and whether that is one whose exec is to be asked
// about: a loader is everybody's, and who watches execs was asked about the program already.
func (r *rehearsals) look(path string, ask bool, page []byte) (next string, askNext bool) {
	var file unix.Stat_t
	if unix.Stat(path, &file) != nil || file.Mode&unix.S_IFMT != unix.S_IFREG {
		return "", false // to open a device may do something
	}
	const how = unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY
	fd, err := unix.Open(path, how|unix.O_RDONLY, 0)
	if err == unix.EACCES { // it may be executed and not read, perhaps
		fd, err = unix.Open(path, how|unix.O_PATH, 0)
	}
	if err != nil {
		return "", false
	}
	defer unix.Close(fd)
	if ask && r.mayAsk {
		_ = tryExec(fd)
	}
	n, err := unix.Pread(fd, page, 0)
	if err != nil {
		return "", false
	}
	return interpreter(fd, page[:n])
}

// tryExec asks whether an open file may be executed.
func tryExec(fd int) error {
	empty := [1]byte{}
	argv := [2]*byte{&empty[0]} // an empty one has the kernel complain
	envp := [1]*byte{}
	_, _, errno := unix.Syscall6(unix.SYS_EXECVEAT, uintptr(fd), uintptr(unsafe.Pointer(&empty[0])), uintptr(unsafe.Pointer(&argv[0])),
		uintptr(unsafe.Pointer(&envp[0])), unix.AT_EMPTY_PATH|atExecveCheck, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// canTryExec reports whether the kernel knows how to ask without doing it. It is found out with an empty file, which no system
// can make a program of: not one either that overlooks what it does not know.
func canTryExec() bool {
	fd, err := unix.MemfdCreate("supervisord", unix.MFD_CLOEXEC)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return unix.Fchmod(fd, 0o500) == nil && tryExec(fd) == nil
}

// interpreter is the file that a program names to be executed in its place or with it: after "#!" (man 2 execve), or as an ELF
// program's loader (man 5 elf, PT_INTERP); "" when there is none.
func interpreter(fd int, page []byte) (path string, ofScript bool) {
	if script, is := bytes.CutPrefix(page, []byte("#!")); is {
		line, _, _ := bytes.Cut(script, []byte("\n"))
		if words := bytes.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' }); len(words) > 0 {
			return string(words[0]), true
		}
		return "", false
	}
	const class32, class64, ptInterp = 1, 2, 3
	if len(page) < 64 || !bytes.HasPrefix(page, []byte("\x7fELF")) {
		return "", false
	}
	order := binary.NativeEndian
	number := func(b []byte, at int) uint64 { // of the class's own size
		if page[4] == class32 {
			return uint64(order.Uint32(b[at:]))
		}
		return order.Uint64(b[at:])
	}
	headers, size, count, offsetAt, lengthAt := uint64(0), uint64(0), uint64(0), 0, 0
	switch page[4] {
	case class32:
		headers, size, count = number(page, 28), uint64(order.Uint16(page[42:])), uint64(order.Uint16(page[44:]))
		offsetAt, lengthAt = 4, 16
	case class64:
		headers, size, count = number(page, 32), uint64(order.Uint16(page[54:])), uint64(order.Uint16(page[56:]))
		offsetAt, lengthAt = 8, 32
	}
	for i := range count {
		at := headers + i*size
		if size < 32 || at > uint64(len(page)) || at+size > uint64(len(page)) || page[4] == class64 && size < 56 {
			return "", false
		}
		header := page[at : at+size]
		if order.Uint32(header) != ptInterp {
			continue
		}
		name := make([]byte, min(number(header, lengthAt), unix.PathMax))
		n, err := unix.Pread(fd, name, int64(number(header, offsetAt)))
		if err != nil {
			return "", false
		}
		text, _, _ := bytes.Cut(name[:n], []byte{0})
		return string(text), false
	}
	return "", false
}
