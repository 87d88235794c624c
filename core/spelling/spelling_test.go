package spelling

import (
	"strings"
	"testing"
)

func TestASlipOfTheFingerIsForgiven(t *testing.T) {
	names := []string{"web", "worker", "db", "web-1", "stop_wait_secs"}
	for typed, want := range map[string]string{
		"wbe": "web", "WEB": "web", "wroker": "worker", "worke": "worker", "web-2": "web-1", "d": "db",
		"web_1": "web-1", "stop-wait-secs": "stop_wait_secs", "stop_wiat_sec": "stop_wait_secs",
		"zzz": "", "": "", "restart_delay": "", strings.Repeat("web", longest): "",
	} {
		if got := Nearest(typed, names); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
	if got := Nearest("ab", []string{"ax", "ay"}); got != "ax" {
		t.Errorf("of equals: %q, want the first", got)
	}
}

func TestMistakesAreCounted(t *testing.T) {
	for _, one := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"abc", "", 3}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "axc", 1}, {"abc", "abxc", 1}, {"abc", "ac", 1},
		{"abc", "acb", 1}, {"abcd", "badc", 2}, {"kitten", "sitting", 3},
	} {
		if got := mistakes(one.a, one.b); got != one.want {
			t.Errorf("%q %q: %d, want %d", one.a, one.b, got, one.want)
		}
	}
}
