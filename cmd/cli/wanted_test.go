package cli

import (
	"errors"
	"strings"
	"testing"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/config"
)

func named(origin core.Origin, names ...string) []core.Spec {
	var all []core.Spec
	for _, name := range names {
		all = append(all, core.Spec{Name: name, Origin: origin})
	}
	return all
}

func shown(specs []core.Spec) string {
	var words []string
	for _, spec := range specs {
		words = append(words, spec.Name+":"+spec.Origin.String())
	}
	return strings.Join(words, " ")
}

// TestWhoIsWanted: the file, then the command line, then what was added; a name of the file cannot be taken, one of the
// command line can be replaced and removed, and what did not happen has changed nothing.
func TestWhoIsWanted(t *testing.T) {
	w := &desire{
		loaded: config.Config{Path: "/etc/s.conf", Specs: append(named(core.FromFile, "web", "db"), named(core.FromFlags, "temp")...)},
		added:  named(core.Added, "extra", "db"),
	}
	if got, want := shown(w.specs()), "web:file db:file temp:flags extra:added"; got != want {
		t.Errorf("at first %s, want %s", got, want)
	}
	if got := w.shadowed(); len(got) != 1 || !strings.HasPrefix(got[0], "db: ") {
		t.Errorf("shadowed: %q", got)
	}
	for _, refused := range []func() (desire, error){
		func() (desire, error) { return w.with(core.Spec{Name: "web", Origin: core.Added}) },
		func() (desire, error) { return w.without("web") },
	} {
		if _, err := refused(); !errors.Is(err, core.ErrConflict) || !strings.Contains(err.Error(), "web: it stands in /etc/s.conf") {
			t.Errorf("a name of the file: %v", err)
		}
	}
	next, err := w.with(core.Spec{Name: "temp", Origin: core.Added})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := shown(next.specs()), "web:file db:file extra:added temp:added"; got != want {
		t.Errorf("with temp added %s, want %s", got, want)
	}
	if next, err = next.without("extra"); err != nil {
		t.Fatal(err)
	}
	if next, err = next.without("temp"); err != nil {
		t.Fatal(err)
	}
	if got, want := shown(next.specs()), "web:file db:file"; got != want {
		t.Errorf("at last %s, want %s", got, want)
	}
	if got, want := shown(w.specs()), "web:file db:file temp:flags extra:added"; got != want {
		t.Errorf("the one before is now %s, want %s", got, want)
	}
}
