package config

import (
	"strings"
	"testing"

	"github.com/qjpcpu/supervisord/core"
)

// TestExitCodeFromNamesAProcess: one that is there, and that is only restarted when its own key says so.
func TestExitCodeFromNamesAProcess(t *testing.T) {
	load := func(restart string) (Config, error) {
		return Load(write(t, "exit_code_from = 'web'\n[[process]]\nname = 'web'\ncommand = '/bin/sh'\n"+restart+"[[process]]\nname = 'other'\ncommand = '/bin/sh'\n"), Overrides{Environ: environ})
	}
	for text, want := range map[string]core.RestartPolicy{"": core.Never, "restart = 'on-failure'\n": core.OnFailure, "restart = 'always'\n": core.Always} {
		c, err := load(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Specs[0].Care.Restart; got != want || c.Specs[1].Care.Restart != core.OnFailure {
			t.Errorf("%q: restart is %v, the other's %v", text, got, c.Specs[1].Care.Restart)
		}
		warned := strings.Contains(Problems(c.Warnings).Error(), "supervisord.conf:1:1: exit_code_from: web is always restarted")
		if warned != (want == core.Always) {
			t.Errorf("%q: warnings %v", text, c.Warnings)
		}
	}
	if c, err := load("autostart = false\n"); err != nil || !strings.Contains(Problems(c.Warnings).Error(), "web is not started by itself") {
		t.Errorf("%v %v", c.Warnings, err)
	}
	_, err := Load(write(t, "exit_code_from = 'wbe'\n[[process]]\nname = 'web'\ncommand = '/bin/sh'\n"), Overrides{Environ: environ})
	if err == nil || !strings.Contains(err.Error(), `supervisord.conf:1:1: exit_code_from: there is no process "wbe" (did you mean web?)`) {
		t.Errorf("%v", err)
	}
	process := &ProcessArgs{Name: "web", Command: shell}
	if c, err := Load("", Overrides{Environ: environ, Process: process, Flags: []KV{{"exit_code_from", "web"}}}); err != nil || c.Specs[0].Care.Restart != core.Never {
		t.Errorf("by flags: %v", err)
	}
}
