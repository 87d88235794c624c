package core

import (
	"errors"
	"os"

	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/logs"
)

// wish is what somebody asks of a process.
type wish int

const (
	wishStart wish = iota
	wishStop
	wishStopNow
	wishPause // wishStop of a reload, which means to start it again; unless somebody else stops it meanwhile
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
	wishPing   // say that the loop has had its turn
	wishBorn   // not a wish: a launch was answered
	wishEnded  // not a wish: a life is over
)

// downward reports whether a process that is gone has done it already.
func (w wish) downward() bool {
	switch w {
	case wishStop, wishStopNow, wishPause, wishSeal, wishRetire, wishQuit:
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

// receive handles one message.
func (p *process) receive(m *message) {
	switch m.wish {
	case wishBorn:
		p.launchAnswered(m)
	case wishEnded:
		if m.generation == p.generation {
			if t := p.parting; t != nil { // it belongs to this life
				p.parting = nil
				go func() {
					t.end()
					p.inbox <- m // the loop is there: the life is not over for it
				}()
				return
			}
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
			e, verb = askRestart, "restart"
		}
		switch {
		case m.wish == wishRestart && !state.Settled():
			did = "restarted"
		case m.wish == wishStart && state == Running:
			did = "already running"
		}
		p.wait(waiter{goal: goalUp, did: did, verb: verb, reply: m.reply})
		p.step(e, nil, m.cause)
	case wishStop, wishStopNow, wishPause, wishRetire:
		p.paused = m.wish == wishPause
		did, e := "stopped", askStop
		if m.wish == wishStopNow {
			e = askStopNow
		}
		if state.Settled() {
			did = "already stopped"
		}
		if m.wish == wishRetire {
			p.step(seal, nil, m.cause)
		}
		p.wait(waiter{goal: goalDown, did: did, verb: "stop", reply: m.reply})
		p.step(e, nil, m.cause)
	case wishReset:
		p.step(askReset, nil, m.cause)
		p.answer(m.reply, "reset", nil)
	case wishSeal:
		p.closing = true
		p.step(seal, nil, m.cause)
		p.answer(m.reply, "sealed", nil)
	case wishRevive:
		p.machine.sealed = p.closing
		p.answer(m.reply, "kept", nil)
	case wishQuit:
		p.quitting = true
		p.answer(m.reply, "removed", nil)
	case wishPing:
		p.answer(m.reply, "there", nil)
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

// renew takes a Spec whose Launch differs. Should a life with the old one have begun since the plan stopped it, it ends; should
// somebody have stopped it since, it stays so.
func (p *process) renew(m *message) {
	if m.up && p.refuse(m) {
		return
	}
	p.adopt(m.spec)
	p.note(m.cause, m.note)
	if !(m.up && p.paused) && !p.machine.want {
		p.answer(m.reply, "renewed", nil)
		return
	}
	e := askStart
	if p.machine.state.HasChild() {
		e = askRestart
	}
	p.wait(waiter{goal: goalUp, did: "renewed", verb: "start", reply: m.reply})
	p.step(e, nil, m.cause)
}

// adopt makes the Spec the process's own. A wait under way that has become too long is shortened.
func (p *process) adopt(spec *Spec) {
	p.spec.Store(spec)
	p.machine.adopt(spec.Care, p.host.clock.now())
	p.arm()
	p.snapshot()
}

func (p *process) signal(m *message) {
	if p.child == nil {
		p.answer(m.reply, "failed", failf(ErrConflict, "cannot signal %s: it is not running (%s)", p.name, p.machine.state))
		return
	}
	err := p.child.Signal(m.sig)
	if errors.Is(err, os.ErrProcessDone) {
		p.answer(m.reply, "failed", failf(ErrConflict, "cannot signal %s: its leader has ended", p.name))
		return
	}
	if err != nil {
		p.answer(m.reply, "failed", failf(ErrConflict, "cannot signal %s: %v", p.name, err))
		return
	}
	p.note(m.cause, "signal "+child.SignalName(m.sig))
	p.answer(m.reply, "signalled", nil)
}
