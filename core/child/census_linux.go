package child

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"sync"
)

// census is a look at all processes, shared by everybody who asked before it began: a thousand trees that end together cost
// a few looks and not a thousand.
type census struct {
	mu   sync.Mutex
	next *look
	turn sync.Mutex // held while looking
}

type look struct {
	done  chan struct{}
	procs map[int]proc
}

// take gives a look that began after the call; nil when the processes are unseen.
func (c *census) take() map[int]proc {
	c.mu.Lock()
	mine := c.next
	first := mine == nil
	if first {
		mine = &look{done: make(chan struct{})}
		c.next = mine
	}
	c.mu.Unlock()
	if !first {
		<-mine.done
		return mine.procs
	}
	c.turn.Lock()
	defer c.turn.Unlock()
	c.mu.Lock()
	c.next = nil
	c.mu.Unlock()
	mine.procs = readProcs()
	for pid, p := range mine.procs {
		if !descends(p, mine.procs) {
			continue
		}
		marks, err := variables(pid, UnitKey)
		if unseen(err) {
			mine.procs = nil
			break
		}
		p.unit = marks[0]
		mine.procs[pid] = p
	}
	close(mine.done)
	return mine.procs
}

// descends reports whether a process comes from this one.
func descends(p proc, all map[int]proc) bool {
	self := os.Getpid()
	for range len(all) {
		if p.parent == self {
			return true
		}
		parent, known := all[p.parent]
		if !known {
			return false
		}
		p = parent
	}
	return false
}

// onlyLeaders reports that every child of this process is the leader of a life, so that no life whose leader has ended has
// anything left: orphans come to this process. False when it cannot be told. The kernel's list is sound only while nobody
// leaves it (man 5 proc_pid_task): only the reaper takes anybody out, under this lock, and a fork whose exec fails.
func (h *Host) onlyLeaders() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	before, err := threads()
	if err != nil || h.inFlight > 0 {
		return false
	}
	for _, thread := range before {
		text, err := os.ReadFile("/proc/self/task/" + thread + "/children")
		if err != nil {
			return false
		}
		for word := range bytes.FieldsSeq(text) {
			pid, err := strconv.Atoi(string(word))
			if err != nil || h.kids[pid] == nil {
				return false
			}
		}
	}
	// A thread that ended meanwhile has left its children to another one.
	after, err := threads()
	return err == nil && slices.Equal(before, after)
}

func threads() ([]string, error) {
	folder, err := os.Open("/proc/self/task")
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}
