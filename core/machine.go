package core

import (
	"fmt"
	"slices"
	"time"

	"github.com/qjpcpu/supervisord/core/child"
)

// Here it is decided what becomes of a process. A machine is told what happened (an event) and when, and answers with at most
// one thing to do (an act). It has no goroutine, no clock and no child, so every cell of its table (DESIGN.md) can be tested.
// Its owner, in process.go, listens, asks it, does what it says, and tells the world. The states are in state.go. What a wish
// does is up or down; what is told to the machine has a method of the event's name: launched, timeout, ended.

// event is what can happen to a machine.
type event int

const (
	askStart   event = iota // somebody wants it up
	askStop                 // somebody wants it down
	askStopNow              // ... and will not wait for stop_wait
	askRestart              // somebody wants another life of it
	askReset                // failures are to be forgotten; what waits or gave up is tried again
	seal                    // no new life any more: the supervisor closes, or the process is removed
	launched                // exec succeeded
	timeout                 // the deadline passed
	ended                   // nothing is left of it, or it could not be launched
)

// act is what a machine wants done. The owner does it at once.
type act int

const (
	none       act = iota
	spawn          // launch the program; answered by launched or ended
	signalStop     // the stop signal
	signalKill     // KILL to everything that is left
	abandon        // the launch under way is given up; answered by launched or ended
)

// ending is how a life ended: by the leader's exit, or before it began.
type ending struct {
	exit      child.Exit
	at        time.Duration // when the leader ended; the rest of its tree may have lasted longer
	pid       int           // of the leader; 0 when nothing was started
	rest      int           // so many processes that the leader left were ended with it
	launchErr error         // not nil: nothing was started
	temporary bool          // of launchErr: worth another try
}

func (e *ending) String() string {
	if e.launchErr != nil {
		return e.launchErr.Error()
	}
	return e.exit.String() + e.leftBehind()
}

// leftBehind says what was ended with the leader, "" if there was nothing. That a leader left others and says that all is well is
// the way of a program that puts itself into the background.
func (e *ending) leftBehind() string {
	text := ""
	switch {
	case e.rest == 0:
		return ""
	case e.rest == 1:
		text = "; 1 process that it left was ended"
	default:
		text = fmt.Sprintf("; %d processes that it left were ended", e.rest)
	}
	if e.exit.Code == 0 {
		text += " (a program must stay in the foreground)"
	}
	return text
}

// How long one exec may take until callers are told that it hangs, and how soon KILL and a failed launch are repeated at the
// least.
const (
	launchPatience   = 10 * time.Second
	killAgainAfter   = 100 * time.Millisecond
	launchAgainAfter = 100 * time.Millisecond
)

// machine decides, by step. Times are monotonic, counted from the start of the daemon. Its owner is one goroutine.
type machine struct {
	care Care
	rand func() float64 // 0 <= x < 1, for the jitter

	state     State
	want      bool          // wanted up
	deadline  time.Duration // has a meaning while state.Armed()
	launching bool          // a spawn was asked for and has not been answered
	sealed    bool          // see seal

	kills    int  // KILLs asked for in this stop
	overrun  bool // this stop outlasted stop_wait and kill_wait, or this exec launchPatience
	omit     bool // the next exit of this life counts as expected
	beheaded bool // the leader has ended, the rest of its tree has not

	asked    time.Duration   // when the launch of this life was asked for
	born     time.Duration   // when exec of this life succeeded
	failures int             // restarts since the last steady life: the exponent of the delay
	restarts int             // restarts since somebody asked for a start
	tries    []time.Duration // when restarts were decided; at most MaxRestarts of them

	reason string // for people
}

