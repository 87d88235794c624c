package lisp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
)

// Budget bounds an evaluation; 0 means unlimited. Exceeding one is an error of kind "budget" that no script can catch.
type Budget struct {
	// Steps counts calls, loop turns and work done by primitives. The call of a small function that calls nothing itself is part
	// of the turn or call in which it stands.
	Steps int64
	// Depth is how many calls may be under way, those through primitives like map included. Unlimited still means 100 000.
	Depth int
	// Bytes is the memory that may be taken over the whole evaluation.
	Bytes int64
	// Output is how many bytes may be written to Out.
	Output int64
}

// Thread is one evaluation, or several after one another that share a budget. It belongs to one goroutine at a time.
type Thread struct {
	// KindOf gives the kind of a Go error that a primitive returned; nil means "failed" for all.
	KindOf func(error) string
	// OnPanic is told of a Go panic inside a primitive, with the stack, before it becomes an error of kind "failed".
	OnPanic func(reason any, stack []byte)
	// Load gives the text that (include NAME) and (source-file NAME) mean, and its own name; from is the name of the text
	// that asks. nil: none can be included.
	Load func(name, from string) (text, path string, err error)
	// OnRest is told when nothing of the program runs because all of it waits, and OnResume, which may wait, before it goes on.
	OnRest, OnResume func()
	// Yield is called now and then while the program computes, if there is one, by whichever of its coroutines does, one at a
	// time: a place to let others go first.
	Yield func()

	fuel      int64 // steps that may be done before looking at anything else
	left      int64 // steps beyond fuel
	mem       int64 // bytes left
	depth     int32
	pulls     int // streams pulling from streams
	ctx       context.Context
	out       output
	top       *frame  // the frame that runs, as of the last call of a primitive
	stack     []Value // arguments on their way, where there are more than frames hold
	forms     []Value // room for the parts of forms that are analysed
	locals    map[any]any
	gensym    int64
	patterns  map[string]*pattern
	deep      int  // Go stack used by nested expressions, in levels
	env       *Env // where code at top level looks names up
	budget    Budget
	entered   int // calls of Eval and Call under way
	files     int // texts that are being included
	expanding int // macros that are being expanded
	tasks     *tasks
	ends      *[]func()     // what is done at the end, shared by the coroutines
	turn      chan struct{} // the coroutine's way to be told that it has the turn
	stage     stage
	spot      spot
	frames    [3]frame
}

// quantum is how many steps are done between two looks at the context.
const quantum = 4096

// most bounds one piece of memory, whatever the budget says.
const most = 1 << 31

// NewThread makes an evaluation that ends when ctx does and writes to out, which may be nil to discard.
func NewThread(ctx context.Context, out io.Writer, b Budget) *Thread {
	if out == nil {
		out = io.Discard
	}
	t := &Thread{ctx: ctx, budget: b, left: b.Steps, mem: b.Bytes, depth: 100_000}
	if b.Steps <= 0 {
		t.left = math.MaxInt64
	}
	if b.Bytes <= 0 {
		t.mem = math.MaxInt64
	}
	if b.Depth > 0 && b.Depth < int(t.depth) {
		t.depth = int32(b.Depth)
	}
	t.out = output{t: t, w: out, left: b.Output}
	if b.Output <= 0 {
		t.out.left = math.MaxInt64
	}
	t.fuel = min(quantum, t.left)
	t.left -= t.fuel
	t.begin()
	return t
}

// begin makes the first frames, which are part of the thread: a small evaluation needs no others.
func (t *Thread) begin() {
	t.top = &t.frames[0]
	for i := range t.frames {
		f := &t.frames[i]
		f.t, f.depth = t, int32(i)
		if i > 0 && f.depth <= t.depth {
			f.prev = &t.frames[i-1]
			f.prev.next = f
		}
	}
}

// Context is the context that ends the evaluation; primitives wait with it. Waiting costs no budget.
func (t *Thread) Context() context.Context { return t.ctx }

// Out is where the program prints; what is written counts against the budget.
func (t *Thread) Out() io.Writer { return &t.out }

// SetLocal keeps something of the embedder with the evaluation.
func (t *Thread) SetLocal(key, value any) {
	if t.locals == nil {
		t.locals = map[any]any{}
	}
	t.locals[key] = value
}

// Local gives what SetLocal kept, or nil.
func (t *Thread) Local(key any) any { return t.locals[key] }

