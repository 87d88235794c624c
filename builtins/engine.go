package builtins

import (
	"context"
	"errors"
	"io"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/qjpcpu/supervisord/lisp"
)

// EngineOptions are what an Engine is made of.
type EngineOptions struct {
	Host   *Host // required
	Policy Policy
	Audit  io.Writer                        // gets whole lines, one Write each; nil: no audit
	Log    func(format string, args ...any) // the daemon's log; nil discards
}

// Engine evaluates jobs against a Host.
type Engine struct {
	host       *Host
	verbs      map[string]Verb
	restricted atomic.Bool
	base       *lisp.Env
	sessions   *sessions
	gate       *gate
	audit      *auditor
	log        func(format string, args ...any)
}

// Job is a text and who sent it.
type Job struct {
	Form     string   // the text of a program, or of plain calls
	Name     string   // what errors and the log call it; "" for one that was typed
	Session  string   // definitions live in the session of this name; "" is a scope of its own
	Argv     []string // ARGV
	Stdin    string   // what was piped to the caller
	Who      string   // for causes and the audit log: "uid 1000 pid 77"
	Streamed bool     // the output has no bound: it goes on as it is read
}

// Result is what came of a Job. With Err set there is no value; an *lisp.Error may hold one nevertheless.
type Result struct {
	Value lisp.Value
	Exit  int   // the code of (exit N)
	Err   error // its kind is KindOf
}

// errPanic is what the caller learns of a fault of ours; the stack is in the daemon's log.
var errPanic = errors.New("internal error")

// The budgets of a program.
const (
	mostSteps = 1_000_000_000
	mostDepth = 20_000
	mostBytes = 256 << 20
)

// NewEngine makes an Engine. It starts no goroutine and keeps nothing open.
func NewEngine(o EngineOptions) *Engine {
	log := o.Log
	if log == nil {
		log = func(string, ...any) {}
	}
	e := &Engine{host: o.Host, verbs: map[string]Verb{}, gate: newGate(), audit: &auditor{out: o.Audit, log: log}, log: log}
	e.restricted.Store(o.Policy.DisableRCE)
	prims := make([]lisp.Prim, 0, len(e.verbs))
	for _, verb := range Verbs() {
		e.verbs[verb.Name] = verb
		prims = append(prims, primitive(verb))
	}
	e.base = lisp.NewBase(prims)
	e.sessions = newSessions(e.base)
	return e
}

// primitive is a verb as the language calls it. The verb checks its arguments itself, so that both ways say the same.
func primitive(verb Verb) lisp.Prim {
	return lisp.Prim{Name: verb.Name, Params: "args...", Doc: verb.Doc, Example: verb.Example,
		Fn: func(t *lisp.Thread, args []lisp.Value) (lisp.Value, error) {
			ev := evaluationOf(t)
			if ev == nil {
				return lisp.Nil, lisp.Errorf(kindFailed, "cannot call %s: no daemon", verb.Name)
			}
			return ev.call(t, verb, args)
		}}
}

// SetPolicy tightens the policy; what was switched on stays on. Programs under way go on to their end.
func (e *Engine) SetPolicy(p Policy) {
	if p.DisableRCE {
		e.restricted.Store(true)
	}
}

// Policy is what holds now.
func (e *Engine) Policy() Policy { return Policy{DisableRCE: e.restricted.Load()} }

// Eval evaluates one job. What the job prints goes to out. ctx ends the evaluation and its waiting, never an operation
// under way. It never panics.
func (e *Engine) Eval(ctx context.Context, job Job, out io.Writer) (result Result) {
	name := job.Name
	if name == "" {
		name = "form"
	}
	if len(name) > longestProgName {
		return failed(lisp.Errorf(kindInvalid, "cannot evaluate: the name has %d bytes, at most %d are allowed", len(name), longestProgName))
	}
	ev := &evaluation{engine: e, job: job, out: newOutput(out, job.Streamed, oneLine(name), e.log)}
	defer func() {
		if fault := recover(); fault != nil {
			e.log("internal error: %v\n%s", fault, debug.Stack())
			result = failed(lisp.Errorf(kindFailed, "%w", errPanic))
		}
	}()
	defer ev.out.flush()
	policy := e.Policy()
	calls, notPlain := Recognise(job.Form)
	if notPlain == nil {
		if err := policy.check(e.verbs, calls); err != nil {
			return ev.refused(err)
		}
		if policy.DisableRCE || e.allVerbs(job.Session, calls) {
			return ev.callAll(ctx, calls)
		}
	} else if policy.DisableRCE {
		return ev.refused(policy.refuse(e.verbs, job.Form, notPlain))
	}
	return ev.run(ctx)
}

