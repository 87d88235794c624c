package config

import (
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestReducedFeaturesAreNamedAtLoad: what a system cannot do is a warning of the load, so that check and the start say it; where
// nothing is lacking nothing is said.
func TestReducedFeaturesAreNamedAtLoad(t *testing.T) {
	path := write(t, "[[process]]\nname = 'web'\ncommand = '/bin/sh'\n")
	reduced := []string{
		"this system has reduced features: no parent-death signal: what runs goes on when the daemon is killed",
		"this system has reduced features: no subreaper: a process's tree is its process group, and what leaves the group is not stopped with it",
	}
	for _, c := range []struct {
		os   string
		want []string
	}{{"linux", nil}, {"windows", nil}, {"darwin", reduced}, {"freebsd", reduced}, {"openbsd", reduced}} {
		over := Overrides{Cwd: root(), Environ: environ}
		l, err := newLoader(path, over)
		if err != nil {
			t.Fatal(err)
		}
		if l.host.os != runtime.GOOS {
			t.Fatalf("the load takes this system for %s", l.host.os)
		}
		l.host.os = c.os
		l.read(over)
		l.finish(over)
		if len(l.problems) > 0 {
			t.Fatalf("%s: %v", c.os, l.problems)
		}
		var got []string
		for _, warning := range l.warnings {
			if strings.Contains(warning.Msg, "reduced features") {
				got = append(got, warning.Msg)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: it warns of %q, want %q", c.os, got, c.want)
		}
	}
}
