package core

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The table of DESIGN.md names tests that exist, and one for each fault.
func TestPromisesNameTheirTests(t *testing.T) {
	text, err := os.ReadFile("DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "\n## Promises")
	if !found {
		t.Fatal("DESIGN.md has no table of promises")
	}
	there := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err = filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || entry.IsDir():
		case strings.HasSuffix(path, ".txtar"):
			there[filepath.Base(path)] = true
		case strings.HasSuffix(path, "_test.go"):
			source, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, match := range function.FindAllSubmatch(source, -1) {
				there[string(match[1])] = true
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// The faults of the catalogue, by group; what cannot be produced is named there too, with the reason.
	for group, last := range map[string]int{"A": 30, "B": 26, "C": 20, "G": 15, "H": 10, "I": 4} {
		for i := range last {
			if fault := fmt.Sprintf("%s%02d", group, i+1); !strings.Contains(table, fault) {
				t.Errorf("no test is named for the fault %s", fault)
			}
		}
	}
	names := regexp.MustCompile(`\bTest[A-Z]\w+|[\w-]+\.txtar`).FindAllString(table, -1)
	if len(names) < 50 {
		t.Errorf("the table names %d tests", len(names))
	}
	for _, name := range names {
		if !there[name] {
			t.Errorf("%s is named in DESIGN.md and does not exist", name)
		}
	}
}
