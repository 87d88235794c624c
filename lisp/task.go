package lisp

import (
	"context"
	"errors"
	"sync"
)

// The bounds of coroutines: how many may live at once, and how deep the calls of each may be nested, so that all their Go
// stacks together stay about as small as that of the program itself.
const (
	mostTasks = 256
	taskDepth = 2000
	taskBytes = 16 << 10
)

// tasks are the coroutines of one evaluation. Each has a goroutine and a Thread of its own, but only the one that has the
// turn runs code of the program or touches a value: a program cannot race with itself, and the budget is simply handed on
// with the turn. The turn changes hands where a coroutine waits, and at calls when its quantum of steps is over.
type tasks struct {
	main   *Thread
	ctx    context.Context // of the coroutines: it ends with the program
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu      sync.Mutex
	running bool      // somebody has the turn
	ready   []*Thread // those that want it, in order
	away    int       // those that wait for something outside of the program
	live    int

	// What follows belongs to who has the turn.
	left, mem, gensym, printable int64
	lost                         []*Coroutine // failed, and nobody has received their error yet
	fatal                        error        // what ends all of the program
}

// stage says what a Thread does, as seen by the others. Guarded by tasks.mu.
type stage uint8

const (
	stageRuns stage = iota // or is ready to
	stageParked
	stageStuck // was woken because all were parked
)

// group makes the tasks of an evaluation when it needs them.
func (t *Thread) group() *tasks {
	if t.tasks == nil {
		g := &tasks{main: t, running: true}
		g.ctx, g.cancel = context.WithCancel(t.ctx)
		t.tasks, t.turn = g, make(chan struct{}, 1)
		if t.locals == nil {
			t.locals = map[any]any{}
		}
		if t.ends == nil {
			t.ends = &[]func(){}
		}
		if t.patterns == nil {
			t.patterns = map[string]*pattern{}
		}
	}
	return t.tasks
}

// Coroutine is what (go ...) gives: it runs beside the program, and can be received from, which waits for its value.
type Coroutine struct {
	out    Channel // closed when it has ended
	value  Value
	err    error
	missed bool // its error is among the lost ones
}

// Type is "coroutine".
func (*Coroutine) Type() string { return "coroutine" }

// String is "[coroutine]".
func (*Coroutine) String() string { return "[coroutine]" }

// spawn starts a coroutine that calls f.
func (t *Thread) spawn(f Value) Value {
	g := t.group()
	g.mu.Lock()
	live := g.live
	g.mu.Unlock()
	if live >= mostTasks {
		t.fail("value", "cannot go: %d coroutines are running; receive from some, or let them end, before starting more", live)
	}
	t.alloc(taskBytes)
	t.charge(100)
	co := &Coroutine{value: Nil}
	n := &Thread{KindOf: t.KindOf, OnPanic: t.OnPanic, OnRest: t.OnRest, OnResume: t.OnResume, Yield: t.Yield, ctx: g.ctx, budget: t.budget,
		depth: min(t.depth, taskDepth), locals: t.locals, patterns: t.patterns, env: t.env, Load: t.Load, ends: t.ends, entered: 1, expanding: t.expanding,
		tasks: g, turn: make(chan struct{}, 1), deep: maxStack - maxStack/mostTasks}
	n.out = output{t: n, w: t.out.w}
	n.begin()
	g.mu.Lock()
	g.live++
	g.ready = append(g.ready, n)
	g.mu.Unlock()
	g.done.Add(1)
	go g.run(n, co, f)
	return Host(co)
}

// run is the goroutine of a coroutine.
func (g *tasks) run(t *Thread, co *Coroutine, f Value) {
	defer g.done.Done()
	<-t.turn
	t.carry()
	if co.err = g.ctx.Err(); co.err == nil {
		co.value, co.err = t.Call(f)
	}
	err := co.err
	var e *Error
	switch {
	case err == nil:
	case g.ctx.Err() != nil: // it was ended, it did not fail
	case !errors.As(err, &e) || e.hard:
		g.stop(err)
	default:
		co.missed = true
		g.lost = append(g.lost, co)
	}
	co.out.shut(g)
	t.handBack()
	g.mu.Lock()
	g.live--
	g.mu.Unlock()
	g.pass()
}

// stop ends the whole program with an error that nobody can catch.
func (g *tasks) stop(err error) {
	if g.fatal == nil {
		g.fatal = err
	}
	g.wake(g.main)
}

// carry takes over the budget with the turn.
func (t *Thread) carry() {
	g := t.tasks
	t.left, t.mem, t.gensym, t.out.left = g.left, g.mem, g.gensym, g.printable
	t.fuel = min(quantum, t.left)
	t.left -= t.fuel
}

// handBack gives the budget back, before the turn.
func (t *Thread) handBack() {
	g := t.tasks
	g.left, g.mem, g.gensym, g.printable = t.left+t.fuel, t.mem, t.gensym, t.out.left
	t.left, t.fuel = 0, 0
}

