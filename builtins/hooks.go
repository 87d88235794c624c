package builtins

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/lisp"
)

// The numbers of hooks.
const (
	mostHooks = 256
	keptAfter = 16 // of after, that failed: they are still shown
)

// hook is a function of a program that is called when something happens, or when its time has come.
type hook struct {
	id    int64
	verb  string // that registered it: "on", "every", "after"
	what  string // the event or the time, as it was written
	place string // in the program, "init.glisp:3:1"
	fn    lisp.Value
	from  *hookSource
	match func(core.Event) bool // of on
	delay time.Duration         // of every and after

	// Guarded by hooks.mu.
	record hookRecord
	since  uint64    // of on: events up to this number are none of its business
	due    time.Time // of every and after; zero while there is no next time
	missed int64     // events that were not kept until it had time, or times that passed meanwhile
	runs   bool      // it is being called
}

// hookRecord is how something went so far that is called now and then.
type hookRecord struct {
	calls, failures int64
	at              time.Time // of the last call
	wrong           string    // the last error, "" if none
	wrongAt         time.Time
	same            int64 // how often in a row it failed like that
}

// hookSource is the program that hooks came from, with what belongs to it.
type hookSource struct {
	name   string // path of the init script, or who sent the program
	script bool
	env    *lisp.Env
	turn   chan struct{} // of the session that has the scope too; nil: the scope is the hooks' alone
	set    []string      // what os/setenv set; the runner's alone
	gone   bool          // replaced by another; guarded by hooks.mu
}

// hookDraft is what a program has registered so far. It counts once the program has ended well.
type hookDraft struct {
	from  *hookSource
	added []*hook
}

// hooks are all hooks of an engine. The runner calls them, everybody may look and change.
type hooks struct {
	engine  *Engine
	poke    chan struct{} // one slot: the runner is to look again
	tickets chan struct{} // one for each operation that goes on after its hook

	mu     sync.Mutex // short; never held while something is called
	all    []*hook    // by id
	last   int64      // id
	cursor uint64     // the last event that was shown to those that wait for events
	path   string     // of the init script, "" if none
	script hookRecord // of its evaluations
}

func newHooks(e *Engine) *hooks {
	return &hooks{engine: e, poke: make(chan struct{}, 1), tickets: make(chan struct{}, mostTickets)}
}

func (h *hooks) journal() *core.Journal { return h.engine.host.Sup.Journal() }

// hookEvents are what a hook can wait for beside the states.
func hookEvents() map[string]func(core.Event) bool {
	all := map[string]func(core.Event) bool{
		"any":   func(core.Event) bool { return true },
		"ended": func(e core.Event) bool { return e.Exit != nil },
	}
	for s := core.Stopped; s <= core.Fatal; s++ {
		all[s.String()] = func(e core.Event) bool { return e.From != e.To && e.To == s }
	}
	return all
}

// draft notes a hook for when its program has ended well, and gives its id.
func (h *hooks) draft(d *hookDraft, one *hook) (int64, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.all) + len(d.added); n >= mostHooks {
		return 0, lisp.Errorf(kindOverloaded, "cannot call %s: there are %d hooks already (remove-hook takes some away)", one.verb, n)
	}
	h.last++
	one.id, one.from = h.last, d.from
	d.added = append(d.added, one)
	return one.id, nil
}

// commit makes what a program registered count.
func (h *hooks) commit(d *hookDraft) {
	if d == nil || len(d.added) == 0 {
		return
	}
	h.mu.Lock()
	if d.from.gone {
		h.mu.Unlock()
		h.engine.log("%s was replaced: what its last hook registered is dropped", d.from.name)
		return
	}
	h.add(d)
	h.mu.Unlock()
	h.look()
}

// add takes up a draft; h.mu is held.
func (h *hooks) add(d *hookDraft) {
	now, newest := time.Now(), h.journal().Last()
	// Those of the first script see all that happened since the daemon began, what nobody waited for is over otherwise.
	if !h.listening() && !(d.from.script && h.script.calls <= 1) {
		h.cursor = newest
	}
	for _, one := range d.added {
		switch {
		case one.match == nil:
			one.due = now.Add(one.delay)
		case !d.from.script:
			one.since = newest
		}
		h.all = append(h.all, one)
	}
	slices.SortFunc(h.all, func(a, b *hook) int { return cmp.Compare(a.id, b.id) })
	d.added = nil
}

// listening tells whether a hook waits for events; h.mu is held.
func (h *hooks) listening() bool {
	return slices.ContainsFunc(h.all, func(one *hook) bool { return one.match != nil })
}

// look wakes the runner.
func (h *hooks) look() {
	select {
	case h.poke <- struct{}{}:
	default: // it is about to look anyway
	}
}

