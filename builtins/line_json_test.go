package builtins

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/qjpcpu/supervisord/core"
)

// object is a followed line.
type object struct {
	Name, Line   string
	Stream, Time *string
}

// readObject takes one line apart, which must be one JSON object with these keys and no others.
func readObject(t *testing.T, line string) (o object) {
	t.Helper()
	var keys map[string]any
	if err := json.Unmarshal([]byte(line), &keys); err != nil || len(keys) != 4 || line[len(line)-1] != '\n' {
		t.Fatalf("%q is no line: %v", line, err)
	}
	if err := json.Unmarshal([]byte(line), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// TestFollowedLinesAsJSON: each is one object, older ones and new ones, whatever the program writes; the stream is named unless both
// have one file.
func TestFollowedLinesAsJSON(t *testing.T) {
	for what, both := range map[string]bool{"stdout": false, "one file": true} {
		t.Run(what, func(t *testing.T) {
			p := newPiped(t)
			file := filepath.Join(t.TempDir(), "a.log")
			spec := core.Spec{Name: "a", Launch: core.Launch{Command: "/bin/x"}, Care: core.DefaultCare(), Output: core.Output{Stdout: []string{file}}}
			if both {
				spec.Output.Stderr = spec.Output.Stdout
			}
			p.apply(spec)
			p.said("a", "old: \"1\"")
			ctx, cancel := context.WithCancel(t.Context())
			out, done := streamed(ctx, NewEngine(EngineOptions{Host: &Host{Sup: p.sup}}), `(follow "a" "lines=1" "json=true" "times=true")`)
			for _, want := range []string{"old: \"1\"", "{} \t\x1b[1m <\ufffd>"} {
				o := readObject(t, <-out)
				if o.Name != "a" || o.Line != want {
					t.Errorf("%+v, want the line %q", o, want)
				}
				if both != (o.Stream == nil) || o.Stream != nil && *o.Stream != "stdout" {
					t.Errorf("%q is of the stream %v", want, o.Stream)
				}
				if o.Time == nil {
					t.Errorf("%q has no time", want)
				} else if at, err := time.Parse(time.RFC3339Nano, *o.Time); err != nil || time.Since(at) > time.Hour {
					t.Errorf("%q came at %s", want, *o.Time)
				}
				if want[0] == 'o' {
					p.say("a", "{} \t\x1b[1m <\xff>")
				}
			}
			cancel()
			for range out { // nothing more
			}
			<-done
		})
	}
}

// TestOwnLinesAsJSON: the daemon's own begin with their time, or are JSON already and stand as they are in the line.
func TestOwnLinesAsJSON(t *testing.T) {
	for text, at := range map[string]string{"2026-11-26T11:05:48.242Z INFO  web: running": "2026-11-26T11:05:48.242Z", `{"time":"2026-11-26T11:05:48.242Z"}`: "", "": ""} {
		o := readObject(t, ownLineJSON(text)+"\n")
		if o.Name != "supervisord" || o.Line != text || o.Stream != nil || (o.Time == nil) != (at == "") || o.Time != nil && *o.Time != at {
			t.Errorf("%q gives %+v", text, o)
		}
	}
}
