package cli_test

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// TestTheManualPageIsReadable: man finds no fault in it, and every command and option stands in what it shows.
func TestTheManualPageIsReadable(t *testing.T) {
	man := realProgram(t, "man")
	program, err := exec.LookPath("supervisord")
	if err != nil {
		t.Fatal(err)
	}
	page, err := exec.Command(program, "help", "--man").Output()
	if err != nil {
		t.Fatal(err)
	}
	var out, warnings bytes.Buffer
	show := exec.Command(man, "--warnings=all", "-l", "-")
	show.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir(), "MANWIDTH=120", "MANPAGER=cat", "LC_ALL=C.UTF-8", "MAN_KEEP_FORMATTING="}
	show.Stdin, show.Stdout, show.Stderr = bytes.NewReader(page), &out, &warnings
	if err := show.Run(); err != nil || warnings.Len() > 0 {
		t.Fatalf("%v\n%s", err, warnings.String())
	}
	for _, want := range []string{
		"supervisord service omit-exit-code [NAME...]", "-f, --follow", "--server ADDRESS", "stop_wait_secs", "(restart NAME...)", "supervisord service restart web",
		"8 conflict", "SUPERVISORD_TOKEN", `zsh   supervisord completion zsh > "${fpath[1]}/_supervisord"`, "*1 and *2", "FILE|- [ARGS...]",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in the page", want)
		}
	}
	if strings.Contains(out.String(), "__complete") {
		t.Error("the page tells of what only shells ask")
	}
}
