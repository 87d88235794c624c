package child

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// awaitRest runs from the leader's end until nothing of the scope is left. The rest gets the stop signal if the leader was
// asked to stop, and KILL if it was not. Descendants whose parents end come to this process, the reaper tells of each of them that
// ends, and a cgroup tells when it is empty. Only a look that proved nothing is repeated by itself: one without a descriptor
// (lookAgain), and one that met somebody who was dying (errDoubt).
func (k *kid) awaitRest() {
	h := k.host
	h.mu.Lock()
	h.leaving[k] = k.reaping
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.leaving, k)
		h.mu.Unlock()
		k.over()
	}()
	var empty <-chan struct{}
	if k.cgroup != nil {
		var cancel func()
		empty, cancel = h.cgroups.whenEmpty(k.cgroup)
		defer cancel()
	}
	told := false
	var doubted time.Time
	for {
		var err error
		if !told {
			err = k.tellRest()
			told = err == nil
		}
		over := false
		if err == nil {
			over, err = k.restIsOver()
		}
		if over {
			return
		}
		if err != errDoubt {
			doubted = time.Time{}
		} else if doubted.IsZero() {
			doubted = time.Now()
		}
		var again <-chan time.Time
		switch {
		case err == errDoubt && time.Since(doubted) >= doubtFor:
			return
		case err == errDoubt:
			again = time.After(doubtAgain)
		case err != nil:
			again = time.After(lookAgain)
		}
		select {
		case <-k.reaping:
		case <-empty:
		case <-again:
		}
	}
}

// lookAgain is how soon a look is repeated that had to do without a descriptor: nothing tells when there is one again.
const lookAgain = 100 * time.Millisecond

// errDoubt: nothing was found, but somebody was dying, or in the midst of an exec, who may have belonged to the life, and what it has
// started since the look began is not in it.
var errDoubt = errors.New("who was dying may have left somebody")

// Such a look is repeated soon; the end of the exec is told by nobody. Who stays dead for longer is traced, and is its tracer's.
const (
	doubtAgain = 5 * time.Millisecond
	doubtFor   = time.Second
)

// tellRest sends to the rest what the leader's end means for it. An error means that not all of it was reached.
func (k *kid) tellRest() error {
	k.mu.Lock()
	stop, kill := k.stop, k.kill
	k.mu.Unlock()
	switch {
	case !kill:
		return k.signalRest(unix.Signal(stop))
	case k.cgroup != nil && k.host.cgroups.kill(k.cgroup) != nil:
		return k.signalRest(unix.SIGKILL)
	}
	return nil
}

// restIsOver looks whether anything is left, and kills it where that is due and no cgroup does it. An error means that it is not
// known.
func (k *kid) restIsOver() (bool, error) {
	h := k.host
	if k.cgroup != nil {
		populated, err := k.cgroup.populated()
		return !populated, err
	}
	select {
	case <-k.reaping: // what it tells is about to be seen
	default:
	}
	if list := h.orphansSoon(); list.sound && k.noneOf(list.pids) {
		return true, nil
	}
	rest, doubt, err := k.look()
	if err != nil {
		return false, err
	}
	if len(rest) == 0 {
		h.mu.Lock() // the reaper pokes under it: who was reaped during the look has been told of
		news := len(k.reaping) > 0
		h.mu.Unlock()
		if doubt || news {
			return false, errDoubt
		}
		return true, nil
	}
	k.mu.Lock()
	killing := k.kill
	if k.rest == 0 && k.stop == 0 {
		k.rest = len(rest)
	}
	k.mu.Unlock()
	if !killing {
		return false, nil
	}
	sent, err := h.signal(rest, unix.SIGKILL)
	if sent > 0 && err == nil { // somebody may have forked between the look and the signal
		err = k.signalRest(unix.SIGKILL)
	}
	return false, err
}

// signalRest sends to everything of the scope that is left beside the leader, and CONT after a signal that can be missed. An
// error means that not all of it was reached.
func (k *kid) signalRest(number unix.Signal) error {
	rest, err := k.members()
	_, missed := k.host.signal(rest, number)
	return errors.Join(err, missed)
}

// signal sends to each of them through a pidfd that is certain to be that very process, and returns how many there
// were. An error means that some could not be reached for want of a descriptor.
func (h *Host) signal(members []proc, number unix.Signal) (sent int, missed error) {
	for _, member := range members {
		fd, err := unix.PidfdOpen(member.pid, 0)
		if err == unix.ENOSYS || err == unix.EPERM {
			if h.toOrphan(member, number) {
				sent++
			}
			continue
		}
		if unseen(err) {
			missed = err
			continue
		}
		if err != nil {
			continue // it has ended
		}
		same, err := readProc(member.pid)
		if unseen(err) {
			missed = err
		}
		if err == nil && same.start == member.start {
			if unix.PidfdSendSignal(fd, number, nil, 0) == nil {
				sent++
				if number != unix.SIGKILL {
					_ = unix.PidfdSendSignal(fd, unix.SIGCONT, nil, 0)
				}
			}
		}
		unix.Close(fd)
	}
	return sent, missed
}

