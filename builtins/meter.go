package builtins

import (
	"errors"
	"strings"
	"sync"

	"github.com/qjpcpu/supervisord/lisp"
)

// meter counts evaluations.
type meter struct {
	mu       sync.Mutex
	running  int
	outcomes map[string]uint64 // by kind, "ok" for none; kinds that scripts make up count as "raised"
	hooks    map[string]uint64 // calls of hooks, by the same
	budgets  map[string]uint64 // exhausted ones, by what they bound
}

// newMeter makes a meter whose series are there from the beginning, so that the first of anything is seen as a growth.
func newMeter() *meter {
	m := &meter{outcomes: map[string]uint64{"ok": 0, kindFailed: 0, kindForbidden: 0, kindBudget: 0},
		hooks: map[string]uint64{"ok": 0, kindFailed: 0, kindBudget: 0}, budgets: map[string]uint64{"other": 0}}
	for _, b := range budgetWords {
		m.budgets[b.name] = 0
	}
	return m
}

func (m *meter) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running++
}

func (m *meter) end(r Result) {
	kind := boundedKind(KindOf(r.Err))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running--
	m.outcomes[kind]++
	m.exhausted(r.Err)
}

// hook counts a call of a hook.
func (m *meter) hook(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hooks[boundedKind(KindOf(err))]++
	m.exhausted(err)
}

// exhausted counts an error that says that a budget was; m.mu is held.
func (m *meter) exhausted(err error) {
	if KindOf(err) == kindBudget {
		m.budgets[budgetOf(err)]++
	}
}

// boundedKind is a kind as a label: a script can make up as many kinds as it likes, a label has few values.
func boundedKind(kind string) string {
	switch kind {
	case "":
		return "ok"
	case kindArity, kindBudget, kindCancelled, kindConflict, kindFailed, kindForbidden, kindInvalid, kindNotFound, kindOverloaded,
		kindSyntax, kindTimeout, kindTooLarge, kindType, "assertion", "index", "key", "unbound", "value":
		return kind
	}
	return "raised"
}

// budgetWords are the words by which budgetOf tells budgets apart.
var budgetWords = []struct{ word, name string }{
	{"steps", "steps"}, {"bytes of memory", "memory"}, {"output", "output"}, {"deep", "depth"}, {"nested", "depth"}, {"bits", "bits"},
	{"more than " + hookTime.String(), "time"},
}

// budgetOf is what an exhausted budget bounds, by the words of its message; a test holds them to those of the language.
func budgetOf(err error) string {
	var raised *lisp.Error
	if errors.As(err, &raised) {
		for _, b := range budgetWords {
			if strings.Contains(raised.Msg, b.word) {
				return b.name
			}
		}
	}
	return "other"
}
