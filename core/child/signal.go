package child

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseSignal turns a name as people write it ("TERM", "SIGTERM", "term", "15") into its number on this system. The error of
// an unknown one suggests the nearest.
func ParseSignal(name string) (int, error) {
	upper := strings.ToUpper(strings.TrimSpace(name))
	if n, err := strconv.Atoi(upper); err == nil {
		if _, known := signalOf(n); !known {
			return 0, fmt.Errorf("unknown signal %d", n)
		}
		return n, nil
	}
	short := strings.TrimPrefix(upper, "SIG")
	for _, s := range signals {
		if s.name == short {
			return s.number, nil
		}
	}
	best, distance := "", 3
	for _, s := range signals {
		if d := editDistance(short, s.name); d < distance {
			best, distance = s.name, d
		}
	}
	if best != "" {
		return 0, fmt.Errorf("unknown signal %q (did you mean %s?)", name, best)
	}
	return 0, fmt.Errorf("unknown signal %q, want %s", name, signalWords)
}

// SignalName is the name without SIG: "TERM"; the number in digits for one that has none.
func SignalName(number int) string {
	if s, known := signalOf(number); known {
		return s.name
	}
	return strconv.Itoa(number)
}

// namedSignal is one row of the system's table of signals, in signal_*.go.
type namedSignal struct {
	name   string
	number int
}

func signalOf(number int) (namedSignal, bool) {
	for _, s := range signals {
		if s.number == number {
			return s, true
		}
	}
	return namedSignal{}, false
}

// editDistance counts the letters to add, take away, change or swap with their neighbour between two names.
func editDistance(a, b string) int {
	// d[i][j] is that of the first i letters of a and the first j of b.
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
			change := d[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			d[i][j] = min(change, d[i-1][j]+1, d[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
