package core

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/qjpcpu/supervisord/core/child"
)

const second = time.Second

// at makes a machine that stands in a state, as its life would have left it at time zero.
func at(s State) *machine {
	m := &machine{care: DefaultCare(), state: s}
	m.care.StartGrace = second
	m.care.RestartJitter = 0
	switch s {
	case Starting, Running, Backoff, Fatal:
		m.want = true
	}
	if s.Armed() {
		m.deadline = 7 * second
	}
	return m
}

func code(n int) *ending { return &ending{exit: child.Exit{Code: n}, pid: 1} }

func TestEveryCell(t *testing.T) {
	// Every cell: the state afterwards, "+" when it is wanted up, and the act. "=" is: nothing changes, nothing is done.
	events := []event{askStart, askStop, askStopNow, askRestart, askReset, seal, launched, timeout, ended}
	acts := map[act]string{none: "", spawn: " spawn", signalStop: " signal", signalKill: " kill"}
	table := map[State][]string{
		//          askStart           askStop            askStopNow       askRestart          askReset           seal        launched    timeout            ended 3
		Stopped:  {"starting+ spawn", "=", "=", "starting+ spawn", "=", "=", "=", "=", "="},
		Exited:   {"starting+ spawn", "stopped", "stopped", "starting+ spawn", "=", "=", "=", "=", "="},
		Fatal:    {"starting+ spawn", "stopped", "stopped", "starting+ spawn", "starting+ spawn", "fatal", "=", "=", "="},
		Starting: {"=", "stopping signal", "stopping kill", "stopping+ signal", "=", "=", "=", "running+", "backoff+"},
		Running:  {"=", "stopping signal", "stopping kill", "stopping+ signal", "=", "=", "=", "=", "backoff+"},
		Stopping: {"stopping+", "=", "stopping kill", "stopping+", "=", "=", "=", "stopping kill", "stopped"},
		Backoff:  {"starting+ spawn", "stopped", "stopped", "starting+ spawn", "starting+ spawn", "stopped", "=", "starting+ spawn", "="},
	}
	for s := Stopped; s <= Fatal; s++ {
		cells := table[s] // of a life that was launched; TestWhileExecHangsNobodyIsSignalled has the others
		if len(cells) != len(events) {
			t.Fatalf("%s: %d cells for %d events", s, len(cells), len(events))
		}
		for i, e := range events {
			m := at(s)
			before := show(m)
			a := m.step(e, code(3), 8*second)
			got, want := show(m)+acts[a], cells[i]
			if want == "=" {
				want = before
			}
			if got != want {
				t.Errorf("%s, event %d: got %q, want %q", s, e, got, want)
			}
			if m.state.Armed() && e != askStart && m.deadline <= 0 {
				t.Errorf("%s, event %d: armed without a deadline", s, e)
			}
		}
	}
}

func show(m *machine) string {
	if m.want {
		return m.state.String() + "+"
	}
	return m.state.String()
}

func TestRestartWhileStoppingStartsAgain(t *testing.T) {
	for _, e := range []event{askStart, askRestart} {
		m := at(Stopping)
		m.step(e, nil, 1)
		if a := m.step(ended, code(0), 2); a != spawn || m.state != Starting || !m.want {
			t.Errorf("event %d while stopping: act %d in %s after the exit, want a spawn", e, a, m.state)
		}
	}
}

func TestWhileExecHangsNobodyIsSignalled(t *testing.T) {
	m := at(Stopped)
	m.step(askStart, nil, 0)
	if a := m.step(timeout, nil, m.deadline); a != none || m.state != Starting || !m.overrun {
		t.Fatalf("timeout of exec: act %d, %s, overrun %v", a, m.state, m.overrun)
	}
	if a := m.step(askStop, nil, 20*second); a != none || m.state != Stopping {
		t.Fatalf("stop while exec hangs: act %d in %s", a, m.state)
	}
	if a := m.step(launched, nil, 21*second); a != signalStop || m.deadline != 31*second {
		t.Fatalf("exec returned: act %d, deadline %v, want the stop signal and its wait", a, m.deadline)
	}
	m = at(Stopped)
	m.step(askStart, nil, 0)
	m.step(askStop, nil, 0)
	for range 2 { // and again, as nothing says that it was of use
		if a := m.step(timeout, nil, m.deadline); a != abandon {
			t.Fatalf("stop_wait over while exec hangs: act %d, want the launch given up", a)
		}
	}
	if a := m.step(launched, nil, 60*second); a != signalKill {
		t.Fatalf("exec returned after stop_wait: act %d, want kill", a)
	}
	m = at(Stopped)
	m.step(askStart, nil, 0)
	if a := m.step(askStopNow, nil, 0); a != abandon {
		t.Fatalf("stop at once while exec hangs: act %d, want the launch given up", a)
	}
}

