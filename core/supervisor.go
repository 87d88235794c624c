package core

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/logs"
	"github.com/qjpcpu/supervisord/core/spelling"
)

// Options is what a Supervisor is made of. Starter is required.
type Options struct {
	Starter     child.Starter
	Logs        *logs.Set      // nil: no output is captured, every process gets /dev/null
	BaseEnv     []string       // the daemon's environment, "K=V"; its private variables are taken out here
	Address     string         // value of SUPERVISOR_ADDRESS, "" = not set
	JournalSize int            // events kept, 0 = 4096
	Rand        func() float64 // 0 <= x < 1, for the jitter; nil = a random one. Must be safe for concurrent use
}

// defaultJournal is how many events are kept unless told otherwise: some hours of a lively daemon, some hundred KiB.
const defaultJournal = 4096

// Supervisor is a registry of processes and the operations on them. All methods may be called from anywhere at any time.
// A context ends the waiting of its caller and never an operation under way.
type Supervisor struct {
	host *host
	logs *logs.Set

	slot     chan struct{} // held by the one changer at a time
	changing atomic.Int32  // operations at work
	closing  atomic.Bool

	mu    sync.Mutex // guards the registry, never held while waiting
	order []*process // configuration order
	names map[string]*process
}

// New makes a Supervisor without processes. It starts no goroutine.
func New(o Options) *Supervisor {
	size := o.JournalSize
	if size == 0 {
		size = defaultJournal
	}
	random := o.Rand
	if random == nil {
		random = rand.Float64
	}
	env := inheritable(o.BaseEnv)
	if o.Address != "" {
		env = append(env, AddressKey+"="+o.Address)
	}
	return &Supervisor{
		host:  &host{starter: o.Starter, env: env, rand: random, clock: newClock(), journal: NewJournal(size)},
		logs:  o.Logs,
		slot:  make(chan struct{}, 1),
		names: map[string]*process{},
	}
}

// Journal is where everything that happens is written.
func (s *Supervisor) Journal() *Journal { return s.host.journal }

// processes is the registry as it is now.
func (s *Supervisor) processes() []*process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.order)
}

func (s *Supervisor) process(name string) (*process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.names[name]; p != nil {
		return p, nil
	}
	names := make([]string, len(s.order))
	for i, p := range s.order {
		names[i] = p.name
	}
	return nil, &NotFoundError{Name: name, Near: spelling.Nearest(name, names)}
}

// pick finds the processes that patterns mean, in configuration order; none means all.
func (s *Supervisor) pick(verb string, patterns []string) ([]*process, error) {
	all := s.processes()
	if len(patterns) == 0 {
		return all, nil
	}
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.name
	}
	picked, err := match(names, patterns)
	if err != nil {
		return nil, fmt.Errorf("cannot %s %w", verb, err)
	}
	out := make([]*process, 0, len(picked))
	for _, p := range all {
		if len(out) < len(picked) && picked[len(out)] == p.name {
			out = append(out, p)
		}
	}
	return out, nil
}

// Select turns names and globs into names, in configuration order and each once; none means all. What matches nothing is
// ErrNotFound with the nearest name.
func (s *Supervisor) Select(patterns ...string) ([]string, error) {
	picked, err := s.pick("find", patterns)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(picked))
	for i, p := range picked {
		names[i] = p.name
	}
	return names, nil
}

// Status returns the last published snapshots, in configuration order. It never waits.
func (s *Supervisor) Status(names ...string) ([]Status, error) {
	picked, err := s.pick("show", names)
	if err != nil {
		return nil, err
	}
	out := make([]Status, len(picked))
	for i, p := range picked {
		out[i] = *p.shown.Load()
		p.out.health(&out[i])
	}
	return out, nil
}

// Specs are what the processes are meant to be, in configuration order.
func (s *Supervisor) Specs() []Spec {
	all := s.processes()
	out := make([]Spec, len(all))
	for i, p := range all {
		out[i] = *p.spec.Load()
	}
	return out
}

// Spec is what one process is meant to be.
func (s *Supervisor) Spec(name string) (Spec, error) {
	p, err := s.process(name)
	if err != nil {
		return Spec{}, fmt.Errorf("cannot show %w", err)
	}
	return *p.spec.Load(), nil
}

// Env is the environment that the next life of the process gets, "K=V", sorted; with secrets. What its user brings (HOME,
// USER, LOGNAME, SHELL) and the mark of its generation are added at the launch.
func (s *Supervisor) Env(name string) ([]string, error) {
	p, err := s.process(name)
	if err != nil {
		return nil, fmt.Errorf("cannot show the environment of %w", err)
	}
	return environ(s.host.env, p.spec.Load().Launch), nil
}

// Stream is the captured "stdout" or "stderr" of a process. ErrConflict when that output is discarded.
func (s *Supervisor) Stream(name, stream string) (*logs.Stream, error) {
	p, err := s.process(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read the output of %w", err)
	}
	if stream != "stdout" && stream != "stderr" {
		return nil, failf(ErrInvalid, "cannot read %s of %s: want stdout or stderr", stream, name)
	}
	out := p.out.stream(stream)
	if out == nil {
		return nil, failf(ErrConflict, "cannot read %s of %s: it is not kept", stream, name)
	}
	return out, nil
}

// changed ends what changing.Add(1) began.
func (s *Supervisor) changed() {
	if s.changing.Add(-1) == 0 {
		s.host.journal.wake() // for WaitIdle: the last event may have come before the end
	}
}

// WaitIdle returns once the Supervisor is Idle, with the number of processes that were given up, or the error of ctx.
func (s *Supervisor) WaitIdle(ctx context.Context) (fatal int, err error) {
	for {
		more := s.host.journal.Next()
		if idle, fatal := s.Idle(); idle {
			return fatal, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// Idle reports whether nothing runs, is on its way or will be tried again, and no operation is at work; and how many processes
// were given up.
func (s *Supervisor) Idle() (idle bool, fatal int) {
	idle = s.changing.Load() == 0
	for _, p := range s.processes() {
		switch st := p.shown.Load().State; {
		case !st.Settled():
			idle = false
		case st == Fatal:
			fatal++
		}
	}
	return idle, fatal
}

// Wait returns once the process is in the state, or has been since the call; or the present Status with ErrTimeout when the
// deadline of ctx passes, with the error of ctx when it is cancelled, with ErrNotFound when the process is removed.
func (s *Supervisor) Wait(ctx context.Context, name string, want State) (Status, error) {
	seen := s.host.journal.Last()
	for {
		p, err := s.process(name)
		if err != nil {
			return Status{}, fmt.Errorf("cannot wait for %w", err)
		}
		now := *p.shown.Load()
		if now.State == want {
			return now, nil
		}
		if err := s.host.journal.Wait(ctx, seen); err != nil {
			kind := err
			if errors.Is(err, context.DeadlineExceeded) {
				kind = ErrTimeout
			}
			return now, failf(kind, "cannot wait for %s to be %s: it is %s%s", name, want, now.State, because(now.Reason))
		}
		events, _ := s.host.journal.Since(seen, 0)
		for _, e := range events {
			seen = e.Seq
			if e.Name == name && e.To == want && e.From != want {
				st := *p.shown.Load()
				st.State = want // it passed through; the rest is as it is now
				return st, nil
			}
		}
	}
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

// Plan is what Apply would do with these Specs. Nothing is done.
func (s *Supervisor) Plan(want []Spec) Plan { return Diff(s.Specs(), want) }