// Charge takes steps from the budget for work that a primitive is going to do. It fails when none are left or the
// context has ended.
func (t *Thread) Charge(steps int64) (err error) {
	defer t.recovered(&err, t.top)
	t.charge(steps)
	return nil
}

// Alloc takes bytes from the budget for memory that a primitive is going to use.
func (t *Thread) Alloc(bytes int64) (err error) {
	defer t.recovered(&err, t.top)
	t.alloc(bytes)
	return nil
}

// Steps are those done so far.
func (t *Thread) Steps() int64 {
	if t.budget.Steps <= 0 {
		return math.MaxInt64 - t.left - t.fuel
	}
	return t.budget.Steps - t.left - t.fuel
}

// Bytes is the memory taken so far.
func (t *Thread) Bytes() int64 {
	if t.budget.Bytes <= 0 {
		return math.MaxInt64 - t.mem
	}
	return t.budget.Bytes - t.mem
}

// Copy is v with its arrays, hashes and records copied at every level: what belongs to nobody else. It fails for one that contains itself.
func (t *Thread) Copy(v Value) (out Value, err error) {
	defer t.recovered(&err, t.top)
	return t.copy(v, 0), nil
}

type output struct {
	t    *Thread
	w    io.Writer
	left int64
}

func (o *output) Write(p []byte) (int, error) {
	if int64(len(p)) > o.left {
		n, _ := o.w.Write(p[:o.left])
		o.left = 0
		return n, &Error{Kind: "budget", Msg: fmt.Sprintf("budget exceeded: output of more than %d bytes", o.t.budget.Output), Value: Nil, hard: true}
	}
	o.left -= int64(len(p))
	return o.w.Write(p)
}

// write prints on behalf of the program.
func (t *Thread) write(s string) {
	t.charge(1)
	t.inPieces(len(s), func(from, to int) {
		if _, err := io.WriteString(&t.out, s[from:to]); err != nil {
			var e *Error
			if errors.As(err, &e) {
				t.throw(e)
			}
			t.cancelled()
			t.throw(Errorf("failed", "cannot print: %w", err))
		}
	})
}

// charge takes steps.
func (t *Thread) charge(n int64) {
	if !counted {
		return
	}
	if t.fuel -= n; t.fuel < 0 {
		t.refuel()
	}
}

// chargeCall is charge where a function of the program is about to be called, which is where coroutines take turns.
func (t *Thread) chargeCall(n int64) {
	if !counted {
		return
	}
	if t.fuel -= n; t.fuel < 0 {
		t.refuelCall()
	}
}

// refuel looks at what is rare: the context and the total.
func (t *Thread) refuel() {
	t.cancelled()
	if t.Yield != nil {
		t.Yield()
	}
	need := -t.fuel
	if need > t.left {
		t.fuel, t.left = -1, 0
		t.failHard("budget", "budget exceeded: more than %d steps", t.budget.Steps)
	}
	t.left -= need
	t.fuel = min(quantum, t.left)
	if t.tasks != nil && t.tasks.pressed() {
		t.fuel = 0 // so that the next call of a function, where the turn can be given away, asks again
	}
	t.left -= t.fuel
}

// refuelCall is refuel for [Thread.chargeCall].
func (t *Thread) refuelCall() {
	t.refuel()
	if t.tasks != nil {
		t.share()
	}
}

// cancelled fails when the context has ended.
func (t *Thread) cancelled() {
	err := t.ctx.Err()
	if err == nil {
		return
	}
	kind, msg := "cancelled", "the evaluation was cancelled"
	if errors.Is(err, context.DeadlineExceeded) {
		kind, msg = "timeout", "the evaluation took too long"
	}
	e := &Error{Kind: kind, Msg: msg, Value: Nil, cause: context.Cause(t.ctx), hard: true}
	t.throw(e)
}

// alloc takes bytes, before they are taken from Go.
func (t *Thread) alloc(n int64) {
	if !counted {
		return
	}
	if t.mem -= n; t.mem < 0 || n > 4096 {
		t.allocBig(n)
	}
}

func (t *Thread) allocBig(n int64) {
	if t.mem < 0 && t.budget.Bytes > 0 || n > most || n < 0 {
		limit := t.budget.Bytes
		if t.mem = -1; limit <= 0 {
			limit, t.mem = most, math.MaxInt64
		}
		t.failHard("budget", "budget exceeded: more than %d bytes of memory", limit)
	}
	t.charge(n >> 9)
}

// room is alloc for a number of things that may be hostile.
func (t *Thread) room(count, size int64) {
	if count > most/max(size, 1) {
		t.allocBig(most + 1)
	}
	t.alloc(count * size)
}

