package config

import "strings"

// nearest is the candidate that takes the fewest typing mistakes to become name, if those are few for its length; else "".
// Dashes count as underscores.
func nearest(name string, candidates []string) string {
	const longest = 64 // a word longer than this is no typing mistake
	if len(name) > longest {
		return ""
	}
	fold := strings.NewReplacer("-", "_")
	name = fold.Replace(strings.ToLower(name))
	best, bestDist := "", 1+max(1, len(name)/3)
	for _, c := range candidates {
		if d := mistakes(name, fold.Replace(strings.ToLower(c))); d < bestDist {
			best, bestDist = c, d
		}
	}
	return best
}

// mistakes counts the letters to insert, delete, replace or swap with a neighbour.
func mistakes(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
