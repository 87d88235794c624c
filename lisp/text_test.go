package lisp

import (
	"math/rand/v2"
	"testing"
	"unicode/utf8"
)

// TestCharactersOfTexts holds length and characters by index to Go's own view of the string, for texts that were built
// piece by piece, with characters of every width and broken ones, read forwards, backwards and at random.
func TestCharactersOfTexts(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	pieces := []string{"a", "0123456789", "é", "\xc3", "\xa9", "日本", "\xff\xfe", "😀", ""}
	th := NewThread(t.Context(), nil, Budget{})
	for round := range 200 {
		x := String("").o.(*text)
		for range 1 + random.IntN(60) {
			x = th.join(x, pieces[random.IntN(2+round%len(pieces))%len(pieces)])
			if random.IntN(3) == 0 && th.count(x) != utf8.RuneCountInString(x.s) {
				t.Fatalf("count of %q is %d, want %d", x.s, th.count(x), utf8.RuneCountInString(x.s))
			}
		}
		want := []rune(x.s)
		if th.count(x) != len(want) {
			t.Fatalf("count of %q is %d, want %d", x.s, th.count(x), len(want))
		}
		for i := range want {
			for _, at := range []int{i, len(want) - 1 - i, random.IntN(len(want))} {
				if got := th.charAt(x, at); rune(got.n) != want[at] {
					t.Fatalf("character %d of %q is %q, want %q", at, x.s, rune(got.n), want[at])
				}
			}
		}
	}
}
