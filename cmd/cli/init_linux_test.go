package cli_test

import (
	"bytes"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestNothingIsWorkedOutBeforeACommandBegins: every command pays for what packages do when they are initialised, used or not.
// The runtime says what each of them allocates; a pattern that is compiled, or a table that is built, is much more than this.
func TestNothingIsWorkedOutBeforeACommandBegins(t *testing.T) {
	const most = 8 << 10
	program, err := exec.LookPath("supervisord")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "version")
	command.Env = append(command.Environ(), "GODEBUG=inittrace=1")
	var trace bytes.Buffer
	command.Stderr = &trace
	if err := command.Run(); err != nil {
		t.Fatalf("%v\n%s", err, trace.String())
	}
	const ours = "github.com/qjpcpu/supervisord/"
	seen := 0
	for _, line := range regexp.MustCompile(`(?m)^init (\S+) @.* (\d+) bytes, \d+ allocs$`).FindAllStringSubmatch(trace.String(), -1) {
		name, is := strings.CutPrefix(line[1], ours)
		if !is || strings.HasPrefix(name, "cmd/cli") { // these tests have tables of their own in there
			continue
		}
		seen++
		if bytes, _ := strconv.Atoi(line[2]); bytes > most {
			t.Errorf("%s allocates %d bytes before main, want at most %d", name, bytes, most)
		}
	}
	if seen < 5 {
		t.Errorf("the runtime told of %d packages only:\n%s", seen, trace.String())
	}
}
