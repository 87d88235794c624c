package core

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/logs"
)

// Every field of a Spec's parts is one that a plan names: a key that nobody compares would never be applied.
func TestPlanSeesEveryField(t *testing.T) {
	a := spec("web")
	// change makes one field, or one of a struct's fields, another, and calls try for each.
	var change func(f reflect.Value, name string, try func(name string))
	change = func(f reflect.Value, name string, try func(name string)) {
		before := reflect.New(f.Type()).Elem()
		before.Set(f)
		switch f.Kind() {
		case reflect.String:
			f.SetString(f.String() + "x")
		case reflect.Bool:
			f.SetBool(!f.Bool())
		case reflect.Int, reflect.Int64:
			f.SetInt(f.Int() + 1)
		case reflect.Float64:
			f.SetFloat(f.Float() + 0.1)
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 3, 3))
		case reflect.Map:
			f.Set(reflect.ValueOf(map[string]string{"PORT": "1"}))
		case reflect.Struct:
			for i := range f.NumField() {
				change(f.Field(i), name+"."+f.Type().Field(i).Name, try)
			}
			return
		default:
			t.Fatalf("%s: a kind this test does not know", name)
		}
		try(name)
		f.Set(before)
	}
	for _, part := range []string{"Launch", "Care", "Output"} {
		b := spec("web")
		change(reflect.ValueOf(&b).Elem().FieldByName(part), part, func(name string) {
			d := differ(a, b)
			if len(d.all()) != 1 || a.Equal(b) {
				t.Errorf("%s: the differences are %v, want one", name, d.all())
			}
			if (len(d.launch) == 1) != (part == "Launch") || (len(d.output) == 1) != (part == "Output") {
				t.Errorf("%s stands in the wrong part: %+v", name, d)
			}
			want := Tune
			if part == "Launch" {
				want = Renew
			}
			if p := Diff([]Spec{a}, []Spec{b}); p.Steps[0].Op != want || !p.Changed() {
				t.Errorf("%s: the plan says %s, want %s", name, p.Steps[0].Op, want)
			}
		})
	}
}

func TestPlanIsAnOrderedAnswer(t *testing.T) {
	have := []Spec{spec("a"), spec("b"), spec("c"), spec("d")}
	want := []Spec{
		spec("d", func(s *Spec) { s.Launch.Env = map[string]string{"B": "secret", "A": "1"}; s.Care.Priority = 3 }),
		spec("new"), spec("a"), spec("b", func(s *Spec) { s.Origin = Added }),
	}
	var got []string
	for _, s := range Diff(have, want).Steps {
		got = append(got, s.Op.String()+" "+s.Name+" "+strings.Join(s.Reasons, ","))
	}
	if text := strings.Join(got, "; "); text != "renew d env.A,env.B,priority; add new ; keep a ; tune b origin; remove c " {
		t.Error(text)
	}
	for _, s := range Diff(have, have).Steps {
		if s.Op != Keep {
			t.Errorf("the same: %+v", s)
		}
	}
	empty := spec("a")
	empty.Launch.Args, empty.Launch.Env, empty.Care.PurgeFiles = []string{}, map[string]string{}, []string{}
	if !empty.Equal(spec("a")) {
		t.Error("empty and absent differ")
	}
}

func TestPlanWarnsOfPipesThatCannotChange(t *testing.T) {
	out := func(stdout, stderr string) Output {
		var o Output
		if stdout != "" {
			o.Stdout = []string{stdout}
		}
		if stderr != "" {
			o.Stderr = []string{stderr}
		}
		return o
	}
	for _, c := range []struct {
		have, want Output
		warns      bool
	}{
		{out("/a", "/b"), out("/c", "/b"), false},
		{out("/a", "/a"), out("/b", "/b"), false},
		{out("/a", "/a"), out("/a", "/b"), true},
		{out("/a", "/b"), out("/a", "/a"), false},
		{out("", "/b"), out("/a", "/b"), true},
		{out("/dev/null", "/b"), out("/a", "/b"), true},
		{out("/a", "/b"), out("", "/b"), false},
		{out("", ""), out("/dev/null", ""), false},
	} {
		a, b := spec("web"), spec("web")
		a.Output, b.Output = c.have, c.want
		if w := Diff([]Spec{a}, []Spec{b}).Steps[0].Warning; (w != "") != c.warns {
			t.Errorf("%v -> %v: warning %q", c.have, c.want, w)
		}
	}
}

