package core

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/logs"
)

// process is one supervised program. Its loop is the only goroutine that touches the machine, the timer, the child and the
// waiters; everybody else sends it messages and reads the last published snapshot.
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
	pidFile    string // written for this life, "" if not

	cause    Cause // of the last wish; what follows from it carries it
	startAt  time.Time
	stopAt   time.Time
	lastExit *child.Exit
	unborn   bool // the last end was a launch that failed
	waiters  []waiter
	quitting bool
	closing  bool // sealed for good: the supervisor closes
	retired  bool // sealed until the removal has failed
}

// host is what processes need of the daemon.
type host struct {
	starter child.Starter
	env     []string // what every process inherits, complete but for its Spec
	rand    func() float64
	clock   clock
	journal *Journal
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

// wish is what somebody asks of a process.
type wish int

const (
	wishStart wish = iota
	wishStop
	wishStopNow
	wishRestart
	wishReset
	wishSignal // message.sig
	wishOmit   // the next exit of this life counts as expected
	wishTune   // message.spec, in place
	wishRenew  // message.spec, for the next life; message.up: which begins now
	wishSeal   // no new life any more
	wishRetire // wishSeal and wishStop, before a removal
	wishRevive // the removal failed
	wishQuit   // end the loop as soon as there is no child
	wishBorn   // not a wish: a launch was answered
	wishEnded  // not a wish: a life is over
)

// downward reports whether a process that is gone has done it already.
func (w wish) downward() bool {
	switch w {
	case wishStop, wishStopNow, wishSeal, wishRetire, wishQuit:
		return true
	}
	return false
}

// message is one entry of an inbox.
type message struct {
	wish  wish
	cause Cause
	reply chan Outcome // buffered: a caller that went away is never waited for
	spec  *Spec
	note  string
	up    bool
	sig   int

	generation uint64      // of wishBorn and wishEnded: which life
	child      child.Child // of a launch that succeeded
	pumps      []*logs.Pump
	pidFile    string
	ending     ending // of wishEnded, and of a launch that failed
}

// ask hands a message to the process and returns where its outcome will arrive. It does not wait for anything but the loop's
// turn, which is short.
func (p *process) ask(m message) <-chan Outcome {
	m.reply = make(chan Outcome, 1)
	select {
	case p.inbox <- &m:
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
			p.step(timeout, nil, p.timeoutCause())
		}
	}
	if p.timer != nil {
		p.timer.Stop()
	}
}

// receive handles one message.
func (p *process) receive(m *message) {
	switch m.wish {
	case wishBorn:
		p.launchAnswered(m)
	case wishEnded:
		if m.generation == p.generation {
			p.lifeOver(&m.ending)
		}
	default:
		p.obey(m)
	}
}

// obey carries out a wish.
func (p *process) obey(m *message) {
	state := p.machine.state
	switch m.wish {
	case wishStart, wishRestart:
		if p.refuse(m) {
			return
		}
		did, e, verb := "started", askStart, "start"
		if m.wish == wishRestart {
			did, e, verb = "restarted", askRestart, "restart"
		} else if state == Running {
			did = "already running"
		}
		p.wait(waiter{goal: goalUp, did: did, verb: verb, reply: m.reply})
		p.step(e, nil, m.cause)
	case wishStop, wishStopNow, wishRetire:
		did, e := "stopped", askStop
		if m.wish == wishStopNow {
			e = askStopNow
		}
		if state.Settled() {
			did = "already stopped"
		}
		if m.wish == wishRetire {
			p.retired = true
			p.step(seal, nil, m.cause)
		}
		p.wait(waiter{goal: goalDown, did: did, verb: "stop", reply: m.reply})
		p.step(e, nil, m.cause)
	case wishReset:
		did := "reset"
		p.step(askReset, nil, m.cause)
		p.answer(m.reply, did, nil)
	case wishSeal:
		p.closing = true
		p.step(seal, nil, m.cause)
		p.answer(m.reply, "sealed", nil)
	case wishRevive:
		p.retired, p.machine.sealed = false, p.closing
		p.answer(m.reply, "kept", nil)
	case wishQuit:
		p.quitting = true
		p.answer(m.reply, "removed", nil)
	case wishSignal:
		p.signal(m)
	case wishOmit:
		if p.machine.launching || p.child == nil {
			p.answer(m.reply, "not running", nil)
			return
		}
		p.machine.omit = true
		p.note(m.cause, "its next exit counts as expected")
		p.answer(m.reply, "marked", nil)
	case wishTune:
		p.adopt(m.spec)
		p.note(m.cause, m.note)
		p.answer(m.reply, "tuned", nil)
	case wishRenew:
		p.renew(m)
	}
}

