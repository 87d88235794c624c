package lisp

import (
	"sort"
	"strings"
	"testing"
)

// TestEveryExampleIsTrue runs the example of every primitive, special form and macro.
func TestEveryExampleIsTrue(t *testing.T) {
	base := NewBase()
	names := base.Names("")
	for _, name := range names {
		d, ok := base.Doc(name)
		if !ok || d.Text == "" || d.Usage == "" {
			t.Errorf("%s has no documentation", name)
			continue
		}
		if d.Example == "" {
			t.Errorf("%s has no example", name)
			continue
		}
		for _, line := range strings.Split(d.Example, "\n") {
			src, want, ok := strings.Cut(line, " => ")
			if !ok {
				t.Errorf("%s: an example is written PROGRAM => VALUE: %s", name, line)
				continue
			}
			v, _, err := run(t, base, src)
			if err != nil {
				t.Errorf("%s: %s: %v", name, src, err)
			} else if got := Print(v); got != want {
				t.Errorf("%s: %s gives %s, want %s", name, src, got, want)
			}
		}
	}
	if !sort.StringsAreSorted(names) || len(names) < 200 {
		t.Errorf("%d names, sorted %v", len(names), sort.StringsAreSorted(names))
	}
}
