package builtins

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
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
	Fault  func(format string, args ...any) // ... for what must not be: an audit that cannot be written, an internal error; nil: Log
	Verbs  []Verb                           // those of an embedder, after ours in every list; see CheckVerbs
}

// Engine evaluates jobs against a Host.
type Engine struct {
	host       *Host
	table      []Verb // in the order of help
	verbs      map[string]Verb
	restricted atomic.Bool
	base       *lisp.Env
	sessions   *sessions
	gate       *gate
	audit      *auditor
	meter      *meter
	survey     *survey
	began      time.Time
	hooks      *hooks
	log        func(format string, args ...any)
	fault      func(format string, args ...any) // see EngineOptions
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

	// Deliver, if there is one, is called with the result before Eval returns it, while nobody else can change its value:
	// the values of a session belong to its next program afterwards.
	Deliver func(Result)
}

// Result is what came of a Job. With Err set there is no value; an *lisp.Error may hold one nevertheless.
type Result struct {
	Value lisp.Value
	Exit  int   // the code of (exit N)
	Err   error // its kind is KindOf
}

// errPanic is what the caller learns of a fault of ours; the stack is in the daemon's log.
var errPanic = errors.New("internal error")

// The budgets of a program. They are constants: what runs the processes must not be starved by what anybody sends.
const (
	mostSteps = 1_000_000_000
	mostDepth = 20_000
	mostBytes = 256 << 20
)

// NewEngine makes an Engine. It starts no goroutine and keeps nothing open. It panics when CheckVerbs refuses o.Verbs.
func NewEngine(o EngineOptions) *Engine {
	if err := CheckVerbs(o.Verbs); err != nil {
		panic("builtins: " + err.Error())
	}
	log := o.Log
	if log == nil {
		log = func(string, ...any) {}
	}
	fault := o.Fault
	if fault == nil {
		fault = log
	}
	e := &Engine{host: o.Host, table: table(o.Verbs), verbs: map[string]Verb{}, gate: newGate(), audit: &auditor{out: o.Audit, fault: fault}, log: log, fault: fault,
		meter: newMeter(), survey: &survey{measure: o.Host.measureAll}, began: time.Now()}
	e.restricted.Store(o.Policy.DisableRCE)
	for _, verb := range e.table {
		e.verbs[verb.Name] = verb
	}
	e.base = lisp.NewBase(append(Modules(o.Host.Starter, o.Host.Environ, nil), prims(e.table))...)
	e.sessions = newSessions(e.base, e.table)
	e.hooks = newHooks(e)
	return e
}