// step takes one event. how is read when e is ended.
func (m *machine) step(e event, how *ending, now time.Duration) act {
	switch e {
	case askStart:
		return m.up(now, false)
	case askRestart:
		return m.up(now, true)
	case askStop, askStopNow:
		return m.down(now, e == askStopNow)
	case askReset:
		m.forget()
		if m.state == Backoff || m.state == Fatal && m.want {
			return m.up(now, false)
		}
	case seal:
		m.sealed = true
		switch {
		case m.state == Backoff:
			m.rest(Stopped, m.reason)
		case m.state == Stopping, m.state == Fatal:
			m.want = false
		}
	case launched:
		return m.launched(now)
	case timeout:
		return m.timeout(now)
	case ended:
		return m.ended(how, now)
	}
	return none
}

// up: somebody wants it up, with a new life if again is set.
func (m *machine) up(now time.Duration, again bool) act {
	if m.sealed {
		return none
	}
	m.forget()
	m.want = true
	switch {
	case !m.state.HasChild():
		m.restarts = 0
		return m.spawn(now)
	case again && m.state != Stopping:
		return m.stop(now, false)
	}
	return none // running, on its way, or it follows when what is stopping has ended
}

// down: somebody wants it down.
func (m *machine) down(now time.Duration, hurry bool) act {
	m.want = false
	switch {
	case !m.state.HasChild():
		m.rest(Stopped, "")
	case m.state != Stopping:
		return m.stop(now, hurry)
	case hurry && m.kills == 0:
		return m.kill(now)
	}
	return none
}

func (m *machine) launched(now time.Duration) act {
	if !m.launching {
		return none
	}
	m.launching = false
	m.born = now
	m.overrun = false
	m.reason = ""
	switch {
	case m.state == Stopping && m.kills > 0: // the stop ran out of patience while exec hung
		m.deadline = now + m.killWait()
		return signalKill
	case m.state == Stopping:
		m.deadline = now + m.care.StopWait
		return signalStop
	case m.care.StartGrace <= 0:
		m.state = Running
	default:
		m.deadline = now + m.care.StartGrace
	}
	return none
}

func (m *machine) timeout(now time.Duration) act {
	switch m.state {
	case Starting:
		if m.launching {
			m.overrun = true
			m.deadline = now + launchPatience
			m.reason = m.hangs(now) + " (its disk does not answer, or it was stopped; a stop gives it up)"
			return none
		}
		if m.beheaded { // no start; the reason says what is waited for
			m.overrun = true
			m.deadline = now + launchPatience
			return none
		}
		m.state = Running
	case Stopping:
		return m.kill(now)
	case Backoff:
		m.restarts++
		return m.spawn(now)
	}
	return none
}

func (m *machine) ended(how *ending, now time.Duration) act {
	if !m.state.HasChild() {
		return none
	}
	m.launching = false
	if m.state == Stopping {
		if m.want && !m.sealed {
			m.restarts = 0
			return m.spawn(now)
		}
		reason := ""
		if m.kills > 0 {
			reason = "had to be killed"
		}
		m.rest(Stopped, reason)
		return none
	}
	if how.launchErr == nil && how.at-m.born >= m.care.Steady {
		m.failures = 0
	}
	expected := how.launchErr == nil && m.expects(how.exit)
	switch {
	case expected && m.care.Restart != Always && how.rest > 0:
		m.rest(Exited, how.String())
	case expected && m.care.Restart != Always:
		m.rest(Exited, "")
	case m.sealed:
		m.rest(Stopped, how.String())
	case how.launchErr != nil && !how.temporary:
		m.giveUp(how.String())
	case m.care.Restart == Never:
		m.giveUp(how.String() + "; its restart policy is never")
	case !m.mayTry(now):
		m.giveUp(fmt.Sprintf("%s; gave up after %s", how, m.limit()))
	default:
		m.state = Backoff
		m.deadline = now + m.delay()
		if how.launchErr != nil { // what the system lacks now it lacks in a moment too
			m.deadline = max(m.deadline, now+launchAgainAfter)
		}
		m.failures++
		m.reason = how.String()
	}
	return none
}

// spawn begins a life.
func (m *machine) spawn(now time.Duration) act {
	m.state = Starting
	m.launching = true
	m.asked = now
	m.deadline = now + launchPatience
	m.kills, m.overrun, m.omit, m.beheaded = 0, false, false, false
	m.reason = ""
	return spawn
}

