package cli

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/qjpcpu/supervisord/core/config"
)

var updateReadme = flag.Bool("update-readme", false, "write the generated tables into README.md")

// commandsTable is the table of all commands for the README.
func commandsTable() string {
	var b strings.Builder
	b.WriteString("| command | what it does | options |\n|---|---|---|\n")
	for _, c := range shownCommands() {
		synopsis := c.title()
		if c.args != "" {
			synopsis += " " + c.args
		}
		var options []string
		for _, o := range c.options {
			text := "--" + o.name
			if o.short != "" {
				text = "-" + o.short + ", " + text
			}
			if o.value != "" {
				text += " " + o.value
			}
			options = append(options, "`"+text+"` "+o.doc)
		}
		cells := []string{"`" + synopsis + "`", c.doc, strings.Join(options, "<br>")}
		for i, cell := range cells {
			cells[i] = strings.ReplaceAll(cell, "|", "\\|")
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	return b.String()
}

// TestTheReadmesTablesAreGenerated holds the README's tables to the tables of commands and keys. With -update-readme it writes them.
func TestTheReadmesTablesAreGenerated(t *testing.T) {
	const path = "../../README.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	readme := string(text)
	for _, section := range []struct{ name, want string }{
		{"commands", commandsTable()},
		{"keys", config.Markdown()},
	} {
		begin, end := "<!-- "+section.name+" -->\n", "<!-- /"+section.name+" -->"
		before, rest, found := strings.Cut(readme, begin)
		have, after, closed := strings.Cut(rest, end)
		if !found || !closed {
			t.Fatalf("README.md has no section %s", section.name)
		}
		if have == section.want {
			continue
		}
		if !*updateReadme {
			t.Errorf("the table of %s in README.md is not what the program knows; go test ./cmd/cli -run Readme -update-readme writes it", section.name)
		}
		readme = before + begin + section.want + end + after
	}
	if *updateReadme {
		if err := os.WriteFile(path, []byte(readme), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