// refuse answers a wish for a new life when there will be none any more.
func (p *process) refuse(m *message) bool {
	if !p.machine.sealed {
		return false
	}
	if p.closing {
		p.answer(m.reply, "failed", failf(ErrClosing, "cannot start %s: the supervisor is shutting down", p.name))
	} else {
		p.answer(m.reply, "failed", failf(ErrConflict, "cannot start %s: it is being removed", p.name))
	}
	return true
}

// renew takes a Spec whose Launch differs. Should a life with the old one have begun since the plan stopped it, it ends.
func (p *process) renew(m *message) {
	if m.up && p.refuse(m) {
		return
	}
	p.adopt(m.spec)
	p.note(m.cause, m.note)
	e := askStart
	switch {
	case p.machine.state.HasChild() || p.machine.state == Backoff:
		e = askRestart
	case !m.up:
		p.answer(m.reply, "renewed", nil)
		return
	}
	p.wait(waiter{goal: goalUp, did: "renewed", verb: "start", reply: m.reply})
	p.step(e, nil, m.cause)
}

// adopt makes the Spec the process's own. A delay that has become too long is shortened.
func (p *process) adopt(spec *Spec) {
	p.spec.Store(spec)
	p.machine.care = spec.Care
	if p.machine.state == Backoff {
		p.machine.deadline = min(p.machine.deadline, p.host.clock.now()+spec.Care.RestartDelayMax)
		p.arm()
	}
	p.snapshot()
}

func (p *process) signal(m *message) {
	if p.child == nil {
		p.answer(m.reply, "failed", failf(ErrConflict, "cannot signal %s: it is not running (%s)", p.name, p.machine.state))
		return
	}
	if err := p.child.Signal(m.sig); err != nil {
		p.answer(m.reply, "failed", failf(ErrConflict, "cannot signal %s: %v", p.name, err))
		return
	}
	p.note(m.cause, "signal "+child.SignalName(m.sig))
	p.answer(m.reply, "signalled", nil)
}

