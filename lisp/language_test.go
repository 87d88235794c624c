package lisp_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/qjpcpu/supervisord/lisp"
)

var update = flag.Bool("update", false, "write the generated part of LANGUAGE.md")

// example is one line of a block: a program, and what the page says of it.
type example struct {
	line            int
	source          string
	result, printed string // printed are whole lines
	judged          bool   // result says something
}

// examples reads the blocks of a page that begin with the given line.
func examples(page, fence string) [][]example {
	var blocks [][]example
	inside := false
	var block []example
	var now example
	for i, line := range strings.Split(page, "\n") {
		switch {
		case !inside:
			inside, block, now = line == fence, nil, example{}
			continue
		case line == "```":
			if strings.TrimSpace(now.source) != "" {
				block = append(block, now)
			}
			blocks, inside = append(blocks, block), false
			continue
		case strings.HasPrefix(line, ";>> ") && len(block) > 0:
			block[len(block)-1].printed += strings.TrimPrefix(line, ";>> ") + "\n"
			continue
		}
		source, result, judged := strings.Cut(line, ";=> ")
		if now.source == "" {
			now.line = i + 1
		}
		now.source += source + "\n"
		if judged {
			now.result, now.judged = strings.TrimSpace(result), true
			block, now = append(block, now), example{}
		}
	}
	return blocks
}

// TestExamplesOfTheLanguageHold evaluates every example of LANGUAGE.md and compares what comes of it with the page.
func TestExamplesOfTheLanguageHold(t *testing.T) {
	page, err := os.ReadFile("LANGUAGE.md")
	if err != nil {
		t.Fatal(err)
	}
	base := lisp.NewBase()
	ran := 0
	for _, block := range examples(string(page), "```glisp") {
		env := base.Child()
		for _, one := range block {
			var out strings.Builder
			value, err := lisp.NewThread(t.Context(), &out, lisp.Budget{Steps: 10_000_000, Depth: 1000, Bytes: 64 << 20}).Eval(env, "", one.source)
			got := lisp.Print(value)
			if failure, ok := errors.AsType[*lisp.Error](err); ok {
				got = "error " + failure.Kind
			} else if err != nil {
				got = err.Error()
			}
			if one.judged && got != one.result || !one.judged && err != nil || out.String() != one.printed {
				t.Errorf("LANGUAGE.md:%d: %s\ngives %s (%v)\nprints %q\nwant %s\nprinting %q", one.line, one.source, got, err, out.String(), one.result, one.printed)
			}
			ran++
		}
	}
	if ran < 100 {
		t.Errorf("only %d examples", ran)
	}
}

// TestReferenceOfTheLanguageIsGenerated holds the list of functions at the end of LANGUAGE.md to the tables they come from.
func TestReferenceOfTheLanguageIsGenerated(t *testing.T) {
	const begin, end = "<!-- functions -->\n", "<!-- /functions -->\n"
	page, err := os.ReadFile("LANGUAGE.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatal("LANGUAGE.md has no place for the functions")
	}
	want := before + begin + reference(lisp.NewBase()) + end + after
	if want == string(page) {
		return
	}
	if !*update {
		t.Fatal("LANGUAGE.md is not what the tables say; go test ./lisp -update writes it")
	}
	if err := os.WriteFile("LANGUAGE.md", []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// reference lists all names of an environment: first the special forms and macros, then the functions by library.
func reference(env *lisp.Env) string {
	var order []string
	tables := map[string]*strings.Builder{}
	for _, kind := range []string{"special form", "macro", "variable", "function"} {
		for _, name := range env.Names("") {
			doc, ok := env.Doc(name)
			if !ok || doc.Kind != kind {
				continue
			}
			title := strings.ToUpper(kind[:1]) + kind[1:] + "s"
			if library, _, in := strings.Cut(name, "/"); in && library != "" && kind == "function" {
				title = "`" + library + "/…`"
			}
			if tables[title] == nil {
				tables[title] = &strings.Builder{}
				order = append(order, title)
			}
			if kind == "function" {
				fmt.Fprintf(tables[title], "| `%s` | %s | %s |\n", cell(doc.Usage), cell(doc.Types), cell(doc.Text))
			} else {
				fmt.Fprintf(tables[title], "| `%s` | %s |\n", cell(doc.Usage), cell(doc.Text))
			}
		}
	}
	var out strings.Builder
	for _, title := range order {
		head := "| call | what it does |\n|---|---|\n"
		if strings.HasPrefix(title, "Functions") || strings.Contains(title, "/") {
			head = "| call | arguments | what it does |\n|---|---|---|\n"
		}
		fmt.Fprintf(&out, "\n### %s\n\n%s%s", title, head, tables[title])
	}
	out.WriteByte('\n')
	return out.String()
}

// cell is a text that may stand in a table: one line, without bars that would end the cell.
func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", "\\|")
}
