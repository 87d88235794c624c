package child

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// proc is what /proc/PID/stat says about a process (man 5 proc).
type proc struct {
	pid, parent, group, session int
	state                       byte
	threads                     int    // 1 for a zombie, unless its first thread alone has ended
	hasEnv                      bool   // exec has given it an environment, be it empty
	start                       uint64 // in ticks since boot: with pid the identity of a process
	unit                        string // what its environment marks it as; filled in by a census for what descends from this process
	unsure                      bool   // the census could not read that, as it was in the midst of an exec or of its end
}

// dead reports whether it has ended. A program whose first thread has ended while others go on bears the state of a zombie, and is
// none.
func (p proc) dead() bool { return p.state == 'X' || p.state == 'Z' && p.threads <= 1 }

// readProc reads one process; an error means that there is none.
func readProc(pid int) (proc, error) {
	var room [1024]byte
	text, err := readKernel("/proc/"+strconv.Itoa(pid)+"/stat", room[:0])
	if err != nil {
		return proc{}, err
	}
	// The name in parentheses may hold anything, parentheses too.
	end := bytes.LastIndexByte(text, ')')
	if end < 0 {
		return proc{}, fmt.Errorf("cannot read /proc/%d/stat: no name in it", pid)
	}
	p := proc{pid: pid}
	number := 3 // of the first field after the name
	for field := range bytes.FieldsSeq(text[end+1:]) {
		switch number {
		case 3:
			p.state = field[0]
		case 4:
			p.parent, err = strconv.Atoi(string(field))
		case 5:
			p.group, err = strconv.Atoi(string(field))
		case 6:
			p.session, err = strconv.Atoi(string(field))
		case 20:
			p.threads, err = strconv.Atoi(string(field))
		case 22:
			p.start, err = strconv.ParseUint(string(field), 10, 64)
		case 51: // env_end
			p.hasEnv = string(field) != "0"
			return p, nil
		}
		if err != nil {
			return proc{}, fmt.Errorf("cannot read /proc/%d/stat: field %d: %w", pid, number, err)
		}
		number++
	}
	return proc{}, fmt.Errorf("cannot read /proc/%d/stat: it has %d fields", pid, number-1)
}

// readKernel reads a file of /proc into room, which grows as need be, by as few system calls as there can be: os.ReadFile makes twice as
// many, and a census reads thousands of files.
func readKernel(path string, room []byte) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	for err == unix.EINTR {
		fd, err = unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	for {
		room = slices.Grow(room, 512)
		n, err := unix.Read(fd, room[len(room):cap(room)])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, &os.PathError{Op: "read", Path: path, Err: err}
		}
		if n == 0 {
			return room, nil
		}
		room = room[:len(room)+n]
	}
}

// unseen reports whether a look failed for want of means, above all of a free descriptor. What it was about may be there: every
// other error says that it is not, or that it is none of ours.
func unseen(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOMEM)
}

// readProcs reads all processes that this one can see; nil when they are unseen.
func readProcs() map[int]proc {
	folder, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return nil
	}
	all := make(map[int]proc, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			p, err := readProc(pid)
			if err == nil {
				all[pid] = p
			} else if unseen(err) {
				return nil
			}
		}
	}
	return all
}

// unitOf reads the marker in the environment that a process was started with.
func unitOf(pid int) string {
	found, _ := variables(pid, UnitKey)
	return found[0]
}

// variables reads some variables of the environment that a process was started with, "" for each that it was not given, or that
// could not be read. The error is errUnsure when it has ended, or its exec does not.
func variables(pid int, keys ...string) (found []string, err error) {
	found = make([]string, len(keys))
	settled := false // what exec has to do was done before this look
	folder := "/proc/" + strconv.Itoa(pid)
	for range execLooks {
		text, err := readKernel(folder+"/environ", nil)
		gone := errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH)
		if err != nil && !gone {
			return found, err
		}
		for entry := range bytes.SplitSeq(text, []byte{0}) {
			for i, key := range keys {
				if value, is := bytes.CutPrefix(entry, []byte(key+"=")); is && found[i] == "" {
					found[i] = string(value)
				}
			}
		}
		if len(text) > 0 || settled {
			return found, nil
		}
		// None at all: it was given none, or it has ended, or it is in the last steps of an exec, which are over in microseconds
		// and must not let it pass for a stranger.
		if p, err := readProc(pid); unseen(err) {
			return found, err
		} else if err != nil || p.dead() {
			return found, errUnsure
		} else if p.state == 'Z' {
			folder = otherThread(pid)
		} else if gone { // about to end, or a thread of the kernel
			return found, errUnsure
		} else if settled = p.hasEnv; !settled {
			runtime.Gosched()
		}
	}
	return found, errUnsure
}

// otherThread is the folder of a thread of a process whose first one has ended, and has no environment any more.
func otherThread(pid int) string {
	folder := "/proc/" + strconv.Itoa(pid)
	entries, _ := os.ReadDir(folder + "/task")
	for _, entry := range entries {
		if entry.Name() != strconv.Itoa(pid) {
			return folder + "/task/" + entry.Name()
		}
	}
	return folder
}

var errUnsure = errors.New("its environment cannot be read now")

// execLooks bounds the looks at a process whose exec does not come to its end.
const execLooks = 1000

// why says what a process that does not run waits for.
func (p proc) why() string {
	if p.state != 'D' {
		return "is stopped or traced"
	}
	channel, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/wchan")
	if name := strings.TrimSpace(string(channel)); err == nil && name != "" && name != "0" {
		return "is in the kernel (state D, " + name + ")"
	}
	return "is in the kernel (state D)"
}