// prims are the verbs as the language calls them.
func prims(verbs []Verb) []lisp.Prim {
	all := make([]lisp.Prim, len(verbs))
	for i, verb := range verbs {
		all[i] = primitive(verb)
	}
	return all
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

// SetPolicy tightens the policy; what was switched on stays on. Programs under way go on to their end; the hooks that
// clients registered are forgotten.
func (e *Engine) SetPolicy(p Policy) {
	if p.DisableRCE && !e.restricted.Swap(true) {
		e.hooks.onlyScript()
	}
}

// Policy is what holds now.
func (e *Engine) Policy() Policy { return Policy{DisableRCE: e.restricted.Load()} }

// Eval evaluates one job. What the job prints goes to out. ctx ends the evaluation and its waiting, never an operation
// under way. It never panics.
func (e *Engine) Eval(ctx context.Context, job Job, out io.Writer) (result Result) {
	e.meter.begin()
	defer func() { e.meter.end(result) }()
	name := job.Name
	if name == "" {
		name = "form"
	}
	if len(name) > longestProgName {
		return early(job, lisp.Errorf(kindInvalid, "cannot evaluate: the name has %d bytes, at most %d are allowed", len(name), longestProgName))
	}
	ev := &evaluation{engine: e, job: job, out: newOutput(out, job.Streamed, oneLine(name), e.log)}
	defer func() {
		if fault := recover(); fault != nil {
			e.fault("internal error: %s\n%s", maskText(fmt.Sprint(fault)), debug.Stack())
			result = failed(lisp.Errorf(kindFailed, "%w", errPanic))
			if job.Deliver != nil { // again, when it was this that failed
				job.Deliver(result)
			}
		}
	}()
	defer ev.out.flush()
	policy := e.Policy()
	calls, notPlain := Recognise(job.Form)
	if notPlain == nil {
		if err := policy.check(e.verbs, calls); err != nil {
			return ev.refused(err)
		}
		if policy.DisableRCE || e.allVerbs(job.session(), calls) {
			return ev.plain(ctx, calls)
		}
	} else if policy.DisableRCE {
		return ev.refused(policy.refuse(e.verbs, job.Form, notPlain))
	}
	return ev.run(ctx)
}

// allVerbs tells whether every head is a verb and none of them means something else in the job's session. Those that explain
// names know those of the session too, so they wait for it.
func (e *Engine) allVerbs(session sessionID, calls []Call) bool {
	for _, call := range calls {
		if _, known := e.verbs[call.Head]; !known || e.sessions.shadows(session, call.Head) {
			return false
		}
		if (call.Head == "doc" || call.Head == "apropos") && e.sessions.known(session) {
			return false
		}
	}
	return true
}

// plain makes plain calls and keeps what came of them for the session.
func (ev *evaluation) plain(ctx context.Context, calls []Call) Result {
	result := ev.callAll(ctx, calls)
	ev.deliver(result)
	if !ev.engine.restricted.Load() && !ev.unasked(calls) {
		ev.engine.sessions.remember(ev.job.session(), result)
	}
	return result
}

// unasked tells whether it was a prompt that asked, on its own behalf: *1 and *2 are the values of its person.
func (ev *evaluation) unasked(calls []Call) bool {
	return !slices.ContainsFunc(calls, func(call Call) bool { return !ev.engine.verbs[call.Head].unasked })
}

// deliver hands the result to who asked for it, once.
func (ev *evaluation) deliver(result Result) {
	if ev.job.Deliver != nil && !ev.delivered {
		ev.delivered = true
		ev.job.Deliver(result)
	}
}

// callAll makes plain calls, one after the other; the first that fails is the end. The value is that of the last.
func (ev *evaluation) callAll(ctx context.Context, calls []Call) Result {
	value := lisp.Nil
	for _, call := range calls {
		t := ev.thread(ctx, lisp.Budget{})
		var err error
		if value, err = ev.call(t, ev.engine.verbs[call.Head], call.Args); err != nil {
			return failed(placed(ended(ctx, err), call.Pos, ev.job.Name))
		}
	}
	return Result{Value: value}
}

// ended says why a context ended, where an error only says that it did.
func ended(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if cause == nil || cause == ctx.Err() || KindOf(err) != KindOf(ctx.Err()) {
		return err
	}
	return lisp.Errorf(KindOf(ctx.Err()), "the evaluation was ended: %w", cause)
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
	t.OnPanic = func(reason any, stack []byte) {
		ev.engine.fault("internal error: %s\n%s", maskText(fmt.Sprint(reason)), stack)
	}
	t.SetLocal(evaluationKey{}, ev)
	return t
}

// run evaluates the job as a program.
func (ev *evaluation) run(ctx context.Context) (result Result) {
	e := ev.engine
	turn, err := e.gate.enter(ctx)
	if err != nil {
		return early(ev.job, placed(err, lisp.Pos{}, ""))
	}
	defer turn.leave()
	ev.turn = turn
	place, leave, err := e.enterSession(ctx, turn, ev.job.session())
	if err != nil {
		return early(ev.job, placed(err, lisp.Pos{}, ""))
	}
	defer leave()
	result = failed(lisp.Errorf(kindFailed, "%w", errPanic)) // unless something better comes of it
	defer func() {
		ev.deliver(result)
		e.sessions.remember(ev.job.session(), result)
		if result.Err == nil && !e.restricted.Load() {
			e.hooks.commit(ev.draft) // last: from now on the scope may be at work elsewhere
		}
	}()
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
	ev.scope = place.env
	ev.draft = &hookDraft{from: &hookSource{name: ev.job.Who, env: place.env, turn: place.turn}}
	if err = ev.constants(place.env); err == nil {
		errand := &errand{set: place.set, input: bufio.NewReader(strings.NewReader(ev.job.Stdin))}
		budget := lisp.Budget{Steps: mostSteps, Depth: mostDepth, Bytes: mostBytes}
		if !ev.job.Streamed {
			budget.Output = bufferedOutput
		}
		t := ev.thread(ctx, budget)
		t.OnRest, t.OnResume = turn.give, func() { turn.take(ctx) }
		t.SetLocal(errandKey{}, errand)
		SetArgs(t, append([]string{ev.job.Name}, ev.job.Argv...))
		value, err = t.Eval(place.env, ev.job.Name, ev.job.Form)
		place.set = errand.set
		ev.draft.from.set = slices.Clone(errand.set)
	}
	var exit lisp.Exit
	if errors.As(err, &exit) {
		err = nil
		return Result{Value: lisp.Nil, Exit: exit.Code}
	}
	if err != nil {
		return failed(advised(err, programAdvice))
	}
	return Result{Value: value}
}

// enterSession waits for the session without holding a turn that others could use.
func (e *Engine) enterSession(ctx context.Context, turn *ticket, id sessionID) (one *session, leave func(), err error) {
	if id.name == "" {
		return &session{env: e.base.Child()}, func() {}, nil
	}
	turn.aside(ctx, func() { one, leave, err = e.sessions.open(ctx, id) })
	return one, leave, err
}

// constants defines CONFIG, ARGV and the verb doc in a scope.
func (ev *evaluation) constants(scope *lisp.Env) error {
	if ev.engine.host.Config != nil {
		config, err := configValue(ev.engine.host)
		if err != nil {
			return err
		}
		scope.Define("CONFIG", frozen(config))
	}
	scope.Define("ARGV", frozen(textArray(ev.job.Argv)))
	// The language has a doc of its own, a macro that prints. A name that is defined hides it.
	ours, _ := ev.engine.base.Lookup("doc")
	if here, _ := scope.Lookup("doc"); lisp.Equal(ours, here) {
		scope.Define("doc", ours)
	}
	return nil
}

// frozen is a value that nobody can change.
func frozen(v lisp.Value) lisp.Value {
	holder := lisp.NewHash()
	holder.SetString("", v)
	holder.Freeze()
	return v
}

// refused ends a job that is not allowed.
func (ev *evaluation) refused(err error) Result {
	head, _ := headOf(ev.job.Form)
	if head == "" {
		head = "program"
	}
	ev.engine.audit.refused(record{Who: ev.job.Who, Head: head, Name: ev.job.Name, SHA256: fingerprint(ev.job.Form)}, err)
	result := failed(err)
	ev.deliver(result)
	return result
}

// early ends a job that did not begin.
func early(job Job, err error) Result {
	result := failed(err)
	if job.Deliver != nil {
		job.Deliver(result)
	}
	return result
}

func failed(err error) Result { return Result{Value: lisp.Nil, Err: err} }

// languageDoc is the documentation of a name that is no verb.
func languageDoc(t *lisp.Thread, name string) (string, bool) {
	ev := evaluationOf(t)
	if ev == nil {
		return "", false
	}
	d, ok := ev.names().Doc(name)
	if !ok {
		return "", false
	}
	text := d.Usage + "   (" + d.Kind + ")\n"
	if d.Types != "" {
		text += d.Types + "\n"
	}
	text += d.Text
	if d.Example != "" {
		text += "\nExample: " + d.Example
	}
	return text, true
}

// languageNames are all names of the language.
func languageNames(t *lisp.Thread) []string {
	if ev := evaluationOf(t); ev != nil {
		return ev.names().Names("")
	}
	return nil
}

// names is the scope that an evaluation's names are of.
func (ev *evaluation) names() *lisp.Env {
	if ev.scope != nil {
		return ev.scope
	}
	return ev.engine.base
}
