package child

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Options are what a Host is told once.
type Options struct {
	CgroupMode string                           // "auto": a cgroup of its own per process where that is possible; "off"
	Instance   string                           // names the cgroup, so that daemons live side by side
	Ledger     string                           // file that says what runs, for whoever comes after a daemon that was killed; "" = none
	Logf       func(format string, args ...any) // for what nobody asked for: a helper thread added, a cgroup that cannot be removed
}

// Host starts children and is the one owner of every wait call of this process: no other code may fork or wait, os/exec
// included. There is one Host per process, for as long as it supervises. It implements Starter.
type Host struct {
	logf        func(string, ...any)
	mark        string   // of this run, in the environment of all it starts
	cgroups     *cgroups // nil: trees are found by session, marker and descent
	controllers *controllers
	ledger      *ledger // nil without
	null        *os.File
	jobs        chan func()   // to the spawner threads
	begun       chan struct{} // there is a child, or the Host closes: the reaper without children looks again
	ended       chan struct{} // closed when the reaper has ended
	closing     chan struct{}
	close       sync.Once
	rehearsals  rehearsals
	noClone3    atomic.Bool    // forking into a cgroup was refused
	adopted     chan os.Signal // as PID 1: a child of strangers may have come here and ended; nil otherwise
	done        atomic.Uint64  // jobs that came back from the spawner threads, and threads that were added

	census   census
	mu       sync.Mutex
	kids     map[int]*kid         // by pid, un-reaped
	inFlight int                  // forks whose child is not in kids yet
	early    map[int]Exit         // exits that beat their own registration, while inFlight > 0
	asking   []chan<- orphans     // hear of the orphans when inFlight is 0 again
	claimed  uint64               // exits found in early
	leaving  map[*kid]chan<- bool // kids whose leader ended and whose rest did not; poked whenever a stranger was reaped
	orphans  uint64               // strangers reaped
	lives    map[*kid]bool        // those that are going on and that no cgroup holds
	sparing  bool                 // there was one whose scope is less than its tree, the first of them begun at spared
	spared   uint64
	told     map[int]uint64 // strays that were told of: their pids, and when they began
	foreign  bool           // there may be children that were not started here, see straysOf
}

// spawners is how many threads fork: a fork waits until its child has exec'd, and two of them share that wait. A third gained
// nothing.
const spawners = 2

// spawnPatience is how long starts wait while no spawner thread comes back before another one is made: an exec that hangs (a
// dead network file system) holds its thread.
const spawnPatience = 2 * time.Second

// NewHost prepares this process to have children and starts the reaper and the spawner, each on a thread of its own. What it
// prepares stays: inherited descriptors above 2 are closed on exec, signals that children must not inherit as ignored have a
// handler, orphans of the children come to this process.
func NewHost(o Options) (*Host, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", os.DevNull, err)
	}
	// ENOSYS before Linux 5.11 leaves inherited descriptors as they are; everything opened by Go closes itself.
	_ = unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		null.Close()
		return nil, fmt.Errorf("cannot become the reaper of orphans: %w", err)
	}
	takeSignals()
	h := &Host{
		logf:    o.Logf,
		mark:    newMark(),
		null:    null,
		jobs:    make(chan func()),
		begun:   make(chan struct{}, 1),
		ended:   make(chan struct{}),
		closing: make(chan struct{}),
		kids:    map[int]*kid{},
		early:   map[int]Exit{},
		leaving: map[*kid]chan<- bool{},
		lives:   map[*kid]bool{},
		told:    map[int]uint64{},
		foreign: os.Getpid() == 1 || hasChildren(),

		rehearsals: rehearsals{mayAsk: canTryExec()},
	}
	if h.logf == nil {
		h.logf = func(string, ...any) {}
	}
	if os.Getpid() == 1 {
		h.adopted = make(chan os.Signal, 1)
		signal.Notify(h.adopted, unix.SIGCHLD)
	}
	if o.CgroupMode != "off" {
		h.cgroups = findCgroups(o.Instance)
	} else {
		sweepCgroups(o.Instance)
	}
	h.controllers = &controllers{instance: o.Instance, tree: h.cgroups}
	h.controllers.sweep() // what was in them was in the cgroups swept just now
	if o.Ledger != "" {
		h.endSurvivors(readLedger(o.Ledger))
		h.ledger = &ledger{path: o.Ledger, head: ledgerHead(h.mark), logf: h.logf}
		if err := h.ledger.open(); err != nil {
			h.logf("cannot note what runs in %s: %v; if this daemon is killed, its successor may not find all it leaves", o.Ledger, err)
		}
	}
	go h.reap()
	for range spawners {
		go h.spawner()
	}
	return h, nil
}