func TestExitIsJudgedByPolicyAndCodes(t *testing.T) {
	sig := &ending{exit: child.Exit{Code: -1, Signal: 9}, pid: 1}
	left := &ending{exit: child.Exit{Code: 0}, pid: 1, rest: 2}
	crash := &ending{exit: child.Exit{Code: 3}, pid: 1, rest: 1}
	gone := &ending{launchErr: errors.New("exec /bin/wbe: no such file or directory")}
	tight := &ending{launchErr: errors.New("fork: resource temporarily unavailable"), temporary: true}
	for _, c := range []struct {
		what   string
		policy RestartPolicy
		codes  []int
		omit   bool
		how    *ending
		want   State
		reason string
	}{
		{"expected", OnFailure, []int{0}, false, code(0), Exited, ""},
		{"another expected", OnFailure, []int{0, 3}, false, code(3), Exited, ""},
		{"unexpected", OnFailure, []int{0}, false, code(1), Backoff, "exit code 1"},
		{"no code is expected", OnFailure, nil, false, code(0), Backoff, "exit code 0"},
		{"a signal", OnFailure, []int{0, -1}, false, sig, Backoff, "KILL"},
		{"a signal omitted", OnFailure, []int{0}, true, sig, Exited, ""},
		{"always", Always, []int{0}, false, code(0), Backoff, "exit code 0"},
		{"never, expected", Never, []int{0}, false, code(0), Exited, ""},
		{"never, unexpected", Never, []int{0}, false, code(2), Fatal, "exit code 2; its restart policy is never"},
		{"into the background", OnFailure, []int{0}, false, left, Exited, "exit code 0; 2 processes that it left were ended (a program must stay in the foreground)"},
		{"into the background, always", Always, []int{0}, false, left, Backoff, "exit code 0; 2 processes that it left were ended (a program must stay in the foreground)"},
		{"a crash that leaves one", OnFailure, []int{0}, false, crash, Backoff, "exit code 3; 1 process that it left was ended"},
		{"no such program", OnFailure, []int{0}, false, gone, Fatal, "exec /bin/wbe: no such file or directory"},
		{"no such program, always", Always, []int{0}, true, gone, Fatal, "no such file"},
		{"no room for a process", OnFailure, []int{0}, true, tight, Backoff, "temporarily"},
		{"no room, never", Never, []int{0}, false, tight, Fatal, "never"},
	} {
		m := at(Running)
		m.care.Restart, m.care.ExitCodes, m.care.OmitExitCode = c.policy, c.codes, c.omit
		a := m.step(ended, c.how, second)
		if m.state != c.want || a != none || !strings.Contains(m.reason, c.reason) || c.reason == "" && m.reason != "" {
			t.Errorf("%s: %s %q act %d, want %s %q", c.what, m.state, m.reason, a, c.want, c.reason)
		}
		if m.want != (m.state != Exited) {
			t.Errorf("%s: want up is %v in %s", c.what, m.want, m.state)
		}
	}
}

func TestMarkedLifeMayExitAsItLikes(t *testing.T) {
	m := at(Running)
	m.omit = true
	m.step(ended, code(9), second)
	if m.state != Exited || m.omit {
		t.Errorf("%s, marked %v; want exited and the mark used up", m.state, m.omit)
	}
}

