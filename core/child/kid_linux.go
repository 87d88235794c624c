package child

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// kid is a Child of a Host: the leader, whose number is its own until it is reaped, and what the scope adds to it.
type kid struct {
	host           *Host
	name, unit     string // unit marks the environment of everything that descends from it
	scope          Scope
	pid            int
	start          uint64   // of the leader, as proc.start; where no cgroup holds the life, 0 when it had ended too soon
	cgroup         *cgroup  // nil without
	held           []string // folders of the cgroups that limit it, besides
	kills          string   // the file that counts the OOM killer's work in them, "" without
	stdout, stderr *os.File
	exited         chan Exit
	gone           chan struct{}

	mu      sync.Mutex
	pinned  bool // the leader is not reaped, so its number and its group's cannot be anybody else's
	stop    int  // the signal of the last Stop, 0 before
	kill    bool // Kill was asked for, or the leader ended without having been asked to
	reaped  bool
	ended   bool      // nothing is left, so nothing may be touched any more
	rest    int       // see Rest
	alone   bool      // the leader, a zombie, is all that there is of the cgroup
	reaping chan bool // pokes the goroutine that waits for the rest; nil while the leader lives and when nothing was left
}

var _ Child = (*kid)(nil)

func (k *kid) PID() int                { return k.pid }
func (k *kid) Stdout() *os.File        { return k.stdout }
func (k *kid) Stderr() *os.File        { return k.stderr }
func (k *kid) Exited() <-chan Exit     { return k.exited }
func (k *kid) Gone() <-chan struct{}   { return k.gone }
func (k *kid) Left() (int, string)     { return k.left() }
func (k *kid) Rest() int               { k.mu.Lock(); defer k.mu.Unlock(); return k.rest }
func (k *kid) Signal(number int) error { return k.toLeader(unix.Signal(number)) }

// toLeader signals the leader while its number is its own: the reaper takes the same lock before it consumes the zombie.
func (k *kid) toLeader(number unix.Signal) error { return k.toNumber(k.pid, number) }

// toGroup signals the leader's group while the leader, be it a zombie, pins its number.
func (k *kid) toGroup(number unix.Signal) error { return k.toNumber(-k.pid, number) }

func (k *kid) toNumber(pid int, number unix.Signal) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.pinned {
		return os.ErrProcessDone
	}
	return unix.Kill(pid, number)
}

func (k *kid) Stop(number int) error {
	k.mu.Lock()
	k.stop = number
	reaped := k.reaped
	k.mu.Unlock()
	send := k.toLeader
	if k.scope == Group {
		send = k.toGroup
	}
	err := send(unix.Signal(number))
	if err == nil {
		// A stopped process would hear of nothing before somebody continues it. One that is done needs it no more.
		_ = send(unix.SIGCONT)
		return nil
	}
	if !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if reaped {
		return k.signalRest(unix.Signal(number))
	}
	return nil // the reaper is at it just now, and will pass it on to the rest
}

func (k *kid) Kill() error {
	k.mu.Lock()
	again := k.kill || k.reaped
	k.kill = true
	poke := k.reaping
	k.mu.Unlock()
	var err error
	switch {
	case k.scope == Process:
		err = k.toLeader(unix.SIGKILL)
	case k.cgroup != nil:
		if err = k.host.cgroups.kill(k.cgroup); err != nil && !unseen(err) {
			err = k.toGroup(unix.SIGKILL)
		}
	default:
		// The leader's end lets the rest follow. Only a leader that does not end makes it necessary to look for them.
		if err = k.toGroup(unix.SIGKILL); again {
			if missed := k.signalRest(unix.SIGKILL); missed != nil {
				err = missed
			}
		}
	}
	if poke != nil {
		select {
		case poke <- true:
		default:
		}
	}
	if errors.Is(err, os.ErrProcessDone) || errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

// leaderIsZombie is called by the reaper before it consumes the leader: the last moment at which the group cannot be
// anybody else's. What is left of a leader that was not asked to stop is killed here.
func (k *kid) leaderIsZombie() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cgroup != nil && k.scope != Process {
		// A zombie does not populate a cgroup (the kernel's cgroup-v2, "populated"), and what is empty stays so.
		populated, _ := k.cgroup.populated()
		if k.alone = !populated; populated && k.stop == 0 {
			k.rest = k.cgroup.count(k.pid) // now, as those of its group are gone in a moment
		}
	}
	if k.scope != Process && k.stop == 0 {
		_ = unix.Kill(-k.pid, unix.SIGKILL) // ESRCH cannot be: the zombie is a member
	}
	k.pinned = false
}

// leaderReaped is called once, after the leader was consumed.
func (k *kid) leaderReaped(exit Exit) {
	k.mu.Lock()
	k.pinned = false // so it is already, unless it ended before it was registered
	k.reaped = true
	if k.kills != "" {
		exit.OOMKills = oomKills(k.kills)
		exit.ByOOM = exit.OOMKills > 0 && exit.Signal == int(unix.SIGKILL) && !k.kill
	}
	k.kill = k.kill || k.stop == 0
	alone := k.scope == Process || k.alone
	k.mu.Unlock()
	switch {
	case alone:
	case k.cgroup != nil: // those of its group may have been all
		populated, _ := k.cgroup.populated()
		if alone = !populated; !alone {
			k.count()
		}
	default:
		list, _ := k.host.orphansNow() // the reaper waits for nothing
		alone = list.sound && len(list.pids) == 0
	}
	if alone { // most often; who hears of the exit then finds nothing left to wait for
		k.over()
		k.exited <- exit
		return
	}
	k.mu.Lock()
	k.reaping = make(chan bool, 1)
	k.mu.Unlock()
	k.exited <- exit
	go k.awaitRest()
}

// count counts what a leader left whose end was heard of before it was known.
func (k *kid) count() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.rest == 0 && k.stop == 0 {
		k.rest = k.cgroup.count(k.pid)
	}
}

// over: nothing is left.
func (k *kid) over() {
	k.leaveCgroups()
	k.host.ledger.over(k)
	k.host.lifeIsOver(k)
	k.mu.Lock()
	k.ended = true
	k.mu.Unlock()
	close(k.gone)
}

// discard undoes a start that failed.
func (k *kid) discard() {
	if k.stdout != nil {
		k.stdout.Close()
	}
	if k.stderr != nil {
		k.stderr.Close()
	}
	k.leaveCgroups()
}

func (k *kid) leaveCgroups() {
	if k.cgroup != nil {
		k.host.cgroups.leave(k.cgroup)
	}
	if len(k.held) > 0 {
		k.host.controllers.leave(k.held)
	}
}
