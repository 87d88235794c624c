package core

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/logs"
)

// process is one supervised program. Its loop is the only goroutine that touches the machine, the timer, the child and the
// waiters; everybody else sends it messages and reads the last published snapshot. What can be asked of it stands in wish.go, how
// its lives begin and end in life.go, and who hears of it in publish.go; supervisor.go has the registry of all.
type process struct {
	name    string
	host    *host                  // what all processes share; read only
	out     outlets                // has its own lock
	spec    atomic.Pointer[Spec]   // written by the loop
	shown   atomic.Pointer[Status] // written by the loop; never nil
	inbox   chan *message
	done    chan struct{} // closed when the loop has ended
	machine machine
	timer   *time.Timer // nil while there is no deadline

	// The present life.
	generation uint64
	child      child.Child       // nil while there is none, and while exec has not returned
	leader     <-chan child.Exit // its exit; nil once it was received, or without a child
	pumps      []*logs.Pump
	pidFile    string        // written for this life, "" if not
	parting    *parting      // its stop_command at work, nil without
	giveUp     chan struct{} // closed to give up the launch under way; nil without one, and when that was done
	begun      atomic.Int64  // when the launch under way had its turn, on the host's clock; 0 before. Written by who launches

	cause    Cause // of the last wish; what follows from it carries it
	startAt  time.Time
	stopAt   time.Time
	lastExit *child.Exit
	unborn   bool // the last end was a launch that failed
	waiters  []waiter
	tally    tally // has its own lock
	quitting bool
	closing  bool // sealed for good: the supervisor closes
	paused   bool // the last stop was a reload's
}

// host is what processes need of the daemon.
type host struct {
	starter  child.Starter
	env      []string // what every process inherits, complete but for its Spec
	rand     func() float64
	clock    clock
	journal  *Journal
	launches launches
	lag      lag
}

func newProcess(h *host, set *logs.Set, spec Spec) *process {
	p := &process{
		name:    spec.Name,
		host:    h,
		out:     outlets{set: set, name: spec.Name},
		inbox:   make(chan *message),
		done:    make(chan struct{}),
		machine: machine{care: spec.Care, rand: h.rand},
	}
	p.spec.Store(&spec)
	p.snapshot()
	return p
}

// ask hands a message to the process and returns where its outcome will arrive. It does not wait for anything but the loop's
// turn, which is short.
func (p *process) ask(m message) <-chan Outcome {
	m.reply = make(chan Outcome, 1)
	asked := p.host.clock.now()
	select {
	case p.inbox <- &m:
		p.host.lag.note(p.host.clock.now() - asked)
	case <-p.done:
		o := Outcome{Name: p.name, Did: "already stopped", State: Stopped}
		if !m.wish.downward() {
			o.Did, o.Err = "failed", failf(errGone, "%s: the process was removed", p.name)
		}
		m.reply <- o
	}
	return m.reply
}

// run is the owner loop. It ends when it was told to quit and no child is left.
func (p *process) run() {
	defer close(p.done)
	for !p.quitting || p.machine.state.HasChild() {
		var due <-chan time.Time
		if p.machine.state.Armed() {
			due = p.timer.C
		}
		select {
		case m := <-p.inbox:
			p.receive(m)
		case x := <-p.leader:
			p.leaderEnded(x)
		case <-due:
			if p.waitsItsTurn() {
				continue
			}
			p.host.lag.note(p.host.clock.now() - p.machine.deadline)
			p.step(timeout, nil, p.timeoutCause())
		}
	}
	if p.timer != nil {
		p.timer.Stop()
	}
}

// waitsItsTurn puts off the deadline of a launch to launchPatience after it has begun: that others are before it (see launches) is
// no exec that hangs.
func (p *process) waitsItsTurn() bool {
	m := &p.machine
	if m.state != Starting || !m.launching {
		return false
	}
	now := p.host.clock.now()
	begun := now
	if at := p.begun.Load(); at != 0 {
		begun = time.Duration(at)
	}
	m.deadline = begun + launchPatience
	p.arm()
	return m.deadline > now
}

// step gives the machine an event and does what follows, in this order: the act, the timer, the snapshot and the journal,
// the callers. A deadline that has passed already (a delay of zero) is the next event at once.
func (p *process) step(e event, how *ending, cause Cause) {
	if isWish(e) {
		p.cause = cause
	}
	for {
		from, life, restarts := p.machine.state, p.generation, p.machine.restarts
		act := p.machine.step(e, how, p.host.clock.now())
		if p.machine.restarts > restarts {
			p.tally.restarted()
		}
		if act == spawn {
			p.cause = cause
		}
		note := p.perform(act)
		p.arm()
		if e == launched && note == "" && from == p.machine.state {
			note = "launched"
		}
		if from != p.machine.state || p.generation != life || note != "" || e == ended {
			p.publish(from, cause, note, how)
		} else {
			p.snapshot()
		}
		p.settle()
		if !p.machine.state.Armed() || p.machine.deadline > p.host.clock.now() || p.waitsItsTurn() {
			return
		}
		e, how, cause = timeout, nil, p.timeoutCause()
	}
}

func isWish(e event) bool { return e <= seal }

// timeoutCause: what a stop's deadline does was asked for by who asked for the stop; a new try is the policy's own idea.
func (p *process) timeoutCause() Cause {
	if p.machine.state == Backoff {
		return Cause{Who: "supervisord", What: "restart " + p.machine.care.Restart.String()}
	}
	return p.cause
}

// perform does what the machine wants and returns what is to be noted beside the change of state.
func (p *process) perform(a act) string {
	switch a {
	case spawn:
		p.generation++
		spec, life := p.spec.Load(), p.generation
		giveUp := make(chan struct{})
		p.giveUp = giveUp
		p.begun.Store(0)
		p.host.launches.add(func() { p.launch(spec, life, giveUp) })
	case abandon:
		if p.giveUp != nil {
			close(p.giveUp)
			p.giveUp = nil
			return "exec has not returned; given up"
		}
	case signalStop:
		sig := p.machine.care.StopSignal
		// A leader that has been reaped has no number any more that a command could be told.
		if command := p.machine.care.StopCommand; len(command) > 0 && p.leader != nil {
			defer func() { p.parting = p.part(command) }() // after the signal
		}
		if err := p.child.Stop(sig); err != nil && p.leader != nil {
			return fmt.Sprintf("cannot send signal %s: %v", child.SignalName(sig), err)
		}
		return "signal " + child.SignalName(sig)
	case signalKill:
		note := "signal KILL"
		if p.machine.overrun {
			note = p.unkillable()
		}
		if err := p.child.Kill(); err != nil {
			note += fmt.Sprintf(" (%v)", err)
		}
		if p.machine.overrun {
			if note == p.machine.reason {
				return "" // it has been said; KILL is repeated for as long as something is left
			}
			p.machine.reason = note
		}
		return note
	}
	return ""
}

// unkillable says what survived KILL.
func (p *process) unkillable() string {
	n, why := p.child.Left()
	switch {
	case n == 0:
		why = "nothing is left of it, but its output cannot be written"
	case why == "":
		why = fmt.Sprintf("%d left", n)
	}
	return "unkillable: " + why
}

// arm sets the timer to the machine's deadline, or stops it.
func (p *process) arm() {
	if !p.machine.state.Armed() {
		if p.timer != nil {
			p.timer.Stop()
			p.timer = nil // at rest for long, most often
		}
		return
	}
	wait := max(0, p.machine.deadline-p.host.clock.now())
	if p.timer == nil {
		p.timer = time.NewTimer(wait)
	} else {
		p.timer.Reset(wait)
	}
}