// crash ends the present life after lived, and returns the delay before the next, which it begins.
func crash(m *machine, now *time.Duration, lived time.Duration) time.Duration {
	m.step(launched, nil, *now)
	*now += lived
	how := code(1)
	how.at = *now
	m.step(ended, how, *now)
	if m.state != Backoff {
		return -1
	}
	d := m.deadline - *now
	*now = m.deadline
	m.step(timeout, nil, *now)
	return d
}

// The delay doubles up to its maximum, and a fixed number of restarts in the window is the end of it.
func TestCrashLoopIsSlowedAndGivenUp(t *testing.T) {
	m, now := at(Stopped), time.Duration(0)
	m.step(askStart, nil, now)
	want := 10 * time.Millisecond
	for i := range 20 {
		if d := crash(m, &now, time.Millisecond); d != want {
			t.Fatalf("delay %d is %v, want %v", i, d, want)
		}
		want = min(2*want, 60*second)
	}
	m, now = at(Stopped), 0
	m.care.MaxRestarts, m.care.RestartWindow = 3, 60*second
	m.step(askStart, nil, now)
	for i := range 3 {
		if crash(m, &now, time.Millisecond) < 0 {
			t.Fatalf("given up after %d restarts", i)
		}
	}
	if crash(m, &now, 1); m.state != Fatal || m.reason != "exit code 1; gave up after 3 restarts within 60s" {
		t.Fatalf("%s %q", m.state, m.reason)
	}
	if a := m.step(askStart, nil, now); a != spawn || m.failures != 0 || len(m.tries) != 0 || m.restarts != 0 {
		t.Fatalf("start after fatal: act %d, %d failures, %d tries", a, m.failures, len(m.tries))
	}
}

func TestRestartsOutsideTheWindowDoNotCount(t *testing.T) {
	m, now := at(Stopped), time.Duration(0)
	m.care.MaxRestarts, m.care.RestartWindow = 2, 60*second
	m.step(askStart, nil, now)
	for range 10 {
		if crash(m, &now, 31*second) < 0 {
			t.Fatalf("given up at %v: %s", now, m.reason)
		}
	}
	if len(m.tries) > 2 {
		t.Errorf("%d tries are remembered, at most 2 are needed", len(m.tries))
	}
}

// Only a steady life makes the next delay the first one again; a start grace that was survived does not.
func TestOnlyASteadyRunForgivesFailures(t *testing.T) {
	m, now := at(Stopped), time.Duration(0)
	m.step(askStart, nil, now)
	for _, lived := range []time.Duration{0, 2 * second, 9 * second} {
		crash(m, &now, lived)
	}
	if d := crash(m, &now, 9*second); d != 80*time.Millisecond {
		t.Errorf("fourth delay %v, want 80ms", d)
	}
	if d := crash(m, &now, 10*second); d != 10*time.Millisecond {
		t.Errorf("after a steady run the delay is %v, want the first one", d)
	}
	if m.restarts != 5 {
		t.Errorf("%d restarts are counted, want 5", m.restarts)
	}
}

// reset forgives what runs as well: its next failure is the first again, and counts as the first against max_restarts.
func TestResetForgivesWhatRuns(t *testing.T) {
	m, now := at(Stopped), time.Duration(0)
	m.care.MaxRestarts, m.care.RestartWindow = 3, 60*second
	m.step(askStart, nil, now)
	for range 3 {
		crash(m, &now, 2*second)
	}
	m.state, m.launching = Running, false
	if a := m.step(askReset, nil, now); a != none || m.state != Running {
		t.Fatalf("act %d in %s, want it left running", a, m.state)
	}
	if d := crash(m, &now, second); d != 10*time.Millisecond || m.state == Fatal {
		t.Errorf("delay %v in %s after a reset, want the first one", d, m.state)
	}
}

