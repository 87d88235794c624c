package lisp

// Nearest gives the candidate that looks most like name, for "did you mean"; "" when none is near enough. About a third
// of the letters may be wrong; of equals the first wins.
func Nearest(name string, candidates []string) string {
	best, least := "", (len(name)+2)/3+1
	if len(name) < 2 {
		return ""
	}
	for _, c := range candidates {
		if c == name {
			continue
		}
		if d := distance(name, c, least); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance counts the edits (insert, delete, replace, swap neighbours) between a and b; it gives up at limit.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit || len(a) > 200 || len(b) > 200 {
		return limit
	}
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			cur[j] = d
			least = min(least, d)
		}
		if least >= limit {
			return limit
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