// newMark is a number that no other run of any daemon has.
func newMark() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // it never fails (crypto/rand)
	return hex.EncodeToString(random[:])
}

// takeSignals gives every signal a handler that an earlier program may have left ignored: what is ignored stays ignored
// across exec, what has a handler becomes the default (man 7 signal). The daemon listens to the ones it wants by itself. INT, which
// shells ignore in what they start in the background, keeps its meaning where it has one.
func takeSignals() {
	signal.Notify(make(chan os.Signal, 1), unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2, unix.SIGCHLD, unix.SIGPIPE, unix.SIGTTOU,
		unix.SIGTTIN, unix.SIGTSTP, unix.SIGWINCH, unix.SIGALRM, unix.SIGQUIT)
	if signal.Ignored(unix.SIGINT) {
		signal.Notify(make(chan os.Signal, 1), unix.SIGINT)
	}
}

// Close ends the reaper and the spawners and removes the cgroups. It kills strays (see straysOf) and nothing else: the caller has
// seen to it that no child is left. Orphans that are left keep it from removing their cgroup, no more.
func (h *Host) Close() (err error) {
	h.close.Do(func() { err = h.end() })
	return err
}

func (h *Host) end() error {
	h.endStrays()
	close(h.closing)
	// A reaper that blocks in waitid has children left that are not the caller's; it ends with the process.
	h.mu.Lock()
	idle := len(h.kids) == 0
	h.mu.Unlock()
	if idle {
		select {
		case <-h.ended:
		case <-time.After(time.Second):
		}
	}
	err := h.null.Close()
	h.ledger.close()
	if e := h.controllers.close(); e != nil {
		h.logf("cannot remove cgroup: %v", e)
	}
	if h.cgroups != nil {
		if e := h.cgroups.close(); e != nil {
			h.logf("cannot remove cgroup: %v", e)
		}
	}
	return err
}

// Features tells which means are in use, for people.
func (h *Host) Features() []string {
	if h.cgroups != nil && !h.noClone3.Load() {
		return []string{"cgroup.kill in " + h.cgroups.root, "subreaper"}
	}
	return []string{"subreaper with a walk through /proc"}
}

// spawner carries out forks on a thread that never ends while the process lives: the children's parent-death signal is bound
// to the thread that made them (man 2 PR_SET_PDEATHSIG).
func (h *Host) spawner() {
	runtime.LockOSThread()
	// Go gives the child the mask of the forking thread, and what the daemon inherited is none of the child's business.
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &unix.Sigset_t{}, nil)
	for {
		select {
		case job := <-h.jobs:
			job()
			h.done.Add(1)
		case <-h.closing:
			// Returning would end the thread and with it whoever is left; an idle thread costs nothing.
			select {}
		}
	}
}

// onSpawner runs the job on a spawner thread. When none has come back for a while one is added, by one of those who wait: a
// queue that moves, however long, needs no second thread.
func (h *Host) onSpawner(job func()) error {
	done := make(chan struct{})
	work := func() { defer close(done); job() }
	seen := h.done.Load()
	patience := time.NewTimer(spawnPatience)
	defer patience.Stop()
	for {
		select {
		case h.jobs <- work:
			<-done
			return nil
		case <-h.closing:
			return os.ErrClosed
		case <-patience.C:
			if h.done.CompareAndSwap(seen, seen+1) {
				h.logf("an exec has not returned for %v: starting another spawner thread", spawnPatience)
				go h.spawner()
			}
			seen = h.done.Load()
			patience.Reset(spawnPatience)
		}
	}
}

// poke wakes a reaper that waits for a child to wait for.
func (h *Host) poke() {
	select {
	case h.begun <- struct{}{}:
	default:
	}
}