// step gives the machine an event and does what follows, in this order: the act, the timer, the snapshot and the journal,
// the callers. A deadline that has passed already (a delay of zero) is the next event at once.
func (p *process) step(e event, how *ending, cause Cause) {
	if isWish(e) {
		p.cause = cause
	}
	for {
		from, life := p.machine.state, p.generation
		act := p.machine.step(e, how, p.host.clock.now())
		if act == spawn {
			p.cause = cause
		}
		note := p.perform(act)
		p.arm()
		if e == launched && note == "" && from == p.machine.state {
			note = "launched"
		}
		if from != p.machine.state || p.generation != life || note != "" || e == exited {
			p.publish(from, cause, note, how)
		} else {
			p.snapshot()
		}
		p.settle()
		if !p.machine.state.Armed() || p.machine.deadline > p.host.clock.now() {
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
		go p.launch(p.spec.Load(), p.generation)
	case signalStop:
		sig := p.machine.care.StopSignal
		if err := p.child.Stop(sig); err != nil && p.leader != nil {
			return fmt.Sprintf("cannot send signal %s: %v", child.SignalName(sig), err)
		}
		return "signal " + child.SignalName(sig)
	case signalKill:
		note := "signal KILL"
		if p.machine.overrun {
			note = p.unkillable()
			p.machine.reason = note
		}
		if err := p.child.Kill(); err != nil {
			note += fmt.Sprintf(" (%v)", err)
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

// leaderEnded: the leader was reaped. The life is over when its output is read and nothing of its tree is left; that may
// take time, and a stop must still be heard meanwhile.
func (p *process) leaderEnded(x child.Exit) {
	p.leader = nil
	how := &ending{exit: x, at: p.host.clock.now()}
	if len(p.pumps) == 0 {
		select {
		case <-p.child.Gone():
			p.clearPIDFile()
			p.lifeOver(how)
			return
		default:
		}
	}
	if p.machine.state == Starting { // it did not outlive its grace, however long the end takes
		p.machine.deadline = how.at + launchPatience
		p.arm()
	}
	p.machine.reason = x.String() + "; the rest of it has not ended yet"
	p.snapshot()
	go p.finish(p.child, p.pumps, p.pidFile, &message{wish: wishEnded, generation: p.generation, ending: *how})
}

// finish is the end of a life, in a goroutine that lasts as long as the end does.
func (p *process) finish(c child.Child, pumps []*logs.Pump, pidFile string, m *message) {
	for _, pump := range pumps {
		pump.Drain()
	}
	<-c.Gone()
	if pidFile != "" {
		_ = removePIDFile(pidFile, c.PID())
	}
	p.inbox <- m // the loop is there: it has a child
}

func (p *process) clearPIDFile() {
	if p.pidFile != "" {
		_ = removePIDFile(p.pidFile, p.child.PID()) // a file that cannot be removed is found stale by its number
	}
}

// lifeOver: nothing of the child is left.
func (p *process) lifeOver(how *ending) {
	cause := Cause{}
	if p.machine.state == Stopping {
		cause = p.cause
	}
	p.unborn = how.launchErr != nil
	if !p.unborn {
		x := how.exit
		p.lastExit, how.pid = &x, p.child.PID()
	}
	p.child, p.leader, p.pumps, p.pidFile = nil, nil, nil, ""
	p.stopAt = wallClock()
	p.step(exited, how, cause)
}

// launchAnswered: exec has succeeded or failed.
func (p *process) launchAnswered(m *message) {
	if m.child == nil {
		p.lifeOver(&m.ending)
		return
	}
	p.child, p.leader, p.pumps, p.pidFile = m.child, m.child.Exited(), m.pumps, m.pidFile
	p.startAt, p.stopAt = wallClock(), time.Time{}
	p.step(launched, nil, p.cause)
	if m.note != "" {
		p.note(p.cause, m.note)
	}
}

// launch starts the program, in a goroutine of its own as exec may hang for as long as it likes.
func (p *process) launch(spec *Spec, generation uint64) {
	m := &message{wish: wishBorn, generation: generation}
	m.child, m.pumps, m.ending = p.begin(spec, generation)
	if file := spec.Launch.PIDFile; file != "" && m.child != nil {
		if err := writePIDFile(file, m.child.PID()); err != nil {
			m.note = fmt.Sprintf("cannot write pid_file %s: %v", file, err)
		} else {
			m.pidFile = file
		}
	}
	p.inbox <- m // the loop is there: it is launching
}

func (p *process) begin(spec *Spec, generation uint64) (child.Child, []*logs.Pump, ending) {
	if err := p.out.open(spec.Output); err != nil {
		return nil, nil, ending{launchErr: err, temporary: passing(err)}
	}
	w := p.out.wire(spec.Output)
	c, err := p.host.starter.Start(child.Command{
		Name:       spec.Name,
		Generation: generation,
		Path:       spec.Launch.Command,
		Args:       spec.Launch.Args,
		Env:        environ(p.host.env, spec.Launch),
		Dir:        spec.Launch.Dir,
		User:       spec.Launch.User,
		Group:      spec.Launch.Group,
		Stdout:     w.stdout,
		Stderr:     w.stderr,
		Scope:      spec.Care.StopMode,
	})
	if err != nil {
		var le *child.LaunchError
		return nil, nil, ending{launchErr: err, temporary: errors.As(err, &le) && le.Temporary}
	}
	return c, p.out.attach(c), ending{}
}
