package core

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/qjpcpu/supervisord/core/child"
)

// behaviour is what a fake program does.
type behaviour struct {
	exitAfter time.Duration // 0: it lives until it is stopped
	code      int
	stubborn  bool          // the stop signal does not impress it
	stopTakes time.Duration // how long after the stop signal it ends
	lingers   time.Duration // how long its tree outlives the leader
	undead    bool          // KILL does not reach it, until it is laid to rest
	err       error         // it cannot be launched
	temporary bool          // of err
	execTakes time.Duration // before exec returns
	hang      chan struct{} // exec does not return before this is closed
	leaves    int           // so many processes are ended with its leader
	halted    bool          // it was stopped before its exec: that only ends when it is given up
}

// world is a fake Starter. It fails the test when a program lives twice at the same time.
type world struct {
	t        *testing.T
	mu       sync.Mutex
	programs map[string]behaviour
	living   map[string]*fakeChild
	started  map[string]int
	at       map[string][]time.Duration // when it was started, since epoch
	order    []string                   // names in the order of starts and ends: "+web", "-web"
	commands map[string]child.Command
	pids     int
	epoch    time.Time
}

func newWorld(t *testing.T) *world {
	return &world{t: t, programs: map[string]behaviour{}, living: map[string]*fakeChild{}, started: map[string]int{},
		at: map[string][]time.Duration{}, commands: map[string]child.Command{}, epoch: time.Now()}
}

func (w *world) program(name string, b behaviour) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.programs[name] = b
}

func (w *world) child(name string) *fakeChild {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.living[name]
}

func (w *world) count(name string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.started[name]
}

func (w *world) alive() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.living)
}

func (w *world) total() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, k := range w.started {
		n += k
	}
	return n
}

func (w *world) times(name string) []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]time.Duration(nil), w.at[name]...)
}

func (w *world) Start(c child.Command) (child.Child, error) {
	w.mu.Lock()
	b := w.programs[c.Name]
	w.started[c.Name]++
	w.at[c.Name] = append(w.at[c.Name], time.Since(w.epoch))
	w.commands[c.Name] = c
	w.mu.Unlock()
	if b.execTakes > 0 {
		pass(b.execTakes)
	}
	if b.hang != nil {
		<-b.hang
	}
	if b.halted {
		<-c.GiveUp
	}
	if b.err != nil {
		return nil, &child.LaunchError{Step: "exec", Path: c.Path, Err: b.err, Temporary: b.temporary}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.living[c.Name] != nil {
		w.t.Errorf("%s lives twice", c.Name)
	}
	w.pids++
	f := &fakeChild{w: w, name: c.Name, b: b, pid: w.pids, exited: make(chan child.Exit, 1), gone: make(chan struct{})}
	w.living[c.Name] = f
	w.order = append(w.order, "+"+c.Name)
	if b.halted {
		time.AfterFunc(0, f.rest) // which needs the lock
	}
	if b.exitAfter > 0 {
		time.AfterFunc(b.exitAfter, func() { f.end(child.Exit{Code: b.code}) })
	}
	return f, nil
}

type fakeChild struct {
	w      *world
	name   string
	b      behaviour
	pid    int
	exited chan child.Exit
	gone   chan struct{}

	mu    sync.Mutex
	over  bool // the leader has ended
	done  bool // and its tree
	kills int
	sigs  []int
}

func (f *fakeChild) end(x child.Exit) {
	f.mu.Lock()
	if f.over {
		f.mu.Unlock()
		return
	}
	f.over = true
	f.mu.Unlock()
	if f.b.lingers == 0 {
		f.vanish()
	} else {
		time.AfterFunc(f.b.lingers, f.vanish)
	}
	f.exited <- x
}

func (f *fakeChild) vanish() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done {
		return
	}
	f.done = true
	f.w.mu.Lock()
	delete(f.w.living, f.name)
	f.w.order = append(f.w.order, "-"+f.name)
	f.w.mu.Unlock()
	close(f.gone)
}

func (f *fakeChild) killed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.kills
}

// rest ends what KILL could not.
func (f *fakeChild) rest() { f.end(child.Exit{Code: -1, Signal: 9}) }

func (f *fakeChild) PID() int                  { return f.pid }
func (f *fakeChild) Stdout() *os.File          { return nil }
func (f *fakeChild) Stderr() *os.File          { return nil }
func (f *fakeChild) Exited() <-chan child.Exit { return f.exited }
func (f *fakeChild) Gone() <-chan struct{}     { return f.gone }

func (f *fakeChild) Signal(sig int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return os.ErrProcessDone
	}
	f.sigs = append(f.sigs, sig)
	return nil
}

func (f *fakeChild) Stop(sig int) error {
	if err := f.Signal(sig); err != nil {
		return err
	}
	switch {
	case f.b.stubborn:
	case f.b.stopTakes > 0:
		time.AfterFunc(f.b.stopTakes, func() { f.end(child.Exit{Code: -1, Signal: sig}) })
	default:
		f.end(child.Exit{Code: -1, Signal: sig})
	}
	return nil
}

func (f *fakeChild) Kill() error {
	f.mu.Lock()
	f.kills++
	f.mu.Unlock()
	if !f.b.undead {
		f.end(child.Exit{Code: -1, Signal: 9})
		f.vanish()
	}
	return nil
}

func (f *fakeChild) Rest() int           { return f.b.leaves }
func (f *fakeChild) Left() (int, string) { return 1, "1 left, state D in nfs_wait" }

var _ child.Child = (*fakeChild)(nil)

// pass lets virtual time go by.
func pass(d time.Duration) { <-time.After(d) }

var errMissing = errors.New("no such file or directory")

// spec is a process of the fake world, changed by the tweaks.
func spec(name string, tweaks ...func(*Spec)) Spec {
	s := Spec{Name: name, Launch: Launch{Command: "/bin/" + name}, Care: DefaultCare()}
	for _, tweak := range tweaks {
		tweak(&s)
	}
	return s
}

// boot makes a supervisor of these processes in this world and ends it with the test.
func boot(t *testing.T, w *world, specs ...Spec) *Supervisor {
	t.Helper()
	s := New(Options{Starter: w, Rand: func() float64 { return 0.5 }, JournalSize: 100000})
	t.Cleanup(func() { end(t, s, w) })
	if _, err := s.Apply(t.Context(), specs); err != nil {
		t.Fatal(err)
	}
	return s
}

// end closes the supervisor, by force, and checks that nothing is left.
func end(t *testing.T, s *Supervisor, w *world) {
	t.Helper()
	if _, err := s.Close(context.Background(), true); err != nil {
		t.Error(err)
	}
	if n := w.alive(); n != 0 {
		t.Errorf("%d children are left", n)
	}
}

func state(t *testing.T, s *Supervisor, name string) Status {
	t.Helper()
	st, err := s.Status(name)
	if err != nil {
		t.Fatal(err)
	}
	return st[0]
}

// anywhere is an absolute folder of this system: "/", or the root of a drive.
var anywhere = func() string {
	root, err := filepath.Abs(string(filepath.Separator))
	if err != nil {
		panic(err)
	}
	return root
}()
