package child

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// endSurvivors kills what a Host that was killed has left, before anything new begins. The kernel has ended its direct
// children with it; their descendants are known by the marks in their environment, by descent from one that is known, and a
// leader that threw its environment away by its number together with the time of its start. Nothing else is touched: a number
// alone proves nothing, nor does the mark of a life that had ended before and left something behind on purpose.
//
// What it leaves is said. Those killed are not this process's children, so their parents reap them.
func (h *Host) endSurvivors(mark string, lives map[string]life) {
	if len(lives) == 0 {
		return
	}
	deadline := time.Now().Add(sweepPatience)
	ended := 0
	for {
		rest := survivors(mark, lives, readProcs())
		if len(rest) == 0 {
			break
		}
		var dying []unix.PollFd
		var refused error
		for _, p := range rest {
			fd, err := killExactly(p)
			switch {
			case err == nil:
				dying = append(dying, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}) // readable when it has ended (man 2 pidfd_open)
			case err != unix.ESRCH:
				refused = err
			}
		}
		ended += len(dying)
		for _, one := range dying {
			left := time.Until(deadline)
			_, _ = unix.Poll([]unix.PollFd{one}, int(max(0, left.Milliseconds())))
			unix.Close(int(one.Fd))
		}
		late := time.Until(deadline) <= 0
		if late {
			refused = fmt.Errorf("it does not end within %v", sweepPatience)
		}
		if late || len(dying) == 0 && refused != nil {
			for _, p := range survivors(mark, lives, readProcs()) {
				h.logf("pid %d of a daemon that was killed cannot be ended: %v", p.pid, refused)
			}
			break
		}
	}
	if ended > 0 {
		h.logf("ended %d processes that a daemon that was killed had left", ended)
	}
}

// killExactly sends KILL to that very process and returns a pidfd of it. ESRCH: it has ended.
func killExactly(p proc) (pidfd int, err error) {
	pidfd, err = unix.PidfdOpen(p.pid, 0)
	if err != nil {
		return -1, err
	}
	if same, readErr := readProc(p.pid); unseen(readErr) {
		err = readErr
	} else if readErr != nil || same.start != p.start {
		err = unix.ESRCH
	} else {
		err = unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0)
	}
	if err != nil {
		unix.Close(pidfd)
		return -1, err
	}
	return pidfd, nil
}

// survivors finds what is left of the lives.
func survivors(mark string, lives map[string]life, all map[int]proc) []proc {
	leaders := map[int]life{} // those of them that are surely still there
	for _, l := range lives {
		if p, there := all[l.pid]; there && l.start != 0 && p.start == l.start {
			leaders[l.pid] = l
		}
	}
	spared := lineage(all) // this process may itself come from such a tree
	known := map[int]Scope{}
	for pid, p := range all {
		if p.dead() || spared[pid] {
			continue
		}
		if l, leader := leaders[pid]; leader {
			known[pid] = l.scope
			continue
		}
		// A session or group belongs to the leader of its number as long as that lives: the kernel gives the number to nobody else.
		if l, ok := leaders[p.session]; ok && l.scope == Tree {
			known[pid] = Tree
			continue
		}
		if l, ok := leaders[p.group]; ok && l.scope == Group {
			known[pid] = Group
			continue
		}
		marks, _ := variables(pid, DaemonKey, UnitKey)
		l, going := lives[marks[1]]
		if marks[0] != mark || !going {
			continue
		}
		if l.scope == Tree || l.scope == Group && p.group == l.pid || p.pid == l.pid {
			known[pid] = l.scope
		}
	}
	var found []proc
	for pid, p := range all {
		if p.dead() || spared[pid] {
			continue
		}
		if _, is := known[pid]; is || descendsFrom(p, all, known) {
			found = append(found, p)
		}
	}
	return found
}

// descendsFrom reports whether a process has an ancestor whose whole tree is to go.
func descendsFrom(p proc, all map[int]proc, known map[int]Scope) bool {
	for range len(all) {
		parent, there := all[p.parent]
		if !there {
			return false
		}
		if scope, is := known[parent.pid]; is && scope == Tree {
			return true
		}
		p = parent
	}
	return false
}

// lineage is this process and all it comes from.
func lineage(all map[int]proc) map[int]bool {
	line := map[int]bool{}
	for pid := os.Getpid(); pid > 0 && !line[pid]; pid = all[pid].parent {
		line[pid] = true
	}
	return line
}
