package core

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/logs"
)

// programWord as the first argument makes the test binary a program to be supervised; what it does stands behind it.
const programWord = "program-of-the-core-test"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == programWord {
		program(os.Args[2:])
	}
	code := m.Run()
	if hosted.Load() { // its cgroups go with it
		if h, err := theHost(); err == nil {
			if err := h.Close(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = max(code, 1)
			}
		}
	}
	os.Exit(code)
}

// hosted: theHost was made.
var hosted atomic.Bool

func program(what []string) {
	number := func() int { n, _ := strconv.Atoi(what[1]); return n }
	switch what[0] {
	case "exit":
		os.Exit(number())
	case "signal":
		endBySignal(number())
	case "lines":
		out := bufio.NewWriter(os.Stdout)
		for i := range number() {
			fmt.Fprintf(out, "line %d\n", i)
		}
		fmt.Fprint(out, "the end, without a newline")
		out.Flush()
		os.Exit(0)
	case "stubborn":
		signal.Ignore(syscall.SIGTERM, os.Interrupt)
		fmt.Println("ready")
		block()
	case "serve":
		fmt.Println("ready")
		block()
	case "exclusive":
		exclusive(what[1])
	}
	os.Exit(99)
}

// block waits for a signal that is not caught; a select without cases would be a deadlock to the runtime.
func block() { <-time.After(24 * time.Hour) }

// host is one for the whole test process, as a process can have only one.
var theHost = sync.OnceValues(func() (*child.Host, error) {
	hosted.Store(true)
	return child.NewHost(child.Options{CgroupMode: "auto", Instance: fmt.Sprintf("core-test-%d", os.Getpid())})
})

// real makes a supervisor of real processes.
func real(t testing.TB, specs ...Spec) *Supervisor {
	t.Helper()
	h, err := theHost()
	if err != nil {
		t.Skipf("no host here: %v", err)
	}
	set := logs.New(logs.Options{Stdout: os.Stdout, Stderr: os.Stderr})
	s := New(Options{Starter: h, Logs: set, BaseEnv: os.Environ()})
	t.Cleanup(func() {
		r, err := s.Close(context.Background(), true)
		if err := errors.Join(err, r.Err(), set.Close()); err != nil {
			t.Error(err)
		}
	})
	if _, err := s.Apply(t.Context(), specs); err != nil {
		t.Fatal(err)
	}
	return s
}

func does(what string, tweaks ...func(*Spec)) Spec {
	s := spec(strings.ReplaceAll(what, " ", "-"))
	s.Launch.Command = os.Args[0]
	s.Launch.Args = append([]string{programWord}, strings.Fields(what)...)
	if runtime.GOOS == "windows" {
		s.Care.StopWait = 200 * time.Millisecond // Wine refuses CTRL_BREAK
	}
	for _, tweak := range tweaks {
		tweak(&s)
	}
	return s
}

func await(t testing.TB, s *Supervisor, name string, st State) Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got, err := s.Wait(ctx, name, st)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRealEndsAreToldAsTheyWere(t *testing.T) {
	never := func(s *Spec) { s.Care.Restart = Never; s.Care.ExitCodes = []int{0, 2} }
	var specs []Spec
	for _, end := range append([]string{"exit 0", "exit 1", "exit 2", "exit 255"}, endsHere...) {
		specs = append(specs, does(end, never))
	}
	s := real(t, specs...)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if fatal, err := s.WaitIdle(ctx); err != nil || fatal != len(specs)-2 {
		t.Errorf("%d fatal, want %d; %v", fatal, len(specs)-2, err)
	}
	all, _ := s.Status()
	for _, st := range all {
		if st.Exit == nil {
			t.Errorf("%s: no exit: %+v", st.Name, st)
			continue
		}
		got := fmt.Sprintf("exit-%d", st.Exit.Code)
		if st.Exit.Signal != 0 {
			got = fmt.Sprintf("signal-%d", st.Exit.Signal)
		}
		want := Fatal
		if st.Exit.Code == 0 || st.Exit.Code == 2 {
			want = Exited
		}
		if got != st.Name || st.State != want {
			t.Errorf("%s: %s, %s %q", st.Name, got, st.State, st.Reason)
		}
	}
}

