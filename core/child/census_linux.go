package child

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
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
		p.unit, p.unsure = marks[0], err == errUnsure
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

// orphans are the children of this process that lead no life. The list is sound when nobody can be missing from it: then a life whose
// leader has ended has nothing left that does not descend from one of them, as orphans come to this process.
type orphans struct {
	pids  []int
	sound bool
}

// orphansNow lists them. While somebody is being forked, who is no orphan and no leader yet, they cannot be told: asked gets them
// right after it, and is nil otherwise.
func (h *Host) orphansNow() (list orphans, asked <-chan orphans) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.inFlight == 0 {
		return h.list(), nil
	}
	answer := make(chan orphans, 1)
	h.asking = append(h.asking, answer)
	return orphans{}, answer
}

// orphansSoon waits for a fork, but not for one that hangs: then the list is not sound.
func (h *Host) orphansSoon() orphans {
	list, asked := h.orphansNow()
	if asked == nil {
		return list
	}
	limit := time.NewTimer(forkTime)
	defer limit.Stop()
	select {
	case list = <-asked:
	case <-limit.C:
	}
	return list
}

// forkTime is how long a fork may keep from asking for the children: ten times what one takes, and about what a census does.
const forkTime = 5 * time.Millisecond

// answer tells those who asked during a fork. The lock is held.
func (h *Host) answer() {
	if len(h.asking) == 0 {
		return
	}
	list := h.list()
	for _, asked := range h.asking {
		asked <- list
	}
	h.asking = nil
}

// list reads the kernel's list of children. The lock is held and nobody is being forked: the list is sound only while nobody leaves it
// (man 5 proc_pid_task), and only the reaper takes anybody out, under this lock, and a fork whose exec fails.
func (h *Host) list() (list orphans) {
	before, err := threads()
	if err != nil {
		return orphans{}
	}
	var room [4096]byte
	for _, thread := range before {
		text, err := readKernel("/proc/self/task/"+thread+"/children", room[:0])
		if err != nil {
			return orphans{}
		}
		for word := range bytes.FieldsSeq(text) {
			pid, err := strconv.Atoi(string(word))
			if err != nil {
				return orphans{}
			}
			if h.kids[pid] == nil {
				list.pids = append(list.pids, pid)
			}
		}
	}
	// A thread that ended meanwhile has left its children to another one.
	after, err := threads()
	list.sound = err == nil && slices.Equal(before, after)
	return list
}

// leads reports whether a child of this process is the leader of a life.
func (h *Host) leads(pid int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.kids[pid] != nil
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
