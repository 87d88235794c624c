package builtins

import (
	"os"
	"strings"
	"testing"

	"github.com/qjpcpu/supervisord/lisp"
)

// TestEveryNameOfTheReferenceExists holds the language and its modules to the index of names of the language's reference,
// lisp/testdata/index.txt. A line is an area and its names; one that begins with - is a name that was left out, and why.
func TestEveryNameOfTheReferenceExists(t *testing.T) {
	index, err := os.ReadFile("../lisp/testdata/index.txt")
	if err != nil {
		t.Fatal(err)
	}
	base := lisp.NewBase(Modules(nil, nil, nil)...)
	count := 0
	for _, line := range strings.Split(string(index), "\n") {
		if strings.HasPrefix(line, "#") || line == "" {
			continue
		}
		area, names, _ := strings.Cut(line, " ")
		if area == "-" {
			name, reason, _ := strings.Cut(names, " ")
			if _, there := base.Doc(name); there || reason == "" {
				t.Errorf("%s is said to be left out (%q)", name, reason)
			}
			continue
		}
		for _, name := range strings.Fields(names) {
			count++
			doc, there := base.Doc(name)
			if !there {
				t.Errorf("%s: there is no %s", area, name)
			} else if doc.Text == "" || doc.Usage == "" || doc.Example == "" {
				t.Errorf("%s: %s is not described", area, name)
			}
		}
	}
	t.Logf("%d names", count)
	if count < 250 {
		t.Errorf("the index has %d names only", count)
	}
}
