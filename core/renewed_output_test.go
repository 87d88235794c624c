package core

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A reload may change the program and where its output goes at once: the new life writes where the new Spec says, and a log that
// is no longer named gets nothing more.
func TestRealRenewedProcessWritesToItsNewLog(t *testing.T) {
	dir := t.TempDir()
	before, after := filepath.Join(dir, "before.log"), filepath.Join(dir, "after.log")
	s := real(t, does("lines 3", func(s *Spec) { s.Name, s.Output.Stdout = "lines", []string{before} }))
	await(t, s, "lines", Exited)
	told, err := os.ReadFile(before)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Apply(t.Context(), []Spec{does("lines 5", func(s *Spec) { s.Name, s.Output.Stdout = "lines", []string{after} })})
	if err != nil || r.Err() != nil {
		t.Fatal(err, r.Err())
	}
	await(t, s, "lines", Exited)
	if text, err := os.ReadFile(before); err != nil || string(text) != string(told) {
		t.Errorf("the old log got more: %q, %v", text, err)
	}
	if text, err := os.ReadFile(after); err != nil || len(text) <= len(told) {
		t.Errorf("the new log has %q, %v", text, err)
	}
}

// When neither the old log nor the new one can be opened, a start says what is wrong with the new one.
func TestRealRenewedProcessIsToldOfItsNewLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before := does("serve", func(s *Spec) { s.Care.Autostart, s.Output.Stdout = false, []string{filepath.Join(file, "before.log")} })
	s := real(t, before)
	want := before
	want.Launch.Env, want.Output.Stdout = map[string]string{"RENEWED": "yes"}, []string{filepath.Join(file, "after.log")}
	if r, err := s.Apply(t.Context(), []Spec{want}); err != nil || r.Err() == nil {
		t.Errorf("%v, %v", err, r)
	}
	r, err := s.Start(t.Context())
	if err != nil || r.Err() == nil || !strings.Contains(r.Err().Error(), "after.log") {
		t.Errorf("%v, %v", err, r)
	}
}

// When the new log cannot be opened the program is renewed all the same and keeps its old log; that is said, and the next plan
// names it again.
func TestRealRenewedProcessKeepsItsLogWhenTheNewOneCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	before := filepath.Join(dir, "before.log")
	s := real(t, does("serve", func(s *Spec) { s.Output.Stdout = []string{before} }))
	pid := state(t, s, "serve").PID
	want := []Spec{does("serve", func(s *Spec) {
		s.Output.Stdout = []string{filepath.Join(before, "no-folder.log")}
		s.Launch.Env = map[string]string{"RENEWED": "yes"}
	})}
	r, err := s.Apply(t.Context(), want)
	if err != nil || r.Err() == nil || !strings.Contains(r.Err().Error(), "no-folder.log") {
		t.Errorf("%v, %v", err, r)
	}
	if st := state(t, s, "serve"); st.State != Running || st.PID == pid || st.PID != r[0].PID || r[0].State != Running {
		t.Errorf("%+v, told as %+v", st, r[0])
	}
	if spec, err := s.Spec("serve"); err != nil || spec.Output.Stdout[0] != before || spec.Launch.Env["RENEWED"] != "yes" {
		t.Errorf("%+v, %v", spec, err)
	}
	if plan := s.Plan(want); plan.Steps[0].Op != Tune || len(plan.Steps[0].Reasons) != 1 || plan.Steps[0].Reasons[0] != "stdout" {
		t.Errorf("%+v", plan.Steps[0])
	}
}