// allVerbs tells whether every head is a verb and none of them means something else in the job's session.
func (e *Engine) allVerbs(session string, calls []Call) bool {
	for _, call := range calls {
		if _, known := e.verbs[call.Head]; !known || e.sessions.shadows(session, call.Head) {
			return false
		}
	}
	return true
}

// callAll makes plain calls, one after the other; the first that fails is the end. The value is that of the last.
func (ev *evaluation) callAll(ctx context.Context, calls []Call) Result {
	value := lisp.Nil
	for _, call := range calls {
		t := ev.thread(ctx, lisp.Budget{})
		var err error
		if value, err = ev.call(t, ev.engine.verbs[call.Head], call.Args); err != nil {
			return failed(placed(err, call.Pos, ev.job.Name))
		}
	}
	return Result{Value: value}
}

// placed gives an error its kind, and the place of the call if it has none.
func placed(err error, pos lisp.Pos, name string) error {
	var raised *lisp.Error
	if !errors.As(err, &raised) {
		raised = lisp.Errorf(KindOf(err), "%w", err)
	}
	if raised.Pos.Line == 0 {
		raised.Pos = pos
		raised.Pos.Name = name
	}
	return raised
}

func (ev *evaluation) thread(ctx context.Context, budget lisp.Budget) *lisp.Thread {
	t := lisp.NewThread(ctx, ev.out, budget)
	t.KindOf = KindOf
	t.OnPanic = func(reason any, stack []byte) { ev.engine.log("internal error: %v\n%s", reason, stack) }
	t.SetLocal(evaluationKey{}, ev)
	return t
}

// run evaluates the job as a program.
func (ev *evaluation) run(ctx context.Context) Result {
	e := ev.engine
	if err := e.gate.enter(ctx); err != nil {
		return failed(placed(err, lisp.Pos{}, ""))
	}
	defer e.gate.leave()
	scope, leave, err := e.enterSession(ctx, ev.job.Session)
	if err != nil {
		return failed(placed(err, lisp.Pos{}, ""))
	}
	defer leave()
	head, _ := headOf(ev.job.Form)
	line, err := e.audit.begin(record{Who: ev.job.Who, Head: "program", Form: head, Name: ev.job.Name, SHA256: fingerprint(ev.job.Form)}, Execute)
	if err != nil {
		return failed(err)
	}
	began := time.Now()
	ev.program = line.ID
	err = errPanic
	defer func() { e.audit.end(line, began, err) }()
	var value lisp.Value
	if err = ev.constants(scope); err == nil {
		value, err = ev.thread(ctx, lisp.Budget{Steps: mostSteps, Depth: mostDepth, Bytes: mostBytes}).Eval(scope, ev.job.Name, ev.job.Form)
	}
	var exit lisp.Exit
	if errors.As(err, &exit) {
		err = nil
		return Result{Value: lisp.Nil, Exit: exit.Code}
	}
	if err != nil {
		return failed(err)
	}
	return Result{Value: value}
}

// enterSession waits for the session without holding a turn that others could use.
func (e *Engine) enterSession(ctx context.Context, id string) (scope *lisp.Env, leave func(), err error) {
	if id == "" {
		return e.base.Child(), func() {}, nil
	}
	e.gate.aside(func() { scope, leave, err = e.sessions.open(ctx, id) })
	return scope, leave, err
}

// constants defines CONFIG and ARGV in a scope.
func (ev *evaluation) constants(scope *lisp.Env) error {
	if ev.engine.host.Config != nil {
		config, err := configValue(ev.engine.host)
		if err != nil {
			return err
		}
		if hash, ok := config.AsHash(); ok {
			hash.Freeze()
		}
		scope.Define("CONFIG", config)
	}
	scope.Define("ARGV", textArray(ev.job.Argv))
	return nil
}

// refused ends a job that is not allowed.
func (ev *evaluation) refused(err error) Result {
	head, _ := headOf(ev.job.Form)
	if head == "" {
		head = "program"
	}
	ev.engine.audit.refused(record{Who: ev.job.Who, Head: head, Name: ev.job.Name, SHA256: fingerprint(ev.job.Form)}, err)
	return failed(err)
}

func failed(err error) Result { return Result{Value: lisp.Nil, Err: err} }

// languageDoc is the documentation of a name that is no verb.
func languageDoc(t *lisp.Thread, name string) (string, bool) {
	ev := evaluationOf(t)
	if ev == nil {
		return "", false
	}
	d, ok := ev.engine.base.Doc(name)
	if !ok {
		return "", false
	}
	text := d.Usage + "   (" + d.Kind + ")\n" + d.Text
	if d.Example != "" {
		text += "\nExample: " + d.Example
	}
	return text, true
}

// languageNames are all names of the language.
func languageNames(t *lisp.Thread) []string {
	if ev := evaluationOf(t); ev != nil {
		return ev.engine.base.Names("")
	}
	return nil
}
