package lisp

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
)

// testBudget ends any test program soon.
var testBudget = Budget{Steps: 200_000_000, Depth: 20_000, Bytes: 256 << 20, Output: 1 << 20}

// run evaluates a program in a fresh environment.
func run(t testing.TB, base *Env, src string) (Value, string, error) {
	t.Helper()
	var out bytes.Buffer
	th := NewThread(context.Background(), &out, testBudget)
	th.OnPanic = func(reason any, stack []byte) { t.Errorf("%s: panic: %v\n%s", src, reason, stack) }
	v, err := th.Eval(base.Child(), "t", src)
	return v, out.String(), err
}

// outcome is the result of a program as the conformance file writes it.
func outcome(t testing.TB, base *Env, src string) string {
	v, out, err := run(t, base, src)
	if err != nil {
		return "ERR " + err.Error()
	}
	if out != "" {
		return "OUT " + Print(String(out)) + " " + Print(v)
	}
	return Print(v)
}

// TestConformance runs the examples of the language's reference. A case is a program, what the original interpreter
// answers after "=> ", and, where a decision changes that, what we answer after "!! " with the reason after " -- ".
// Texts of errors are our own, so an error agrees with any error that is about the same: a name that means nothing, or not.
// What needs the os module runs in package builtins.
func TestConformance(t *testing.T) {
	data, err := os.ReadFile("testdata/conformance.txt")
	if err != nil {
		t.Fatal(err)
	}
	base := NewBase()
	agree, changed, host, total := 0, 0, 0, 0
	for _, block := range strings.Split(string(data), "\n\n") {
		lines := strings.Split(strings.TrimSpace(block), "\n")
		if len(lines) < 2 || strings.HasPrefix(lines[0], "# ") {
			continue
		}
		if total++; strings.Contains(lines[0], "(os/") {
			host++
			continue
		}
		src, want := lines[0], strings.TrimPrefix(lines[1], "=> ")
		why := ""
		if len(lines) > 2 {
			want, why, _ = strings.Cut(strings.TrimPrefix(lines[2], "!! "), " -- ")
		}
		got := outcome(t, base, src)
		if strings.HasPrefix(want, "ERR") && strings.HasPrefix(got, "ERR") && strings.Contains(want, "symbol `") == (strings.Contains(got, "no such name") || strings.Contains(got, "argument that is missing")) {
			got = want
		}
		switch {
		case got != want:
			t.Errorf("%s\n got %s\nwant %s", src, got, want)
		case why != "":
			changed++
			t.Logf("changed: %s gives %s: %s", src, want, why)
		default:
			agree++
		}
	}
	t.Logf("%d of %d examples agree, %d are changed by a decision, %d run in package builtins", agree, total, changed, host)
	if total < 380 || changed > 40 {
		t.Errorf("of %d examples %d are changed", total, changed)
	}
}
