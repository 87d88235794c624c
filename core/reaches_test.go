package core

import (
	"errors"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/qjpcpu/supervisord/core/child"
	"github.com/qjpcpu/supervisord/core/logs"
)

// refuser starts nothing and remembers what it was to start.
type refuser struct{ asked chan child.Command }

func (r refuser) Start(c child.Command) (child.Child, error) {
	r.asked <- c
	return nil, errors.New("refused")
}

// What a Spec says reaches the room whose business it is: nothing of a launch or of an output is left out on the way. A field that
// somebody adds there is found here until it is handed on.
func TestWhatASpecSaysReachesItsRoom(t *testing.T) {
	launch := Launch{Command: "/bin/web", Args: []string{"-p", "80"}, Env: map[string]string{"A": "1"}, Dir: t.TempDir(), User: "www", Group: "web",
		PIDFile: filepath.Join(t.TempDir(), "web.pid"), Limits: child.Limits{MemoryMax: 7}}
	output := Output{Stdout: []string{filepath.Join(t.TempDir(), "out")}, Stderr: []string{filepath.Join(t.TempDir(), "err")},
		Size: 1000, Count: 3, Age: time.Hour, Total: 5000, Compress: true, Format: logs.JSON}
	for _, given := range []any{launch, output} {
		if empty := emptyFields(given); empty != nil {
			t.Fatalf("%T: this test gives no %v", given, empty)
		}
	}
	got := output.settings(output.Stdout)
	if empty := emptyFields(got); empty != nil {
		t.Errorf("of the output %v is lost", empty)
	}
	for i, from := 0, reflect.ValueOf(output); i < from.NumField(); i++ {
		name := from.Type().Field(i).Name
		if to := reflect.ValueOf(got).FieldByName(name); to.IsValid() && !reflect.DeepEqual(to.Interface(), from.Field(i).Interface()) {
			t.Errorf("%s is %v, want %v", name, to, from.Field(i))
		}
	}

	r := refuser{make(chan child.Command, 1)}
	set := logs.New(logs.Options{})
	s := New(Options{Starter: r, Logs: set})
	_, _ = s.Apply(t.Context(), []Spec{spec("web", func(s *Spec) {
		s.Launch, s.Output, s.Care.StopMode, s.Care.Restart = launch, output, child.Process, Never
	})})
	c := <-r.asked
	if empty := emptyFields(c); empty != nil {
		t.Errorf("of the launch %v is lost", empty)
	}
	want := child.Command{Name: "web", Generation: c.Generation, Path: launch.Command, Args: launch.Args, Env: c.Env, Dir: launch.Dir, User: launch.User,
		Group: launch.Group, Stdout: child.Pipe, Stderr: child.Pipe, Scope: child.Process, Limits: launch.Limits, GiveUp: c.GiveUp}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
	r2, err := s.Close(t.Context(), true)
	if err := errors.Join(err, r2.Err(), set.Close()); err != nil {
		t.Error(err)
	}
}

// emptyFields names the exported fields of a struct that have no value.
func emptyFields(of any) (names []string) {
	v := reflect.ValueOf(of)
	for i := range v.NumField() {
		if field := v.Type().Field(i); field.IsExported() && v.Field(i).IsZero() {
			names = append(names, field.Name)
		}
	}
	return names
}
