package cli

import (
	"strings"
	"testing"
)

// TestWordsOfOtherSupervisorsLeadSomewhere: each stands for a command line that there is, and none hides one of ours.
func TestWordsOfOtherSupervisorsLeadSomewhere(t *testing.T) {
	for word, meant := range otherNames() {
		if found, more := find([]string{word}); found != nil || more {
			t.Errorf("%s is a command of our own", word)
		}
		_, err := parse(append(strings.Fields(meant), "--help"))
		if err != nil {
			t.Errorf("%s stands for %s: %v", word, meant, err)
		}
		_, err = parse([]string{word, "x"})
		if err == nil || err.Error() != "unknown command "+word+" (did you mean "+meant+"?)" || codeOf(err) != ExitUsage {
			t.Errorf("%s: %v", word, err)
		}
	}
}
