package child

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// proc is what /proc/PID/stat says about a process (man 5 proc).
type proc struct {
	pid, parent, group, session int
	state                       byte
	hasEnv                      bool   // exec has given it an environment, be it empty
	start                       uint64 // in ticks since boot: with pid the identity of a process
	unit                        string // what its environment marks it as; filled in by a census for what descends from this process
}

// readProc reads one process; an error means that there is none.
func readProc(pid int) (proc, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return proc{}, err
	}
	// The name in parentheses may hold anything, parentheses too.
	end := bytes.LastIndexByte(text, ')')
	if end < 0 {
		return proc{}, fmt.Errorf("cannot read /proc/%d/stat: no name in it", pid)
	}
	fields := strings.Fields(string(text[end+1:]))
	const startField, envEndField = 22 - 3, 51 - 3 // the first after the name is number 3
	if len(fields) <= envEndField {
		return proc{}, fmt.Errorf("cannot read /proc/%d/stat: it has %d fields", pid, len(fields))
	}
	p := proc{pid: pid, state: fields[0][0], hasEnv: fields[envEndField] != "0"}
	for i, target := range []*int{&p.parent, &p.group, &p.session} {
		if *target, err = strconv.Atoi(fields[i+1]); err != nil {
			return proc{}, err
		}
	}
	p.start, err = strconv.ParseUint(fields[startField], 10, 64)
	return p, err
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
// could not be read.
func variables(pid int, keys ...string) (found []string, err error) {
	found = make([]string, len(keys))
	settled := false // what exec has to do was done before this look
	for range execLooks {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
		if err != nil {
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
		if p, err := readProc(pid); err != nil || p.state == 'Z' || p.state == 'X' {
			return found, nil
		} else if settled = p.hasEnv; !settled {
			runtime.Gosched()
		}
	}
	return found, nil
}

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