// stop begins the end of a life. While exec hangs there is nobody to signal yet: launched does it. When the patience is over, the
// launch is given up.
func (m *machine) stop(now time.Duration, hurry bool) act {
	m.state = Stopping
	m.kills, m.overrun = 0, false
	m.reason = ""
	if hurry {
		return m.kill(now)
	}
	m.deadline = now + m.care.StopWait
	if m.launching {
		return none
	}
	return signalStop
}

// kill ends the politeness, and again when something survived it.
func (m *machine) kill(now time.Duration) act {
	m.kills++
	m.overrun = m.kills > 1
	m.deadline = now + m.killWait()
	if m.launching {
		m.reason = m.hangs(now)
		return abandon
	}
	return signalKill
}

// hangs says for how long exec has been waited for, as of the last look; there is one every launchPatience.
func (m *machine) hangs(now time.Duration) string {
	return fmt.Sprintf("exec has not returned for %v", (now - m.asked).Round(time.Second))
}

// rest: down, and nothing will change by itself.
func (m *machine) rest(s State, reason string) {
	m.state = s
	m.want = false
	m.overrun, m.omit = false, false
	m.reason = reason
}

// giveUp: down although wanted up.
func (m *machine) giveUp(reason string) {
	m.state = Fatal
	m.overrun, m.omit = false, false
	m.reason = reason
}

// adopt changes the rules. The wait under way is never longer from now than the new rules allow.
func (m *machine) adopt(care Care, now time.Duration) {
	m.care = care
	if m.launching {
		return
	}
	switch m.state {
	case Backoff:
		m.deadline = min(m.deadline, now+care.RestartDelayMax)
	case Starting:
		if !m.beheaded {
			m.deadline = min(m.deadline, now+care.StartGrace)
		}
	case Stopping:
		wait := care.StopWait
		if m.kills > 0 {
			wait = m.killWait()
		}
		m.deadline = min(m.deadline, now+wait)
	}
}

func (m *machine) forget() {
	m.failures = 0
	m.tries = nil
}

func (m *machine) killWait() time.Duration { return max(m.care.KillWait, killAgainAfter) }

// expects reports whether this exit is a success.
func (m *machine) expects(x child.Exit) bool {
	if m.care.OmitExitCode || m.omit {
		return true
	}
	return x.Signal == 0 && slices.Contains(m.care.ExitCodes, x.Code)
}

// mayTry notes one more restart, unless that were more than max_restarts within restart_window.
func (m *machine) mayTry(now time.Duration) bool {
	if m.care.MaxRestarts < 0 {
		return true
	}
	if w := m.care.RestartWindow; w > 0 {
		m.tries = slices.DeleteFunc(m.tries, func(at time.Duration) bool { return now-at >= w })
	}
	if len(m.tries) >= m.care.MaxRestarts {
		return false
	}
	m.tries = append(m.tries, now)
	return true
}

// limit is the rule that mayTry enforced, in words.
func (m *machine) limit() string {
	s := fmt.Sprintf("%d restarts", m.care.MaxRestarts)
	if m.care.MaxRestarts == 1 {
		s = "1 restart"
	}
	if m.care.RestartWindow > 0 {
		s += fmt.Sprintf(" within %gs", m.care.RestartWindow.Seconds())
	}
	return s
}

// delay before the next restart: doubled for every failure, never above the maximum, shortened by the jitter so that many
// processes that fell together do not rise together.
func (m *machine) delay() time.Duration {
	d, limit := m.care.RestartDelay, m.care.RestartDelayMax
	for i := 0; i < m.failures && d > 0 && d < limit; i++ {
		d *= 2
		if d < 0 { // overflow
			d = limit
		}
	}
	d = min(d, max(limit, m.care.RestartDelay))
	if m.care.RestartJitter > 0 && m.rand != nil {
		d -= time.Duration(float64(d) * m.care.RestartJitter * m.rand())
	}
	return d
}
