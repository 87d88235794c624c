//go:build unix

package builtins

import (
	"os"
	"strings"
	"testing"

	"github.com/qjpcpu/supervisord/lisp"
)

// TestConformanceOfTheHost runs the examples of the language's reference that need the os module; the others, and how the
// file is written, are in package lisp.
func TestConformanceOfTheHost(t *testing.T) {
	e := onMachine(t)
	data, err := os.ReadFile("../lisp/testdata/conformance.txt")
	if err != nil {
		t.Fatal(err)
	}
	agree, changed := 0, 0
	for _, block := range strings.Split(string(data), "\n\n") {
		lines := strings.Split(strings.TrimSpace(block), "\n")
		if len(lines) < 2 || strings.HasPrefix(lines[0], "# ") || !strings.Contains(lines[0], "(os/") {
			continue
		}
		want, why := strings.TrimPrefix(lines[1], "=> "), ""
		if len(lines) > 2 {
			want, why, _ = strings.Cut(strings.TrimPrefix(lines[2], "!! "), " -- ")
		}
		result := e.Eval(t.Context(), Job{Form: lines[0]}, nil)
		got := lisp.Print(result.Value)
		if result.Err != nil {
			got = "ERR " + result.Err.Error()
			if strings.HasPrefix(want, "ERR") && KindOf(result.Err) == kindFailed {
				got = want
			}
		}
		switch {
		case got != want:
			t.Errorf("%s\n got %s\nwant %s", lines[0], got, want)
		case why != "":
			changed++
			t.Logf("changed: %s gives %s: %s", lines[0], want, why)
		default:
			agree++
		}
	}
	t.Logf("%d examples agree, %d are changed by a decision", agree, changed)
	if agree+changed < 6 {
		t.Errorf("only %d examples", agree+changed)
	}
}
