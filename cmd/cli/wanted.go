package cli

import (
	"fmt"
	"slices"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/config"
)

// desire is which processes are wanted: those of the file and of the command line, and those that add-proc brought. It
// has no lock; whoever holds the daemon's slot for changes owns it.
type desire struct {
	loaded   config.Config
	added    []core.Spec
	removed  map[string]bool // processes of the command line that are not wanted any more
	warnings []string
}

// begin takes what the configuration wants and what add-proc brought in earlier lives of the daemon.
func (w *desire) begin(loaded config.Config) error {
	added, damage, err := config.LoadAdded(loaded.Place.Added)
	if err != nil {
		return err
	}
	*w = desire{loaded: loaded, added: added}
	for _, problem := range slices.Concat(damage, loaded.Warnings) {
		w.warnings = append(w.warnings, problem.String())
	}
	w.warnings = append(w.warnings, w.shadowed()...)
	return nil
}

// specs are the wanted processes, in the order of the configuration. A name of the file wins over one that was added.
func (w *desire) specs() []core.Spec {
	all := slices.DeleteFunc(slices.Clone(w.loaded.Specs), func(spec core.Spec) bool {
		return spec.Origin == core.FromFlags && w.removed[spec.Name]
	})
	for _, spec := range w.added {
		if !slices.ContainsFunc(all, func(s core.Spec) bool { return s.Name == spec.Name }) {
			all = append(all, spec)
		}
	}
	return all
}

// shadowed are the added processes that a name of the file or of the command line hides.
func (w *desire) shadowed() []string {
	var all []string
	for _, spec := range w.added {
		if i := slices.IndexFunc(w.loaded.Specs, func(s core.Spec) bool { return s.Name == spec.Name && !w.removed[s.Name] }); i >= 0 {
			all = append(all, fmt.Sprintf("%s: the one that add-proc brought is not used, the %s has a process of this name", spec.Name, w.loaded.Specs[i].Origin))
		}
	}
	return all
}

// with is the desire after a process was added, in place of one that add-proc or the command line brought.
func (w *desire) with(spec core.Spec) (desire, error) {
	if err := w.ofFile("add", spec.Name); err != nil {
		return desire{}, err
	}
	next := w.clone()
	next.dropFlag(spec.Name)
	if i := slices.IndexFunc(next.added, func(s core.Spec) bool { return s.Name == spec.Name }); i >= 0 {
		next.added[i] = spec
	} else {
		next.added = append(next.added, spec)
	}
	return next, nil
}

// without is the desire after a process was removed.
func (w *desire) without(name string) (desire, error) {
	if err := w.ofFile("remove", name); err != nil {
		return desire{}, err
	}
	next := w.clone()
	next.dropFlag(name)
	next.added = slices.DeleteFunc(next.added, func(s core.Spec) bool { return s.Name == name })
	return next, nil
}

func (w *desire) clone() desire {
	next := *w
	next.added = slices.Clone(w.added)
	next.removed = map[string]bool{}
	for name := range w.removed {
		next.removed[name] = true
	}
	return next
}

func (w *desire) dropFlag(name string) {
	if slices.ContainsFunc(w.loaded.Specs, func(s core.Spec) bool { return s.Name == name && s.Origin == core.FromFlags }) {
		w.removed[name] = true
	}
}

// ofFile refuses a name that only the file may change.
func (w *desire) ofFile(verb, name string) error {
	if slices.ContainsFunc(w.loaded.Specs, func(s core.Spec) bool { return s.Name == name && s.Origin == core.FromFile }) {
		return refuse(core.ErrConflict, "cannot %s %s: it stands in %s, change it there and reload", verb, name, w.loaded.Path)
	}
	return nil
}
