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
	return 0, fmt.Errorf("unknown signal %q, want a name like TERM, HUP or INT", name)
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

// editDistance counts the letters to insert, delete or replace.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