// One line with path and reason, at once.
func TestRealLaunchThatCannotHealIsFatal(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("no program\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := real(t,
		spec("missing", func(s *Spec) { s.Launch.Command = filepath.FromSlash("/bin/wbe") }),
		spec("nopath", func(s *Spec) { s.Launch.Command = "wbe-is-nowhere" }),
		spec("noexec", func(s *Spec) { s.Launch.Command = plain }),
		spec("folder", func(s *Spec) { s.Launch.Command = dir }),
		does("serve", func(s *Spec) { s.Name = "cwd"; s.Launch.Dir = filepath.Join(anywhere, "nonexistent", "dir") }),
		does("serve", func(s *Spec) { s.Name = "user"; s.Launch.User = "nobody-of-that-name" }),
	)
	all, _ := s.Status()
	want := map[string]string{"missing": filepath.FromSlash("/bin/wbe"), "nopath": "wbe-is-nowhere", "noexec": plain, "folder": dir, "cwd": filepath.FromSlash("/nonexistent/dir"), "user": "nobody-of-that-name"}
	for _, st := range all {
		if st.State != Fatal || !strings.Contains(st.Reason, want[st.Name]) || strings.Contains(st.Reason, "\n") || st.PID != 0 {
			t.Errorf("%s: %s %q", st.Name, st.State, st.Reason)
		}
	}
	if r, _ := s.Start(t.Context(), "missing"); !errors.Is(r.Err(), ErrSpawn) || !strings.HasPrefix(r.Err().Error(), "cannot start missing: ") {
		t.Errorf("start says %v", r.Err())
	} else {
		t.Log(r.Err())
	}
}

func TestRealCrashIsReplaced(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "serve.pid")
	s := real(t, does("serve", func(s *Spec) { s.Launch.PIDFile = pidFile }))
	written := func(pid int) {
		t.Helper()
		text, err := os.ReadFile(pidFile)
		if err != nil || string(text) != fmt.Sprintf("%d\n", pid) {
			t.Errorf("pid file: %q %v, want %d", text, err, pid)
		}
	}
	for range 3 {
		before := await(t, s, "serve", Running)
		written(before.PID)
		seq := s.Journal().Last()
		if err := s.Signal(t.Context(), "serve", 9); err != nil {
			t.Fatal(err)
		}
		for after := before; after.Generation == before.Generation || after.State != Running; {
			if err := s.Journal().Wait(t.Context(), seq); err != nil {
				t.Fatal(err)
			}
			seq = s.Journal().Last()
			after = state(t, s, "serve")
		}
	}
	last := state(t, s, "serve")
	if last.Restarts != 3 || last.Exit.Signal != 9 {
		t.Errorf("%+v", last)
	}
	written(last.PID)
	if r, _ := s.Stop(t.Context()); r.Err() != nil {
		t.Error(r.Err())
	}
	if _, err := os.Stat(pidFile); err == nil {
		t.Error("the pid file is left")
	}
	if st := state(t, s, "serve"); !endedByStop(st.Exit.Signal) {
		t.Errorf("the stop ended it by %v", st.Exit)
	}
}

// Output is whole when a process is said to have ended: leader, pipes, tree, in this order.
func TestRealOutputIsWholeWhenTheEndIsTold(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "lines.log")
	s := real(t, does("lines 3000", func(s *Spec) { s.Output.Stdout = []string{log}; s.Output.Stderr = []string{log} }))
	for i := range 5 {
		if st := await(t, s, "lines-3000", Exited); st.Exit.Code != 0 {
			t.Fatalf("%+v", st)
		}
		text, err := os.ReadFile(log)
		if err != nil || strings.Count(string(text), "line 2999\n") != i+1 || strings.Count(string(text), "the end, without a newline") != i+1 {
			t.Fatalf("life %d: %d bytes, %v", i, len(text), err)
		}
		if st := state(t, s, "lines-3000"); st.LogBytes != int64(len(text)) || st.LogLost != 0 {
			t.Errorf("life %d: the status tells of %d bytes, %d lost; there are %d", i, st.LogBytes, st.LogLost, len(text))
		}
		if r, _ := s.Start(t.Context()); r.Err() != nil {
			t.Fatal(r.Err())
		}
	}
}

// Across rotations too: the files, in the order of their names, hold every byte in its place.
func TestRealOutputIsWholeAcrossRotations(t *testing.T) {
	const lines, lives = 20_000, 3
	log := filepath.Join(t.TempDir(), "lines.log")
	s := real(t, does(fmt.Sprint("lines ", lines), func(s *Spec) {
		s.Name, s.Output.Stdout, s.Output.Size, s.Output.Count = "lines", []string{log}, 16<<10, 1000
	}))
	var want, got bytes.Buffer
	for life := range lives {
		if life > 0 {
			if r, _ := s.Start(t.Context()); r.Err() != nil {
				t.Fatal(r.Err())
			}
		}
		if st := await(t, s, "lines", Exited); st.Exit.Code != 0 || st.LogLost != 0 {
			t.Fatalf("%+v", st)
		}
		for i := range lines {
			fmt.Fprintf(&want, "line %d\n", i)
		}
		want.WriteString("the end, without a newline")
	}
	old, err := filepath.Glob(log + ".*")
	if err != nil || len(old) < want.Len()/(16<<10)-1 {
		t.Errorf("%d files for %d bytes, %v", len(old), want.Len(), err)
	}
	slices.SortFunc(old, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	for _, name := range append(old, log) {
		text, err := os.ReadFile(name)
		if err != nil || len(text) > 16<<10+len("line 19999\n") { // a file ends where a line does
			t.Errorf("%s: %d bytes, %v", name, len(text), err)
		}
		got.Write(text)
	}
	if !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("%d bytes in the files, %d were written, or they differ", got.Len(), want.Len())
	}
}

