package core

import (
	"path"
	"strings"
)

// isPattern reports whether a user's word is a glob rather than a name; names cannot hold these characters.
func isPattern(word string) bool { return strings.ContainsAny(word, "*?[\\") }

// match picks from names, in their order and each once, those that the patterns mean; none means all.
func match(names, patterns []string) ([]string, error) {
	if len(patterns) == 0 {
		return names, nil
	}
	picked := make(map[string]bool, len(patterns))
	for _, pat := range patterns {
		found := false
		for _, name := range names {
			hit := name == pat
			if !hit && isPattern(pat) {
				var err error
				if hit, err = path.Match(pat, name); err != nil {
					return nil, failf(ErrInvalid, "%s: bad pattern", pat)
				}
			}
			if hit {
				picked[name], found = true, true
			}
		}
		if !found {
			return nil, &NotFoundError{Name: pat, Near: nearest(pat, names)}
		}
	}
	out := make([]string, 0, len(picked))
	for _, name := range names {
		if picked[name] {
			out = append(out, name)
		}
	}
	return out, nil
}

// nearest is the candidate that takes the fewest typing mistakes to become name, if those are few for its length; else "".
// A transposition is one mistake.
func nearest(name string, candidates []string) string {
	const longest = 128 // a word longer than this is no typing mistake
	if len(name) > longest {
		return ""
	}
	best, bestDist := "", 1+max(1, len(name)/3)
	for _, c := range candidates {
		if d := distance(strings.ToLower(name), strings.ToLower(c)); d < bestDist {
			best, bestDist = c, d
		}
	}
	return best
}

// distance counts insertions, deletions, substitutions and swaps of neighbours.
func distance(a, b string) int {
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row := rows[0], rows[1], rows[2]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		rows[0], rows[1], rows[2] = last, row, before
	}
	return rows[1][len(b)]
}
