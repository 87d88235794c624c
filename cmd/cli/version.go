package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version and commit are stamped by build.sh; a build without it shows what the toolchain recorded.
var version, commit string

// buildVersion is the version of this program and the commit it was built from.
func buildVersion() (string, string) {
	v, c := version, commit
	if info, ok := debug.ReadBuildInfo(); ok {
		if v == "" && info.Main.Version != "" {
			v = info.Main.Version
		}
		for _, setting := range info.Settings {
			if c == "" && setting.Key == "vcs.revision" {
				c = setting.Value[:min(len(setting.Value), 12)]
			}
		}
	}
	if v == "" {
		v = "(devel)"
	}
	if c == "" {
		c = "unknown"
	}
	return v, c
}

func (s *session) version(*call) error {
	v, c := buildVersion()
	_, err := fmt.Fprintf(s.stdio.Out, "supervisord %s (commit %s, %s, %s/%s)\n", v, c, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