// fail ends the evaluation with an error, which a script may catch.
func (t *Thread) fail(kind, format string, args ...any) {
	t.throw(&Error{Kind: kind, Msg: fmt.Sprintf(format, args...), Value: Nil})
}

// failHard ends the evaluation with an error that no script can catch.
func (t *Thread) failHard(kind, format string, args ...any) {
	t.throw(&Error{Kind: kind, Msg: fmt.Sprintf(format, args...), Value: Nil, hard: true})
}

// throw gives an error its position and trace and unwinds.
func (t *Thread) throw(err error) {
	e, ok := err.(*Error)
	if !ok || e.cause != nil {
		var exit Exit
		if errors.As(err, &exit) {
			panic(exit)
		}
	}
	if !ok && !errors.As(err, &e) {
		kind := "failed"
		switch {
		case t.KindOf != nil:
			kind = t.KindOf(err)
		case errors.Is(err, context.DeadlineExceeded):
			kind = "timeout"
		case errors.Is(err, context.Canceled):
			kind = "cancelled"
		}
		e = &Error{Kind: kind, Msg: err.Error(), Value: Nil, cause: err}
	}
	if t.ctx.Err() != nil {
		if ok && e.cause == nil && !e.hard {
			t.cancelled() // which it was, whatever failed just then
		}
		e.hard = true
	}
	if e.Msg == "" {
		e.Msg = "an error of kind " + e.Kind
	}
	t.trace(e)
	panic(e)
}

// recovered turns a panic of the evaluator into an error and puts the thread in order; deferred.
func (t *Thread) recovered(err *error, top *frame) {
	r := recover()
	if r == nil {
		return
	}
	*err = settled(t.asError(r))
	t.top = top
}

// asError gives the error that a panic carried.
func (t *Thread) asError(r any) error {
	switch r := r.(type) {
	case *Error:
		return r
	case Exit:
		return r
	}
	if t.OnPanic != nil {
		buf := make([]byte, 64<<10)
		t.OnPanic(r, buf[:runtime.Stack(buf, false)])
	}
	e := &Error{Kind: "failed", Msg: fmt.Sprintf("internal error: %v", r), Value: Nil}
	t.trace(e)
	return e
}

// settled puts the trace of an error that leaves the evaluation into words.
func settled(err error) error {
	if e, ok := err.(*Error); ok {
		e.settle()
	}
	return err
}

// saved is where a thread stood before something that may fail.
type saved struct {
	top                *frame
	stack, deep, pulls int
	files, expanding   int
	env                *Env
}

func (t *Thread) save() saved {
	return saved{t.top, len(t.stack), t.deep, t.pulls, t.files, t.expanding, t.env}
}

func (t *Thread) restore(s saved) {
	t.top, t.stack, t.deep, t.pulls, t.env = s.top, t.stack[:min(s.stack, len(t.stack))], s.deep, s.pulls, s.env
	t.files, t.expanding = s.files, s.expanding
}

// Call calls a function value with arguments, as a primitive does with a callback. The error is an *Error or an [Exit].
func (t *Thread) Call(fn Value, args ...Value) (v Value, err error) {
	defer t.finish(t.save(), &v, &err)
	t.entered++
	return t.apply(fn, args), nil
}

// Eval reads src, which is called name in messages, and evaluates it form by form; the last value is the result. All of
// it is read before anything runs. The error is an *Error or an [Exit].
func (t *Thread) Eval(env *Env, name, src string) (v Value, err error) {
	defer t.finish(t.save(), &v, &err)
	t.entered++
	return t.eval(env, name, src), nil
}

// AtEnd has f called when the evaluation ends, however it does: when the outermost Eval or Call returns.
func (t *Thread) AtEnd(f func()) {
	if t.ends == nil {
		t.ends = &[]func(){}
	}
	*t.ends = append(*t.ends, f)
}

// finish is deferred by Call and Eval, and makes a thrown error their result. With the outermost one the evaluation ends, and its
// coroutines with it.
func (t *Thread) finish(saved saved, v *Value, err *error) {
	if r := recover(); r != nil {
		*v, *err = Nil, settled(t.asError(r))
		t.restore(saved)
	}
	if t.entered--; t.entered > 0 {
		return
	}
	if t.ends != nil {
		defer func() {
			for _, f := range *t.ends {
				f()
			}
			t.ends = nil
		}()
	}
	if lost := t.endTasks(); lost != nil && *err == nil {
		*v, *err = Nil, lost
	}
}