// remove forgets a hook; false when there is none of this id. A call of it that is under way goes on to its end.
func (h *hooks) remove(id int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(h.all)
	h.all = slices.DeleteFunc(h.all, func(one *hook) bool { return one.id == id })
	return len(h.all) < n
}

// over takes away a hook that is called once; h.mu is held. When it failed it stays to be seen.
func (h *hooks) over(one *hook) {
	one.due = time.Time{}
	gone := func(other *hook) bool { return other == one }
	if one.record.same > 0 {
		spent := func(other *hook) bool { return other.verb == "after" && other.due.IsZero() && !other.runs }
		kept := 0
		for _, other := range h.all {
			if spent(other) {
				kept++
			}
		}
		gone = func(other *hook) bool {
			if kept <= keptAfter || !spent(other) {
				return false
			}
			kept--
			return true
		}
	}
	h.all = slices.DeleteFunc(h.all, gone)
}

// disown forgets the hooks whose source is as wanted; h.mu is held.
func (h *hooks) disown(wanted func(*hookSource) bool) {
	h.all = slices.DeleteFunc(h.all, func(one *hook) bool {
		if wanted(one.from) {
			one.from.gone = true
			return true
		}
		return false
	})
}

// onlyScript forgets the hooks that clients registered, after clients may do so no more.
func (h *hooks) onlyScript() {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := len(h.all)
	h.disown(func(from *hookSource) bool { return !from.script })
	if n := before - len(h.all); n > 0 {
		h.engine.log("disable_rce is on: hooks that clients registered are removed (%d)", n)
	}
}

// failed notes an error of a hook, in its record and in the journal. What fails in the same way again and again
// is told the first, the second, the fourth, the eighth time..., so that it cannot push everything else out of them.
func (h *hooks) failed(one *hook, err error) {
	text := oneLine(cut(maskText(err.Error()), longestCall))
	h.mu.Lock()
	tell := one.record.fails(text)
	times := one.record.same
	h.mu.Unlock()
	if tell {
		h.tell("hook:"+lisp.Print(lisp.Int(one.id)), core.Cause{Who: one.place, What: one.verb + " " + one.what}, text, times)
	}
}

// tell writes an error into the journal, and so into the daemon's log.
func (h *hooks) tell(name string, cause core.Cause, text string, times int64) {
	again := ""
	if times > 1 {
		again = " (" + lisp.Print(lisp.Int(times)) + " times in a row)"
	}
	h.journal().Add(core.Event{Name: name, Daemon: true, Cause: cause, Note: "failed" + again + ": " + text})
}

// fails notes a failure and says whether it is worth telling.
func (r *hookRecord) fails(text string) bool {
	if text != r.wrong {
		r.same = 0
	}
	r.failures++
	r.same++
	r.wrong, r.wrongAt = text, time.Now()
	return r.same&(r.same-1) == 0
}

// who is the hook as the cause of what it does.
func (one *hook) who() string {
	return "hook " + lisp.Print(lisp.Int(one.id)) + " (" + one.place + ")"
}

// FailingHooks is how many hooks failed when they were called last; a broken init script counts as one.
func (e *Engine) FailingHooks() (n int) {
	h := e.hooks
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.path != "" && h.script.same > 0 {
		n++
	}
	for _, one := range h.all {
		if one.record.same > 0 {
			n++
		}
	}
	return n
}

// value is all hooks as scripts see them, and before them the init script.
func (h *hooks) value() lisp.Value {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []lisp.Value
	if h.path != "" {
		out = append(out, hookValue(&hook{verb: "init_script", what: h.path, from: &hookSource{name: "the configuration"}, record: h.script}))
	}
	for _, one := range h.all {
		out = append(out, hookValue(one))
	}
	return lisp.Array(out...)
}

func hookValue(one *hook) lisp.Value {
	from := one.from.name
	if one.place != "" {
		from = one.place
	}
	if !one.from.script && one.id > 0 {
		from += " by " + one.from.name
	}
	out := lisp.NewHash()
	out.SetString("id", lisp.Int(one.id))
	out.SetString("kind", lisp.String(one.verb))
	out.SetString("what", lisp.String(one.what))
	out.SetString("from", lisp.String(from))
	out.SetString("calls", lisp.Int(one.record.calls))
	out.SetString("failures", lisp.Int(one.record.failures))
	out.SetString("missed", lisp.Int(one.missed))
	out.SetString("failing", lisp.Bool(one.record.same > 0))
	out.SetString("running", lisp.Bool(one.runs))
	out.SetString("last_run", timeOrNil(one.record.at))
	out.SetString("next_run", timeOrNil(one.due))
	out.SetString("last_error", textOrNil(one.record.wrong))
	out.SetString("last_error_at", timeOrNil(one.record.wrongAt))
	return lisp.HashValue(out)
}
