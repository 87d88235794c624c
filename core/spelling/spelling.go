// Package spelling finds the word that somebody meant to type, for "did you mean". It has no state. (The language has an
// answer of its own, as it imports nothing of this module.)
//
// May import: no other room.
package spelling

import "strings"

// longest is the length in bytes beyond which a word is no slip of the finger any more.
const longest = 128

// Nearest is the candidate that takes the fewest typing mistakes to become word, if these are no more than a third of its
// letters (one is always allowed); else "". Case means nothing, and a dash is as good as an underscore. Of equals the first wins.
func Nearest(word string, candidates []string) string {
	if len(word) > longest {
		return ""
	}
	word = folded(word)
	best, least := "", 1+max(1, len(word)/3)
	for _, c := range candidates {
		if n := mistakes(word, folded(c)); n < least {
			best, least = c, n
		}
	}
	return best
}

func folded(word string) string { return strings.ReplaceAll(strings.ToLower(word), "-", "_") }

// mistakes counts insertions, deletions, substitutions and swaps of neighbours (the optimal string alignment distance). Three
// rows of its table are enough: a swap looks back over two.
func mistakes(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(last[j]+1, row[j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
