package builtins

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/lisp"
)

// scriptSteps bounds the evaluation of an init script, which others wait for. It has the memory of a program.
const scriptSteps = 20_000_000

// Script is an init script that was evaluated: the hooks that it registered, none of which counts yet.
type Script struct {
	path  string
	draft *hookDraft
}

// EvalScript evaluates the text of an init script, which is called path in messages, with full power, whatever the policy
// is: it is the operator's own. It takes at most 5 s and changes nothing: what it registers counts after UseScript, and verbs
// that change something are refused in it. What is wrong with it is an error of kind invalid with one line for each problem,
// file:line:column first; names that mean nothing and wrong numbers of arguments are found before anything is evaluated. load
// gives the texts that it includes, as [lisp.Thread.Load] does; nil: it can include none.
func (e *Engine) EvalScript(ctx context.Context, path, text string, load func(name, from string) (text, path string, err error)) (*Script, error) {
	if err := e.CheckScript(path, text); err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeoutCause(ctx, hookTime, errHookTime)
	defer cancel()
	from := &hookSource{name: path, script: true, env: e.base.Child()}
	job := Job{Form: text, Name: path, Who: "init_script"}
	ev := &evaluation{engine: e, job: job, out: newOutput(nil, true, oneLine(path), e.log), scope: from.env, draft: &hookDraft{from: from}, initial: true}
	defer ev.out.flush()
	line, err := e.audit.begin(record{Who: job.Who, Head: "program", Name: path, SHA256: fingerprint(text)}, Execute)
	if err != nil {
		return nil, brokenScript(path, err)
	}
	began := time.Now()
	ev.program = line.ID
	defer func() { e.audit.end(line, began, err) }()
	if err = ev.constants(from.env); err != nil {
		return nil, brokenScript(path, err)
	}
	t := ev.thread(bounded, lisp.Budget{Steps: scriptSteps, Depth: mostDepth, Bytes: mostBytes, Output: bufferedOutput})
	t.Load = load
	errand := &errand{}
	t.SetLocal(errandKey{}, errand)
	_, err = t.Eval(from.env, path, text)
	from.set = errand.set
	if err = exited(err); err != nil {
		err = advised(overtime(bounded, err), scriptAdvice)
		return nil, brokenScript(path, err)
	}
	return &Script{path: path, draft: ev.draft}, nil
}

// brokenScript is an error of an init script with its place.
func brokenScript(path string, err error) error {
	text := err.Error()
	if !strings.HasPrefix(text, path+":") {
		text = path + ": " + text
	}
	return lisp.Errorf(kindInvalid, "init_script: %s", text)
}

// CheckScript compiles the text of an init script without running it. The error is that of EvalScript.
func (e *Engine) CheckScript(path, text string) error {
	return CheckScript(path, text, e.table[len(Verbs()):]...)
}

// CheckScript is [Engine.CheckScript] of an engine with these further verbs.
func CheckScript(path, text string, more ...Verb) error {
	ctx, cancel := context.WithTimeout(context.Background(), hookTime) // macros of the script run now
	defer cancel()
	var all []error
	for _, problem := range CheckProgram(ctx, more, path, text) {
		all = append(all, brokenScript(path, problem))
	}
	if len(all) == 0 {
		return nil
	}
	return lisp.Errorf(kindInvalid, "%w", errors.Join(all...))
}

// UseScript makes the hooks of a script count in place of those of the script before it; nil takes these away. A call that is
// under way goes on to its end.
func (e *Engine) UseScript(s *Script) {
	h := e.hooks
	h.mu.Lock()
	path := ""
	if s != nil {
		path = s.path
	}
	h.evaluated(path)
	listening, before := h.listening(), h.cursor
	h.disown(func(from *hookSource) bool { return from.script })
	if s != nil {
		h.add(s.draft)
		if listening {
			h.cursor = before // what the old hooks have not seen is for the new ones
		}
	}
	h.mu.Unlock()
	h.look()
}

// evaluated notes an evaluation of the init script that went well; h.mu is held.
func (h *hooks) evaluated(path string) {
	if path != h.path {
		h.path, h.script = path, hookRecord{calls: h.script.calls}
	}
	h.script.calls++
	h.script.at, h.script.wrong, h.script.wrongAt, h.script.same = time.Now(), "", time.Time{}, 0
}

// ScriptFailed notes that an init script is broken, where everybody looks: journal, log, status and (hooks). The hooks stay as
// they are.
func (e *Engine) ScriptFailed(path string, err error) {
	h := e.hooks
	text := strings.ReplaceAll(err.Error(), "init_script: ", "")
	text = oneLine(strings.ReplaceAll(cut(maskText(text), longestCall), "\n", "; "))
	h.mu.Lock()
	if h.path == "" {
		h.path = path
	}
	h.script.calls++
	h.script.at = time.Now()
	h.script.fails(text)
	h.mu.Unlock()
	h.tell("hook:init_script", core.Cause{Who: "init_script"}, text, 1)
}
