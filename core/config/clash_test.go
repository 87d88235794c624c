package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestNothingIsConfiguredToBeOverwritten(t *testing.T) {
	const head = "[[process]]\nname='a'\ncommand='/bin/sh'\n"
	for text, want := range map[string]string{
		head + "stdout=['supervisord.conf']\n":                    "4:1: stdout: DIR/supervisord.conf is the configuration",
		head + "pid_file='supervisord.conf'\n":                    "4:1: pid_file: DIR/supervisord.conf is the configuration",
		head + "pid_file='/bin/sh'\n":                             "4:1: pid_file: " + at(shell) + " is its program",
		head + "pid_file='" + directory + "'\n":                   "4:1: pid_file: " + directory + " is a directory",
		head + "pid_file='a.log'\nstdout=['a.log']\n":             "4:1: pid_file: DIR/a.log is its stdout",
		"log='d.log'\n" + head + "pid_file='d.log'\n":             "5:1: pid_file: DIR/d.log is the daemon's own log",
		head + "env_file='supervisord.conf'\nstderr=['/bin/sh']":  "5:1: stderr: " + at(shell) + " is its program",
		head + "stdout=['out/']\n":                                "4:1: stdout: item 1 names a directory",
		"log='supervisord.conf'\n":                                "1:1: log: DIR/supervisord.conf is the configuration itself",
		"admin_sock='" + directory + "'\n":                        "1:1: admin_sock: " + directory + " exists and is no socket",
		"admin_sock='supervisord.conf'\n":                         "1:1: admin_sock: DIR/supervisord.conf is the configuration itself",
		"state_dir='supervisord.conf'\n":                          "1:1: state_dir: DIR/supervisord.conf is the configuration itself",
		"state_dir='/bin/sh'\n":                                   "1:1: state_dir: " + at(shell) + " is no directory",
		head + "std_log_size='99999999G'\n":                       "4:1: std_log_size: is out of range, want at most 1024T",
		head + "std_log_size=1125899906842625\n":                  "4:1: std_log_size: is out of range, want at most 1024T",
		head + "args=['${PORT:-${HOME}}']\n":                      "4:1: args: item 1: the default of ${PORT} holds another ${: defaults are literal",
		head + "stop_signal=99\n":                                 "4:1: stop_signal: unknown signal 99",
		head + "stop_signal=15\nstd_log_size=1125899906842624\n":  "",
		head + "pid_file='a.pid'\nargs=['${NO:-$x}', '$${a:-${']": "4:1",
	} {
		path := write(t, text)
		_, err := Load(path, Overrides{Cwd: root(), Environ: environ})
		got := ""
		if err != nil {
			got = strings.ReplaceAll(strings.Join(lines(err), "\n"), filepath.Dir(path)+string(filepath.Separator), "DIR/")
		}
		if want == "4:1" { // some problem, at this place or behind it
			if !strings.HasPrefix(got, "5:1: args: item 2: ") {
				t.Errorf("%s\ngot %q", text, got)
			}
			continue
		}
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s\ngot %q, want %q", text, got, want)
		}
	}
}
