package child

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/qjpcpu/supervisord/core/spelling"
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
	names := make([]string, len(signals))
	for i, s := range signals {
		names[i] = s.name
	}
	if near := spelling.Nearest(short, names); near != "" {
		return 0, fmt.Errorf("unknown signal %q (did you mean %s?)", name, near)
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
