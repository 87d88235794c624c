package core

import (
	"errors"
	"fmt"
	"time"

	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/logs"
)

// leaderEnded: the leader was reaped. The life is over when its output is read and nothing of its tree is left; that may
// take time, and a stop must still be heard meanwhile.
func (p *process) leaderEnded(x child.Exit) {
	p.leader = nil
	how := &ending{exit: x, at: p.host.clock.now()}
	if len(p.pumps) == 0 && p.parting == nil && p.pidFile == "" { // nothing that may wait for a file system
		select {
		case <-p.child.Gone():
			p.lifeOver(how)
			return
		default:
		}
	}
	if p.machine.state == Starting { // it did not outlive its grace, however long the end takes
		p.machine.deadline = how.at + launchPatience
		p.arm()
	}
	p.machine.beheaded = true
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
		_ = removePIDFile(pidFile, c.PID()) // one that cannot be removed is found stale by its number
	}
	p.inbox <- m // the loop is there: it has a child
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
		p.lastExit, how.pid, how.rest = &x, p.child.PID(), p.child.Rest()
		p.tally.ended(x)
	} else {
		p.tally.unborn()
	}
	p.child, p.leader, p.pumps, p.pidFile = nil, nil, nil, ""
	p.stopAt = wallClock()
	p.step(ended, how, cause)
}

// launchAnswered: exec has succeeded or failed.
func (p *process) launchAnswered(m *message) {
	p.giveUp = nil
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
func (p *process) launch(spec *Spec, generation uint64, giveUp <-chan struct{}) {
	p.begun.Store(int64(max(1, p.host.clock.now())))
	m := &message{wish: wishBorn, generation: generation}
	m.child, m.pumps, m.ending = p.begin(spec, generation, giveUp)
	if file := spec.Launch.PIDFile; file != "" && m.child != nil {
		if err := writePIDFile(file, m.child.PID()); err != nil {
			m.note = fmt.Sprintf("cannot write pid_file %s: %v", file, err)
		} else {
			m.pidFile = file
		}
	}
	p.inbox <- m // the loop is there: it is launching
}

func (p *process) begin(spec *Spec, generation uint64, giveUp <-chan struct{}) (child.Child, []*logs.Pump, ending) {
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
		Limits:     spec.Launch.Limits,
		GiveUp:     giveUp,
	})
	if err != nil {
		var le *child.LaunchError
		return nil, nil, ending{launchErr: err, temporary: errors.As(err, &le) && le.Temporary}
	}
	return c, p.out.attach(c, w), ending{}
}
