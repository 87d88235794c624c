package config

import (
	"os"

	"github.com/qjpcpu/supervisord/core"
	"github.com/qjpcpu/supervisord/core/logs"
)

// overwritten refuses outputs and pid files that would destroy what the process or the daemon lives on.
func (b *builder) overwritten(spec *core.Spec, envFile string, src source) {
	precious := func(path string) string {
		switch {
		case path == "":
		case same(path, b.config):
			return "is the configuration"
		case same(path, envFile):
			return "is its env_file"
		case same(path, spec.Launch.Command):
			return "is its program"
		}
		return ""
	}
	written := map[string]string{}
	for _, out := range []struct {
		key   string
		files []string
	}{{"stdout", spec.Output.Stdout}, {"stderr", spec.Output.Stderr}} {
		for _, file := range out.files {
			if why := precious(file); why != "" {
				b.bad(src, out.key, "", "%s: %s %s", src.label(out.key), file, why)
			}
			written[folded(file)] = out.key
		}
	}
	file := spec.Launch.PIDFile
	if file == "" {
		return
	}
	why, stands := precious(file), false
	switch info, err := os.Lstat(file); {
	case why != "":
	case written[folded(file)] != "":
		why = "is its " + written[folded(file)]
	case stream(file):
		why = "is no regular file"
	case same(file, b.log):
		why = "is the daemon's own log"
	case err == nil && info.IsDir():
		why, stands = "is a directory", true
	case err == nil && !info.Mode().IsRegular() && info.Mode()&os.ModeSymlink == 0:
		why, stands = "is no regular file", true
	}
	switch {
	case why == "":
	case stands && logs.OthersMayWrite(parent(file)): // see outputs
		b.warn(src, "pid_file", "", "%s: %s: %s %s", b.called(spec), src.label("pid_file"), file, why)
	default:
		b.bad(src, "pid_file", "", "%s: %s %s", src.label("pid_file"), file, why)
	}
}

// same reports whether two paths, both clean, are names of one file for the system, links aside.
func same(a, b string) bool { return folded(a) == folded(b) }

// untrusted says who else could write the variables of a process that root starts. One that runs as root is as strict about it
// as the configuration itself; one of another user may take them from a file of its own group.
func untrusted(path, user string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return writable(info, user == "" || user == "root" || user == "0")
}
