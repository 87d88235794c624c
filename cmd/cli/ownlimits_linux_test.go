package cli

import (
	"strings"
	"testing"
)

// TestLimitsOfTheDaemonItself: what it cannot live with is an error, what may end it later a warning, and what is enough is neither.
func TestLimitsOfTheDaemonItself(t *testing.T) {
	const none = unlimitedHere
	for _, c := range []struct {
		what     string
		limits   limitsOfOurs
		err      string
		warnings []string
	}{
		{"no limits", limitsOfOurs{none, none, none, 5000}, "", nil},
		{"just enough", limitsOfOurs{leastSpace, leastData, 25, 15}, "", nil},
		{"no threads", limitsOfOurs{none, none, 24, 15}, "cannot start: this user may have 24 processes and threads (ulimit -u) and has 15 besides this one; the daemon alone needs 10", nil},
		{"none at all", limitsOfOurs{none, none, 0, 0}, "may have 0 processes", nil},
		{"little space", limitsOfOurs{1 << 30, none, none, 0}, "", []string{"the daemon's address space is limited to 1024 MiB (ulimit -v)"}},
		{"little of both", limitsOfOurs{leastSpace - 1, 100 << 20, none, 0}, "", []string{"limited to 2047 MiB", "the daemon's data is limited to 100 MiB (ulimit -d)"}},
	} {
		warnings, err := c.limits.judge()
		if (err != nil) != (c.err != "") || err != nil && !strings.HasPrefix(err.Error(), c.err) && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", c.what, err, c.err)
		}
		if len(warnings) != len(c.warnings) {
			t.Errorf("%s: %q, want %q", c.what, warnings, c.warnings)
			continue
		}
		for i, want := range c.warnings {
			if !strings.Contains(warnings[i], want) || strings.Contains(warnings[i], "\n") {
				t.Errorf("%s: %q, want %q", c.what, warnings[i], want)
			}
		}
	}
}
