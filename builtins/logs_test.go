package builtins

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/logs"
	"github.com/qjpcpu/supervisord/lisp"
)

// piped is a Starter whose children write what the test puts into their pipes, and the supervisor of these, which logs into
// real files.
type piped struct {
	starter
	t     *testing.T
	sup   *core.Supervisor
	pipes map[string]*os.File
}

// newPiped ends with the test, before the test's folders go: on Windows what is open cannot.
func newPiped(t *testing.T) *piped {
	t.TempDir()
	set := logs.New(logs.Options{})
	p := &piped{starter: starter{started: map[string]int{}}, t: t, pipes: map[string]*os.File{}}
	p.sup = core.New(core.Options{Starter: p, Logs: set})
	t.Cleanup(func() {
		for _, w := range p.pipes {
			_ = w.Close()
		}
		if _, err := p.sup.Close(context.Background(), true); err != nil {
			t.Error(err)
		}
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func (p *piped) apply(specs ...core.Spec) {
	p.t.Helper()
	if _, err := p.sup.Apply(p.t.Context(), specs); err != nil {
		p.t.Fatal(err)
	}
}

// say has a process print a line.
func (p *piped) say(name, text string) {
	p.t.Helper()
	if _, err := p.pipes[name].WriteString(text + "\n"); err != nil {
		p.t.Fatal(err)
	}
}

// said is say, and waits until the log has it.
func (p *piped) said(name, text string) {
	p.t.Helper()
	stream, err := p.sup.Stream(name, "stdout")
	if err != nil {
		p.t.Fatal(err)
	}
	heard := stream.Follow(p.t.Context())
	defer heard.Close()
	p.say(name, text)
	if _, err := heard.Next(); err != nil {
		p.t.Fatal(err)
	}
}

type pipedChild struct {
	child.Child
	out *os.File
}

func (p pipedChild) Stdout() *os.File { return p.out }

func (p *piped) Start(c child.Command) (child.Child, error) {
	fake, err := p.starter.Start(c)
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pipes[c.Name] = w
	return pipedChild{fake, r}, nil
}

// arrivals is a writer that hands on what is written.
type arrivals chan string

func (a arrivals) Write(p []byte) (int, error) { a <- string(p); return len(p), nil }

// streamed evaluates a form whose output comes while it runs; at its end that is closed, and the result is there.
func streamed(ctx context.Context, e *Engine, form string) (arrivals, <-chan Result) {
	out, done := make(arrivals), make(chan Result, 1)
	go func() {
		done <- e.Eval(ctx, Job{Form: form, Streamed: true}, out)
		close(out)
	}()
	return out, done
}

// TestLogsAndFollow reads real files: the last lines, by number, pattern and stream, and then what arrives, with the name
// before it when there are several; and following ends with its caller although lines keep coming.
func TestLogsAndFollow(t *testing.T) {
	p := newPiped(t)
	var specs []core.Spec
	for _, name := range []string{"a", "b"} {
		file := filepath.Join(t.TempDir(), name+".log")
		specs = append(specs, core.Spec{Name: name, Launch: core.Launch{Command: "/bin/x"}, Care: core.DefaultCare(), Output: core.Output{Stdout: []string{file}}})
	}
	p.apply(specs...)
	e := NewEngine(EngineOptions{Host: &Host{Sup: p.sup}, Policy: Policy{DisableRCE: true}})
	p.said("a", "one 1")
	<-time.After(30 * time.Millisecond) // so that the order of times is known
	p.said("b", "zero 0")
	p.said("b", "no number")
	ctx, cancel := context.WithCancel(t.Context())
	out, done := streamed(ctx, e, `(follow "a" "b" "lines=2" "match=[0-9]")`)
	hear := func(want string) {
		t.Helper()
		if got := <-out; got != want+"\n" {
			t.Errorf("followed %q, want %q", got, want)
		}
	}
	hear("a: one 1")
	hear("b: zero 0")
	p.say("b", "still none")
	p.say("b", "two 2")
	hear("b: two 2")
	<-time.After(30 * time.Millisecond)
	p.say("a", "three 3")
	hear("a: three 3")

	read := func(form, want string) {
		t.Helper()
		result := e.Eval(t.Context(), Job{Form: form}, nil)
		if got := lisp.Print(result.Value); result.Err != nil || got != want {
			t.Errorf("%s: %v %s, want %s", form, result.Err, got, want)
		}
	}
	read(`(logs "a")`, `["one 1" "three 3"]`)
	read(`(logs "a" "lines=1")`, `["three 3"]`)
	read(`(logs "b" "match=^no")`, `["no number"]`)
	read(`(logs "*" "lines=1")`, `["b: two 2" "a: three 3"]`) // in the order of their times
	read(`(logs "[b]" "lines=1")`, `["b: two 2"]`)            // what may mean several is named
	read(`(logs "a" "since=1h" "lines=2" "match=[0-9]")`, `["one 1" "three 3"]`)
	read(`(logs "a" "since=1h" "match=[0-9]" "stream=stdout")`, `["one 1" "three 3"]`)
	count := func(form string, want int) {
		t.Helper()
		lines, _ := e.Eval(t.Context(), Job{Form: form}, nil).Value.Elements()
		if len(lines) != want {
			t.Errorf("%s: %d lines, want %d", form, len(lines), want)
		}
	}
	timed := lisp.Print(e.Eval(t.Context(), Job{Form: `(logs "a" "b" "lines=1" "times=true")`}, nil).Value)
	if !regexp.MustCompile(`^\["b: \d{4}-\d\d-\d\dT[0-9:.]+Z two 2" "a: \d{4}-\d\d-\d\dT[0-9:.]+Z three 3"\]$`).MatchString(timed) {
		t.Errorf("with times: %s", timed)
	}
	if result := e.Eval(t.Context(), Job{Form: `(logs "a" "stream=stderr")`}, nil); KindOf(result.Err) != kindConflict {
		t.Errorf("a discarded stream: %v", result.Err)
	}

	p.said("a", strings.TrimSuffix(strings.Repeat("four\n", 150), "\n"))
	count(`(logs "a" "since=2d")`, 152)
	count(`(logs "a")`, 100)
	p.say("a", strings.Repeat("x 1\n", 100)+"last")
	cancel()
	for range out { // what was on its way
	}
	if result := <-done; KindOf(result.Err) != "cancelled" {
		t.Errorf("following ended with %v", result.Err)
	}
}

// TestFollowWaitsForTheFirstStart: who follows a process that was never started sees what it says once it is, from its first
// word on, and not what stands in its file from before; following ends when the process is removed.
func TestFollowWaitsForTheFirstStart(t *testing.T) {
	p := newPiped(t)
	file := filepath.Join(t.TempDir(), "a.log")
	if err := os.WriteFile(file, []byte("long ago\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
	care := core.DefaultCare()
	care.Autostart = false
	spec := core.Spec{Name: "a", Launch: core.Launch{Command: "/bin/x"}, Care: care, Output: core.Output{Stdout: []string{file}}}
	p.apply(spec)
	e := NewEngine(EngineOptions{Host: &Host{Sup: p.sup}, Policy: Policy{DisableRCE: true}})
	out, done := streamed(t.Context(), e, `(follow "a" "lines=1")`)
	if got := <-out; got != "long ago\n" {
		t.Errorf("followed %q first", got)
	}
	if _, err := p.sup.Start(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	p.say("a", "first\nsecond")
	for _, want := range []string{"first\n", "second\n"} {
		if got := <-out; got != want {
			t.Errorf("followed %q, want %q", got, want)
		}
	}
	_ = p.pipes["a"].Close()
	p.apply()
	for range out { // nothing more
	}
	if result := <-done; result.Err != nil {
		t.Errorf("following ended with %v", result.Err)
	}
}

// TestOneFileIsShownOnce: where stdout and stderr name the same file, every line comes once, whichever of them is asked for.
func TestOneFileIsShownOnce(t *testing.T) {
	p := newPiped(t)
	file := filepath.Join(t.TempDir(), "a.log")
	spec := core.Spec{Name: "a", Launch: core.Launch{Command: "/bin/x"}, Care: core.DefaultCare(), Output: core.Output{Stdout: []string{file}, Stderr: []string{file}}}
	p.apply(spec)
	p.said("a", "one")
	p.said("a", "two")
	e := NewEngine(EngineOptions{Host: &Host{Sup: p.sup}})
	for _, form := range []string{`(logs "a")`, `(logs "a" "stream=stdout")`, `(logs "a" "stream=stderr")`} {
		result := e.Eval(t.Context(), Job{Form: form}, nil)
		if got := lisp.Print(result.Value); result.Err != nil || got != `["one" "two"]` {
			t.Errorf("%s: %v %s", form, result.Err, got)
		}
	}
	last := "one\ntwo\n"
	for _, form := range []string{`(follow "a" "lines=2")`, `(follow "a" "stream=stderr" "lines=2")`} {
		ctx, cancel := context.WithCancel(t.Context())
		out, done := streamed(ctx, e, form)
		got := <-out + <-out
		p.said("a", "three")
		got += <-out
		p.said("a", "four")
		got += <-out
		cancel()
		for rest := range out {
			got += rest
		}
		if got != last+"three\nfour\n" {
			t.Errorf("%s: %q", form, got)
		}
		last = "three\nfour\n"
		<-done
	}
}
