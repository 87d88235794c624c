package config

import (
	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/spelling"
)

// checkMain looks at the process that the daemon's exit code is taken from.
func (l *loader) checkMain(specs []core.Spec) {
	const key = "exit_code_from"
	name := l.settings.ExitCodeFrom
	if name == "" {
		return
	}
	names := make([]string, len(specs))
	for i, s := range specs {
		names[i] = s.Name
		if s.Name != name {
			continue
		}
		switch {
		case s.Care.Restart == core.Always:
			l.warnings = append(l.warnings, l.daemonPlace(key, "%s: %s is always restarted, so the daemon ends with it only when it is given up", key, clip(name)))
		case !s.Care.Autostart:
			l.warnings = append(l.warnings, l.daemonPlace(key, "%s: %s is not started by itself", key, clip(name)))
		}
		return
	}
	hint := ""
	if near := spelling.Nearest(name, names); near != "" {
		hint = " (did you mean " + near + "?)"
	}
	l.problems = append(l.problems, l.daemonPlace(key, "%s: there is no process %s%s", key, quote(name), hint))
}
