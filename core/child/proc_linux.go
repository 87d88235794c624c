package child

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// proc is what /proc/PID/stat says about a process (man 5 proc).
type proc struct {
	pid, parent, group, session int
	state                       byte
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
	const startField = 22 - 3 // the first after the name is number 3
	if len(fields) <= startField {
		return proc{}, fmt.Errorf("cannot read /proc/%d/stat: it has %d fields", pid, len(fields))
	}
	p := proc{pid: pid, state: fields[0][0]}
	for i, target := range []*int{&p.parent, &p.group, &p.session} {
		if *target, err = strconv.Atoi(fields[i+1]); err != nil {
			return proc{}, err
		}
	}
	p.start, err = strconv.ParseUint(fields[startField], 10, 64)
	return p, err
}

// readProcs reads all processes that this one can see.
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
			if p, err := readProc(pid); err == nil {
				all[pid] = p
			}
		}
	}
	return all
}

// unitOf reads the marker in the environment that a process was started with.
func unitOf(pid int) string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return ""
	}
	for entry := range bytes.SplitSeq(text, []byte{0}) {
		if unit, found := bytes.CutPrefix(entry, []byte(UnitKey+"=")); found {
			return string(unit)
		}
	}
	return ""
}

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