// What crashes again and again is started anew as often as it may, after waits that grow, and is fatal then.
func TestRealCrashLoopEndsFatal(t *testing.T) {
	s := real(t, does("exit 7", func(s *Spec) {
		s.Care.Restart, s.Care.MaxRestarts, s.Care.RestartDelay, s.Care.RestartDelayMax = Always, 2, 20*time.Millisecond, time.Second
	}))
	st := await(t, s, "exit-7", Fatal)
	if st.Restarts != 2 || st.Exit == nil || st.Exit.Code != 7 || st.PID != 0 || st.Reason == "" {
		t.Errorf("%+v", st)
	}
	events, _ := s.Journal().Since(0, 0)
	waits := 0
	for _, e := range events {
		if e.To == Backoff {
			waits++
		}
	}
	if waits != 2 {
		t.Errorf("it waited %d times, want 2", waits)
	}
}

func TestRealStubbornProcessIsKilled(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	s := real(t, does("stubborn", func(s *Spec) { s.Care.StopWait = 200 * time.Millisecond; s.Output.Stdout = []string{log} }))
	out, err := s.Stream("stubborn", "stdout")
	if err != nil {
		t.Fatal(err)
	}
	f := out.Follow(t.Context(), 0)
	if line, err := f.Next(); err != nil || line.Text != "ready" {
		t.Fatal(line, err)
	}
	f.Close()
	begun := time.Now()
	if r, _ := s.Stop(t.Context()); r.Err() != nil {
		t.Error(r.Err())
	}
	if d := time.Since(begun); d < 200*time.Millisecond || d > 20*time.Second {
		t.Errorf("it took %v", d)
	}
	if st := state(t, s, "stubborn"); st.Exit.Signal != 9 || st.Reason != "had to be killed" {
		t.Errorf("%+v", st)
	}
}

func TestRealReloadTouchesOnlyWhatChanged(t *testing.T) {
	specs := make([]Spec, 20)
	for i := range specs {
		specs[i] = does("serve", func(s *Spec) { s.Name = fmt.Sprintf("serve-%d", i) })
	}
	s := real(t, specs...)
	before := pids(t, s)
	specs[7].Launch.Args = append(specs[7].Launch.Args, "-test.v")
	specs[8].Care.StopWait = time.Second
	if r, err := s.Apply(t.Context(), specs); err != nil || r.Err() != nil {
		t.Fatal(err, r.Err())
	}
	for name, pid := range pids(t, s) {
		if (pid != before[name]) != (name == "serve-7") || pid == 0 {
			t.Errorf("%s: pid %d, was %d", name, pid, before[name])
		}
	}
}

// BenchmarkRestart: an exit is noticed, its replacement exec'd.
func BenchmarkRestart(b *testing.B) {
	s := real(b, does("serve", func(s *Spec) {
		s.Launch.Command, s.Launch.Args, s.Launch.Env = "/bin/sleep", []string{"1000"}, nil
		s.Care.RestartDelay = 0
	}))
	for b.Loop() {
		seq := s.Journal().Last()
		if err := s.Signal(b.Context(), "serve", 9); err != nil {
			b.Fatal(err)
		}
		for up := false; !up; {
			if err := s.Journal().Wait(b.Context(), seq); err != nil {
				b.Fatal(err)
			}
			events, _ := s.Journal().Since(seq, 0)
			for _, e := range events {
				up = up || e.To == Running && e.From == Starting
				seq = e.Seq
			}
		}
	}
}

// BenchmarkStartStop: a hundred processes up and down.
func BenchmarkStartStop(b *testing.B) {
	specs := make([]Spec, 100)
	for i := range specs {
		specs[i] = spec(fmt.Sprintf("p%d", i), func(s *Spec) {
			s.Launch.Command, s.Launch.Args, s.Care.Autostart = "/bin/sleep", []string{"1000"}, false
		})
	}
	s := real(b, specs...)
	for b.Loop() {
		for _, f := range []func(context.Context, ...string) (Report, error){s.Start, s.Stop} {
			if r, err := f(b.Context()); err != nil || r.Err() != nil {
				b.Fatal(err, r.Err())
			}
		}
	}
}