func TestJitterOnlyShortens(t *testing.T) {
	m := at(Running)
	m.care.RestartJitter = 0.5
	for range 1000 {
		m.rand = rand.Float64
		m.failures = rand.IntN(100)
		d := m.delay()
		full := min(m.care.RestartDelayMax, m.care.RestartDelay<<min(m.failures, 20))
		if d > full || d < full/2 {
			t.Fatalf("delay %v after %d failures, want between %v and %v", d, m.failures, full/2, full)
		}
	}
	m.care.RestartDelay, m.failures = 0, 7
	if d := m.delay(); d != 0 {
		t.Errorf("a delay of zero became %v", d)
	}
	m.care.RestartDelay, m.care.RestartDelayMax, m.failures = 1<<62, 1<<62+5, 3
	if d := m.delay(); d < 0 {
		t.Errorf("a huge delay overflowed: %v", d)
	}
}

func TestSealedMachineBeginsNoLife(t *testing.T) {
	for s := Stopped; s <= Fatal; s++ {
		m := at(s)
		m.step(seal, nil, 0)
		for _, e := range []event{askStart, askRestart, askReset, timeout, ended, askStart} {
			if a := m.step(e, code(1), 100*second); a == spawn {
				t.Errorf("%s, sealed: event %d spawned", s, e)
			}
		}
		if m.state == Backoff {
			t.Errorf("%s, sealed: waits for a next try", s)
		}
	}
}

func TestKillIsRepeatedUntilNothingIsLeft(t *testing.T) {
	m := at(Running)
	m.care.StopWait, m.care.KillWait = 2*second, 3*second
	m.step(askStop, nil, 0)
	for i, want := range []time.Duration{2 * second, 5 * second, 8 * second} {
		if m.deadline != want {
			t.Fatalf("deadline %d is %v, want %v", i, m.deadline, want)
		}
		if a := m.step(timeout, nil, m.deadline); a != signalKill || m.overrun != (i > 0) {
			t.Fatalf("deadline %d: act %d, overrun %v", i, a, m.overrun)
		}
	}
	m.step(ended, code(0), 9*second)
	if m.state != Stopped || m.reason != "had to be killed" {
		t.Errorf("%s %q", m.state, m.reason)
	}
	m.care.KillWait = 0
	m.spawn(0)
	m.step(launched, nil, 0)
	m.step(askStopNow, nil, 0)
	if m.deadline < killAgainAfter {
		t.Errorf("KILL would be repeated after %v", m.deadline)
	}
}

// FuzzLife: whatever happens in whatever order, there are never two children, none is lost, and a deadline runs exactly in
// the states that have one.
func FuzzLife(f *testing.F) {
	f.Add([]byte{0, 6, 3, 8, 7, 1, 2, 4, 5})
	f.Add([]byte{0, 6, 8, 8, 7, 6, 1, 7, 7, 8, 3, 6, 1, 0, 8, 6})
	f.Fuzz(func(t *testing.T, events []byte) {
		m := &machine{care: DefaultCare(), rand: func() float64 { return 0.5 }}
		m.care.StartGrace = second
		m.care.MaxRestarts = 3
		var now time.Duration
		var launching, alive bool // the world: at most one of them
		history := ""
		for _, b := range events {
			e := event(b % 9)
			now += time.Duration(b) * 40 * time.Millisecond
			how := &ending{}
			switch e {
			case launched:
				if !launching {
					continue
				}
				launching, alive = false, true
			case ended:
				switch {
				case launching:
					how.launchErr, how.temporary = errors.New("x"), b > 127
				case alive:
					how = code(int(b) % 3)
					how.at = now
				default:
					continue
				}
				launching, alive = false, false
			case timeout:
				if !m.state.Armed() {
					continue
				}
				now = max(now, m.deadline)
			}
			a := m.step(e, how, now)
			history += fmt.Sprintf(" %d:%s/%d", e, m.state, a)
			switch a {
			case spawn:
				if launching || alive || m.sealed {
					t.Fatalf("a second child, or one after the end:%s", history)
				}
				launching = true
			case abandon:
				if !launching || m.state != Stopping {
					t.Fatalf("no launch that nobody wants was given up:%s", history)
				}
			case signalStop, signalKill:
				if !alive {
					t.Fatalf("a signal to nobody:%s", history)
				}
			}
			if m.state.HasChild() != (launching || alive) {
				t.Fatalf("%s, but a child exists: %v:%s", m.state, alive || launching, history)
			}
			if m.launching != launching {
				t.Fatalf("launching is %v, want %v:%s", m.launching, launching, history)
			}
			if m.state.Armed() && m.deadline < now && e != timeout {
				// A deadline in the past is only ever one that has not been delivered yet.
				continue
			}
			if (e == timeout || a != none) && m.state.Armed() && m.deadline < now {
				t.Fatalf("armed in the past:%s", history)
			}
			if m.state == Backoff && (!m.want || m.sealed) || m.state == Exited && m.want || m.state == Stopped && m.want {
				t.Fatalf("%s with want=%v sealed=%v:%s", m.state, m.want, m.sealed, history)
			}
			if len(m.tries) > m.care.MaxRestarts {
				t.Fatalf("%d tries remembered:%s", len(m.tries), history)
			}
		}
	})
}

