package builtins

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/lisp"
)

// starter is a fake child.Starter: programs named "job" end by themselves with code 0 after a second, "broken" cannot be
// launched, "slow" takes a minute to stop, all others live until they are stopped.
type starter struct {
	mu      sync.Mutex
	pids    int
	started map[string]int
	signals []int
}

type fakeChild struct {
	s      *starter
	name   string
	pid    int
	once   sync.Once
	exited chan child.Exit
	gone   chan struct{}
}

func (s *starter) Start(c child.Command) (child.Child, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started[c.Name]++
	if c.Name == "broken" {
		return nil, &child.LaunchError{Step: "exec", Path: c.Path, Err: os.ErrNotExist}
	}
	s.pids++
	f := &fakeChild{s: s, name: c.Name, pid: 100 + s.pids, exited: make(chan child.Exit, 1), gone: make(chan struct{})}
	if c.Name == "job" {
		time.AfterFunc(time.Second, func() { f.end(child.Exit{}) })
	}
	return f, nil
}

func (f *fakeChild) end(x child.Exit) {
	f.once.Do(func() {
		f.exited <- x
		close(f.gone)
	})
}

func (f *fakeChild) PID() int                  { return f.pid }
func (f *fakeChild) Stdout() *os.File          { return nil }
func (f *fakeChild) Stderr() *os.File          { return nil }
func (f *fakeChild) Exited() <-chan child.Exit { return f.exited }
func (f *fakeChild) Gone() <-chan struct{}     { return f.gone }
func (f *fakeChild) Left() (int, string)       { return 0, "" }
func (f *fakeChild) Rest() int                 { return 0 }
func (f *fakeChild) Kill() error               { f.end(child.Exit{Code: -1, Signal: 9}); return nil }
func (f *fakeChild) Signal(sig int) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.signals = append(f.s.signals, sig)
	return nil
}

func (f *fakeChild) Stop(sig int) error {
	if f.name == "slow" {
		time.AfterFunc(time.Minute, func() { f.end(child.Exit{Code: -1, Signal: sig}) })
		return nil
	}
	f.end(child.Exit{Code: -1, Signal: sig})
	return nil
}

// world is a daemon of fakes with an engine before it.
type world struct {
	t       *testing.T
	starter *starter
	sup     *core.Supervisor
	host    *Host
	engine  *Engine
	audit   bytes.Buffer // written under the auditor's lock; read when nothing is under way
	mu      sync.Mutex
	log     []string
	calls   map[string]int // of the functions of Host
}

const canary = "correct-horse"

// newWorld makes processes web-1, web-2, job, broken and slow, applied and started; call it inside a synctest bubble, and
// end before its end.
func newWorld(t *testing.T, policy Policy) *world {
	w := &world{t: t, starter: &starter{started: map[string]int{}}, calls: map[string]int{}}
	w.sup = core.New(core.Options{Starter: w.starter, BaseEnv: []string{"PATH=/bin", "API_TOKEN=" + canary}})
	specs := w.specs("web-1", "web-2", "job", "broken", "slow")
	if _, err := w.sup.Apply(t.Context(), specs); err != nil {
		t.Fatal(err)
	}
	count := func(name string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.calls[name]++
	}
	report := core.Report{{Name: "extra", Did: "added", State: core.Running, PID: 7}}
	w.host = &Host{
		Sup: w.sup, Version: VersionInfo{Version: "v1.2.3", Commit: "abc"},
		Config: func() map[string]any {
			return map[string]any{"admin_listen": 9001, "process": []map[string]any{{"name": "web-1", "args": []string{"--password", canary},
				"env": map[string]string{"DB_PASSWORD": canary, "URL": "redis://u:" + canary + "@host/1"}}}}
		},
		Plan: func(context.Context) (core.Plan, []string, error) {
			count("plan")
			return w.sup.Plan(w.specs("web-1", "extra")), []string{"careful"}, nil
		},
		Reload:     func(context.Context) (core.Report, error) { count("reload"); return report, nil },
		AddProc:    func(context.Context, Definition) (core.Report, error) { count("add-proc"); return report, nil },
		RemoveProc: func(context.Context, string) (core.Report, error) { count("remove-proc"); return report, nil },
		Shutdown: func(ctx context.Context, now, _ bool) (core.Report, error) {
			count("shutdown")
			return w.sup.Close(ctx, now)
		},
		ReopenLogs: func() error { count("reopen-logs"); return nil },
		DaemonLog:  func(n int) ([]string, uint64, error) { return strings.Split("a b c d e f g", " ")[:min(n, 7)], 7, nil },
	}
	w.engine = NewEngine(EngineOptions{Host: w.host, Policy: policy, Audit: &w.audit, Log: w.logf})
	return w
}

func (w *world) logf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, fmt.Sprintf(format, args...))
}

func (w *world) specs(names ...string) []core.Spec {
	var all []core.Spec
	for _, name := range names {
		spec := core.Spec{Name: name, Launch: core.Launch{Command: "/bin/" + name, Env: map[string]string{"MODE": "x"}}, Care: core.DefaultCare()}
		spec.Care.StopWait = 2 * time.Minute
		all = append(all, spec)
	}
	return all
}

func (w *world) end() {
	if _, err := w.sup.Close(context.Background(), true); err != nil {
		w.t.Error(err)
	}
}

// eval evaluates a form and returns what came of it, and what was printed.
func (w *world) eval(form string) (Result, string) {
	w.t.Helper()
	var out bytes.Buffer
	result := w.engine.Eval(w.t.Context(), Job{Form: form, Who: "uid 0 pid 1"}, &out)
	return result, out.String()
}

// value evaluates a form that must work, and decodes its value.
func (w *world) value(form string, into any) {
	w.t.Helper()
	result, _ := w.eval(form)
	if result.Err != nil {
		w.t.Fatalf("%s: %v", form, result.Err)
	}
	text, err := lisp.AppendJSON(nil, result.Value)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		w.t.Fatalf("%s: %v in %s", form, err, text)
	}
}

// records are the lines of the audit log; every one must be JSON.
func (w *world) records() []record {
	w.t.Helper()
	var all []record
	for line := range strings.Lines(w.audit.String()) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			w.t.Fatalf("audit line %q: %v", line, err)
		}
		all = append(all, r)
	}
	return all
}