// toOrphan signals a process without a pidfd, where those are refused (before Linux 5.3, and in some containers). Only a child
// of this process can be meant by its number, as long as nobody reaps it: what is deeper comes here when its parents end.
func (h *Host) toOrphan(p proc, number unix.Signal) bool {
	h.mu.Lock() // the reaper takes it before it reaps
	defer h.mu.Unlock()
	now, err := readProc(p.pid)
	if err != nil || now.start != p.start || now.parent != os.Getpid() || unix.Kill(p.pid, number) != nil {
		return false
	}
	if number != unix.SIGKILL {
		_ = unix.Kill(p.pid, unix.SIGCONT)
	}
	return true
}

// members lists what is left of the scope, zombies and the leader excepted. An error means that there may be more, unseen.
func (k *kid) members() ([]proc, error) {
	if k.scope == Process {
		return nil, nil
	}
	if k.cgroup != nil {
		return k.cgroup.members(k.pid)
	}
	found, _, err := k.look()
	return found, err
}

// look finds the members where no cgroup holds them. In doubt nothing is proved when there are none.
func (k *kid) look() (found []proc, doubt bool, err error) {
	k.mu.Lock()
	reaped, ended := k.reaped, k.ended
	k.mu.Unlock()
	if ended {
		return nil, false, nil
	}
	all := k.host.census.take()
	if all == nil {
		return nil, false, errUnseen
	}
	for _, p := range all {
		if p.pid == k.pid {
			continue
		}
		dying := p.dead() && p.parent == os.Getpid() && !k.host.leads(p.pid)
		doubt = doubt || dying || p.unsure
		if !p.dead() && k.owns(p, all, reaped) {
			found = append(found, p)
		}
	}
	if k.scope == Tree {
		found = append(found, k.host.straysOf(k, all)...)
	}
	return found, doubt, nil
}

// noneOf reports that all of these orphans surely belong to other lives, and so does what descends from them.
func (k *kid) noneOf(pids []int) bool {
	const few = 32 // of more a census tells sooner
	if len(pids) > few {
		return false
	}
	for _, pid := range pids {
		p, err := readProc(pid)
		if err != nil || p.dead() || p.session == k.pid || p.group == k.pid {
			return false
		}
		if marks, err := variables(pid, UnitKey); err != nil || marks[0] == "" || marks[0] == k.unit {
			return false
		}
	}
	return true
}

var errUnseen = errors.New("no descriptor or no memory is left to look at processes")

// owns reports whether a process belongs to the scope: by group, or by session, marker or descent. Only what descends from this
// process is looked at: orphans come to it, and the same marker elsewhere belongs to another daemon's process.
func (k *kid) owns(p proc, all map[int]proc, reaped bool) bool {
	// The kernel frees a number when it is nobody's pid, group or session. So a process that bears the leader's number after
	// the leader was consumed proves that the group and the session of that number are a stranger's; and so does the marker
	// of another life.
	_, reused := all[k.pid]
	reused = reused && reaped
	mine := func(p proc) bool {
		number := !reused && (p.unit == "" || p.unit == k.unit)
		if k.scope == Group {
			return number && p.group == k.pid && p.session == k.pid
		}
		return p.unit == k.unit || number && p.session == k.pid
	}
	self, ours := os.Getpid(), false
	for range len(all) {
		if p.pid == self {
			return ours
		}
		ours = ours || mine(p)
		parent, known := all[p.parent]
		if !known || k.scope == Group && !ours {
			return false
		}
		p = parent
	}
	return false
}

// left counts members and says what keeps those that KILL does not end.
func (k *kid) left() (int, string) {
	members, err := k.members()
	k.mu.Lock()
	if !k.reaped {
		if leader, err := readProc(k.pid); err == nil {
			members = append(members, leader)
		}
	}
	k.mu.Unlock()
	var stuck []string
	for _, p := range members {
		if p.state == 'D' || p.state == 'T' || p.state == 't' {
			stuck = append(stuck, fmt.Sprintf("pid %d %s", p.pid, p.why()))
		}
	}
	if err != nil {
		return max(1, len(members)), "what is left of it cannot be seen: " + plain(err).Error()
	}
	if len(stuck) == 0 {
		return len(members), ""
	}
	if len(stuck) > 3 {
		stuck = append(stuck[:3], "…")
	}
	return len(members), fmt.Sprintf("%d left: %s", len(members), strings.Join(stuck, ", "))
}