// pass gives the turn to who is next. When nobody is and nobody will be, the program is told so.
func (g *tasks) pass() {
	g.mu.Lock()
	if len(g.ready) == 0 && g.away == 0 && g.main.stage == stageParked {
		g.main.stage = stageStuck
		g.ready = append(g.ready, g.main)
	}
	var next *Thread
	if len(g.ready) > 0 {
		next = g.ready[0]
		g.ready = append(g.ready[:0], g.ready[1:]...)
	} else {
		g.running = false
	}
	if !g.running && g.main.OnRest != nil {
		g.main.OnRest()
	}
	g.mu.Unlock()
	if next != nil {
		next.turn <- struct{}{}
	}
}

// take waits for the turn. The thread must not be parked.
func (g *tasks) take(t *Thread) {
	g.mu.Lock()
	free := !g.running
	if free {
		g.running = true
	} else {
		g.ready = append(g.ready, t)
	}
	g.mu.Unlock()
	if !free {
		<-t.turn
		return
	}
	if g.main.OnResume != nil {
		g.main.OnResume()
	}
}

// wake makes a parked thread ready. The caller has the turn.
func (g *tasks) wake(t *Thread) {
	g.mu.Lock()
	if t.stage == stageParked {
		t.stage = stageRuns
		g.ready = append(g.ready, t)
	}
	g.mu.Unlock()
}

// share lets others run when they want to: the quantum of the one that calls is over.
func (t *Thread) share() {
	g := t.tasks
	g.mu.Lock()
	waiting := len(g.ready) > 0
	if waiting {
		g.ready = append(g.ready, t)
	}
	g.mu.Unlock()
	if !waiting {
		return
	}
	t.handBack()
	g.pass()
	<-t.turn
	t.carry()
	t.fatal()
}

// pressed says whether another coroutine wants the turn.
func (g *tasks) pressed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.ready) > 0
}

// fatal ends the program when one of its coroutines did something that ends all of it.
func (t *Thread) fatal() {
	if g := t.tasks; g.fatal != nil && t == g.main {
		err := g.fatal
		g.fatal = nil
		panic(err)
	}
}

// park waits until another coroutine wakes this one, and fails when that cannot happen any more.
func (t *Thread) park(what string) {
	g := t.group()
	t.cancelled()
	t.handBack()
	g.mu.Lock()
	t.stage = stageParked
	g.mu.Unlock()
	g.pass()
	select {
	case <-t.turn:
	case <-t.ctx.Done():
		g.mu.Lock()
		parked := t.stage == stageParked
		t.stage = stageRuns
		g.mu.Unlock()
		if parked {
			g.take(t)
		} else {
			<-t.turn // it was woken at the same time
		}
	}
	t.carry()
	t.fatal()
	t.cancelled()
	g.mu.Lock()
	stuck := t.stage == stageStuck
	t.stage = stageRuns
	g.mu.Unlock()
	if !stuck {
		return
	}
	if len(g.lost) > 0 { // that is why nobody comes
		g.lost[0].rethrow(t)
	}
	t.fail("deadlock", "cannot %s: every coroutine of the program waits, and nothing is left that could wake one", what)
}

// rethrow fails with the error of a coroutine.
func (co *Coroutine) rethrow(t *Thread) {
	if co.missed {
		co.missed = false
		lost := t.tasks.lost
		for i, other := range lost {
			if other == co {
				t.tasks.lost = append(lost[:i], lost[i+1:]...)
				break
			}
		}
	}
	var e *Error
	if !errors.As(co.err, &e) {
		t.cancelled()
		t.fail("cancelled", "cannot receive from a coroutine that was ended")
	}
	again := *e
	panic(&again)
}

// Wait runs f, which waits for something outside of the program, and lets other coroutines of it run meanwhile. f must
// not touch the thread or a value that the program can reach; what it needs of them is looked up before.
func (t *Thread) Wait(f func()) {
	g := t.tasks
	if g == nil {
		if t.OnRest != nil {
			t.OnRest()
		}
		if t.OnResume != nil {
			defer t.OnResume()
		}
		f()
		return
	}
	t.leave()
	defer func() {
		t.back()
		t.fatal()
	}()
	f()
}

// Resume runs f inside of what [Thread.Wait] runs, as if the waiting were interrupted: f may use the thread.
func (t *Thread) Resume(f func()) {
	if t.tasks == nil {
		f()
		return
	}
	t.back()
	defer t.leave()
	f()
}

// leave gives the turn away in order to wait for something outside of the program; back takes it again.
func (t *Thread) leave() {
	g := t.tasks
	t.handBack()
	g.mu.Lock()
	g.away++
	g.mu.Unlock()
	g.pass()
}

func (t *Thread) back() {
	g := t.tasks
	g.take(t)
	g.mu.Lock()
	g.away--
	g.mu.Unlock()
	t.carry()
}

// endTasks ends the coroutines that still run when the program has ended, and waits until nothing is left of them. An error that
// nobody has received becomes that of the program.
func (t *Thread) endTasks() error {
	g := t.tasks
	if g == nil {
		return nil
	}
	g.cancel()
	g.mu.Lock()
	live := g.live
	g.mu.Unlock()
	if live > 0 {
		t.handBack()
		g.pass()
		g.done.Wait()
		g.take(t)
		t.carry()
	}
	g.done.Wait()
	t.tasks, t.turn = nil, nil
	if g.fatal != nil {
		return g.fatal
	}
	if len(g.lost) > 0 {
		return g.lost[0].err
	}
	return nil
}
