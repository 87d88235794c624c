package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryFaultHasItsTest holds the table of faults to the tests it names: every one exists, and every fault has one.
func TestEveryFaultHasItsTest(t *testing.T) {
	text, err := os.ReadFile("../../repl/SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`((?: [a-z_-]+)?) \\(([a-z/]+)\\)")
	sources := map[string]string{} // of the tests of a package
	rows := map[string]int{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			continue
		}
		fault, _, _ := strings.Cut(strings.TrimSpace(cells[1]), " ")
		for _, m := range named.FindAllStringSubmatch(cells[3], -1) {
			name, script, room := m[1], strings.TrimSpace(m[2]), m[3]
			if _, read := sources[room]; !read {
				files, err := filepath.Glob(filepath.Join("..", "..", room, "*_test.go"))
				if err != nil {
					t.Fatal(err)
				}
				for _, file := range files {
					source, err := os.ReadFile(file)
					if err != nil {
						t.Fatal(err)
					}
					sources[room] += string(source)
				}
			}
			if !strings.Contains(sources[room], "\nfunc "+name+"(") {
				t.Errorf("%s: there is no %s in %s", fault, name, room)
			}
			if script != "" {
				if _, err := os.Stat(filepath.Join("testdata", "script", script+".txtar")); err != nil {
					t.Errorf("%s: %v", fault, err)
				}
			}
			rows[fault]++
		}
	}
	for _, group := range []struct {
		letter string
		last   int
	}{{"D", 18}, {"F", 26}} {
		for i := 1; i <= group.last; i++ {
			fault := fmt.Sprintf("%s%02d", group.letter, i)
			if rows[fault] == 0 && fault != "F12" { // tokens that may only some things are no part of this version
				t.Errorf("%s has no test", fault)
			}
		}
	}
	if rows["F-RCE"] == 0 {
		t.Error("F-RCE has no test")
	}
}