// Who is in a hurry twice does not make KILL's patience shorter: what it did not end yet is not called unkillable for that.
func TestASecondHurryKillsOnce(t *testing.T) {
	m := &machine{care: DefaultCare()}
	m.step(askStart, nil, 0)
	m.step(launched, nil, 0)
	if a := m.step(askStopNow, nil, second); a != signalKill {
		t.Fatalf("act %d, want KILL", a)
	}
	due := m.deadline
	if a := m.step(askStopNow, nil, 2*second); a != none || m.overrun || m.deadline != due {
		t.Errorf("act %d, overrun %v, deadline %v, want it to wait until %v", a, m.overrun, m.deadline, due)
	}
}

// A life is as long as its leader's: what the rest of its tree takes to go makes no crash a steady run.
func TestALifeIsAsLongAsItsLeaders(t *testing.T) {
	for at, want := range map[time.Duration]int{9 * second: 4, 10 * second: 1} {
		m := &machine{care: DefaultCare(), failures: 3}
		m.state, m.launching = Starting, true
		m.step(launched, nil, 0)
		m.step(ended, &ending{exit: child.Exit{Code: 1}, at: at}, 60*second)
		if m.state != Backoff || m.failures != want {
			t.Errorf("a leader of %v: %s after %d failures, want %d", at, m.state, m.failures, want)
		}
	}
}

// The mark that the next exit counts as expected is for the life that was marked, however that ends.
func TestAMarkIsForOneLife(t *testing.T) {
	m := at(Running)
	m.omit = true
	m.step(askRestart, nil, second)
	if a := m.step(ended, code(1), second); a != spawn {
		t.Fatalf("act %d, want a new life", a)
	}
	m.step(launched, nil, second)
	if m.step(ended, code(1), 2*second); m.state != Backoff {
		t.Errorf("the unexpected exit of the next life: %s", m.state)
	}
}

// New rules shorten a wait under way, and only that which they are about.
func TestNewRulesShortenTheWaitUnderWay(t *testing.T) {
	shorter := DefaultCare()
	shorter.RestartDelayMax, shorter.StartGrace, shorter.StopWait = second, second, second
	for _, c := range []struct {
		from  State
		tweak func(*machine)
		want  time.Duration
	}{
		{Backoff, nil, 3 * second},
		{Starting, nil, 3 * second},
		{Stopping, nil, 3 * second},
		{Starting, func(m *machine) { m.launching = true }, 7 * second}, // exec's own patience
		{Starting, func(m *machine) { m.beheaded = true }, 7 * second},  // no start: what is waited for is the end of the rest
	} {
		m := at(c.from)
		if c.tweak != nil {
			c.tweak(m)
		}
		if m.adopt(shorter, 2*second); m.deadline != c.want {
			t.Errorf("%s: deadline %v, want %v", c.from, m.deadline, c.want)
		}
	}
}

// A restart as long ago as the window is wide does not count any more.
func TestTheWindowIsOpenAtItsEnd(t *testing.T) {
	m := &machine{care: DefaultCare()}
	m.care.MaxRestarts, m.care.RestartWindow = 1, 10*second
	for at, may := range map[time.Duration]bool{9 * second: false, 10 * second: true} {
		m.tries = []time.Duration{0}
		if m.mayTry(at) != may {
			t.Errorf("after %v it may be tried again: %v, want %v", at, !may, may)
		}
	}
}
