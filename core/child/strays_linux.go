package child

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// A stray is a descendant that has thrown away its environment, left its session and survived its parents, where no cgroup holds
// it. It comes to this process, as all orphans do, and bears nothing that says whose it was. But it was started by something that
// descends from a life that had begun before it. So it belongs to the last one left of those: what ends with that one cannot be
// wrong, as all the others are over and nothing of them should be there. Until then the log tells of it.
//
// It is left alone where it may be on purpose (a life whose scope is less than its tree had begun before it), and where children may
// come from elsewhere: as PID 1, which gets those of strangers, and in a process that had some before it became a Host. What is in this
// process's own session was started by this process, as an embedder's code may: every life begins in a session of its own, and
// nothing comes back from there (man 2 setsid).

// hasChildren reports whether this process has children, or may have.
func hasChildren() bool {
	tasks, err := threads()
	if err != nil {
		return true
	}
	for _, thread := range tasks {
		text, err := readKernel("/proc/self/task/"+thread+"/children", nil)
		if err != nil || len(bytes.TrimSpace(text)) > 0 {
			return true
		}
	}
	return false
}

// lifeBegins notes a life that no cgroup holds. The lock is held.
func (h *Host) lifeBegins(k *kid) {
	if k.cgroup != nil {
		return
	}
	h.lives[k] = true
	if k.scope != Tree && (!h.sparing || k.start < h.spared) {
		h.sparing, h.spared = true, k.start
	}
}

// lifeIsOver forgets it.
func (h *Host) lifeIsOver(k *kid) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.lives, k)
	if len(h.lives) == 0 {
		clear(h.told)
	}
}

// straysOf finds the strays that can be nobody's but the life's; nil stands for no life, when all are over.
func (h *Host) straysOf(k *kid, all map[int]proc) []proc {
	found, news := h.sortStrays(k, all)
	for _, text := range news {
		h.logf("%s", text)
	}
	return found
}

func (h *Host) sortStrays(k *kid, all map[int]proc) (found []proc, news []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.foreign || h.inFlight > 0 { // a child that is about to exec bears no mark yet
		return nil, nil
	}
	for _, p := range all {
		if !h.stray(p) || h.sparing && h.spared <= p.start {
			continue
		}
		others := 0
		for other := range h.lives {
			if other != k && other.start <= p.start { // 0: it had ended before its start could be read
				others++
			}
		}
		if others == 0 {
			found = append(found, p)
		} else if h.told[p.pid] != p.start {
			h.told[p.pid] = p.start
			news = append(news, fmt.Sprintf("pid %d has left its tree, its environment and its session: it ends with the last of the processes that may have started it (%d now)", p.pid, others))
		}
	}
	return found, news
}

// endStrays kills what is left when no life is.
func (h *Host) endStrays() {
	h.mu.Lock()
	none := h.foreign || len(h.lives) > 0
	h.mu.Unlock()
	if none || !hasChildren() {
		return
	}
	for range strayLooks {
		all := h.census.take()
		strays := h.straysOf(nil, all)
		if len(strays) == 0 {
			return
		}
		sent, _ := h.signal(strays, unix.SIGKILL)
		h.logf("ended %d processes that had left their trees", sent)
	}
}

// strayLooks bounds how often what one of them has just started is looked for.
const strayLooks = 10

// stray reports whether a process is one. The lock is held.
func (h *Host) stray(p proc) bool {
	if p.parent != os.Getpid() || p.unit != "" || p.unsure || p.dead() || h.kids[p.pid] != nil {
		return false
	}
	if own, err := unix.Getsid(0); err != nil || p.session == own {
		return false
	}
	for k := range h.lives {
		if p.session == k.pid {
			return false
		}
	}
	if h.cgroups == nil {
		return true
	}
	// What has no mark and is in the cgroup of a life is no stray.
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return false
	}
	its, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/cgroup")
	return err == nil && bytes.Equal(own, its)
}
