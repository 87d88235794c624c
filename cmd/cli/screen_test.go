package cli

import "testing"

// TestALineTooWideForTheScreenIsCutWithAMark: colours take no room and do not go on behind the mark; what fits is left as it is.
func TestALineTooWideForTheScreenIsCutWithAMark(t *testing.T) {
	for _, tc := range []struct {
		line, want string
		width      int
	}{
		{"web  running", "web  running", 12},
		{"web  running", "web  runni…", 11},
		{"web  " + green + "running" + plainC, "web  " + green + "running" + plainC, 12},
		{"web  " + green + "running" + plainC + "  next try in 42s", "web  " + green + "running" + plainC + "  next t…" + plainC, 21},
		{green + "running" + plainC, green + "run…" + plainC, 4},
		{"äöü…", "äöü…", 4},
		{"äöüß€", "äöü…", 4},
		{"", "", 4},
		{"web", "…", 1},
		{"web", "web", 0},
	} {
		if got := cutAt(tc.line, tc.width); got != tc.want {
			t.Errorf("%q at %d: %q", tc.line, tc.width, got)
		}
	}
}
