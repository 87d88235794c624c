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

// piped is a Starter whose children write what the test puts into their pipes.
type piped struct {
	starter
	pipes map[string]*os.File
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

// TestLogsAndFollow reads real files: the last lines, by number, pattern and stream, and then what arrives, with the name
// before it when there are several; and following ends with its caller although lines keep coming.
func TestLogsAndFollow(t *testing.T) {
	set := logs.New(logs.Options{})
	p := &piped{starter: starter{started: map[string]int{}}, pipes: map[string]*os.File{}}
	sup := core.New(core.Options{Starter: p, Logs: set})
	var specs []core.Spec
	for _, name := range []string{"a", "b"} {
		file := filepath.Join(t.TempDir(), name+".log")
		specs = append(specs, core.Spec{Name: name, Launch: core.Launch{Command: "/bin/x"}, Care: core.DefaultCare(), Output: core.Output{Stdout: []string{file}}})
	}
	if _, err := sup.Apply(t.Context(), specs); err != nil {
		t.Fatal(err)
	}
	e := NewEngine(EngineOptions{Host: &Host{Sup: sup}, Policy: Policy{DisableRCE: true}})
	say := func(name, text string) {
		t.Helper()
		if _, err := p.pipes[name].WriteString(text + "\n"); err != nil {
			t.Fatal(err)
		}
	}
	// said says something and waits until the log has it.
	said := func(name, text string) {
		t.Helper()
		stream, err := sup.Stream(name, "stdout")
		if err != nil {
			t.Fatal(err)
		}
		f := stream.Follow(t.Context())
		defer f.Close()
		say(name, text)
		if _, err := f.Next(); err != nil {
			t.Fatal(err)
		}
	}
	said("a", "one 1")
	<-time.After(30 * time.Millisecond) // so that the order of times is known
	said("b", "zero 0")
	said("b", "no number")
	ctx, cancel := context.WithCancel(t.Context())
	out := make(arrivals)
	done := make(chan Result, 1)
	go func() {
		done <- e.Eval(ctx, Job{Form: `(follow "a" "b" "lines=2" "match=[0-9]")`, Streamed: true}, out)
		close(out)
	}()
	hear := func(want string) {
		t.Helper()
		if got := <-out; got != want+"\n" {
			t.Errorf("followed %q, want %q", got, want)
		}
	}
	hear("a: one 1")
	hear("b: zero 0")
	say("b", "still none")
	say("b", "two 2")
	hear("b: two 2")
	<-time.After(30 * time.Millisecond)
	say("a", "three 3")
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

	said("a", strings.TrimSuffix(strings.Repeat("four\n", 150), "\n"))
	count(`(logs "a" "since=2d")`, 152)
	count(`(logs "a")`, 100)
	say("a", strings.Repeat("x 1\n", 100)+"last")
	cancel()
	for range out { // what was on its way
	}
	if result := <-done; KindOf(result.Err) != "cancelled" {
		t.Errorf("following ended with %v", result.Err)
	}
	for _, w := range p.pipes {
		_ = w.Close()
	}
	if _, err := sup.Close(context.Background(), true); err != nil {
		t.Error(err)
	}
	if err := set.Close(); err != nil {
		t.Error(err)
	}
}

// TestFollowWaitsForTheFirstStart: who follows a process that was never started sees what it says once it is, from its first
// word on, and not what stands in its file from before; following ends when the process is removed.
func TestFollowWaitsForTheFirstStart(t *testing.T) {
	set := logs.New(logs.Options{})
	p := &piped{starter: starter{started: map[string]int{}}, pipes: map[string]*os.File{}}
	sup := core.New(core.Options{Starter: p, Logs: set})
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
	if _, err := sup.Apply(t.Context(), []core.Spec{spec}); err != nil {
		t.Fatal(err)
	}
	e := NewEngine(EngineOptions{Host: &Host{Sup: sup}, Policy: Policy{DisableRCE: true}})
	out := make(arrivals)
	done := make(chan Result, 1)
	go func() {
		done <- e.Eval(t.Context(), Job{Form: `(follow "a" "lines=1")`, Streamed: true}, out)
		close(out)
	}()
	if got := <-out; got != "long ago\n" {
		t.Errorf("followed %q first", got)
	}
	if _, err := sup.Start(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.pipes["a"].WriteString("first\nsecond\n"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"first\n", "second\n"} {
		if got := <-out; got != want {
			t.Errorf("followed %q, want %q", got, want)
		}
	}
	_ = p.pipes["a"].Close()
	if _, err := sup.Apply(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for range out { // nothing more
	}
	if result := <-done; result.Err != nil {
		t.Errorf("following ended with %v", result.Err)
	}
	if _, err := sup.Close(context.Background(), true); err != nil {
		t.Error(err)
	}
	if err := set.Close(); err != nil {
		t.Error(err)
	}
}

// TestOneFileIsShownOnce: where stdout and stderr name the same file, every line comes once, whichever of them is asked for.
func TestOneFileIsShownOnce(t *testing.T) {
	set := logs.New(logs.Options{})
	p := &piped{starter: starter{started: map[string]int{}}, pipes: map[string]*os.File{}}
	sup := core.New(core.Options{Starter: p, Logs: set})
	file := filepath.Join(t.TempDir(), "a.log")
	spec := core.Spec{Name: "a", Launch: core.Launch{Command: "/bin/x"}, Care: core.DefaultCare(), Output: core.Output{Stdout: []string{file}, Stderr: []string{file}}}
	if _, err := sup.Apply(t.Context(), []core.Spec{spec}); err != nil {
		t.Fatal(err)
	}
	stream, err := sup.Stream("a", "stdout")
	if err != nil {
		t.Fatal(err)
	}
	heard := stream.Follow(t.Context())
	say := func(text string) {
		t.Helper()
		if _, err := p.pipes["a"].WriteString(text + "\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := heard.Next(); err != nil {
			t.Fatal(err)
		}
	}
	say("one")
	say("two")
	e := NewEngine(EngineOptions{Host: &Host{Sup: sup}})
	for _, form := range []string{`(logs "a")`, `(logs "a" "stream=stdout")`, `(logs "a" "stream=stderr")`} {
		result := e.Eval(t.Context(), Job{Form: form}, nil)
		if got := lisp.Print(result.Value); result.Err != nil || got != `["one" "two"]` {
			t.Errorf("%s: %v %s", form, result.Err, got)
		}
	}
	last := "one\ntwo\n"
	for _, form := range []string{`(follow "a" "lines=2")`, `(follow "a" "stream=stderr" "lines=2")`} {
		ctx, cancel := context.WithCancel(t.Context())
		out := make(arrivals)
		done := make(chan Result, 1)
		go func() {
			done <- e.Eval(ctx, Job{Form: form, Streamed: true}, out)
			close(out)
		}()
		got := <-out + <-out
		say("three")
		got += <-out
		say("four")
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
	heard.Close()
	_ = p.pipes["a"].Close()
	if _, err := sup.Close(context.Background(), true); err != nil {
		t.Error(err)
	}
	if err := set.Close(); err != nil {
		t.Error(err)
	}
}
