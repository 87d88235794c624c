package lisp

import (
	"math/rand/v2"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestSearchesAgreeWithTheLibrary: a search that can be interrupted finds what package regexp finds.
func TestSearchesAgreeWithTheLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	pieces := []string{"a", "b", ".", `\b`, "^", "$", "(?m)^", "(?m:$)", "(a|b)", "(a*)", "a*", "b+?", "x?", "(ab|a)(b?)", `\B`, "[^a]", `\s`, "é", "", "a{2}", "(?i:A)", `\A`, `\z`, "(?P<n>b)"}
	letters := []string{"a", "b", "ab", "x", " ", "\n", "é", "中", "\xff", "A"}
	for range 4_000 {
		var expr, text strings.Builder
		for range 1 + r.IntN(4) {
			expr.WriteString(pieces[r.IntN(len(pieces))])
		}
		for range r.IntN(12) {
			text.WriteString(letters[r.IntN(len(letters))])
		}
		p, err := compilePattern(expr.String())
		if err != nil {
			continue
		}
		re, s := regexp.MustCompile(expr.String()), text.String()
		th := NewThread(t.Context(), nil, testBudget)
		for _, n := range []int{-1, 1, 2, 0} {
			var got [][]int
			th.all(p, s, n, func(at []int) { got = append(got, at) })
			if want := re.FindAllStringSubmatchIndex(s, n); !reflect.DeepEqual(got, want) {
				t.Fatalf("%q in %q, %d: %v, want %v", expr.String(), s, n, got, want)
			}
			if got, want := th.split(p, s, n), re.Split(s, n); len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
				t.Fatalf("%q splits %q, %d: %q, want %q", expr.String(), s, n, got, want)
			}
		}
		slow := p.re.FindReaderSubmatchIndex(&runes{t: th, s: s, inst: 1})
		if want := re.FindStringSubmatchIndex(s); !reflect.DeepEqual(slow, want) {
			t.Fatalf("%q in %q: %v, want %v", expr.String(), s, slow, want)
		}
	}
}

// TestPatternsAreMeasuredBeforeTheyAreCompiled: what would be too large is not made first.
func TestPatternsAreMeasuredBeforeTheyAreCompiled(t *testing.T) {
	for _, s := range []string{strings.Repeat(`\pL{1000}`, 100), strings.Repeat("(a{900})", 100), "((a{30}){30}){1}" + strings.Repeat("[^x]{1000}", 90), strings.Repeat("(a?){900}", 12)} {
		before := heapBytes()
		if _, err := compilePattern(s); err == nil {
			t.Errorf("%s is accepted", clip(s, 40))
		}
		if took := heapBytes() - before; took > 4<<20 {
			t.Errorf("%s takes %d KiB", clip(s, 40), took>>10)
		}
	}
	for _, s := range []string{"a{1000}", "(a?){900}b", strings.Repeat("a|", 500), `^\d+(\.\d+){2}$`} {
		if _, err := compilePattern(s); err != nil {
			t.Errorf("%s: %v", clip(s, 40), err)
		}
	}
}