func TestWiringMakesNoPipeThatNobodyReads(t *testing.T) {
	for _, c := range []struct {
		stdout, stderr []string
		want           pipes
	}{
		{nil, nil, pipes{child.Null, child.Null}},
		{[]string{"/dev/null"}, []string{"/dev/null", "/dev/null"}, pipes{child.Null, child.Null}},
		{[]string{"/a"}, []string{"/a"}, pipes{child.Pipe, child.Same}},
		{[]string{"/a", "/b"}, []string{"/b", "/a"}, pipes{child.Pipe, child.Pipe}},
		{nil, []string{"/a"}, pipes{child.Null, child.Pipe}},
		{[]string{"/dev/null", "/a"}, nil, pipes{child.Pipe, child.Null}},
	} {
		if got := wiring(Output{Stdout: c.stdout, Stderr: c.stderr}); got != c.want {
			t.Errorf("%v %v: %v, want %v", c.stdout, c.stderr, got, c.want)
		}
	}
}

func TestNamesAreSafeEverywhere(t *testing.T) {
	for _, good := range []string{"web", "web-1", "_x", "a.b@c", "0", strings.Repeat("a", 64)} {
		if err := ValidName(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "-x", ".x", "..", "../x", "a/b", "a b", "a\x00", "a\n", "wéb", "а", "a*", strings.Repeat("a", 65)} {
		if err := ValidName(bad); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestSpecsThatCannotWorkAreRefused(t *testing.T) {
	if err := spec("web").Validate(); err != nil {
		t.Fatal(err)
	}
	for key, tweak := range map[string]func(*Spec){
		"command":           func(s *Spec) { s.Launch.Command = "" },
		"args":              func(s *Spec) { s.Launch.Args = []string{"a\x00b"} },
		"env":               func(s *Spec) { s.Launch.Env = map[string]string{"A=B": "1"} },
		"cwd":               func(s *Spec) { s.Launch.Dir = "x" },
		"pid_file":          func(s *Spec) { s.Launch.PIDFile = "x" },
		"restart":           func(s *Spec) { s.Care.Restart = 9 },
		"stop_signal":       func(s *Spec) { s.Care.StopSignal = 0 },
		"stop_wait_secs":    func(s *Spec) { s.Care.StopWait = -1 },
		"max_restarts":      func(s *Spec) { s.Care.MaxRestarts = -2 },
		"restart_jitter":    func(s *Spec) { s.Care.RestartJitter = 1.5 },
		"restart_delay_max": func(s *Spec) { s.Care.RestartDelay = time.Hour },
		"std_log_size":      func(s *Spec) { s.Output.Size = -1 },
		"std_log_count":     func(s *Spec) { s.Output.Count = -1 },
		"std_log_age":       func(s *Spec) { s.Output.Age = -1 },
		"std_log_total":     func(s *Spec) { s.Output.Total, s.Output.Size = 1, 2 },
		"log_format":        func(s *Spec) { s.Output.Format = 9 },
	} {
		if err := spec("web", tweak).Validate(); !errors.Is(err, ErrInvalid) || !strings.HasPrefix(err.Error(), "web: "+key+" ") {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestPrivateVariablesAreNotPassedOn(t *testing.T) {
	base := []string{"PATH=/bin", "NOTIFY_SOCKET=/run/x", "LISTEN_FDS=3", "WATCHDOG_USEC=1", "SUPERVISORD_TOKEN=t", "SUPERVISORD_TOKEN_FILE=f",
		"GOGC=1", "A=1", "A=2", "junk", "=x", "SUPERVISOR_ADDRESS=old", "EMPTY="}
	s := New(Options{BaseEnv: base, Address: "unix:/s"})
	got := environ(s.host.env, Launch{Env: map[string]string{"A": "3", "LISTEN_FDS": "declared"}})
	want := []string{"A=3", "EMPTY=", "LISTEN_FDS=declared", "PATH=/bin", "SUPERVISOR_ADDRESS=unix:/s"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAnotherUserDoesNotGetTheDaemonsHome(t *testing.T) {
	base := []string{"HOME=/root", "LOGNAME=root", "PATH=/bin", "SHELL=/bin/sh", "USER=root"}
	if got := environ(base, Launch{}); !slices.Equal(got, base) {
		t.Errorf("the same user: %q", got)
	}
	got := environ(base, Launch{User: "nobody", Env: map[string]string{"SHELL": "/bin/false"}})
	if want := []string{"PATH=/bin", "SHELL=/bin/false"}; !slices.Equal(got, want) {
		t.Errorf("another user: %q, want %q", got, want)
	}
}

// TestNoTimeOverflows: an embedder's "for ever" would be a deadline long ago, and KILL at once.
func TestNoTimeOverflows(t *testing.T) {
	for key, at := range map[string]func(*Spec) *time.Duration{
		"stop_wait_secs":    func(s *Spec) *time.Duration { return &s.Care.StopWait },
		"kill_wait_secs":    func(s *Spec) *time.Duration { return &s.Care.KillWait },
		"start_secs":        func(s *Spec) *time.Duration { return &s.Care.StartGrace },
		"restart_window":    func(s *Spec) *time.Duration { return &s.Care.RestartWindow },
		"restart_delay_max": func(s *Spec) *time.Duration { return &s.Care.RestartDelayMax },
		"steady":            func(s *Spec) *time.Duration { return &s.Care.Steady },
		"std_log_age":       func(s *Spec) *time.Duration { return &s.Output.Age },
	} {
		for length, good := range map[time.Duration]bool{longestTime: true, longestTime + 1: false, math.MaxInt64: false} {
			err := spec("web", func(s *Spec) { *at(s) = length }).Validate()
			if good && err != nil || !good && (!errors.Is(err, ErrInvalid) || !strings.HasPrefix(err.Error(), "web: "+key+" must be at most ")) {
				t.Errorf("%s of %v: %v", key, length, err)
			}
		}
	}
}

// TestNoValueOfAnEnumerationPanics: an embedder may print one that this version does not know.
func TestNoValueOfAnEnumerationPanics(t *testing.T) {
	for _, n := range []int{-1, 99} {
		for _, name := range []string{State(n).String(), Op(n).String(), RestartPolicy(n).String(), logs.Format(n).String(), logs.NoticeKind(n).String()} {
			if !strings.Contains(name, strconv.Itoa(n)) {
				t.Errorf("%d is called %q", n, name)
			}
		}
	}
}

func TestStatesHaveNames(t *testing.T) {
	for s := Stopped; s <= Fatal; s++ {
		text, err := json.Marshal(s)
		var back State
		if err != nil || json.Unmarshal(text, &back) != nil || back != s || string(text) != `"`+s.String()+`"` {
			t.Errorf("%s: %s %v %s", s, text, err, back)
		}
		if s.Settled() && (s.HasChild() || s.Armed()) {
			t.Errorf("%s is settled and is not", s)
		}
	}
	if _, err := ParseState("up"); err == nil || !strings.HasSuffix(err.Error(), "(want stopped, starting, running, stopping, backoff, exited, fatal)") {
		t.Errorf("a state that is none: %v", err)
	}
	if _, err := ParseState("runing"); !errors.Is(err, ErrInvalid) || err.Error() != `unknown state "runing" (did you mean running?)` {
		t.Error(err)
	}
	for n, name := range RestartPolicies() {
		if got := RestartPolicy(n).String(); got != name {
			t.Errorf("policy %d is %s, want %s", n, got, name)
		}
	}
}

func TestJournalTellsASlowReaderWhatItMissed(t *testing.T) {
	j := NewJournal(4)
	for i := range 10 {
		if seq := j.Add(Event{PID: i + 1}); seq != uint64(i+1) {
			t.Fatalf("event %d has number %d", i+1, seq)
		}
	}
	for _, c := range []struct {
		since         uint64
		max           int
		first, last   int
		missed        uint64
		numberOfThese int
	}{{0, 0, 7, 10, 6, 4}, {6, 0, 7, 10, 0, 4}, {8, 0, 9, 10, 0, 2}, {5, 2, 7, 8, 1, 2}, {10, 0, 0, 0, 0, 0}, {99, 0, 0, 0, 0, 0}} {
		events, missed := j.Since(c.since, c.max)
		if len(events) != c.numberOfThese || missed != c.missed {
			t.Errorf("since %d: %d events, %d missed; want %d, %d", c.since, len(events), missed, c.numberOfThese, c.missed)
			continue
		}
		for i, e := range events {
			if int(e.Seq) != e.PID || e.PID != c.first+i || e.At.IsZero() {
				t.Errorf("since %d: event %d is %+v", c.since, i, e)
			}
		}
	}
}

func TestJournalWakesWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := NewJournal(2)
		woken := make(chan error, 3)
		for range 3 {
			go func() { woken <- j.Wait(t.Context(), 1) }()
		}
		j.Add(Event{})
		synctest.Wait()
		if len(woken) != 0 {
			t.Error("woken by an event it had seen")
		}
		j.Add(Event{})
		for range 3 {
			if err := <-woken; err != nil {
				t.Error(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := j.Wait(ctx, 2); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestPIDFileIsWholeAndOurs(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "run", "web.pid")
	if err := writePIDFile(path, 42); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(path)
	info, _ := os.Stat(path)
	if string(text) != "42\n" || runtime.GOOS != "windows" && info.Mode().Perm() != 0o644 {
		t.Errorf("%q %v", text, info.Mode())
	}
	if err := writePIDFile(path, 43); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("left beside it: %v", entries)
	}
	if err := removePIDFile(path, 42); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error("another's pid file was removed")
	}
	if err := removePIDFile(path, 43); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("our pid file is left")
	}
	if err := removePIDFile(path, 43); err != nil {
		t.Errorf("what is not there: %v", err)
	}
}

func TestPIDFileFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	victim, path := filepath.Join(dir, "victim"), filepath.Join(dir, "web.pid")
	if err := os.WriteFile(victim, []byte("7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, path); err != nil {
		t.Skip(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Skipf("a link is said to be made and is not: %v", err) // Wine 8
	}
	if err := removePIDFile(path, 7); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Error("a link that somebody put there was removed")
	}
	if err := writePIDFile(path, 8); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(victim); string(text) != "7\n" {
		t.Errorf("the victim holds %q", text)
	}
	if err := removePIDFile(path, 8); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(victim); err != nil {
		t.Error(err)
	}
}

func TestPIDFileReplacesNoOtherFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	for text, good := range map[string]bool{"dear diary\n": false, "17 little pigs\n": true, "99\n": true, "": true, " \n": true, strings.Repeat("9", 100): false} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := writePIDFile(path, 42)
		got, _ := os.ReadFile(path)
		if good != (err == nil) || good != (string(got) == "42\n") || !good && string(got) != text {
			t.Errorf("over %q: %v, %q", text, err, got)
		}
	}
}

// I04: an uptime is measured by the monotonic clock, which a step of the system's time does not move, and is never negative.
func TestUptimeDoesNotMindTheWallClock(t *testing.T) {
	st := Status{State: Running, PID: 1, StartedAt: wallClock()}
	if !strings.Contains(st.StartedAt.String(), " m=") {
		t.Errorf("%v carries no reading of the monotonic clock", st.StartedAt)
	}
	st.StartedAt = time.Now().Round(0).Add(time.Hour) // of the wall clock alone, which went back since
	if up := st.Uptime(); up != 0 {
		t.Errorf("up for %v", up)
	}
}
